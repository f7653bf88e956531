//! A loss that becomes NaN after a good epoch: training stops, and what was good is kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::module::Module;
use burn::tensor::Device;
use burn::train::{InferenceStep, TrainOutput, TrainStep};
use recurrent::data::{ColumnSelection, ScalerKind, Table, Train, Valid, WindowBatch, WindowShape, Windows};
use recurrent::fit::{Callbacks, EpochCounter, FitConfig, Loader, Loaders, Loss, Objective, Order, fit};
use recurrent::models::networks::{ForecastNetwork, ForecastNetworkConfig};
use recurrent::{Error, RunDir};

/// Steps in one epoch of the test's data.
const STEPS_AN_EPOCH: usize = 4;

/// A network whose loss is no number once it has made `good` steps.
#[derive(Module, Debug)]
struct Fragile {
    network: ForecastNetwork,
    #[module(skip)]
    steps: Arc<AtomicUsize>,
    #[module(skip)]
    good: usize,
}

impl Fragile {
    fn loss(&self, batch: WindowBatch) -> Loss {
        let items = batch.len();
        Loss { mean: (self.network.forward(batch.past) - batch.future).powi_scalar(2).mean(), items }
    }
}

impl TrainStep for Fragile {
    type Input = WindowBatch;
    type Output = Loss;

    fn step(&self, batch: WindowBatch) -> TrainOutput<Loss> {
        let mut loss = self.loss(batch);
        if self.steps.fetch_add(1, Ordering::SeqCst) >= self.good {
            loss.mean = loss.mean * f32::NAN;
        }
        TrainOutput::new(self, loss.mean.backward(), loss)
    }
}

impl InferenceStep for Fragile {
    type Input = WindowBatch;
    type Output = Loss;

    fn step(&self, batch: WindowBatch) -> Loss {
        self.loss(batch)
    }
}

impl Objective for Fragile {
    type Network = ForecastNetwork;

    fn network(&self) -> &ForecastNetwork {
        &self.network
    }
}

#[test]
fn a_loss_that_becomes_nan_stops_training_and_the_last_good_epoch_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let run_dir = RunDir::create(&folder.path().join("run"), &[("config.toml", String::new())], false).expect("a run");
    let device = Device::flex().autodiff();
    let network = ForecastNetworkConfig::new(1, vec![4], 1, 1).init(&device);
    let model = Fragile { network, steps: Arc::default(), good: 2 * STEPS_AN_EPOCH + 1 };
    let (train, valid) = windows();
    let epoch = EpochCounter::default();
    let batch = train.len().div_ceil(STEPS_AN_EPOCH);
    let loaders = Loaders {
        train: Arc::new(Loader::new(train, batch, Order::Shuffled(epoch.clone()), &device)),
        valid: Arc::new(Loader::new(valid, batch, Order::InTime, &device)),
        steps: STEPS_AN_EPOCH,
        epoch,
    };
    let config = FitConfig { epochs: 5, batch_size: batch, ..FitConfig::default() };

    let error = fit(model, loaders, &config, &run_dir, &device, Callbacks::quiet()).expect_err("the loss is NaN");

    assert!(matches!(error, Error::Diverged { split: "training", epoch: 3, .. }), "{error}");
    let kept = |name: &str| run_dir.path(name).exists();
    assert!(kept("weights.safetensors") && kept("checkpoints/epoch-000002/model.bpk"));
    assert!(!kept("checkpoints/epoch-000003"));
    assert_eq!(std::fs::read_to_string(run_dir.path("metrics.jsonl")).expect("metrics").lines().count(), 2);
}

fn windows() -> (Windows<Train>, Windows<Valid>) {
    let rows: String = (0..120).map(|row| format!("{}\n", f64::from(row).sin())).collect();
    let table = Table::from_bytes("sine", format!("y\n{rows}").as_bytes(), None).expect("a table");
    let series = table.series(&ColumnSelection::default()).expect("a series");
    let split = series.split(&Default::default()).expect("a split");
    let scaler = recurrent::data::Scaler::fit(&split.train, ScalerKind::Standard);
    let shape = WindowShape::new(5, 1, vec![0], vec![0]).expect("a shape");
    let train = Windows::new(&scaler.scale(&split.train).expect("scaled"), shape.clone()).expect("windows");
    let valid = Windows::new(&scaler.scale(&split.valid).expect("scaled"), shape).expect("windows");
    (train, valid)
}
