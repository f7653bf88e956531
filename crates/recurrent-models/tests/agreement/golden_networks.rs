//! Attention and the networks against PyTorch's outputs and gradients, from `scripts/golden.py`.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor};
use recurrent_models::kernels::ctc_loss;
use recurrent_models::networks::{
    ForecastInput, ForecastNetworkConfig, LanguageModelConfig, Pooling, Seq2SeqConfig, SequenceClassifierConfig,
    SequenceInput, SequenceTaggerConfig,
};
use recurrent_models::{AnyState, AttentionConfig, AttentionKind, CellKind};
use safetensors::SafeTensors;

use crate::devices::{TestDevice, assert_close};
use crate::golden::{Golden, golden};

const SOURCE_VOCAB: usize = 6;
const TARGET_VOCAB: usize = 5;
const EMBEDDING: usize = 2;
const INPUT: usize = 2;
const HIDDEN: usize = 3;
const CLASSES: usize = 2;
const TAGS: usize = 4;

pub fn check_all(on: &TestDevice) {
    let device = on.device.clone().autodiff();
    let file = |bytes: &'static [u8]| SafeTensors::deserialize(bytes).expect("a golden file");
    attention(on, &file(golden!("attention")), &device);
    ctc(on, &file(golden!("ctc")), &device);
    language(on, &file(golden!("language")), &device);
    seq2seq(on, &file(golden!("seq2seq")), &device);
    classifier(on, &file(golden!("classifier")), &device);
    classifier_of_values(on, &file(golden!("classifier-values")), &device);
    tagger(on, &file(golden!("tagger")), &device);
    forecast(on, &file(golden!("forecast")), &device);
}

/// The targets of `scripts/golden.py`.
fn ctc(on: &TestDevice, file: &SafeTensors, device: &Device) {
    let targets = [vec![1, 1, 2, 3], vec![4], vec![2, 3, 2]];
    for (case, blank) in [("blank-first", 0), ("blank-last", 5)] {
        let golden = Golden { file, case: case.into(), device: device.clone() };
        let logits = golden.tensor::<3>("logits").require_grad();
        let losses = ctc_loss(logits.clone(), &golden.lengths(), &targets, blank);
        assert_close(case, losses.clone(), golden.tensor::<1>("losses"), on.golden);
        let grads = (losses * golden.tensor::<1>("loss_losses")).sum().backward();
        let gradient = logits.grad(&grads).expect("a gradient");
        assert_close(case, gradient, golden.tensor::<3>("grad/logits"), on.golden);
    }
}

fn attention(on: &TestDevice, file: &SafeTensors, device: &Device) {
    for kind in AttentionKind::ALL {
        let golden = Golden { file, case: kind.to_string(), device: device.clone() };
        let query_size = if kind == AttentionKind::Dot { 3 } else { 2 };
        let attention = AttentionConfig::new(kind, query_size, 3).with_hidden_size(Some(4)).init(device);
        let attention = attention.map(&mut Load::of(&golden));
        let [query, keys] = ["query", "keys"].map(|name| golden.tensor::<3>(name).require_grad());

        let attended = attention.forward(query.clone(), keys.clone(), Some(&golden.lengths()));

        let mut check = Check::of(on, &golden);
        check.result("context", attended.context);
        check.result("weights", attended.weights);
        check.gradients(&attention, &[("query", query), ("keys", keys)]);
    }
}

fn language(on: &TestDevice, file: &SafeTensors, device: &Device) {
    let config = |embedding| LanguageModelConfig::new(SOURCE_VOCAB, embedding, HIDDEN);
    let cases = [
        ("rnn-untied", config(EMBEDDING).with_cell(CellKind::Rnn)),
        ("gru-tied", config(HIDDEN).with_cell(CellKind::Gru).with_tie_weights(true)),
        ("lstm-tied-projected", config(EMBEDDING).with_num_layers(2).with_tie_weights(true)),
    ];
    for (case, config) in cases {
        let golden = Golden { file, case: case.into(), device: device.clone() };
        let model = config.init(device).map(&mut Load::of(&golden));
        let names = if config.cell == CellKind::Lstm { &["h0", "c0"][..] } else { &["h0"] };
        let parts: Vec<Tensor<3>> = names.iter().map(|name| golden.tensor(name).require_grad()).collect();

        let state = AnyState::from_parts(config.cell, parts.clone());
        let (logits, state) = model.forward(golden.ids("ids"), Some(state));

        let mut check = Check::of(on, &golden);
        check.result("logits", logits);
        check.state(state);
        let inputs: Vec<(&str, Tensor<3>)> = names.iter().copied().zip(parts).collect();
        check.gradients(&model, &inputs);
    }
}

