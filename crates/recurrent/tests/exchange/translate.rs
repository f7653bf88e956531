//! Translators out to PyTorch and back, and those of tutorials.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};
use recurrent::RunDir;
use recurrent::data::{Tokenizer, TokenizerKind};
use recurrent::exchange::{ExportFormat, ImportConfig, export, import_translator};
use recurrent::fit::Callbacks;
use recurrent::models::CellKind;
use recurrent::models::networks::Seq2Seq;
use recurrent::prelude::*;
use recurrent::translate::{
    BeamConfig, DecoderAttention, TranslateConfig, TranslateRun, TranslateSource, Translation, Translator,
};
use recurrent::weights::{NetworkParts, WeightFile, keras};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use super::{Folder, data, device};

const SENTENCES: [&str; 3] = ["red fox 3", "blue crow 7", "the red crow"];
const TOKENIZERS: &str = "tokenizers.json";

impl Folder {
    fn pairs(&self) -> String {
        let mut text = "source,target\n".to_string();
        for number in 0..40 {
            for (source, target) in
                [("red fox", "rouge renard"), ("blue crow", "bleu corbeau"), ("the sea", "la mer bleue")]
            {
                text += &format!("{source} {number},{target} {number}\n");
            }
        }
        self.write("pairs.csv", &text)
    }

    /// A run that is not trained yet, with small sizes.
    fn run(&self, name: &str, change: impl FnOnce(&mut TranslateConfig)) -> TranslateRun {
        let source = TranslateSource::open(&self.pairs(), None).unwrap();
        let mut config = TranslateConfig::new(&source).unwrap();
        (config.embedding_dim, config.hidden_size, config.vocab_size, config.fit.epochs) = (5, 6, 60, 1);
        config.tokenizer = TokenizerKind::Words.into();
        change(&mut config);
        TranslateRun::create(config, source, self.at(name), false).unwrap()
    }

    /// The tokenizers of a run as two files.
    fn tokenizers(&self, run: &str) -> [PathBuf; 2] {
        let text = fs::read_to_string(self.at(run).join(TOKENIZERS)).unwrap();
        let both: serde_json::Value = serde_json::from_str(&text).unwrap();
        ["source", "target"].map(|side| self.write(&format!("{run}-{side}.json"), &both[side].to_string()).into())
    }
}

#[test]
fn translators_come_back_from_pytorch() {
    let folder = Folder::new();
    type Change = fn(&mut TranslateConfig);
    let cases: [(&str, Change); 7] = [
        ("gru-general", |_| {}),
        ("gru-none-joint", |config| (config.joint, config.attention) = (true, DecoderAttention::None)),
        ("gru-dot-same-size", |config| (config.attention, config.hidden_size) = (DecoderAttention::Dot, 5)),
        ("lstm-none-2", |config| {
            (config.cell, config.attention, config.num_layers) = (CellKind::Lstm, DecoderAttention::None, 2);
            (config.bidirectional, config.tie_weights) = (false, false);
        }),
        ("lstm-additive-joint-copy", |config| {
            (config.cell, config.attention) = (CellKind::Lstm, DecoderAttention::Additive);
            (config.joint, config.copy, config.num_layers) = (true, true, 2);
        }),
        ("lstm-one-hot", |config| *config = config.clone().lecture()),
        ("rnn-general", |config| config.cell = CellKind::Rnn),
    ];
    for (name, change) in cases {
        let run = folder.run(name, change);
        run.fit(&device(), Callbacks::quiet()).unwrap();
        let exported = folder.at(format!("{name}-exported"));
        export(folder.at(name), ExportFormat::Pytorch, &exported, &device()).unwrap();
        let file = exported.join("model.safetensors");
        let settings = data(&folder.pairs());

        let config = ImportConfig::new(&file).with_tokenizer(exported.join(TOKENIZERS)).with_settings(settings.clone());
        let out = folder.at(format!("{name}-imported"));
        let notes = import_translator(&config, &out, &device()).unwrap();
        assert_eq!(notes.is_empty(), name != "rnn-general", "only the activation of an RNN is not in the file");
        let weights = |run: PathBuf| fs::read(run.join("weights.safetensors")).unwrap();
        assert!(weights(out.clone()) == weights(folder.at(name)), "{name}");
        let translations = |run: PathBuf| Translator::load(run, &device()).unwrap().predict(&SENTENCES).unwrap();
        assert_eq!(translations(out), translations(folder.at(name)), "{name}");

        // The tokenizers alone do not say how long a translation may be.
        let [source, target] = folder.tokenizers(name);
        let config = ImportConfig::new(&file).with_settings(settings);
        let config = match run.config().joint {
            true => config.with_tokenizer(source),
            false => config.with_tokenizers(source, target),
        };
        let out = folder.at(format!("{name}-files"));
        import_translator(&config, &out, &device()).unwrap();
        let beam = BeamConfig::new(2, 0.6).with_max_length(Some(7));
        let limited = |run: PathBuf| -> Vec<Translation> {
            Translator::load(run, &device()).unwrap().translate_with(&SENTENCES, beam).unwrap()
        };
        assert_eq!(limited(out), limited(folder.at(name)), "{name}");
    }
}

