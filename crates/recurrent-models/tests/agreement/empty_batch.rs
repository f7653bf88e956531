//! Batches without a row, rows without a step, and sequences without a step.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Int, Tensor};
use recurrent_models::networks::{
    ForecastInput, ForecastNetworkConfig, LanguageModelConfig, Pooling, Seq2SeqConfig, SequenceClassifierConfig,
    SequenceInput, SequenceTaggerConfig,
};
use recurrent_models::{
    AnyRecurrent, AnyRecurrentConfig, AnyState, AttentionConfig, AttentionKind, CellKind, CellOptions, Nonlinearity,
};

use crate::devices::{TestDevice, assert_close};

const INPUT: usize = 2;
const HIDDEN: usize = 3;
const TIME: usize = 4;
const VOCAB: usize = 5;

/// Every layer, with and without autodiff, one and three layers deep, unidirectional and bidirectional: forward, backward
/// and, where there is one, step.
pub fn layers(on: &TestDevice) {
    for device in [on.device.clone(), on.device.clone().autodiff()] {
        for (layer, num_layers, directions) in all_layers(&device) {
            let rows = num_layers * directions;
            for lengths in [false, true] {
                for given in [false, true] {
                    let x = Tensor::<3>::zeros([0, TIME, INPUT], &device);
                    let x = if device == on.device { x } else { x.require_grad() };
                    let state = given.then(|| layer.zero_state(0, &device));
                    let (output, state) =
                        if lengths { layer.forward_with_lengths(x, &[], state) } else { layer.forward(x, state) };
                    assert_eq!(output.dims(), [0, TIME, directions * HIDDEN]);
                    assert_empty(&state, rows);
                    if device != on.device {
                        let parts = state.into_parts().into_iter();
                        let grads = parts.fold(output.sum(), |loss, part| loss + part.sum()).backward();
                        layer.visit(&mut ZeroGradients { grads: &grads });
                    }
                }
            }
            if directions == 1 {
                let mut state = None;
                for _ in 0..3 {
                    let (output, next) = layer.step(Tensor::zeros([0, INPUT], &device), state);
                    assert_eq!(output.dims(), [0, HIDDEN]);
                    assert_empty(&next, rows);
                    if device != on.device {
                        let _ = output.sum().backward();
                    }
                    state = Some(next);
                }
            }
        }
    }
}

/// Every network, forward and backward, on a batch without a row.
pub fn networks(on: &TestDevice) {
    let device = on.device.clone().autodiff();
    let ids = |time: usize| Tensor::<2, Int>::zeros([0, time], &device);
    let values = || Tensor::<3>::zeros([0, TIME, INPUT], &device);
    for &cell in on.cells {
        let config = ForecastNetworkConfig::new(INPUT, vec![HIDDEN, HIDDEN], 6, 2).with_cell(cell);
        let network = config.with_target_features(Some(vec![1, 0])).with_residual(Some(1)).init(&device);
        assert_backward(network.forward(values()), [0, 6, 2]);
        assert_backward(network.forward_with_lengths(values(), &[]), [0, 6, 2]);
        let config = ForecastNetworkConfig::new(INPUT, vec![HIDDEN], 2, 1).with_cell(cell).with_num_future(1);
        let config = config.with_target_features(Some(vec![0])).with_residual(Some(2)).with_lags(vec![3]);
        let network = config.with_num_series(2).with_level_noise_std(0.1).init(&device);
        let future = Some(Tensor::zeros([0, 2, 1], &device));
        let input = ForecastInput { past: values(), future, series: Some(Tensor::zeros([0], &device)) };
        assert_backward(network.forward(input), [0, 2, 1]);

        for tie_weights in [false, true] {
            let config = LanguageModelConfig::new(VOCAB, 2, HIDDEN).with_cell(cell).with_num_layers(2);
            let model = config.with_tie_weights(tie_weights).init(&device);
            let (logits, state) = model.forward(ids(TIME), None);
            assert_empty(&state, 2);
            assert_backward(logits, [0, TIME, VOCAB]);
            let (logits, state) = model.step(Tensor::zeros([0], &device), Some(state.detach()));
            assert_empty(&state, 2);
            assert_backward(logits, [0, VOCAB]);
        }

        for attention in [None].into_iter().chain(AttentionKind::ALL.map(Some)) {
            for (embedding_dim, bidirectional) in [(None, false), (Some(2), true)] {
                let config = Seq2SeqConfig::new(VOCAB, VOCAB, HIDDEN).with_cell(cell).with_num_layers(2);
                let config = config.with_bidirectional(bidirectional).with_embedding_dim(embedding_dim);
                let network = config.clone().with_attention(attention).init(&device);
                assert_backward(network.forward(ids(TIME), &[], ids(6)), [0, 6, VOCAB]);
                let encoded = network.encode(ids(TIME), &[]);
                let step = network.step(&encoded, encoded.state.clone(), Tensor::zeros([0], &device));
                assert_eq!(step.weights.map(|weights| weights.dims()), attention.map(|_| [0, TIME]));
                assert_backward(step.logits, [0, VOCAB]);
                if attention.is_some() {
                    let network = config.with_attention(attention).with_copy_except(Some(vec![0])).init(&device);
                    assert_backward(network.forward(ids(TIME), &[], ids(6)), [0, 6, VOCAB]);
                }
            }
        }

        for bidirectional in [false, true] {
            for pooling in Pooling::ALL {
                let config = |input| {
                    SequenceClassifierConfig::new(input, HIDDEN, 2)
                        .with_cell(cell)
                        .with_num_layers(2)
                        .with_bidirectional(bidirectional)
                        .with_pooling(pooling)
                };
                let text = config(SequenceInput::tokens(VOCAB, 2)).init(&device);
                assert_backward(text.forward(ids(TIME), &[]), [0, 2]);
                let signal = config(SequenceInput::values(INPUT)).init(&device);
                assert_backward(signal.forward_values(values(), &[]), [0, 2]);
            }
            let config = SequenceTaggerConfig::new(SequenceInput::tokens(VOCAB, 2), HIDDEN, 2).with_cell(cell);
            let tagger = config.with_num_layers(2).with_bidirectional(bidirectional).init(&device);
            assert_backward(tagger.forward(ids(TIME), &[]), [0, TIME, 2]);
        }
    }
    for kind in AttentionKind::ALL {
        let attention = AttentionConfig::new(kind, HIDDEN, HIDDEN).init(&device);
        let zeros = |time: usize| Tensor::<3>::zeros([0, time, HIDDEN], &device).require_grad();
        let attended = attention.forward(zeros(2), zeros(TIME), Some(&[]));
        assert_eq!(attended.weights.dims(), [0, 2, TIME]);
        assert_backward(attended.context, [0, 2, HIDDEN]);
    }
}

