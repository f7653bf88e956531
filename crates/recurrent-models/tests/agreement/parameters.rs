//! The names and shapes of all parameters: saved weights are found by them, so a change here breaks every bundle.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};
use recurrent_models::networks::{
    ForecastNetworkConfig, Input, LanguageModelConfig, Pooling, Seq2SeqConfig, SequenceClassifierConfig,
};
use recurrent_models::{AttentionKind, CellKind, GruConfig, LstmConfig, RnnConfig};

/// Every parameter's path and shape.
#[derive(Default)]
struct Paths {
    path: Vec<String>,
    seen: Vec<String>,
}

impl ModuleVisitor for Paths {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.seen.push(format!("{} {:?}", self.path.join("."), param.val().dims()));
    }

    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }
}

fn paths(module: &impl Module) -> Vec<String> {
    let mut paths = Paths::default();
    module.visit(&mut paths);
    paths.seen
}

#[test]
fn an_lstm_is_saved_under_these_names() {
    let lstm = LstmConfig::new(3, 5).with_num_layers(2).with_bidirectional(true).init(&Device::flex());
    assert_eq!(
        paths(&lstm),
        [
            "layers.0.forward.gates.w_ih [3, 20]",
            "layers.0.forward.gates.w_hh [5, 20]",
            "layers.0.forward.gates.bias [20]",
            "layers.0.reverse.gates.w_ih [3, 20]",
            "layers.0.reverse.gates.w_hh [5, 20]",
            "layers.0.reverse.gates.bias [20]",
            "layers.1.forward.gates.w_ih [10, 20]",
            "layers.1.forward.gates.w_hh [5, 20]",
            "layers.1.forward.gates.bias [20]",
            "layers.1.reverse.gates.w_ih [10, 20]",
            "layers.1.reverse.gates.w_hh [5, 20]",
            "layers.1.reverse.gates.bias [20]",
        ]
    );
}

#[test]
fn a_gru_and_an_rnn_are_saved_under_these_names() {
    assert_eq!(
        paths(&GruConfig::new(3, 5).init(&Device::flex())),
        [
            "layers.0.forward.gates.w_ih [3, 15]",
            "layers.0.forward.gates.w_hh [5, 15]",
            "layers.0.forward.gates.bias [15]",
            "layers.0.forward.bias_hn [5]",
        ]
    );
    assert_eq!(
        paths(&RnnConfig::new(3, 5).with_bias(false).init(&Device::flex())),
        ["layers.0.forward.gates.w_ih [3, 5]", "layers.0.forward.gates.w_hh [5, 5]"]
    );
}

#[test]
fn a_forecaster_is_saved_under_these_names() {
    assert_eq!(
        paths(&ForecastNetworkConfig::new(2, vec![4], 3, 1).init(&Device::flex())),
        [
            "layers.0.Lstm.layers.0.forward.gates.w_ih [2, 16]",
            "layers.0.Lstm.layers.0.forward.gates.w_hh [4, 16]",
            "layers.0.Lstm.layers.0.forward.gates.bias [16]",
            "dense.weight [4, 3]",
            "dense.bias [3]",
        ]
    );
}

#[test]
fn a_language_model_is_saved_under_these_names() {
    let config = LanguageModelConfig::new(7, 3, 5).with_cell(CellKind::Rnn);
    let shared = [
        "embedding.weight [7, 3]",
        "recurrent.Rnn.layers.0.forward.gates.w_ih [3, 5]",
        "recurrent.Rnn.layers.0.forward.gates.w_hh [5, 5]",
        "recurrent.Rnn.layers.0.forward.gates.bias [5]",
    ];
    let untied = ["output.weight [5, 7]", "output.bias [7]"];
    assert_eq!(paths(&config.init(&Device::flex())), [&shared[..], &untied].concat());
    let tied = ["output.projection.weight [5, 3]", "output.projection.bias [3]", "output.bias [7]"];
    assert_eq!(paths(&config.with_tied(true).init(&Device::flex())), [&shared[..], &tied].concat());
}

#[test]
fn a_translator_is_saved_under_these_names() {
    let config = Seq2SeqConfig::new(7, 9, 5)
        .with_input(Input::Embedding(3))
        .with_bidirectional(true)
        .with_attention(Some(AttentionKind::Additive));
    assert_eq!(
        paths(&config.init(&Device::flex())),
        [
            "source.embedding.weight [7, 3]",
            "encoder.Lstm.layers.0.forward.gates.w_ih [3, 20]",
            "encoder.Lstm.layers.0.forward.gates.w_hh [5, 20]",
            "encoder.Lstm.layers.0.forward.gates.bias [20]",
            "encoder.Lstm.layers.0.reverse.gates.w_ih [3, 20]",
            "encoder.Lstm.layers.0.reverse.gates.w_hh [5, 20]",
            "encoder.Lstm.layers.0.reverse.gates.bias [20]",
            "bridge.hidden.weight [10, 5]",
            "bridge.hidden.bias [5]",
            "bridge.cell.weight [10, 5]",
            "bridge.cell.bias [5]",
            "target.embedding.weight [9, 3]",
            "decoder.Lstm.layers.0.forward.gates.w_ih [3, 20]",
            "decoder.Lstm.layers.0.forward.gates.w_hh [5, 20]",
            "decoder.Lstm.layers.0.forward.gates.bias [20]",
            "attention.score.query.weight [5, 5]",
            "attention.score.key.weight [10, 5]",
            "attention.score.energy.weight [5, 1]",
            "attention.combine.weight [15, 5]",
            "output.weight [5, 9]",
            "output.bias [9]",
        ]
    );
}

#[test]
fn the_lectures_translator_is_saved_under_these_names() {
    assert_eq!(
        paths(&Seq2SeqConfig::new(4, 6, 2).init(&Device::flex())),
        [
            "encoder.Lstm.layers.0.forward.gates.w_ih [4, 8]",
            "encoder.Lstm.layers.0.forward.gates.w_hh [2, 8]",
            "encoder.Lstm.layers.0.forward.gates.bias [8]",
            "decoder.Lstm.layers.0.forward.gates.w_ih [6, 8]",
            "decoder.Lstm.layers.0.forward.gates.w_hh [2, 8]",
            "decoder.Lstm.layers.0.forward.gates.bias [8]",
            "output.weight [2, 6]",
            "output.bias [6]",
        ]
    );
}

#[test]
fn a_classifier_is_saved_under_these_names() {
    let config = SequenceClassifierConfig::new(7, 3, 5, 2).with_cell(CellKind::Rnn).with_pooling(Pooling::Attention);
    assert_eq!(
        paths(&config.init(&Device::flex())),
        [
            "embedding.weight [7, 3]",
            "recurrent.Rnn.layers.0.forward.gates.w_ih [3, 5]",
            "recurrent.Rnn.layers.0.forward.gates.w_hh [5, 5]",
            "recurrent.Rnn.layers.0.forward.gates.bias [5]",
            "attention.hidden.weight [5, 5]",
            "attention.hidden.bias [5]",
            "attention.energy.weight [5, 1]",
            "dense.weight [5, 2]",
            "dense.bias [2]",
        ]
    );
}