#[test]
fn training_of_an_imported_translator_continues() {
    let folder = Folder::new();
    folder.run("run", |_| {}).fit(&device(), Callbacks::quiet()).unwrap();
    export(folder.at("run"), ExportFormat::Pytorch, folder.at("exported"), &device()).unwrap();
    let mut settings = data(&folder.pairs());
    settings.set("epochs", 1.into());
    let config = ImportConfig::new(folder.at("exported/model.safetensors"))
        .with_tokenizer(folder.at("exported").join(TOKENIZERS))
        .with_settings(settings);
    import_translator(&config, folder.at("imported"), &device()).unwrap();
    let run = TranslateRun::open(folder.at("imported")).unwrap();
    let (history, _) = run.fit(&device(), Callbacks::quiet()).unwrap();
    assert_eq!(history.epochs.len(), 1);
    run.evaluate(&device()).unwrap();
}

/// A state dict, whose values have a pattern and no meaning.
#[derive(Clone, Default)]
struct Dict(BTreeMap<String, (Vec<usize>, Vec<f32>)>);

impl Dict {
    fn with(mut self, name: &str, shape: &[usize]) -> Self {
        let phase = self.0.len() as f32;
        let values = (0..shape.iter().product()).map(|index| (0.7 * index as f32 + phase).sin() / 2.0).collect();
        self.0.insert(name.into(), (shape.to_vec(), values));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.0.remove(name).unwrap();
        self
    }

    fn with_linear(self, name: &str, outputs: usize, inputs: usize) -> Self {
        self.with(&format!("{name}.weight"), &[outputs, inputs]).with(&format!("{name}.bias"), &[outputs])
    }

    fn with_layers(
        mut self,
        name: &str,
        gates: usize,
        [input, hidden]: [usize; 2],
        layers: usize,
        ends: &[&str],
    ) -> Self {
        for layer in 0..layers {
            let input = if layer == 0 { input } else { hidden * ends.len() };
            for end in ends {
                let name = |parameter: &str| format!("{name}.{parameter}_l{layer}{end}");
                self = self
                    .with(&name("weight_ih"), &[gates * hidden, input])
                    .with(&name("weight_hh"), &[gates * hidden, hidden])
                    .with(&name("bias_ih"), &[gates * hidden])
                    .with(&name("bias_hh"), &[gates * hidden]);
            }
        }
        self
    }

    fn write(&self, folder: &Folder, name: &str) -> PathBuf {
        let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let tensors: Vec<_> = self.0.iter().map(|(name, (shape, values))| (name, shape, bytes(values))).collect();
        let views = tensors
            .iter()
            .map(|(name, shape, bytes)| (name.as_str(), TensorView::new(Dtype::F32, (*shape).clone(), bytes).unwrap()));
        fs::write(folder.at(name), safetensors::serialize(views, None).unwrap()).unwrap();
        folder.at(name)
    }

    fn matrix(&self, name: &str) -> Tensor<2> {
        let (shape, values) = &self.0[name];
        Tensor::from_data(TensorData::new(values.clone(), [shape[0], shape[1]]), &device())
    }

    fn linear(&self, name: &str, x: Tensor<3>) -> Tensor<3> {
        let product = x.matmul(self.matrix(&format!("{name}.weight")).transpose().unsqueeze());
        match self.0.get(&format!("{name}.bias")) {
            Some((shape, values)) => {
                let bias = Tensor::<1>::from_data(TensorData::new(values.clone(), [shape[0]]), &device());
                product + bias.unsqueeze()
            }
            None => product,
        }
    }