/// A row of length 0 has outputs of zero and keeps its initial state; if all rows have it, so do they all.
pub fn rows_of_length_zero(on: &TestDevice) {
    let device = on.device.clone().autodiff();
    for (layer, ..) in all_layers(&device) {
        let x = Tensor::<3>::ones([2, TIME, INPUT], &device).require_grad();
        let initial = layer.zero_state(2, &device).map(|part| part + 0.5);
        for lengths in [[0, TIME], [0, 0]] {
            let (output, state) = layer.forward_with_lengths(x.clone(), &lengths, Some(initial.clone()));
            let empty = output.clone().narrow(0, 0, 1);
            assert_close("output of an empty row", empty.clone(), empty.zeros_like(), 0.0);
            for (part, initial) in state.parts().into_iter().zip(initial.parts()) {
                assert_close("state of an empty row", part.narrow(1, 0, 1), initial.narrow(1, 0, 1), 0.0);
            }
            let _ = (output.sum() + state.hidden().sum()).backward();
        }
    }
}

#[test]
#[should_panic(expected = "x [batch, time, input] must have at least one step, got [2, 0, 2]")]
fn sequence_without_a_step_is_refused() {
    let device = Device::flex();
    let _ = CellKind::Gru.init(INPUT, HIDDEN, &device).forward(Tensor::zeros([2, 0, INPUT], &device), None);
}

#[test]
#[should_panic(expected = "x [batch, time, input] must have at least one step, got [0, 0, 2]")]
fn sequence_without_a_step_is_refused_in_an_empty_batch() {
    let device = Device::flex();
    let _ = CellKind::Gru.init(INPUT, HIDDEN, &device).forward(Tensor::zeros([0, 0, INPUT], &device), None);
}

/// A layer, its number of layers and of directions.
fn all_layers(device: &Device) -> Vec<(AnyRecurrent, usize, usize)> {
    let relu = CellOptions::new().with_nonlinearity(Nonlinearity::Relu).with_bias(false);
    let before = CellOptions::new().with_reset_after(false).with_cell_clip(Some(1.0));
    let mut layers = Vec::new();
    for options in [CellOptions::new(), relu, before] {
        for cell in CellKind::ALL {
            for num_layers in [1, 3] {
                for bidirectional in [false, true] {
                    let config = AnyRecurrentConfig::new(cell, INPUT, HIDDEN).with_num_layers(num_layers);
                    let config = config.with_bidirectional(bidirectional).with_dropout(0.1);
                    let layer = config.with_cell_options(options.clone()).init(device);
                    layers.push((layer, num_layers, 1 + usize::from(bidirectional)));
                }
            }
        }
    }
    layers
}

/// Asserts that every parameter has a gradient of zeros.
struct ZeroGradients<'a> {
    grads: &'a Gradients,
}

impl ModuleVisitor for ZeroGradients<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = param.val().grad(self.grads).expect("a gradient");
        assert_close("gradient", gradient.clone(), gradient.zeros_like(), 0.0);
    }
}

#[track_caller]
fn assert_empty(state: &AnyState, rows: usize) {
    for part in state.parts() {
        assert_eq!(part.dims(), [rows, 0, HIDDEN]);
    }
}

#[track_caller]
fn assert_backward<const D: usize>(output: Tensor<D>, shape: [usize; D]) {
    assert_eq!(output.dims(), shape);
    let _ = output.sum().backward();
}
