//! Runs out to other frameworks and back, and runs that start from others.

mod translate;

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use recurrent::classify::{Classifier, ClassifyConfig, ClassifyRun};
use recurrent::exchange::{ExportFormat, ImportConfig, export, import_classifier, import_forecaster, import_generator};
use recurrent::fit::Callbacks;
use recurrent::forecast::{ForecastConfig, ForecastRun, Forecaster, Residual};
use recurrent::generate::{GenerateConfig, GenerateRun, Generator};
use recurrent::models::CellKind;
use recurrent::models::networks::Pooling;
use recurrent::prelude::*;
use recurrent::weights::NetworkParts;
use recurrent::{Partial, Result, open_data};
use tempfile::TempDir;

/// A folder, and the paths in it.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn at(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.at(name), text).unwrap();
        self.at(name).to_str().unwrap().to_string()
    }

    fn text(&self) -> String {
        self.write("text.txt", &"The fox said to the crow: sing, and let the cheese fall.\n".repeat(20))
    }

    fn reviews(&self, labels: [&str; 2]) -> String {
        let mut text = "text,label\n".to_string();
        for index in 0..60 {
            let (word, label) = if index % 2 == 0 { ("good", labels[0]) } else { ("bad", labels[1]) };
            text += &format!("a {word} thing number {index},{label}\n");
        }
        self.write(&format!("{}.csv", labels.join("-")), &text)
    }

    fn series(&self) -> String {
        let rows = (0..200).map(|row| format!("{:.3}\n", (0.3 * f64::from(row)).sin()));
        self.write("series.csv", &format!("value\n{}", rows.collect::<String>()))
    }
}

fn device() -> Device {
    Device::flex()
}

fn generator(folder: &Folder, cell: CellKind, tie_weights: bool) -> PathBuf {
    let source = open_data(&folder.text()).unwrap();
    let mut config = GenerateConfig::new(&source).unwrap();
    (config.cell, config.tie_weights, config.num_layers) = (cell, tie_weights, 2);
    // A tied output needs as many dimensions as hidden units, to be an output layer elsewhere.
    config.embedding_dim = if tie_weights { 7 } else { 5 };
    (config.hidden_size, config.fit.epochs, config.fit.batch_size) = (7, 1, 4);
    let out = folder.at(format!("{cell}-{tie_weights}"));
    let run = GenerateRun::create(config, source, &out, false).unwrap();
    run.fit(&device(), Callbacks::quiet()).unwrap();
    out
}

fn classifier(folder: &Folder, change: impl FnOnce(&mut ClassifyConfig)) -> PathBuf {
    let source = open_data(&folder.reviews(["good", "bad"])).unwrap();
    let mut config = ClassifyConfig::new(&source).unwrap();
    (config.embedding_dim, config.hidden_size, config.ensemble, config.evidence) = (4, 3, 1, false);
    config.fit.epochs = 2;
    change(&mut config);
    let out = folder.at(format!("classifier-{}", config.pooling));
    let run = ClassifyRun::create(config, source, &out, false).unwrap();
    run.fit(&device(), Callbacks::quiet()).unwrap();
    out
}

const SENTENCES: [&str; 3] = ["a good thing", "bad", "a thing number 7"];

fn probabilities(run: &Path) -> Vec<f64> {
    let found = Classifier::load(run, &device()).unwrap().classify(&SENTENCES).unwrap();
    found.into_iter().flat_map(|found| found.probabilities).collect()
}

fn assert_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
    }
}

/// The file of weights in an export.
fn weights(folder: &Path) -> PathBuf {
    let names = ["model.safetensors", "model.weights.h5", "model.onnx"];
    names.iter().map(|name| folder.join(name)).find(|path| path.exists()).unwrap()
}