    fn embed(&self, name: &str, ids: &[[i64; 4]]) -> Tensor<3> {
        let rows = ids.iter().map(|row| {
            let row = Tensor::<1, Int>::from_data(TensorData::new(row.to_vec(), [row.len()]), &device());
            self.matrix(name).select(0, row).unsqueeze::<3>()
        });
        Tensor::cat(rows.collect(), 0)
    }
}

const SOURCE: [[i64; 4]; 2] = [[5, 6, 7, 2], [8, 4, 9, 2]];
const TARGET: [[i64; 4]; 2] = [[1, 5, 6, 7], [1, 9, 4, 5]];

/// The logits of a tutorial's network, by its equations.
fn reference(dict: &Dict, file: &WeightFile, [encoder, decoder]: [&str; 2], output: &str) -> Tensor<3> {
    let layer = |name: &str| file.stack(name).unwrap().init(&device()).unwrap();
    let (outputs, mut state) = layer(encoder).forward(dict.embed("encoder.embedding.weight", &SOURCE), None);
    if dict.0.contains_key("encoder.fc.weight") {
        let cell = state.cell();
        let hidden = state.into_parts().swap_remove(0);
        let [_, batch, size] = hidden.dims();
        let both = hidden.swap_dims(0, 1).reshape([1, batch, 2 * size]);
        state = recurrent::models::AnyState::from_parts(cell, vec![dict.linear("encoder.fc", both).tanh()]);
    }
    let (hidden, _) = layer(decoder).forward(dict.embed("decoder.embedding.weight", &TARGET), Some(state));
    if !dict.0.contains_key("decoder.attn.weight") {
        return dict.linear(output, hidden);
    }
    let scores = hidden.clone().matmul(dict.linear("decoder.attn", outputs.clone()).swap_dims(1, 2));
    let context = softmax(scores, 2).matmul(outputs);
    dict.linear(output, dict.linear("decoder.concat", Tensor::cat(vec![context, hidden], 2)).tanh())
}

/// The network of an imported run.
fn network(run: PathBuf) -> Seq2Seq {
    let run_dir = RunDir::open(&run).unwrap();
    let config: TranslateConfig = run_dir.config().unwrap();
    let translator = Translator::load(&run, &device()).unwrap();
    let [source, target] = translator.tokenizers();
    let sizes = [source.vocab_size(), target.vocab_size()];
    let mut network = config.network(sizes, target.special_tokens()).init(&device());
    run_dir.read_weights(&mut network).unwrap();
    network
}

fn ids(rows: [[i64; 4]; 2], device: &Device) -> Tensor<2, Int> {
    Tensor::from_data(rows, device)
}

/// A folder with the tokenizers of a run, their files, and the sizes of their vocabularies.
fn with_tokenizers() -> (Folder, [PathBuf; 2], [usize; 2]) {
    let folder = Folder::new();
    folder.run("run", |_| {});
    let files = folder.tokenizers("run");
    let sizes = files.clone().map(|file| Tokenizer::open(file).unwrap().vocab_size());
    assert!(sizes[0] != sizes[1], "{sizes:?}");
    (folder, files, sizes)
}

fn tutorial(cell: &str, gates: usize, layers: usize, [source, target]: [usize; 2]) -> Dict {
    Dict::default()
        .with("encoder.embedding.weight", &[source, 3])
        .with_layers(&format!("encoder.{cell}"), gates, [3, 4], layers, &[""])
        .with("decoder.embedding.weight", &[target, 3])
        .with_layers(&format!("decoder.{cell}"), gates, [3, 4], layers, &[""])
        .with_linear("decoder.out", target, 4)
}

