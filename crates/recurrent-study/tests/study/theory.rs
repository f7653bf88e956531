//! Gradient decay of layers with a given spectral radius against closed forms.

use burn::tensor::{Device, Distribution, Tensor};
use recurrent::gradient_flow::{GradientProbe, GradientTrace, Trend, gradient_trace};
use recurrent::models::{LstmConfig, Nonlinearity, RnnConfig};
use recurrent_study::spectral_radius::{RecurrentInit, with_recurrent_init};

use crate::random_numbers;

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

/// The trace of layers that read zeros and stay at zero, where tanh has the slope 1.
fn trace_at_rest(layers: &impl GradientProbe) -> GradientTrace {
    gradient_trace(layers, Tensor::zeros([2, TIME, 3], &device()), last_step)
}

/// The trace of layers that read noise.
fn trace_on_noise(layers: &impl GradientProbe) -> GradientTrace {
    let x = Tensor::random([8, TIME, 3], Distribution::Normal(0.0, 1.0), &device());
    gradient_trace(layers, x, last_step)
}

fn decay(trace: &GradientTrace) -> f64 {
    trace.decay(0).expect("a gradient")
}

#[test]
fn rnn_at_rest_decays_by_the_radius_of_orthogonal_weights() {
    let _held = random_numbers();
    for radius in [0.5, 0.9, 1.0, 1.1] {
        let rnn = RnnConfig::new(3, 8).init(&device());
        let rnn = with_recurrent_init(rnn, RecurrentInit::Orthogonal, radius);
        let found = decay(&trace_at_rest(&rnn));
        assert!((found - radius.ln()).abs() < 1e-5, "{radius}: {found}");
    }
}

#[test]
fn rnn_at_rest_decays_nearly_by_the_radius_of_gaussian_weights() {
    let _held = random_numbers();
    for radius in [0.8, 1.2] {
        let rnn = RnnConfig::new(3, 32).init(&device());
        let rnn = with_recurrent_init(rnn, RecurrentInit::Gaussian, radius);
        let found = decay(&trace_at_rest(&rnn));
        assert!((found - f64::ln(radius)).abs() < 0.03, "{radius}: {found}");
    }
}

#[test]
fn lstm_at_rest_decays_by_its_forget_gate() {
    let _held = random_numbers();
    for bias in [0.0, 1.0, 3.0] {
        let lstm = LstmConfig::new(3, 8).with_forget_bias(bias).init(&device());
        // Recurrent weights close to zero: the gradient flows through the cell state alone.
        let lstm = with_recurrent_init(lstm, RecurrentInit::Orthogonal, 1e-3);
        let trace = trace_at_rest(&lstm);
        // The loss sees the last hidden state directly, and earlier ones only through the cell state.
        let inner = GradientTrace { norms: vec![trace.norms[0][..TIME - 1].to_vec()], directions: 1 };
        let forget = 1.0 / (1.0 + f64::exp(-bias));
        assert!((decay(&inner) - forget.ln()).abs() < 1e-2, "{bias}: {}", decay(&inner));
    }
}

#[test]
fn gradients_vanish_and_explode_with_the_spectral_radius() {
    let _held = random_numbers();
    let trend = |nonlinearity, radius| {
        let rnn = RnnConfig::new(3, 16).with_nonlinearity(nonlinearity).init(&device());
        trace_on_noise(&with_recurrent_init(rnn, RecurrentInit::Orthogonal, radius)).trend(0)
    };
    assert_eq!(trend(Nonlinearity::Tanh, 0.8), Some(Trend::Vanishing));
    assert_eq!(trend(Nonlinearity::Relu, 1.9), Some(Trend::Exploding));
}

#[test]
fn norms_whose_squares_underflow_are_measured() {
    let _held = random_numbers();
    let rnn = with_recurrent_init(RnnConfig::new(3, 8).init(&device()), RecurrentInit::Orthogonal, 0.4);
    let trace = trace_at_rest(&rnn);
    // 0.4⁷⁹ is about 1e-31, and its square underflows in f32.
    assert!(trace.norms[0][0] > 0.0 && trace.norms[0][0] < 1e-25);
}
