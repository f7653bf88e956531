//! A new task against the public interface: predicting the last value of a sequence.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use burn::tensor::{Device, Tensor};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use recurrent::fit::{Callbacks, FitConfig, Loaders, Loss, Objective, epochs_done};
use recurrent::models::CellKind;
use recurrent::models::networks::{ForecastNetwork, ForecastNetworkConfig};
use recurrent::prelude::*;
use recurrent::settings::{Bound, Settings};
use recurrent::{Result, RunDir, TrainedRun};

recurrent::settings! {
    /// The settings of copying.
    pub struct CopyConfig {
        /// Random sequences.
        data: String = "random".into();
        /// Hidden units.
        hidden_size: usize = 16, bound = Bound::AtLeast(1);
    }
    task: "copy",
    check: |_| Ok(()),
    fit: FitConfig { epochs: 10, lr: 1e-2, ..FitConfig::default() },
}

type Sequence = [f32; 6];

fn random_sequences(count: usize, seed: u64) -> Arc<[Sequence]> {
    StdRng::seed_from_u64(seed).random_iter().take(count).collect()
}

fn network(config: &CopyConfig, device: &Device) -> ForecastNetwork {
    ForecastNetworkConfig::new(1, vec![config.hidden_size], 1, 1).with_cell(CellKind::Gru).init(device)
}

/// The predicted last value of each sequence, `[batch]`.
fn predict(network: &ForecastNetwork, sequences: &[Sequence]) -> Tensor<1> {
    let values = Tensor::<1>::from_data(sequences.as_flattened(), &network.dense.weight.device());
    network.forward(values.reshape([sequences.len(), 6, 1])).reshape([-1])
}

#[derive(Debug, Clone)]
struct MeanSquaredError;

impl Objective<ForecastNetwork> for MeanSquaredError {
    type Batch = Vec<Sequence>;

    fn loss(&self, network: &ForecastNetwork, sequences: Vec<Sequence>, _training: bool) -> Loss {
        let outputs = predict(network, &sequences);
        let last: Vec<f32> = sequences.iter().map(|sequence| sequence[5]).collect();
        let errors = outputs.clone() - Tensor::from_data(&*last, &outputs.device());
        Loss { mean: errors.square().mean(), items: last.len() }
    }
}

struct Copying;

impl Task for Copying {
    type Config = CopyConfig;
    type Source = ();
    type Data = [Arc<[Sequence]>; 3];
    type Network = ForecastNetwork;
    type Objective = MeanSquaredError;
    type Evaluation = f32;
    type Predictor = Copier;

    fn prepare(_config: &CopyConfig, _source: &(), _fitted: FittedParts<'_>) -> Result<Self::Data> {
        Ok([random_sequences(512, 0), random_sequences(64, 1), random_sequences(64, 2)])
    }

    fn items([train, ..]: &Self::Data) -> usize {
        train.len()
    }

    fn network(config: &CopyConfig, _data: &Self::Data, device: &Device) -> ForecastNetwork {
        network(config, device)
    }

    fn objective(_config: &CopyConfig, _data: &Self::Data) -> MeanSquaredError {
        MeanSquaredError
    }

    fn loaders(config: &CopyConfig, [train, valid, _]: &Self::Data, device: &Device) -> Loaders<Vec<Sequence>> {
        Loaders::shuffled((train.clone(), valid.clone()), [config.fit.batch_size, 64], device)
    }

    fn evaluate(run: TrainedRun<Self>, _device: &Device) -> Result<f32> {
        Ok(MeanSquaredError.loss(&run.network, run.data[2].to_vec(), false).mean.into_scalar())
    }
}

struct Copier(CopyConfig, ForecastNetwork);

impl Predictor for Copier {
    type Config = CopyConfig;
    type Input = Sequence;
    type Output = f32;

    fn load(folder: impl AsRef<Path>, device: &Device) -> Result<Self> {
        let run_dir = RunDir::open(folder)?;
        let config = run_dir.config()?;
        let mut network = network(&config, device);
        run_dir.read_weights(&mut network)?;
        Ok(Self(config, network))
    }

    fn predict(&self, sequences: &[&Sequence]) -> Result<Vec<f32>> {
        let sequences: Vec<Sequence> = sequences.iter().copied().copied().collect();
        Ok(predict(&self.1, &sequences).into_data().iter::<f32>().collect())
    }

    fn config(&self) -> &CopyConfig {
        &self.0
    }
}

#[test]
fn new_task_is_trained_killed_resumed_evaluated_and_predicts() {
    let device = Device::flex();
    let create = |folder| Run::<Copying>::create(CopyConfig::defaults(), (), folder, false).expect("a run");
    if let Some(folder) = std::env::var_os("NEW_TASK_FOLDER") {
        let after_epoch = Box::new(|_: &_| std::thread::sleep(Duration::from_secs(1)));
        let slow = Callbacks { after_epoch, ..Callbacks::quiet() };
        create(Path::new(&folder)).fit(&device, slow).expect("training");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let [whole, killed] = ["whole", "killed"].map(|name| folder.path().join(name));
    let this = std::env::current_exe().expect("this test");
    let mut child = Command::new(this).env("NEW_TASK_FOLDER", &killed).spawn().expect("a child process");
    while !killed.join("checkpoints/epoch-000001").exists() {
        assert!(child.try_wait().expect("its status").is_none(), "the child process ended early");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().and_then(|()| child.wait()).expect("it is killed");
    let resumed = Run::<Copying>::open(&killed).expect("a run");
    assert!(epochs_done(resumed.run_dir()).expect("a checkpoint") < 10);
    let [(history, _), _] =
        [&resumed, &create(&whole)].map(|run| run.fit(&device, Callbacks::quiet()).expect("training"));
    assert_eq!(history.epochs.len(), 10);
    let [whole, killed] = [whole, killed].map(|folder| std::fs::read(folder.join("weights.safetensors")));
    assert!(whole.expect("weights") == killed.expect("weights"), "the weights of the resumed run differ");
    assert!(resumed.evaluate(&device).expect("an evaluation") < 0.01);
    let copied = resumed.predictor(&device).and_then(|copier| copier.predict(&[&[0.1, 0.5, 0.3, 0.8, 0.2, 0.7]]));
    assert!((copied.expect("a prediction")[0] - 0.7).abs() < 0.2);
}