fn seq2seq(on: &TestDevice, file: &SafeTensors, device: &Device) {
    use AttentionKind::{Additive, Dot, General};
    let config = || Seq2SeqConfig::new(SOURCE_VOCAB, TARGET_VOCAB, HIDDEN);
    let embedded = || config().with_embedding_dim(Some(EMBEDDING));
    let both = || embedded().with_bidirectional(true);
    let shared = |dim| {
        let config = Seq2SeqConfig::new(SOURCE_VOCAB, SOURCE_VOCAB, HIDDEN).with_embedding_dim(Some(dim));
        config.with_bidirectional(true).with_share_embeddings(true)
    };
    let general = config().with_embedding_dim(Some(HIDDEN)).with_bidirectional(true);
    let cases = [
        ("lstm-one-hot", config()),
        ("gru-two-layers", embedded().with_cell(CellKind::Gru).with_num_layers(2)),
        ("rnn-general", embedded().with_cell(CellKind::Rnn).with_attention(Some(General))),
        ("lstm-bi", both().with_num_layers(2)),
        ("lstm-bi-dot-tied", both().with_attention(Some(Dot)).with_tie_weights(true)),
        ("gru-bi-general-tied", general.with_cell(CellKind::Gru).with_attention(Some(General)).with_tie_weights(true)),
        ("lstm-bi-additive", both().with_num_layers(2).with_attention(Some(Additive))),
        ("lstm-bi-general-shared", shared(EMBEDDING).with_attention(Some(General))),
        (
            "lstm-bi-general-copy",
            shared(HIDDEN).with_attention(Some(General)).with_tie_weights(true).with_copy_except(Some(vec![0, 3])),
        ),
    ];
    for (case, config) in cases {
        let golden = Golden { file, case: case.into(), device: device.clone() };
        let network = config.init(device).map(&mut Load::of(&golden));

        let encoded = network.encode(golden.ids("source"), &golden.lengths());
        let decoded = network.decode(&encoded, golden.ids("inputs"));

        let mut check = Check::of(on, &golden);
        check.result("logits", decoded.logits);
        check.state(decoded.state);
        if let Some(weights) = decoded.weights {
            check.result("weights", weights);
        }
        check.gradients(&network, &[]);
    }
}

fn classifier(on: &TestDevice, file: &SafeTensors, device: &Device) {
    let config = SequenceClassifierConfig::new(SequenceInput::tokens(SOURCE_VOCAB, EMBEDDING), HIDDEN, CLASSES);
    let config = config.with_num_layers(2).with_bidirectional(true);
    for pooling in Pooling::ALL {
        let golden = Golden { file, case: pooling.to_string(), device: device.clone() };
        let network = config.clone().with_pooling(pooling).init(device).map(&mut Load::of(&golden));
        let lengths = golden.lengths();

        let mut check = Check::of(on, &golden);
        check.result("logits", network.forward(golden.ids("ids"), &lengths));
        if let Some(weights) = network.pool(network.embed(golden.ids("ids")), &lengths).weights {
            check.result("weights", weights);
        }
        check.gradients(&network, &[]);
    }
}

fn classifier_of_values(on: &TestDevice, file: &SafeTensors, device: &Device) {
    let config = SequenceClassifierConfig::new(SequenceInput::values(INPUT), HIDDEN, CLASSES);
    let config = config.with_num_layers(2).with_bidirectional(true);
    let cases = [
        ("rnn-last", CellKind::Rnn, Pooling::Last),
        ("gru-mean", CellKind::Gru, Pooling::Mean),
        ("lstm-attention", CellKind::Lstm, Pooling::Attention),
    ];
    for (case, cell, pooling) in cases {
        let golden = Golden { file, case: case.into(), device: device.clone() };
        let network = config.clone().with_cell(cell).with_pooling(pooling).init(device).map(&mut Load::of(&golden));
        let values = golden.tensor::<3>("values").require_grad();
        let lengths = golden.lengths();

        let mut check = Check::of(on, &golden);
        check.result("logits", network.forward_values(values.clone(), &lengths));
        if let Some(weights) = network.pool(values.clone(), &lengths).weights {
            check.result("weights", weights);
        }
        check.gradients(&network, &[("values", values)]);
    }
}

fn tagger(on: &TestDevice, file: &SafeTensors, device: &Device) {
    let ids = || SequenceTaggerConfig::new(SequenceInput::tokens(SOURCE_VOCAB, EMBEDDING), HIDDEN, TAGS);
    let values = || SequenceTaggerConfig::new(SequenceInput::values(INPUT), HIDDEN, TAGS);
    let cases = [
        ("lstm-bi-ids", ids().with_num_layers(2).with_bidirectional(true)),
        ("gru-ids", ids().with_cell(CellKind::Gru)),
        ("rnn-bi-values", values().with_cell(CellKind::Rnn).with_bidirectional(true)),
        ("gru-values", values().with_cell(CellKind::Gru).with_num_layers(2)),
    ];
    for (case, config) in cases {
        let golden = Golden { file, case: case.into(), device: device.clone() };
        let network = config.init(device).map(&mut Load::of(&golden));
        let lengths = golden.lengths();

        let mut check = Check::of(on, &golden);
        if network.embedding.is_some() {
            check.result("logits", network.forward(golden.ids("ids"), &lengths));
            check.gradients(&network, &[]);
        } else {
            let values = golden.tensor::<3>("values").require_grad();
            check.result("logits", network.forward_values(values.clone(), &lengths));
            check.gradients(&network, &[("values", values)]);
        }
    }
}

