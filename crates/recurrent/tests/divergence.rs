//! Training stops when the loss becomes NaN, and keeps the last good epoch.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::tensor::Device;
use recurrent::data::{ColumnSelection, ScalerKind, Table, Train, Valid, WindowBatch, WindowShape, Windows};
use recurrent::fit::{Callbacks, CurrentEpoch, FitConfig, Loader, Loaders, Loss, Objective, Order, fit};
use recurrent::models::networks::{ForecastNetwork, ForecastNetworkConfig};
use recurrent::{Error, RunDir};

/// Steps per epoch of the test's data.
const STEPS_PER_EPOCH: usize = 4;

/// An objective whose loss is NaN after `good` steps.
#[derive(Debug, Clone)]
struct DivergingObjective {
    steps: Arc<AtomicUsize>,
    good: usize,
}

impl Objective<ForecastNetwork> for DivergingObjective {
    type Batch = WindowBatch;

    fn loss(&self, network: &ForecastNetwork, batch: WindowBatch, training: bool) -> Loss {
        let items = batch.len();
        let mut mean = (network.forward(batch.past) - batch.targets).powi_scalar(2).mean();
        if training && self.steps.fetch_add(1, Ordering::SeqCst) >= self.good {
            mean = mean * f32::NAN;
        }
        Loss { mean, items }
    }
}

#[test]
fn training_stops_at_a_nan_loss_and_keeps_the_last_good_epoch() {
    let folder = tempfile::tempdir().expect("a folder");
    let run_dir = RunDir::create(folder.path().join("run"), &[("config.toml", String::new())], false).expect("a run");
    let device = Device::flex().autodiff();
    let network = ForecastNetworkConfig::new(1, vec![4], 1, 1).init(&device);
    let objective = DivergingObjective { steps: Arc::default(), good: 2 * STEPS_PER_EPOCH + 1 };
    let (train, valid) = windows();
    let epoch = CurrentEpoch::default();
    let batch_size = train.len().div_ceil(STEPS_PER_EPOCH);
    let loaders = Loaders {
        train: Arc::new(Loader::new(train, batch_size, Order::Shuffled(epoch.clone()), &device)),
        valid: Arc::new(Loader::new(valid, batch_size, Order::Sequential, &device)),
        steps_per_epoch: STEPS_PER_EPOCH,
        epoch,
        carried: None,
    };
    let config = FitConfig { epochs: 5, batch_size, ..FitConfig::default() };

    let error =
        fit(network, objective, loaders, &config, &run_dir, &device, Callbacks::quiet()).expect_err("the loss is NaN");

    assert!(matches!(error, Error::Diverged { split: "training", epoch: 3, .. }), "{error}");
    let exists = |name: &str| run_dir.path(name).exists();
    assert!(exists("weights.safetensors") && exists("checkpoints/epoch-000002/model.bpk"));
    assert!(!exists("checkpoints/epoch-000003"));
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