#[test]
fn networks_of_tutorials_have_the_same_logits() {
    let (folder, [source, target], sizes) = with_tokenizers();
    let tokens = sizes[1];
    let attention = tutorial("gru", 3, 1, sizes)
        .with_layers("encoder.gru", 3, [3, 4], 1, &["", "_reverse"])
        .with_linear("encoder.fc", 4, 8)
        .with_linear("decoder.attn", 4, 8)
        .with("decoder.concat.weight", &[4, 12]);
    let rename = |dict: Dict| Dict(dict.0.into_iter().map(|(name, of)| (format!("module.{name}"), of)).collect());
    let fc = tutorial("lstm", 4, 2, sizes).without("decoder.out.weight").without("decoder.out.bias");
    let cases = [
        (tutorial("rnn", 4, 2, sizes), ["encoder.rnn", "decoder.rnn"], "decoder.out", 0),
        (tutorial("gru", 3, 1, sizes), ["encoder.gru", "decoder.gru"], "decoder.out", 0),
        (fc.with_linear("decoder.fc_out", tokens, 4), ["encoder.lstm", "decoder.lstm"], "decoder.fc_out", 0),
        (attention, ["encoder.gru", "decoder.gru"], "decoder.out", 2),
    ];
    for (index, (dict, stacks, output, num_notes)) in cases.into_iter().enumerate() {
        let file = rename(dict.clone()).write(&folder, &format!("{index}.safetensors"));
        let config = ImportConfig::new(&file).with_tokenizers(&source, &target).with_settings(data(&folder.pairs()));
        let out = folder.at(format!("imported-{index}"));
        assert_eq!(import_translator(&config, &out, &device()).unwrap().len(), num_notes);
        let logits = network(out).forward(ids(SOURCE, &device()), &[4, 4], ids(TARGET, &device()));
        let expected = reference(&dict, &WeightFile::open(&file).unwrap(), stacks, output);
        let difference = (logits - expected).abs().max().into_scalar::<f32>();
        assert!(difference < 1e-5, "{stacks:?}: {difference}");
    }
}

#[test]
fn tied_and_shared_tables_are_seen() {
    let (folder, [source, _], [tokens, _]) = with_tokenizers();
    let mut dict = Dict::default()
        .with("encoder.embedding.weight", &[tokens, 4])
        .with_layers("encoder.gru", 3, [4, 4], 1, &[""])
        .with_layers("decoder.gru", 3, [4, 4], 1, &[""])
        .with("decoder.out.bias", &[tokens]);
    let table = dict.0["encoder.embedding.weight"].clone();
    for name in ["decoder.embedding.weight", "decoder.out.weight"] {
        dict.0.insert(name.into(), table.clone());
    }
    let file = dict.write(&folder, "tied.safetensors");
    let config = ImportConfig::new(file).with_tokenizer(source).with_settings(data(&folder.pairs()));
    import_translator(&config, folder.at("tied"), &device()).unwrap();
    let config: TranslateConfig = RunDir::open(folder.at("tied")).unwrap().config().unwrap();
    assert!(config.joint && config.tie_weights && !config.bidirectional);
}

