//! Probed layers: every cell, depth and direction.

use burn::tensor::{Device, Distribution, Tensor};
use recurrent::gradient_flow::{GradientProbe, GradientTrace, Trend, gradient_trace};
use recurrent::models::{AnyRecurrent, AnyRecurrentConfig, CellKind, LstmConfig, Recurrent};

const TIME: usize = 80;

fn device() -> Device {
    let device = Device::flex();
    device.seed(4);
    device
}

/// A loss of the last output.
fn last_step(output: Tensor<3>) -> Tensor<1> {
    let [_, time, _] = output.dims();
    output.narrow(1, time - 1, 1).sum()
}

/// The trace of layers that read noise.
fn trace_on_noise(layers: &impl GradientProbe) -> GradientTrace {
    let x = Tensor::random([8, TIME, 3], Distribution::Normal(0.0, 1.0), &device());
    gradient_trace(layers, x, last_step)
}

#[test]
fn larger_forget_bias_slows_the_decay() {
    let decays = [0.0, 1.0, 2.0].map(|bias| {
        let lstm = LstmConfig::new(3, 16).with_forget_bias(bias).init(&device());
        trace_on_noise(&lstm).decay(0).expect("a gradient")
    });
    assert!(decays[0] < decays[1] && decays[1] < decays[2] && decays[1] < 0.0, "{decays:?}");
}

#[test]
fn gradient_of_an_lstm_with_open_forget_gates_is_stable() {
    let lstm = LstmConfig::new(3, 16).with_forget_bias(5.0).init(&device());
    assert_eq!(trace_on_noise(&lstm).trend(0), Some(Trend::Stable));
}

/// Checks that the output is that of [`Recurrent::forward`], and that every step of every layer has a norm.
fn check_probe(layers: &AnyRecurrent, expected_len: usize) {
    let x = Tensor::<3>::random([3, 9, 3], Distribution::Normal(0.0, 1.0), &device());
    let (output, _) = layers.forward(x.clone(), None);
    let probed = layers.probe(x.clone());
    probed.output.into_data().assert_approx_eq::<f32>(&output.into_data(), Default::default());

    let trace = gradient_trace(layers, x, |output| output.sum());
    assert_eq!(trace.norms.len(), expected_len);
    for norms in &trace.norms {
        assert_eq!(norms.len(), 9);
        assert!(norms.iter().all(|norm| norm.is_finite() && *norm > 0.0), "{norms:?}");
    }
}

#[test]
fn every_cell_depth_and_direction_has_a_trace() {
    for device in [device(), device().autodiff()] {
        for cell in CellKind::ALL {
            for (layers, bidirectional, expected_len) in [(1, false, 1), (3, false, 3), (2, true, 4)] {
                let config = AnyRecurrentConfig::new(cell, 3, 4).with_num_layers(layers);
                check_probe(&config.with_bidirectional(bidirectional).init(&device), expected_len);
            }
        }
    }
}

#[test]
fn trace_does_not_change_the_layers() {
    let layers = AnyRecurrentConfig::new(CellKind::Gru, 3, 4).with_num_layers(2).with_dropout(0.5);
    let layers = layers.init(&device().autodiff());
    // Equal traces: dropout is not applied.
    assert_eq!(trace_on_noise(&layers), trace_on_noise(&layers));
    let AnyRecurrent::Gru(Recurrent { layers, .. }) = layers else { unreachable!("a GRU was asked for") };
    assert!(layers[0].forward.gates.w_hh.is_require_grad());
}

#[test]
#[should_panic(expected = "expected 3 input features, got 5")]
fn wrong_number_of_features_panics() {
    let layers = CellKind::Rnn.init(3, 4, &device());
    gradient_trace(&layers, Tensor::zeros([1, 2, 5], &device()), last_step);
}