fn forecast(on: &TestDevice, file: &SafeTensors, device: &Device) {
    let config = |layers, targets: &[usize]| {
        ForecastNetworkConfig::new(3, vec![HIDDEN; layers], 4, targets.len())
            .with_target_features(Some(targets.to_vec()))
            .with_residual(Some(1))
    };
    let quantiles = config(1, &[1]).with_cell(CellKind::Rnn).with_num_outputs(3);
    let decoder = config(2, &[2, 0]).with_num_future(2).with_num_outputs(2).with_lags(vec![4, 7]);
    let cases = [
        ("lstm-last-value", config(2, &[2, 0])),
        ("rnn-patches-quantiles", quantiles.with_patch_len(2).with_residual(Some(3))),
        ("gru-decoder", config(2, &[1, 2]).with_cell(CellKind::Gru).with_num_future(2).with_residual(Some(2))),
        (
            "lstm-decoder-series",
            decoder.with_patch_len(4).with_residual(Some(8)).with_num_series(2).with_series_embedding_dim(EMBEDDING),
        ),
    ];
    for (case, config) in cases {
        let golden = Golden { file, case: case.into(), device: device.clone() };
        let network = config.init(device).map(&mut Load::of(&golden));
        let past = golden.tensor::<3>("values").require_grad();
        let future = network.has_decoder().then(|| golden.tensor::<3>("future").require_grad());
        let series = network.series.is_some().then(|| golden.ids::<2>("series_ids").squeeze_dim(1));
        let input = ForecastInput { past: past.clone(), future: future.clone(), series };

        let mut check = Check::of(on, &golden);
        check.result("forecast", network.forward_with_lengths(input, &golden.lengths()));
        let inputs: Vec<_> = [("values", past)].into_iter().chain(future.map(|future| ("future", future))).collect();
        check.gradients(&network, &inputs);
    }
}

/// Loads a case's parameters into a module, by their names.
struct Load<'a> {
    golden: &'a Golden<'a>,
    path: Vec<String>,
}

impl<'a> Load<'a> {
    fn of(golden: &'a Golden<'a>) -> Self {
        Self { golden, path: Vec::new() }
    }
}

impl ModuleMapper for Load<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.join(".");
        param.map(|own| {
            let golden = self.golden.tensor::<D>(&name);
            assert_eq!(golden.dims(), own.dims(), "{name}");
            golden.require_grad()
        })
    }
}

/// Compares a case's results and sums up the loss; then its gradients, all of which must have been compared.
struct Check<'a> {
    on: &'a TestDevice,
    golden: &'a Golden<'a>,
    loss: Tensor<1>,
    results: Vec<String>,
}

impl<'a> Check<'a> {
    fn of(on: &'a TestDevice, golden: &'a Golden<'a>) -> Self {
        Self { on, golden, loss: Tensor::zeros([1], &golden.device), results: Vec::new() }
    }

    fn result<const D: usize>(&mut self, name: &str, ours: Tensor<D>) {
        let what = format!("{} {} {name}", self.on.name, self.golden.case);
        assert_close(&what, ours.clone(), self.golden.tensor(name), self.on.golden);
        self.loss = self.loss.clone() + (ours * self.golden.tensor(&format!("loss_{name}"))).sum();
        self.results.push(name.into());
    }

    fn state(&mut self, state: AnyState) {
        for (name, part) in ["h_n", "c_n"].into_iter().zip(state.into_parts()) {
            self.result(name, part);
        }
    }

    fn gradients(self, module: &impl Module, inputs: &[(&str, Tensor<3>)]) {
        assert_same_names(self.results, self.golden.names("loss_"), &self.golden.case);
        let grads = self.loss.backward();
        let mut seen = Compare { on: self.on, golden: self.golden, grads: &grads, path: Vec::new(), names: Vec::new() };
        module.visit(&mut seen);
        for (name, input) in inputs {
            seen.check(name, input);
        }
        assert_same_names(seen.names, self.golden.names("grad/"), &self.golden.case);
    }
}

fn assert_same_names(mut ours: Vec<String>, mut theirs: Vec<String>, case: &str) {
    ours.sort();
    theirs.sort();
    assert_eq!(ours, theirs, "{case}");
}

/// Compares the gradient of every parameter of a module.
struct Compare<'a> {
    on: &'a TestDevice,
    golden: &'a Golden<'a>,
    grads: &'a Gradients,
    path: Vec<String>,
    names: Vec<String>,
}

impl Compare<'_> {
    fn check<const D: usize>(&mut self, name: &str, of: &Tensor<D>) {
        let what = format!("{} {} gradient of {name}", self.on.name, self.golden.case);
        let gradient = of.grad(self.grads).expect("a gradient");
        assert_close(&what, gradient, self.golden.tensor(&format!("grad/{name}")), self.on.golden);
        self.names.push(name.into());
    }
}

impl ModuleVisitor for Compare<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.check(&self.path.join("."), &param.val());
    }
}