#[test]
fn language_models_come_back_from_every_format() {
    let folder = Folder::new();
    for (cell, tied) in [(CellKind::Lstm, false), (CellKind::Gru, true), (CellKind::Rnn, false)] {
        let run = generator(&folder, cell, tied);
        let completions = |run: &Path| {
            let found = Generator::load(run, &device()).unwrap().complete("The fo", 3).unwrap();
            found.into_iter().map(|found| (found.text, found.probability)).collect::<Vec<_>>()
        };
        let expected = completions(&run);
        for format in ExportFormat::ALL {
            let exported = folder.at(format!("{cell}-{format}"));
            export(&run, format, &exported, &device()).unwrap();
            let out = folder.at(format!("{cell}-{format}-run"));
            let config = ImportConfig::new(weights(&exported))
                .with_tokenizer(exported.join("tokenizer.json"))
                .with_settings(data(&folder.text()));
            let notes = import_generator(&config, &out, &device()).unwrap();
            // Only ONNX says which activation an RNN has.
            assert_eq!(notes.is_empty(), cell != CellKind::Rnn || format == ExportFormat::Onnx);
            let found = completions(&out);
            for ((found, of), (expected, probability)) in found.iter().zip(&expected) {
                assert!(found == expected && (of - probability).abs() < 1e-5, "{cell} {format}");
            }
            let config = Generator::load(&out, &device()).unwrap().config().clone();
            assert_eq!((config.cell, config.num_layers, config.tie_weights), (cell, 2, tied));
        }
    }
}

#[test]
fn classifiers_come_back_from_every_format() {
    let folder = Folder::new();
    for pooling in [Pooling::Last, Pooling::Mean, Pooling::Max] {
        let run = classifier(&folder, |config| config.pooling = pooling);
        for format in ExportFormat::ALL {
            let exported = folder.at(format!("{pooling}-{format}"));
            export(&run, format, &exported, &device()).unwrap();
            let out = folder.at(format!("{pooling}-{format}-run"));
            let config = ImportConfig::new(weights(&exported))
                .with_tokenizer(exported.join("tokenizer.json"))
                .with_labels(["bad", "good"])
                .with_pooling(pooling)
                .with_settings(data(&folder.reviews(["good", "bad"])));
            import_classifier(&config, &out, &device()).unwrap();
            assert_close(&probabilities(&out), &probabilities(&run));
        }
    }
}

#[test]
fn forecasters_come_back_from_every_format() {
    let folder = Folder::new();
    let source = open_data(&folder.series()).unwrap();
    let mut config = ForecastConfig::new(&source).unwrap();
    (config.window, config.horizon, config.residual, config.fit.epochs) = (10, 3, Residual::None, 1);
    config.hidden_size = vec![4, 6];
    let run = ForecastRun::create(config, source, folder.at("run"), false).unwrap();
    run.fit(&device(), Callbacks::quiet()).unwrap();
    let forecast = |run: &Path| {
        let found = Forecaster::load(run, &device()).unwrap().forecast(None).unwrap();
        found.values.into_iter().flatten().collect::<Vec<f64>>()
    };
    export(folder.at("run"), ExportFormat::Keras, folder.at("exported"), &device()).unwrap();
    let wrong = ImportConfig::new(weights(&folder.at("exported"))).with_settings(data(&folder.series()));
    let error = import_forecaster(&wrong, folder.at("wrong"), &device()).unwrap_err().to_string();
    let expected = "expected 1 features in (`features`), and 1 values of targets and horizon out";
    assert!(error.contains(expected) && !folder.at("wrong").exists(), "{error}");
    for format in ExportFormat::ALL {
        let exported = folder.at(format.to_string());
        export(folder.at("run"), format, &exported, &device()).unwrap();
        let out = folder.at(format!("{format}-run"));
        let mut settings = data(&folder.series());
        settings.set("window", 10.into());
        settings.set("horizon", 3.into());
        let config = ImportConfig::new(weights(&exported)).with_settings(settings);
        import_forecaster(&config, &out, &device()).unwrap();
        assert_close(&forecast(&out), &forecast(&folder.at("run")));
    }
}

fn data(path: &str) -> Partial {
    let mut settings = Partial::default();
    settings.set("data", path.into());
    settings
}

