//! A new task against the public interface: copying the last value of a sequence.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, TensorData};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use recurrent::fit::{Callbacks, FitConfig, Loaders, Loss, Objective, StopReason, epochs_done};
use recurrent::models::{Gru, GruConfig, Summarize, Summary, SummaryRow};
use recurrent::prelude::*;
use recurrent::settings::{Bound, Partial};
use recurrent::{Result, RunDir};

recurrent::settings! {
    /// The settings of copying.
    pub struct CopyConfig {
        /// The data: `random` values, drawn by the run's seed.
        data: String = "random".into();
        /// Hidden units.
        hidden_size: usize = 16, bound = Bound::AtLeast(1);
    }
    task: "copy",
    check: |_| Ok(()),
    fit: FitConfig { epochs: 10, batch_size: 16, lr: 1e-2, ..FitConfig::default() },
}

type Sequence = Vec<f32>;

/// Sequences of 1 to 8 values in [0, 1).
fn random_sequences(count: usize, seed: u64) -> Arc<[Sequence]> {
    let mut rng = StdRng::seed_from_u64(seed);
    (0..count).map(|_| (0..rng.random_range(1..=8)).map(|_| rng.random()).collect()).collect()
}

#[derive(Module, Debug)]
struct CopyNetwork {
    gru: Gru,
    linear: Linear,
}

impl CopyNetwork {
    fn new(config: &CopyConfig, device: &Device) -> Self {
        let linear = LinearConfig::new(config.hidden_size, 1).init(device);
        Self { gru: GruConfig::new(1, config.hidden_size).init(device), linear }
    }

    /// The predicted last value of each sequence, `[batch, 1]`.
    fn forward(&self, sequences: &[Sequence]) -> Tensor<2> {
        let lengths: Vec<usize> = sequences.iter().map(Vec::len).collect();
        let time = lengths.iter().copied().max().unwrap_or(1);
        let padded = sequences.iter().flat_map(|values| (0..time).map(|t| values.get(t).copied().unwrap_or(0.0)));
        let padded = TensorData::new(padded.collect(), [sequences.len(), time, 1]);
        let padded = Tensor::from_data(padded, &self.linear.weight.device());
        let (_outputs, state) = self.gru.forward(padded, None, Some(&lengths));
        self.linear.forward(state.hidden.squeeze_dim(0))
    }
}

impl Summarize for CopyNetwork {
    fn summary(&self, input: &[usize]) -> Summary {
        let rows = vec![SummaryRow::new("gru (GRU)", &[], &self.gru), SummaryRow::new("linear", &[1], &self.linear)];
        Summary { name: "Copy".into(), input: input.to_vec(), rows }
    }
}

#[derive(Debug, Clone)]
struct MeanSquaredError;

impl Objective<CopyNetwork> for MeanSquaredError {
    type Batch = Vec<Sequence>;

    fn loss(&self, network: &CopyNetwork, sequences: Vec<Sequence>, _training: bool) -> Loss {
        let outputs = network.forward(&sequences);
        let last = sequences.iter().map(|values| values[values.len() - 1]).collect();
        let last = Tensor::from_data(TensorData::new::<f32, _>(last, outputs.dims()), &outputs.device());
        Loss { mean: (outputs - last).powi_scalar(2).mean(), items: sequences.len() }
    }
}

struct Copying;

impl Task for Copying {
    const ITEMS: &'static str = "sequences";

    type Config = CopyConfig;
    type Source = u64;
    type Data = [Arc<[Sequence]>; 3];
    type Network = CopyNetwork;
    type Objective = MeanSquaredError;
    type Evaluation = f32;
    type Predictor = Copier;

    fn open(given: &Partial) -> Result<u64> {
        Ok(given.get("seed").unwrap_or(0))
    }

    fn prepare(_config: &CopyConfig, seed: u64, _run_dir: Option<&RunDir>) -> Result<Self::Data> {
        Ok([random_sequences(512, seed), random_sequences(64, seed + 1), random_sequences(64, seed + 2)])
    }

    fn items([train, ..]: &Self::Data) -> usize {
        train.len()
    }

    fn network(config: &CopyConfig, _data: &Self::Data, device: &Device) -> CopyNetwork {
        CopyNetwork::new(config, device)
    }

