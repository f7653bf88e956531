//! Decays that can be computed with a pencil, and what the lecture says of cells.

use burn::tensor::{Device, Distribution, Tensor};
use recurrent::compare::microscope::{GradientTrace, Probe, Trend, gradient_trace};
use recurrent::compare::spectrum::{RecurrentWeights, with_recurrent_weights};
use recurrent::models::{AnyRecurrent, AnyRecurrentConfig, CellKind, LstmConfig, Nonlinearity, Recurrent, RnnConfig};

const TIME: usize = 80;

fn device() -> Device {
    let device = Device::flex();
    device.seed(4);
    device
}

/// A loss of the last output alone.
fn last(output: Tensor<3>) -> Tensor<1> {
    let [_, time, _] = output.dims();
    output.narrow(1, time - 1, 1).sum()
}

/// Of layers that see zeros and so stay at zero, where tanh has the slope 1.
fn at_rest(layers: &impl Probe) -> GradientTrace {
    gradient_trace(layers, Tensor::zeros([2, TIME, 3], &device()), last)
}

/// Of layers that see noise.
fn at_work(layers: &impl Probe) -> GradientTrace {
    let x = Tensor::random([8, TIME, 3], Distribution::Normal(0.0, 1.0), &device());
    gradient_trace(layers, x, last)
}

fn decay(trace: &GradientTrace) -> f64 {
    trace.decay(0).expect("a gradient")
}

#[test]
fn an_rnn_at_rest_decays_by_the_radius_of_its_orthogonal_weights() {
    for radius in [0.5, 0.9, 1.0, 1.1] {
        let rnn = RnnConfig::new(3, 8).init(&device());
        let rnn = with_recurrent_weights(rnn, RecurrentWeights::Orthogonal, radius);
        let found = decay(&at_rest(&rnn));
        assert!((found - radius.ln()).abs() < 1e-5, "{radius}: {found}");
    }
}

#[test]
fn an_rnn_at_rest_decays_nearly_by_the_radius_of_its_gaussian_weights() {
    for radius in [0.8, 1.2] {
        let rnn = RnnConfig::new(3, 32).init(&device());
        let rnn = with_recurrent_weights(rnn, RecurrentWeights::Gaussian, radius);
        let found = decay(&at_rest(&rnn));
        assert!((found - f64::ln(radius)).abs() < 0.03, "{radius}: {found}");
    }
}

#[test]
fn an_lstm_at_rest_decays_by_its_forget_gate() {
    for bias in [0.0, 1.0, 3.0] {
        let lstm = LstmConfig::new(3, 8).with_forget_bias(bias).init(&device());
        // Weights so small that what flows past the cell state does not count; some of it there has to be.
        let lstm = with_recurrent_weights(lstm, RecurrentWeights::Orthogonal, 1e-3);
        let trace = at_rest(&lstm);
        // The last step shows the cell state, and those before it only feed it.
        let inner = GradientTrace { norms: vec![trace.norms[0][..TIME - 1].to_vec()], directions: 1 };
        let forget = 1.0 / (1.0 + f64::exp(-bias));
        assert!((decay(&inner) - forget.ln()).abs() < 1e-2, "{bias}: {}", decay(&inner));
    }
}

#[test]
fn an_lstm_that_remembers_decays_slower() {
    let decays = [0.0, 1.0, 2.0].map(|bias| {
        let lstm = LstmConfig::new(3, 16).with_forget_bias(bias).init(&device());
        decay(&at_work(&lstm))
    });
    assert!(decays[0] < decays[1] && decays[1] < decays[2] && decays[1] < 0.0, "{decays:?}");
}

#[test]
fn gradients_vanish_and_explode() {
    let rnn = |nonlinearity, radius| {
        let rnn = RnnConfig::new(3, 16).with_nonlinearity(nonlinearity).init(&device());
        at_work(&with_recurrent_weights(rnn, RecurrentWeights::Orthogonal, radius)).trend(0)
    };
    assert_eq!(rnn(Nonlinearity::Tanh, 0.8), Some(Trend::Vanishes));
    assert_eq!(rnn(Nonlinearity::Relu, 1.9), Some(Trend::Explodes));
    let remembers = LstmConfig::new(3, 16).with_forget_bias(5.0).init(&device());
    assert_eq!(at_work(&remembers).trend(0), Some(Trend::Lasts));
}

#[test]
fn gradients_too_small_for_their_squares_are_measured() {
    let rnn = with_recurrent_weights(RnnConfig::new(3, 8).init(&device()), RecurrentWeights::Orthogonal, 0.4);
    let trace = at_rest(&rnn);
    // 0.4⁷⁹ is 1e-31, whose square is no f32.
    assert!(trace.norms[0][0] > 0.0 && trace.norms[0][0] < 1e-25);
}

/// The output as [`Recurrent::forward`] gives it, and a norm for each row and step.
fn check_probe(layers: &AnyRecurrent, rows: usize) {
    let x = Tensor::<3>::random([3, 9, 3], Distribution::Normal(0.0, 1.0), &device());
    let (output, _) = layers.forward(x.clone(), None);
    let probed = layers.probe(x.clone());
    probed.output.into_data().assert_approx_eq::<f32>(&output.into_data(), Default::default());

    let trace = gradient_trace(layers, x, |output| output.sum());
    assert_eq!(trace.norms.len(), rows);
    for norms in &trace.norms {
        assert_eq!(norms.len(), 9);
        assert!(norms.iter().all(|norm| norm.is_finite() && *norm > 0.0), "{norms:?}");
    }
}

#[test]
fn every_cell_any_depth_and_both_directions_have_a_trace() {
    for device in [device(), device().autodiff()] {
        for kind in CellKind::ALL {
            for (layers, bidirectional, rows) in [(1, false, 1), (3, false, 3), (2, true, 4)] {
                let config = AnyRecurrentConfig::new(kind, 3, 4).with_num_layers(layers);
                check_probe(&config.with_bidirectional(bidirectional).init(&device), rows);
            }
        }
    }
}

#[test]
fn a_trace_leaves_the_layers_as_they_were() {
    let layers = AnyRecurrentConfig::new(CellKind::Gru, 3, 4).with_num_layers(2).with_dropout(0.5);
    let layers = layers.init(&device().autodiff());
    // Dropout is left out, so two traces are the same.
    assert_eq!(at_work(&layers), at_work(&layers));
    let AnyRecurrent::Gru(Recurrent { layers, .. }) = layers else { unreachable!("a GRU was asked for") };
    assert!(layers[0].forward.gates.w_hh.is_require_grad());
}

#[test]
#[should_panic(expected = "the layer takes 3 input features, got 5")]
fn another_width_is_refused() {
    let layers = CellKind::Rnn.init(3, 4, &device());
    gradient_trace(&layers, Tensor::zeros([1, 2, 5], &device()), last);
}