#[test]
fn training_goes_on_from_imported_weights() {
    let folder = Folder::new();
    let run = classifier(&folder, |_| {});
    export(&run, ExportFormat::Pytorch, folder.at("exported"), &device()).unwrap();
    let mut settings = data(&folder.reviews(["good", "bad"]));
    settings.set("lr", 1e-12.into());
    settings.set("average", 0.0.into());
    settings.set("epochs", 1.into());
    let config = ImportConfig::new(folder.at("exported/model.safetensors"))
        .with_tokenizer(folder.at("exported/tokenizer.json"))
        .with_labels(["bad", "good"])
        .with_pooling(Pooling::Mean)
        .with_settings(settings);
    import_classifier(&config, folder.at("imported"), &device()).unwrap();
    let imported = ClassifyRun::open(folder.at("imported")).unwrap();
    imported.fit(&device(), Callbacks::quiet()).unwrap();
    assert_close(&probabilities(&folder.at("imported")), &probabilities(&run));
    assert!(imported.evaluate(&device()).is_ok());
}

#[test]
fn run_starts_from_another_and_keeps_its_frozen_parts() {
    let folder = Folder::new();
    let base = classifier(&folder, |config| config.evidence = true);
    let start = |name: &str, labels: [&str; 2], change: &dyn Fn(&mut ClassifyConfig)| -> Result<ClassifyRun> {
        let source = open_data(&folder.reviews(labels)).unwrap();
        let from = base.to_str().unwrap().to_string();
        let given = recurrent::base_settings::<recurrent::classify::Classifying>(&from).unwrap();
        let mut config = given.apply(&ClassifyConfig::new(&source).unwrap()).unwrap();
        (config.fit.from, config.fit.epochs, config.fit.average) = (Some(from), 1, 0.0);
        change(&mut config);
        ClassifyRun::create(config, source, folder.at(name), false)
    };
    let tokenizer = |run: &Path| fs::read_to_string(run.join("tokenizer.json")).unwrap();

    let tuned = start("tuned", ["good", "bad"], &|config| config.fit.lr = 1e-12).unwrap();
    tuned.fit(&device(), Callbacks::quiet()).unwrap();
    assert_close(&probabilities(&folder.at("tuned")), &probabilities(&base));
    assert_eq!(tokenizer(&folder.at("tuned")), tokenizer(&base));

    let frozen = start("frozen", ["good", "bad"], &|config| {
        config.fit.freeze = vec!["embedding".into(), "recurrent".into()];
        config.fit.lr = 0.1;
    });
    frozen.unwrap().fit(&device(), Callbacks::quiet()).unwrap();
    let tensors = |run: &Path| {
        let bytes = fs::read(run.join("weights.safetensors")).unwrap();
        let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let of = |(name, tensor): (&str, safetensors::tensor::TensorView)| (name.to_string(), tensor.data().to_vec());
        tensors.iter().map(of).collect::<std::collections::BTreeMap<_, _>>()
    };
    let unchanged = || {
        let (before, after) = (tensors(&base), tensors(&folder.at("frozen")));
        before
            .iter()
            .filter(|(name, values)| after[*name] == **values)
            .map(|(name, _)| name.clone())
            .collect::<Vec<_>>()
    };
    let parts: Vec<String> = tensors(&base).into_keys().filter(|name| !name.contains("dense")).collect();
    assert_eq!(unchanged(), parts);
    // Also when training is resumed.
    let resumed = ClassifyRun::open(folder.at("frozen")).unwrap().with_epochs(2).unwrap();
    let (history, _) = resumed.fit(&device(), Callbacks::quiet()).unwrap();
    assert_eq!(history.epochs.len(), 2);
    resumed.keep_last_epoch(&device()).unwrap();
    assert_eq!(unchanged(), parts);

    let error = start("wider", ["good", "bad"], &|config| config.hidden_size = 9).unwrap_err();
    let expected = format!("hidden_size: expected 3, as {} has, found 9", base.display());
    assert_eq!(error.to_string(), expected);
    let error = start("others", ["fine", "poor"], &|_| {}).unwrap_err();
    assert!(
        error.to_string().contains("expected the labels bad, good, for which the network reads evidence"),
        "{error}"
    );
}