    fn input_shape(_config: &CopyConfig) -> Vec<usize> {
        vec![8, 1]
    }

    fn objective(_config: &CopyConfig, _data: &Self::Data) -> MeanSquaredError {
        MeanSquaredError
    }

    fn loaders(config: &CopyConfig, [train, valid, _]: &Self::Data, device: &Device) -> Loaders<Vec<Sequence>> {
        Loaders::shuffled((train.clone(), valid.clone()), [config.fit.batch_size, 64], device)
    }

    fn evaluate(run: &Run<Self>, network: CopyNetwork, _device: &Device) -> Result<f32> {
        let [.., test] = run.data();
        Ok(MeanSquaredError.loss(&network, test.to_vec(), false).mean.into_scalar())
    }
}

struct Copier(CopyConfig, CopyNetwork);

impl Predictor for Copier {
    type Config = CopyConfig;
    type Input = Sequence;
    type Output = f32;

    fn load(folder: impl AsRef<Path>, device: &Device) -> Result<Self> {
        let run_dir = RunDir::open(folder)?;
        let config: CopyConfig = run_dir.config()?;
        let mut network = CopyNetwork::new(&config, device);
        run_dir.read_weights(&mut network)?;
        Ok(Self(config, network))
    }

    fn predict(&self, sequences: &[&Sequence]) -> Result<Vec<f32>> {
        let sequences: Vec<Sequence> = sequences.iter().copied().cloned().collect();
        Ok(self.1.forward(&sequences).into_data().iter::<f32>().collect())
    }

    fn config(&self) -> &CopyConfig {
        &self.0
    }

    fn summary(&self) -> Summary {
        self.1.summary(&[8, 1])
    }
}

/// The folder in which a child process of the test trains.
const CHILD_FOLDER: &str = "RECURRENT_NEW_TASK_FOLDER";
const TEST: &str = "a_new_task_is_trained_killed_resumed_evaluated_and_predicts";

fn create(folder: &Path) -> Run<Copying> {
    let given = Partial::default();
    let source = Copying::open(&given).expect("a source");
    let config = given.apply(&Copying::default_config(&source, &given).expect("defaults")).expect("a configuration");
    Run::create(config, source, folder, false).expect("a run")
}

#[test]
fn a_new_task_is_trained_killed_resumed_evaluated_and_predicts() {
    let device = Device::flex();
    if let Some(folder) = std::env::var_os(CHILD_FOLDER) {
        // Slow, so that it is killed in the middle.
        let after_epoch = Box::new(|_: &_| std::thread::sleep(Duration::from_secs(1)));
        create(Path::new(&folder)).fit(&device, Callbacks { after_epoch, ..Callbacks::quiet() }).expect("training");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let [whole, killed] = ["whole", "killed"].map(|name| folder.path().join(name));

    let mut child = Command::new(std::env::current_exe().expect("this test"));
    let mut child = child.args([TEST, "--exact"]).env(CHILD_FOLDER, &killed).spawn().expect("a child process");
    while !killed.join("checkpoints/epoch-000001").exists() {
        assert!(child.try_wait().expect("its status").is_none(), "the child process ended early");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    let resumed = Run::<Copying>::open(&killed).expect("a run");
    assert!(epochs_done(resumed.run_dir()).expect("a checkpoint") < resumed.config().fit.epochs);

    let (history, reason) = resumed.fit(&device, Callbacks::quiet()).expect("training");
    create(&whole).fit(&device, Callbacks::quiet()).expect("training");
    assert_eq!((history.epochs.len(), reason), (10, StopReason::Finished));
    let weights = |folder: &Path| std::fs::read(folder.join("weights.safetensors")).expect("weights");
    assert!(weights(&killed) == weights(&whole), "the weights of the resumed run differ");

    let error = resumed.evaluate(&device).expect("an evaluation");
    assert!(error < 0.01, "mean squared error {error}");
    let copied = Copier::load(&killed, &device).expect("a predictor").predict(&[&vec![0.1, 0.7], &vec![0.9, 0.3, 0.2]]);
    let copied = copied.expect("predictions");
    assert!((copied[0] - 0.7).abs() < 0.2 && (copied[1] - 0.2).abs() < 0.2, "{copied:?}");
}
