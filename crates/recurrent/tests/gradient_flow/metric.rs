//! The gradient decay metric during training.

use std::sync::Arc;

use burn::data::dataloader::Progress;
use burn::module::Module;
use burn::optim::AdamConfig;
use burn::tensor::{Device, Distribution, ExecutionError, Tensor};
use burn::train::logger::{FileMetricLogger, MetricLogger};
use burn::train::metric::store::Split;
use burn::train::metric::{Adaptor, ItemLazy, LossInput, LossMetric, Metric, MetricMetadata, Numeric, NumericEntry};
use burn::train::{InferenceStep, Learner, SupervisedTraining, TrainOutput, TrainStep};
use recurrent::fit::{BatchSource, Callbacks, Loader, Order};
use recurrent::gradient_flow::{GradientDecayMetric, GradientProbe, GradientTrace};
use recurrent::models::{AnyRecurrent, AnyRecurrentConfig, CellKind};

/// A network that learns to output zero at the last step, with probed training steps.
#[derive(Module, Debug)]
struct ProbedNetwork {
    layers: AnyRecurrent,
}

/// A loss `[1]` and the trace of its gradients.
#[derive(Debug, Clone)]
struct ProbedLoss {
    loss: Tensor<1>,
    trace: GradientTrace,
}

impl TrainStep for ProbedNetwork {
    type Input = Tensor<3>;
    type Output = ProbedLoss;

    fn step(&self, x: Tensor<3>) -> TrainOutput<ProbedLoss> {
        let time = x.dims()[1];
        let probed = self.layers.probe(x);
        let loss = probed.output.clone().narrow(1, time - 1, 1).powi_scalar(2).mean();
        let gradients = loss.backward();
        let trace = probed.trace(&gradients);
        TrainOutput::new(self, gradients, ProbedLoss { loss, trace })
    }
}

/// Validation has no gradients.
impl InferenceStep for ProbedNetwork {
    type Input = Tensor<3>;
    type Output = ();

    fn step(&self, _: Tensor<3>) {}
}

/// Rows of 20 steps: sine and cosine of one frequency per row.
#[derive(Clone)]
struct Sines;

impl BatchSource for Sines {
    type Batch = Tensor<3>;

    const UNIT: &'static str = "rows";

    fn len(&self) -> usize {
        24
    }

    fn gather(&self, indices: &[usize], device: &Device) -> Tensor<3> {
        let row = |row: &usize| {
            let frequency = 0.1 * *row as f32;
            let steps = Tensor::<1>::from_floats(std::array::from_fn::<f32, 20, _>(|step| step as f32), device);
            Tensor::<1>::stack::<2>(vec![(steps.clone() * frequency).sin(), (steps * frequency).cos()], 1)
        };
        Tensor::stack(indices.iter().map(row).collect(), 0)
    }
}

impl Adaptor<LossInput> for ProbedLoss {
    fn adapt(&self) -> LossInput {
        LossInput::new(self.loss.clone())
    }
}

impl Adaptor<GradientTrace> for ProbedLoss {
    fn adapt(&self) -> GradientTrace {
        self.trace.clone()
    }
}

impl ItemLazy for ProbedLoss {
    fn sync(self) -> Result<Self, ExecutionError> {
        Ok(Self { loss: self.loss.without_autodiff(), ..self })
    }
}

fn metadata() -> MetricMetadata {
    MetricMetadata { progress: Progress::new(1, 1, None), iteration: Some(1), lr: None }
}

#[test]
fn metric_of_a_training_step_is_the_decay_of_its_gradients() {
    let device = Device::flex().autodiff();
    device.seed(5);
    let layers = AnyRecurrentConfig::new(CellKind::Rnn, 2, 6).with_num_layers(2).init(&device);
    let x = Tensor::<3>::random([4, 20, 2], Distribution::Normal(0.0, 1.0), &device);

    let TrainOutput { grads, item } = TrainStep::step(&ProbedNetwork { layers: layers.clone() }, x);

    let AnyRecurrent::Rnn(rnn) = layers else { unreachable!("an RNN was asked for") };
    assert!(grads.get::<2>(rnn.layers[0].forward.gates.w_hh.id).is_some(), "the parameters have gradients too");
    let item = item.sync().expect("a loss");
    for index in 0..2 {
        let mut metric = GradientDecayMetric::new(index);
        metric.update(&item.adapt(), &metadata()).expect("a number");
        let value = metric.value().expect("a value").current();
        assert_eq!(Some(value), item.trace.decay(index));
        assert!(value < 0.0);
    }
}

#[test]
fn learner_logs_the_decay_of_every_batch() {
    let device = Device::flex();
    let autodiff = device.clone().autodiff();
    autodiff.seed(5);
    let layers = AnyRecurrentConfig::new(CellKind::Rnn, 2, 6).with_num_layers(2).init(&autodiff);
    let model = ProbedNetwork { layers };
    let loader = |device| Arc::new(Loader::new(Sines, 8, Order::Sequential, device));
    let folder = tempfile::tempdir().expect("a folder");

    // The first batch sees the initial weights.
    let first = TrainStep::step(&model, Sines.gather(&(0..8).collect::<Vec<_>>(), &autodiff)).item.trace;
    let result = SupervisedTraining::<ProbedNetwork>::new(folder.path(), loader(&autodiff), loader(&device))
        .with_application_logger(None)
        .renderer(Callbacks::quiet().renderer)
        .metric_train_numeric(LossMetric::new())
        .metric_train_numeric(GradientDecayMetric::new(0))
        .metric_train_numeric(GradientDecayMetric::new(1))
        .num_epochs(2)
        .launch(Learner::new(model, AdamConfig::new().init(), 0.01));

    assert!(result.error.is_none());
    let mut logged = FileMetricLogger::new(folder.path());
    for index in 0..2 {
        let name = GradientDecayMetric::new(index).name();
        let mut values = |epoch| -> Vec<f64> {
            let entries = logged.read_numeric(&name, epoch, &Split::Train).expect("numbers");
            entries.iter().map(NumericEntry::current).collect()
        };
        let [first_epoch, second_epoch] = [values(1), values(2)];
        // One value per batch, then the mean of the epoch.
        assert_eq!([first_epoch.len(), second_epoch.len()], [4, 4], "{name}");
        let mean = first_epoch[..3].iter().sum::<f64>() / 3.0;
        assert!((first_epoch[3] - mean).abs() < 1e-6, "{first_epoch:?}");
        let decay = first.decay(index).expect("a gradient");
        assert!((first_epoch[0] - decay).abs() < 1e-6, "{} is not {decay}", first_epoch[0]);
        assert_ne!(first_epoch[..3], second_epoch[..3], "the layers are trained");
    }
}

#[test]
fn epoch_value_is_the_mean_of_batches_with_a_gradient() {
    let mut metric = GradientDecayMetric::new(0);
    for norms in [vec![0.25, 0.5, 1.0], vec![0.0, 0.0, 0.0], vec![1.0, 1.0, 1.0]] {
        let trace = GradientTrace { norms: vec![norms], directions: 1 };
        metric.update(&trace, &metadata()).expect("a number");
    }
    let mean = metric.running_value().expect("a mean").current();
    assert!((mean + f64::ln(2.0) / 2.0).abs() < 1e-12, "{mean}");
    metric.clear();
    assert!(metric.value().expect("a value").current().is_nan());
    assert_eq!(metric.name().as_str(), "Gradient Decay 0");
}