#[test]
fn what_a_translator_cannot_be_is_refused_by_name() {
    let (folder, [source, target], sizes) = with_tokenizers();
    let refuse = |config: ImportConfig, expected: &str| {
        let config = config.with_settings(data(&folder.pairs()));
        let error = import_translator(&config, folder.at("refused"), &device()).unwrap_err();
        assert!(error.is_bad_input() && !folder.at("refused").exists(), "{error}");
        assert!(error.to_string().contains(expected), "{error}, expected {expected}");
    };
    let tokens = sizes[1];
    let dict = || tutorial("gru", 3, 1, sizes);
    let both = |dict: Dict| ImportConfig::new(dict.write(&folder, "x.safetensors")).with_tokenizers(&source, &target);
    let with = |change: &dyn Fn(Dict) -> Dict, expected: &str| refuse(both(change(dict())), expected);

    with(&|dict| dict.without("decoder.out.weight"), "expected one of `decoder.out`, `decoder.fc`");
    with(&|dict| dict.without("decoder.embedding.weight"), "expected `decoder.embedding.weight`, found none");
    with(
        &|dict| dict.with("decoder.out.weight", &[tokens, 8]),
        &format!("`decoder.out.weight` of shape [{tokens}, 4]"),
    );
    with(&|dict| dict.with("decoder.out.weight", &[tokens + 1, 4]), "`decoder.out.bias`: expected");
    with(
        &|dict| dict.with_linear("decoder.out", tokens + 1, 4),
        &format!("expected {tokens} outputs of `decoder.out`, one for each token of the target, found {}", tokens + 1),
    );
    with(&|dict| dict.with_linear("decoder.fc", tokens, 4), "found `decoder.out`, `decoder.fc`");
    with(&|dict| dict.with("decoder.attention.v.weight", &[1, 4]), "found `decoder.attention.v.weight`");
    with(&|dict| dict.with_linear("decoder.attention", 4, 4), "expected one of `decoder.combine`, `decoder.concat`");
    let combined = |dict: Dict| dict.with_linear("decoder.attn", 4, 4).with_linear("decoder.concat", 4, 8);
    with(&combined, "expected `decoder.concat` without a bias");
    let additive = |dict: Dict| dict.with_linear("decoder.attn", 4, 8).with("decoder.concat.weight", &[4, 8]);
    with(&additive, "`decoder.attn.weight` of shape [4, 4], found [4, 8]");
    with(&|dict| dict.with_layers("decoder.gru", 3, [7, 4], 1, &[""]), "3 features in the decoder");
    with(&|dict| dict.with_layers("decoder.gru", 3, [3, 5], 1, &[""]), "found GRU (reset after)(3, 5)");
    with(&|dict| dict.with_layers("decoder.gru", 3, [3, 4], 2, &[""]), "found GRU (reset after)(3, 4), 2 layers");
    with(&|dict| dict.with_layers("decoder.gru", 4, [3, 4], 1, &[""]), "found LSTM(3, 4)");
    with(&|dict| dict.with_layers("decoder.gru", 3, [3, 4], 1, &["", "_reverse"]), "a decoder in one direction");
    with(&|dict| dict.with_layers("encoder.gru", 3, [3, 4], 1, &["", "_reverse"]), "expected `encoder.fc`");
    with(&|dict| dict.with_layers("encoder.lstm", 4, [3, 4], 1, &[""]), "found `encoder.lstm`");
    with(&|dict| dict.with("encoder.gru.weight_hr_l0", &[4, 4]), "projections (proj_size) are not supported");
    with(
        &|dict| Dict(dict.0.into_iter().filter(|(name, _)| !name.contains("gru.bias")).collect()),
        "found layers without biases in the encoder",
    );
    with(
        &|dict| Dict(dict.0.into_iter().map(|(name, of)| (name.replace("encoder.", "enc."), of)).collect()),
        "expected recurrent layers `encoder` and `decoder`, as `train export` names them",
    );
    for name in ["decoder.out.weight", "decoder.out.bias", "encoder.gru.weight_hh_l0"] {
        let mut dict = dict();
        dict.0.get_mut(name).unwrap().1[3] = f32::NAN;
        refuse(both(dict), "expected finite weights, found NaN");
    }

    let file = dict().write(&folder, "right.safetensors");
    let right = || ImportConfig::new(&file);
    refuse(right(), "tokenizer: expected the tokenizer of both languages, or one for each");
    refuse(right().with_tokenizers(&target, &source), "vectors, one for each token of");
    refuse(right().with_tokenizer(&source), &format!("found {tokens} of the target"));
    let few = folder.write("few.json", &serde_json::to_string(&('a'..).take(sizes[0]).collect::<Vec<_>>()).unwrap());
    refuse(right().with_tokenizers(few, &target), "expected the beginning and the end of a sentence among the");
    let named = NetworkParts::new().with_embedding("encoder.embedding.weight");
    refuse(right().with_tokenizers(&source, &target).with_parts(named), "embedding: expected none");
    let stack = WeightFile::open(&file).unwrap().stack("encoder.gru").unwrap();
    keras::save(folder.at("model.weights.h5"), &[("encoder", &stack)]).unwrap();
    let other = ImportConfig::new(folder.at("model.weights.h5")).with_tokenizers(&source, &target);
    refuse(other, "expected a state dict of PyTorch (.safetensors, .pt), whose modules have names, found KerasHdf5");

    let mut settings = data(&folder.pairs());
    settings.set("hidden_size", 9.into());
    let config = right().with_tokenizers(&source, &target).with_settings(settings);
    let error = import_translator(&config, folder.at("refused"), &device()).unwrap_err();
    assert!(error.to_string().contains("the sizes: the layer has input 3 and hidden 9"), "{error}");
    assert!(!folder.at("refused").exists());
}
