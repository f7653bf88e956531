//! The names and shapes of all parameters: saved weights are loaded by them, so a change here breaks saved runs.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};
use recurrent_models::networks::{
    ForecastNetworkConfig, LanguageModelConfig, Pooling, Seq2SeqConfig, SequenceClassifierConfig, SequenceInput,
    SequenceTaggerConfig,
};
use recurrent_models::{AttentionKind, CellKind, CellOptions, GruConfig, LstmConfig, RnnConfig};

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
fn lstm_parameter_names() {
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
fn gru_and_rnn_parameter_names() {
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
fn forecaster_parameter_names() {
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
fn language_model_parameter_names() {
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
    assert_eq!(paths(&config.with_tie_weights(true).init(&Device::flex())), [&shared[..], &tied].concat());
}

#[test]
fn seq2seq_parameter_names() {
    let config = Seq2SeqConfig::new(7, 9, 5)
        .with_embedding_dim(Some(3))
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
fn shared_seq2seq_parameter_names() {
    let config = Seq2SeqConfig::new(7, 7, 5)
        .with_embedding_dim(Some(5))
        .with_cell(CellKind::Rnn)
        .with_attention(Some(AttentionKind::Dot))
        .with_share_embeddings(true)
        .with_tie_weights(true)
        .with_copy_except(Some(vec![0]));
    assert_eq!(
        paths(&config.init(&Device::flex())),
        [
            "source.embedding.weight [7, 5]",
            "encoder.Rnn.layers.0.forward.gates.w_ih [5, 5]",
            "encoder.Rnn.layers.0.forward.gates.w_hh [5, 5]",
            "encoder.Rnn.layers.0.forward.gates.bias [5]",
            "decoder.Rnn.layers.0.forward.gates.w_ih [5, 5]",
            "decoder.Rnn.layers.0.forward.gates.w_hh [5, 5]",
            "decoder.Rnn.layers.0.forward.gates.bias [5]",
            "attention.combine.weight [10, 5]",
            "copy.gate.weight [5, 1]",
            "copy.gate.bias [1]",
            "output.bias [7]",
        ]
    );
}

#[test]
fn one_hot_seq2seq_parameter_names() {
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
fn classifier_parameter_names() {
    let config = SequenceClassifierConfig::new(SequenceInput::tokens(7, 3), 5, 2)
        .with_cell(CellKind::Rnn)
        .with_pooling(Pooling::Attention);
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

#[test]
fn classifier_of_values_parameter_names() {
    let config = SequenceClassifierConfig::new(SequenceInput::values(3), 5, 2).with_cell(CellKind::Gru);
    assert_eq!(
        paths(&config.init(&Device::flex())),
        [
            "recurrent.Gru.layers.0.forward.gates.w_ih [3, 15]",
            "recurrent.Gru.layers.0.forward.gates.w_hh [5, 15]",
            "recurrent.Gru.layers.0.forward.gates.bias [15]",
            "recurrent.Gru.layers.0.forward.bias_hn [5]",
            "dense.weight [5, 2]",
            "dense.bias [2]",
        ]
    );
}

#[test]
fn tagger_parameter_names() {
    let config = SequenceTaggerConfig::new(SequenceInput::tokens(7, 3), 5, 4).with_cell(CellKind::Rnn);
    assert_eq!(
        paths(&config.with_bidirectional(true).init(&Device::flex())),
        [
            "embedding.weight [7, 3]",
            "recurrent.Rnn.layers.0.forward.gates.w_ih [3, 5]",
            "recurrent.Rnn.layers.0.forward.gates.w_hh [5, 5]",
            "recurrent.Rnn.layers.0.forward.gates.bias [5]",
            "recurrent.Rnn.layers.0.reverse.gates.w_ih [3, 5]",
            "recurrent.Rnn.layers.0.reverse.gates.w_hh [5, 5]",
            "recurrent.Rnn.layers.0.reverse.gates.bias [5]",
            "dense.weight [10, 4]",
            "dense.bias [4]",
        ]
    );
}

/// Without biases no recurrent layer of any network has any.
#[test]
fn cell_options_reach_every_layer_of_a_network() {
    let device = Device::flex();
    let options = || CellOptions::new().with_bias(false);
    let input = SequenceInput::tokens(7, 3);
    let networks = [
        paths(&ForecastNetworkConfig::new(2, vec![4, 4], 3, 1).with_cell_options(options()).init(&device)),
        paths(&LanguageModelConfig::new(7, 3, 5).with_cell_options(options()).init(&device)),
        paths(&Seq2SeqConfig::new(7, 9, 5).with_bidirectional(true).with_cell_options(options()).init(&device)),
        paths(&SequenceClassifierConfig::new(input, 5, 2).with_cell_options(options()).init(&device)),
        paths(&SequenceTaggerConfig::new(input, 5, 2).with_cell_options(options()).init(&device)),
    ];
    for paths in networks {
        assert!(paths.iter().any(|path| path.contains("gates.w_hh")), "{paths:?}");
        assert!(!paths.iter().any(|path| path.contains("gates.bias")), "{paths:?}");
    }
}

#[test]
fn parameters_are_counted_before_a_network_is_made() {
    let device = Device::flex();
    let options = [CellOptions::new(), CellOptions::new().with_bias(false), CellOptions::new().with_reset_after(false)];
    for (cell, options) in CellKind::ALL.into_iter().flat_map(|cell| options.iter().map(move |one| (cell, one.clone())))
    {
        let forecast =
            ForecastNetworkConfig::new(2, vec![4, 3], 3, 2).with_cell(cell).with_cell_options(options.clone());
        assert_eq!(forecast.num_parameters(), forecast.init(&device).num_params());
        let targets = forecast.with_target_features(Some(vec![0, 1])).with_num_series(4).with_num_outputs(3);
        let decoder = targets.with_num_future(2).with_lags(vec![6, 9]).with_patch_len(3);
        assert_eq!(decoder.num_parameters(), decoder.init(&device).num_params());
        for bidirectional in [false, true] {
            for pooling in [Pooling::Last, Pooling::Attention] {
                for input in [SequenceInput::tokens(7, 3), SequenceInput::values(3)] {
                    let classifier = SequenceClassifierConfig::new(input, 5, 2)
                        .with_num_layers(2)
                        .with_bidirectional(bidirectional)
                        .with_pooling(pooling)
                        .with_cell(cell)
                        .with_cell_options(options.clone());
                    assert_eq!(classifier.num_parameters(), classifier.init(&device).num_params());
                }
            }
            let attentions = AttentionKind::ALL.into_iter().map(Some).chain([None]);
            for (attention, dim) in attentions.flat_map(|attention| [(attention, Some(3)), (attention, None)]) {
                let seq2seq = Seq2SeqConfig::new(7, 9, 5)
                    .with_embedding_dim(dim)
                    .with_num_layers(2)
                    .with_bidirectional(bidirectional)
                    .with_attention(attention)
                    .with_tie_weights(dim.is_some())
                    .with_cell(cell)
                    .with_cell_options(options.clone());
                assert_eq!(seq2seq.num_parameters(), seq2seq.init(&device).num_params(), "{seq2seq:?}");
                let copying = (attention.is_some() && dim.is_some()).then(|| vec![0, 1]);
                let shared = Seq2SeqConfig::new(7, 7, 5)
                    .with_embedding_dim(dim)
                    .with_bidirectional(bidirectional)
                    .with_attention(attention)
                    .with_share_embeddings(dim.is_some())
                    .with_copy_except(copying);
                assert_eq!(shared.num_parameters(), shared.init(&device).num_params(), "{shared:?}");
            }
        }
        for (dim, tie_weights) in [(3, false), (3, true), (5, true)] {
            let language = LanguageModelConfig::new(7, dim, 5)
                .with_num_layers(3)
                .with_tie_weights(tie_weights)
                .with_cell(cell)
                .with_cell_options(options.clone());
            assert_eq!(language.num_parameters(), language.init(&device).num_params());
        }
    }
}

#[test]
fn parameters_of_enormous_networks_are_counted() {
    let huge = 1 << 40;
    assert_eq!(LanguageModelConfig::new(huge, huge, huge).num_parameters(), usize::MAX);
    assert_eq!(ForecastNetworkConfig::new(1, vec![huge; 3], 1, 1).num_parameters(), usize::MAX);
    assert_eq!(Seq2SeqConfig::new(huge, 2, huge).with_bidirectional(true).num_parameters(), usize::MAX);
    let input = SequenceInput::tokens(usize::MAX, usize::MAX);
    assert_eq!(SequenceClassifierConfig::new(input, usize::MAX, 2).num_parameters(), usize::MAX);
}
