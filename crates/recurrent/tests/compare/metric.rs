//! The decay of a gradient, shown in training.

use burn::data::dataloader::Progress;
use burn::module::Module;
use burn::tensor::{Device, Distribution, ExecutionError, Tensor};
use burn::train::metric::{Adaptor, ItemLazy, LossInput, Metric, MetricMetadata, Numeric};
use burn::train::{TrainOutput, TrainStep};
use recurrent::compare::metric::GradientDecayMetric;
use recurrent::compare::microscope::{GradientTrace, Probe};
use recurrent::models::{AnyRecurrent, AnyRecurrentConfig, CellKind};

/// A network that learns to end in zeros, under the microscope.
#[derive(Module, Debug)]
struct Watched {
    layers: AnyRecurrent,
}

/// A loss `[1]` with the gradients that it had.
#[derive(Debug, Clone)]
struct Seen {
    loss: Tensor<1>,
    trace: GradientTrace,
}

impl TrainStep for Watched {
    type Input = Tensor<3>;
    type Output = Seen;

    fn step(&self, x: Tensor<3>) -> TrainOutput<Seen> {
        let time = x.dims()[1];
        let probed = self.layers.probe(x);
        let loss = probed.output.clone().narrow(1, time - 1, 1).powi_scalar(2).mean();
        let gradients = loss.backward();
        let trace = probed.trace(&gradients);
        TrainOutput::new(self, gradients, Seen { loss, trace })
    }
}

impl Adaptor<LossInput> for Seen {
    fn adapt(&self) -> LossInput {
        LossInput::new(self.loss.clone())
    }
}

impl Adaptor<GradientTrace> for Seen {
    fn adapt(&self) -> GradientTrace {
        self.trace.clone()
    }
}

impl ItemLazy for Seen {
    fn sync(self) -> Result<Self, ExecutionError> {
        Ok(Self { loss: self.loss.without_autodiff(), ..self })
    }
}

fn metadata() -> MetricMetadata {
    MetricMetadata { progress: Progress::new(1, 1, None), iteration: Some(1), lr: None }
}

#[test]
fn a_training_step_shows_the_decay_of_its_own_gradients() {
    let device = Device::flex().autodiff();
    device.seed(5);
    let layers = AnyRecurrentConfig::new(CellKind::Rnn, 2, 6).with_num_layers(2).init(&device);
    let x = Tensor::<3>::random([4, 20, 2], Distribution::Normal(0.0, 1.0), &device);

    let TrainOutput { grads, item } = Watched { layers: layers.clone() }.step(x);

    let AnyRecurrent::Rnn(rnn) = layers else { unreachable!("an RNN was asked for") };
    assert!(grads.get::<2>(rnn.layers[0].forward.gates.w_hh.id).is_some(), "the layers learn all the same");
    let item = item.sync().expect("a loss");
    for row in 0..2 {
        let mut metric = GradientDecayMetric::new(row);
        metric.update(&item.adapt(), &metadata()).expect("a number");
        let shown = metric.value().expect("a value").current();
        assert_eq!(Some(shown), item.trace.decay(row));
        assert!(shown < 0.0);
    }
}

#[test]
fn an_epoch_shows_the_mean_of_its_batches_and_leaves_out_those_without_a_gradient() {
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
