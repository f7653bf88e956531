//! The biases of fresh cells, and what a fresh cell retains.

use burn::module::{Initializer, Param};
use burn::tensor::{Device, Tensor};
use recurrent_models::{AnyRecurrent, AnyRecurrentConfig, CellKind, CellOptions, GateParams, GruConfig, LstmConfig};

const HIDDEN: usize = 100;
/// Stacked, for a sample of 4000 units.
const LAYERS: usize = 40;
const MAX_LENGTH: usize = 100;

/// The biases of one gate in all layers.
fn gate<'a>(layers: impl IntoIterator<Item = &'a GateParams>, gate: usize) -> Vec<f64> {
    let bias = |gates: &GateParams| {
        let bias = gates.bias.as_ref().map(Param::val).expect("biases");
        bias.narrow(0, gate * HIDDEN, HIDDEN).into_data().iter::<f64>().collect::<Vec<f64>>()
    };
    layers.into_iter().flat_map(bias).collect()
}

/// exp(b) is uniform in [1, MAX_LENGTH − 1].
fn assert_chrono(biases: &[f64]) {
    let (low, high) = (1.0, (MAX_LENGTH - 1) as f64);
    let uniform: Vec<f64> = biases.iter().map(|bias| bias.exp()).collect();
    assert!(uniform.iter().all(|u| (low - 1e-3..high + 1e-3).contains(u)), "outside of [1, {high}]");
    for quarter in 0..4 {
        let from = low + (high - low) * f64::from(quarter) / 4.0;
        let to = from + (high - low) / 4.0;
        let fraction = uniform.iter().filter(|u| (from..to).contains(u)).count() as f64 / uniform.len() as f64;
        // The standard error of the fraction is 0.007.
        assert!((fraction - 0.25).abs() < 0.035, "{fraction} of the units in [{from}, {to}]");
    }
}

#[test]
fn chrono_init_of_an_lstm_is_log_uniform() {
    let config = LstmConfig::new(HIDDEN, HIDDEN).with_num_layers(LAYERS).with_chrono_init(MAX_LENGTH);
    let zeros = || Initializer::Zeros;
    let lstm = config.with_input_initializer(zeros()).with_recurrent_initializer(zeros()).init(&Device::flex());
    let of = |index: usize| gate(lstm.layers.iter().map(|layer| &layer.forward.gates), index);
    let [input, forget, candidate, output] = [of(0), of(1), of(2), of(3)];
    assert_chrono(&forget);
    assert!(input.iter().zip(&forget).all(|(input, forget)| *input == -forget));
    assert!(candidate.iter().chain(&output).all(|bias| *bias == 0.0));
}

#[test]
fn chrono_init_of_a_gru_is_log_uniform() {
    let config = GruConfig::new(HIDDEN, HIDDEN).with_num_layers(LAYERS).with_chrono_init(MAX_LENGTH);
    let zeros = || Initializer::Zeros;
    let gru = config.with_input_initializer(zeros()).with_recurrent_initializer(zeros()).init(&Device::flex());
    let of = |index: usize| gate(gru.layers.iter().map(|layer| &layer.forward.gates), index);
    let [reset, update, candidate] = [of(0), of(1), of(2)];
    assert_chrono(&update);
    assert!(reset.iter().chain(&candidate).all(|bias| *bias == 0.0));
}

#[test]
fn chrono_init_for_the_shortest_length_is_zero() {
    let lstm = LstmConfig::new(1, HIDDEN).with_chrono_init(2).init(&Device::flex());
    assert!(gate(lstm.layers.iter().map(|layer| &layer.forward.gates), 1).iter().all(|bias| *bias == 0.0));
}

#[test]
#[should_panic(expected = "chrono initialization needs a max_length of at least 2, got 1")]
fn chrono_init_for_one_step_is_refused() {
    let _ = GruConfig::new(1, 2).with_chrono_init(1).init(&Device::flex());
}

#[test]
#[should_panic(expected = "chrono initialization sets biases, and this layer has none")]
fn chrono_init_without_biases_is_refused() {
    let _ = LstmConfig::new(1, 2).with_bias(false).with_chrono_init(10).init(&Device::flex());
}

/// What is left of each unit's memory after one step on an input of zeros, and without recurrent weights.
fn retention(cell: CellKind, options: CellOptions) -> Vec<f64> {
    let device = Device::flex();
    let options = options.with_recurrent_initializer(Initializer::Zeros);
    let layer = AnyRecurrentConfig::new(cell, 1, HIDDEN).with_cell_options(options).init(&device);
    let ones = layer.zero_state(1, &device).map(|part| part + 1.0);
    let (_, state) = layer.step(Tensor::zeros([1, 1], &device), Some(ones));
    // An LSTM's memory is its cell state, a GRU's its hidden state: the last part of each.
    let memory = state.into_parts().pop().expect("a part");
    memory.into_data().iter::<f64>().collect()
}

fn assert_retention(cell: CellKind, options: CellOptions, expected: f64) {
    for retention in retention(cell, options) {
        assert!((retention - expected).abs() < 1e-6, "{cell}: {retention}, expected {expected}");
    }
}

#[test]
fn one_retention_bias_gives_every_cell_the_same_retention() {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    for bias in [-1.0, 0.0, 1.0, 3.0] {
        for cell in [CellKind::Lstm, CellKind::Gru] {
            assert_retention(cell, CellOptions::new().with_retention_bias(bias), sigmoid(bias));
        }
    }
    assert_retention(CellKind::Lstm, CellOptions::new(), sigmoid(1.0));
    assert_retention(CellKind::Gru, CellOptions::new(), 0.5);
}

#[test]
fn retention_of_chrono_init_spans_the_lengths() {
    for cell in [CellKind::Lstm, CellKind::Gru] {
        let options = CellOptions::new().with_chrono_init(MAX_LENGTH);
        let retention = retention(cell, options);
        // σ(log u) = u / (1 + u) for u in [1, MAX_LENGTH − 1].
        let longest = 1.0 - 1.0 / MAX_LENGTH as f64;
        assert!(retention.iter().all(|kept| (0.5 - 1e-6..longest + 1e-6).contains(kept)), "{cell}");
        let mean_steps = retention.iter().map(|kept| 1.0 / (1.0 - kept)).sum::<f64>() / HIDDEN as f64;
        // 1 / (1 − σ(log u)) = 1 + u: 51 steps on average, with a standard error of 2.8.
        assert!((mean_steps - 51.0).abs() < 14.0, "{cell}: {mean_steps}");
    }
}

#[test]
fn retention_bias_is_the_forget_and_the_update_bias() {
    let device = Device::flex();
    let layer = |cell| AnyRecurrentConfig::new(cell, 1, HIDDEN).with_retention_bias(2.0).init(&device);
    let AnyRecurrent::Lstm(lstm) = layer(CellKind::Lstm) else { panic!("an LSTM") };
    let AnyRecurrent::Gru(gru) = layer(CellKind::Gru) else { panic!("a GRU") };
    assert!(gate([&lstm.layers[0].forward.gates], 1).iter().all(|bias| *bias == 2.0));
    assert!(gate([&gru.layers[0].forward.gates], 1).iter().all(|bias| *bias == 2.0));
    let lstm = LstmConfig::new(1, HIDDEN).with_forget_bias(2.0).init(&device);
    let gru = GruConfig::new(1, HIDDEN).with_update_bias(2.0).init(&device);
    assert!(gate([&lstm.layers[0].forward.gates], 1).iter().all(|bias| *bias == 2.0));
    assert!(gate([&gru.layers[0].forward.gates], 1).iter().all(|bias| *bias == 2.0));
}