#[test]
fn other_labels_get_a_layer_of_their_own() {
    let folder = Folder::new();
    let base = classifier(&folder, |_| {});
    let source = open_data(&folder.reviews(["fine", "poor"])).unwrap();
    let from = base.to_str().unwrap().to_string();
    let given = recurrent::base_settings::<recurrent::classify::Classifying>(&from).unwrap();
    let mut config = given.apply(&ClassifyConfig::new(&source).unwrap()).unwrap();
    (config.fit.from, config.fit.epochs, config.fit.lr) = (Some(from), 1, 1e-12);
    config.fit.freeze = vec!["embedding".into()];
    let run = ClassifyRun::create(config, source, folder.at("run"), false).unwrap();
    run.fit(&device(), Callbacks::quiet()).unwrap();
    assert_eq!(Classifier::load(folder.at("run"), &device()).unwrap().labels(), ["fine", "poor"]);
    assert!(probabilities(&folder.at("run")) != probabilities(&base));
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let folder = Folder::new();
    let run = generator(&folder, CellKind::Lstm, false);
    export(&run, ExportFormat::Pytorch, folder.at("exported"), &device()).unwrap();
    let file = folder.at("exported/model.safetensors");
    let settings = data(&folder.text());
    let import = |config: ImportConfig, name: &str| {
        let error = import_generator(&config.with_settings(settings.clone()), folder.at(name), &device()).unwrap_err();
        assert!(error.is_bad_input() && !folder.at(name).exists(), "{error}");
        error.to_string()
    };
    assert_eq!(
        import(ImportConfig::new(&file), "a"),
        "tokenizer: expected the file of the network's tokenizer, found none"
    );
    let few = folder.write("few.json", r#"["a", "b"]"#);
    let error = import(ImportConfig::new(&file).with_tokenizer(&few), "b");
    assert!(error.contains("expected 6 vectors, one for each token of"), "{error}");
    let named = NetworkParts::new().with_embedding("dense.0.bias");
    let error = import(ImportConfig::new(&file).with_parts(named).with_tokenizer(&few), "c");
    assert!(error.contains("a matrix named `dense.0.bias`, found `dense.0.weight`, `embedding.weight`"), "{error}");
    let config = ImportConfig::new(&file).with_tokenizer(folder.at("exported/tokenizer.json")).with_labels(["x"]);
    let error = import_classifier(&config, folder.at("d"), &device()).unwrap_err().to_string();
    assert!(error.starts_with("labels: expected "), "{error}");
    let error = export(&run, ExportFormat::Onnx, folder.at("exported"), &device()).unwrap_err();
    assert!(error.to_string().ends_with("expected no such folder, found one") && error.is_bad_input(), "{error}");
}

#[test]
fn characters_of_another_program_are_a_tokenizer() {
    let folder = Folder::new();
    let run = generator(&folder, CellKind::Lstm, false);
    export(&run, ExportFormat::Pytorch, folder.at("exported"), &device()).unwrap();
    // The network has a vector for each of the characters and for four special tokens, which a list cannot name.
    let generator = Generator::load(&run, &device()).unwrap();
    let tokens = generator.tokenizer().vocab_size();
    let characters: Vec<char> = ('a'..).take(tokens).collect();
    let list = folder.write("characters.json", &serde_json::to_string(&characters).unwrap());
    let config = ImportConfig::new(folder.at("exported/model.safetensors"))
        .with_tokenizer(list)
        .with_settings(data(&folder.text()));
    import_generator(&config, folder.at("imported"), &device()).unwrap();
    let imported = Generator::load(folder.at("imported"), &device()).unwrap();
    // Four more are added, and never generated.
    assert_eq!(imported.tokenizer().vocab_size(), tokens + 4);
    assert_eq!(imported.tokenizer().encode("cab"), [2, 0, 1]);
    assert_eq!(imported.tokenizer().decode(&[2, 0, 1]), "cab");
}
