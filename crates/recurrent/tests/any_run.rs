//! The folder of a run is somebody else's: any change to its files gives a result or an error, and never a panic.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use burn::tensor::Device;
use proptest::prelude::*;
use recurrent::audio::Audio;
use recurrent::classify::{Classifier, ClassifyConfig, Classifying};
use recurrent::compose::{ComposeConfig, Composer, Composing, CompositionRequest, MusicSource};
use recurrent::data::{DataSource, sha256};
use recurrent::fit::{Callbacks, Schedule};
use recurrent::forecast::{ForecastConfig, Forecaster, Forecasting};
use recurrent::generate::{GenerateConfig, Generation, Generator};
use recurrent::prelude::*;
use recurrent::transcribe::{Recognizer, SpeechSource, TranscribeConfig, Transcribing};
use recurrent::translate::{TranslateConfig, TranslateSource, Translating, Translator};
use recurrent::{Result, open_data};
use tempfile::TempDir;

/// A trained run, and what reads it.
struct Trained {
    folder: PathBuf,
    /// Loads the predictor and predicts.
    predict: fn(&Path) -> Result<()>,
    /// Evaluates the network, then resumes training.
    resume: fn(&Path) -> Result<()>,
}

/// A small run of each task.
fn trained() -> &'static [Trained] {
    static TRAINED: OnceLock<(TempDir, Vec<Trained>)> = OnceLock::new();
    &TRAINED
        .get_or_init(|| {
            let root = tempfile::tempdir().expect("a folder");
            let tasks = [forecast, generate, translate, classify, transcribe, compose];
            let runs = tasks.map(|train| train(root.path()).expect("a trained run"));
            (root, runs.into())
        })
        .1
}

fn source(folder: &Path, name: &str, text: &str) -> Result<DataSource> {
    let path = folder.join(name);
    fs::write(&path, text).expect("a file of data");
    open_data(&path.display().to_string())
}

fn fit<T: Task>(folder: &Path, mut config: T::Config, source: T::Source) -> Result<PathBuf> {
    let folder = folder.join(T::Config::TASK);
    config.fit_mut().schedule = Schedule::Constant;
    Run::<T>::create(config, source, &folder, false)?.fit(&Device::flex(), Callbacks::quiet())?;
    Ok(folder)
}

fn resume<T: Task>(folder: &Path) -> Result<()> {
    let run = Run::<T>::open(folder)?;
    let evaluated = run.evaluate(&Device::flex()).map(drop);
    // It has one epoch more than the checkpoint, whatever its configuration says now.
    run.with_epochs(2)?.fit(&Device::flex(), Callbacks::quiet())?;
    evaluated
}

fn forecast(folder: &Path) -> Result<Trained> {
    let rows: String = (0..120).map(|row| format!("{}\n", (f64::from(row) / 5.0).sin())).collect();
    let source = source(folder, "series.csv", &format!("x\n{rows}"))?;
    let mut config = ForecastConfig::new(&source)?;
    (config.window, config.hidden_size, config.fit.epochs) = (6, vec![3], 1);
    let predict = |folder: &Path| Forecaster::load(folder, &Device::flex())?.forecast(None).map(drop);
    Ok(Trained { folder: fit::<Forecasting>(folder, config, source)?, predict, resume: resume::<Forecasting> })
}

fn generate(folder: &Path) -> Result<Trained> {
    let source = source(folder, "text.txt", &"the cat sat on the mat. a dog ran to the cat!\n".repeat(20))?;
    let mut config = GenerateConfig::new(&source)?;
    (config.embedding_dim, config.hidden_size, config.bptt) = (3, 4, 8);
    (config.fit.batch_size, config.fit.epochs) = (4, 1);
    let predict = |folder: &Path| {
        let generator = Generator::load(folder, &Device::flex())?;
        generator.predict(&["the ca"])?;
        generator.complete("the ca", 2).map(drop)
    };
    Ok(Trained { folder: fit::<Generation>(folder, config, source)?, predict, resume: resume::<Generation> })
}

const WORDS: [(&str, &str); 6] =
    [("one", "один"), ("two", "два"), ("big", "большой"), ("cat", "кот"), ("dog", "пёс"), ("house", "дом")];

fn translate(folder: &Path) -> Result<Trained> {
    let pairs = WORDS.iter().flat_map(|first| WORDS.iter().map(move |second| (first, second)));
    let rows: String =
        pairs.map(|(first, second)| format!("{} {}\t{} {}\n", first.0, second.0, first.1, second.1)).collect();
    let path = folder.join("pairs.tsv");
    fs::write(&path, format!("en\tru\n{rows}")).expect("a file of data");
    let source = TranslateSource::open(&path.display().to_string(), None)?;
    let mut config = TranslateConfig::new(&source)?;
    (config.embedding_dim, config.hidden_size, config.vocab_size, config.fit.epochs) = (3, 4, 300, 1);
    config.max_length = 12;
    let predict = |folder: &Path| Translator::load(folder, &Device::flex())?.predict(&["one cat"]).map(drop);
    let folder = fit::<Translating>(folder, config, source)?;
    // Which chooses the length penalty.
    Run::<Translating>::open(&folder)?.evaluate(&Device::flex())?;
    Ok(Trained { folder, predict, resume: resume::<Translating> })
}

fn classify(folder: &Path) -> Result<Trained> {
    let rows = WORDS.iter().flat_map(|(word, _)| [format!("a good {word},yes\n"), format!("no bad {word},no\n")]);
    let source = source(folder, "labeled.csv", &format!("text,label\n{}", rows.collect::<String>()))?;
    let mut config = ClassifyConfig::new(&source)?;
    (config.embedding_dim, config.hidden_size, config.fit.epochs) = (3, 4, 1);
    let predict = |folder: &Path| Classifier::load(folder, &Device::flex())?.predict(&["a good cat"]).map(drop);
    Ok(Trained { folder: fit::<Classifying>(folder, config, source)?, predict, resume: resume::<Classifying> })
}

fn transcribe(folder: &Path) -> Result<Trained> {
    let mut rows = String::from("wav,text,split\n");
    for (index, split) in ["train", "train", "valid", "test"].into_iter().enumerate() {
        let tone = |n: i32| 0.1 * (n as f32 * 0.05 * (index + 1) as f32).sin();
        Audio::new(8_000, (0..4_000).map(tone).collect()).write(folder.join(format!("{index}.wav")))?;
        rows += &format!("{index}.wav,one two,{split}\n");
    }
    let path = folder.join("speech.csv");
    fs::write(&path, rows).expect("a file of data");
    let source = SpeechSource::open(&path.display().to_string())?;
    let mut config = TranscribeConfig::new(&source)?;
    (config.sample_rate, config.hidden_size, config.num_layers, config.fit.epochs) = (8_000, 4, 1, 1);
    let predict = |folder: &Path| {
        let tone = (0..4_000).map(|n| 0.1 * (n as f32 * 0.05).sin()).collect();
        Recognizer::load(folder, &Device::flex())?.predict(&[&Audio::new(8_000, tone)]).map(drop)
    };
    Ok(Trained { folder: fit::<Transcribing>(folder, config, source)?, predict, resume: resume::<Transcribing> })
}

fn compose(folder: &Path) -> Result<Trained> {
    let tune = |number: usize, notes: &str| format!("X:{number}\nM:4/4\nL:1/4\nK:C\n{notes}|]\n\n");
    let bars = ["CDEF", "GFED", "EGCE", "FAGE", "cBAG", "ABcG"];
    let tunes = bars.iter().flat_map(|first| bars.iter().map(move |second| format!("{first}|{second}")));
    let text: String = (1..).zip(tunes).map(|(number, notes)| tune(number, &notes)).collect();
    let path = folder.join("tunes.abc");
    fs::write(&path, text).expect("a file of data");
    let source = MusicSource::open(&path.display().to_string())?;
    let mut config = ComposeConfig::new(&source)?;
    (config.per_quarter, config.embedding_dim, config.hidden_size, config.fit.epochs) = (1, 3, 4, 1);
    let predict = |folder: &Path| {
        let composer = Composer::load(folder, &Device::flex())?;
        composer.compose(&CompositionRequest::default().with_bars(2)).map(drop)
    };
    Ok(Trained { folder: fit::<Composing>(folder, config, source)?, predict, resume: resume::<Composing> })
}

/// A change to a file of a run.
#[derive(Debug, Clone)]
enum Change {
    Remove,
    /// To a fraction of its length.
    Truncate(f64),
    /// The byte at a fraction of the length.
    Byte(f64, u8),
    /// One of the numbers of a text.
    Number(usize, &'static str),
    /// One of the texts between quotes.
    Text(usize, &'static str),
    /// The whole file.
    Content(&'static str),
}

impl Change {
    fn apply(&self, bytes: Vec<u8>) -> Option<Vec<u8>> {
        let at = |fraction: f64| (bytes.len() as f64 * fraction) as usize;
        Some(match self {
            Self::Remove => return None,
            Self::Truncate(fraction) => bytes[..at(*fraction)].to_vec(),
            Self::Byte(fraction, byte) => {
                let at = at(*fraction);
                let mut bytes = bytes;
                bytes.iter_mut().skip(at).take(1).for_each(|place| *place = *byte);
                bytes
            }
            Self::Number(index, number) => replace_nth(&bytes, r"-?[0-9]+(\.[0-9]+)?", *index, number),
            Self::Text(index, text) => replace_nth(&bytes, "\"[^\"]*\"", *index, text),
            Self::Content(text) => text.as_bytes().to_vec(),
        })
    }
}

/// The bytes with one of the matches of a pattern, of which `index` is counted round and round, replaced.
fn replace_nth(bytes: &[u8], pattern: &str, index: usize, with: &str) -> Vec<u8> {
    let pattern = regex::bytes::Regex::new(pattern).expect("a pattern");
    let found: Vec<_> = pattern.find_iter(bytes).map(|found| found.range()).collect();
    let Some(range) = found.get(index % found.len().max(1)) else { return bytes.to_vec() };
    [&bytes[..range.start], with.as_bytes(), &bytes[range.end..]].concat()
}

const NUMBERS: [&str; 9] =
    ["0", "-1", "3", "1000000000", "9223372036854775808", "18446744073709551615", "1e308", "nan", "1.5"];
const TEXTS: [&str; 5] = [r#""""#, r#""x""#, r#""../../x""#, r#""\u0000""#, "[]"];
const CONTENTS: [&str; 5] = ["", "{}", "[]", "null", "\u{feff}x = 1"];

fn any_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        1 => Just(Change::Remove),
        2 => (0.0..1.0).prop_map(Change::Truncate),
        4 => (0.0..1.0, any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        6 => (any::<usize>(), prop::sample::select(&NUMBERS[..])).prop_map(|(at, number)| Change::Number(at, number)),
        4 => (any::<usize>(), prop::sample::select(&TEXTS[..])).prop_map(|(at, text)| Change::Text(at, text)),
        1 => prop::sample::select(&CONTENTS[..]).prop_map(Change::Content),
    ]
}

/// The files of a folder and its folders.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// A copy of a run with one file changed. With `consistent`, the checksums of a checkpoint are those of its new records.
fn changed(run: &Path, file: usize, change: &Change, consistent: bool) -> TempDir {
    let copy = tempfile::tempdir().expect("a folder");
    let all = files(run);
    let changed = &all[file % all.len()];
    for path in &all {
        let to = copy.path().join(path.strip_prefix(run).expect("a file of the run"));
        fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        let bytes = fs::read(path).expect("a file");
        match if path == changed { change.apply(bytes) } else { Some(bytes) } {
            Some(bytes) => fs::write(to, bytes).expect("a file"),
            None => continue,
        }
    }
    let folder = copy.path().join("checkpoints/epoch-000001");
    let progress = folder.join("progress.toml");
    if consistent && let Ok(text) = fs::read_to_string(&progress) {
        let sums = ["model.bpk", "optimizer.bpk", "scheduler.bpk"]
            .map(|record| sha256(&fs::read(folder.join(record)).unwrap_or_default()));
        let end = text.find(']').map_or(0, |end| end + 1);
        fs::write(&progress, format!("sha256 = {sums:?}{}", &text[end..])).expect("a file");
    }
    copy
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn predictors_load_or_refuse_any_folder(task in 0..5_usize, file in any::<usize>(), change in any_change()) {
        let run = &trained()[task];
        let copy = changed(&run.folder, file, &change, false);
        let _ = (run.predict)(copy.path());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn runs_resume_or_refuse_any_folder(task in 0..5_usize, file in any::<usize>(), change in any_change()) {
        let run = &trained()[task];
        let copy = changed(&run.folder, file, &change, true);
        let _ = (run.resume)(copy.path());
    }
}

#[test]
fn unchanged_runs_predict_and_resume() {
    for run in trained() {
        let copy = changed(&run.folder, 0, &Change::Truncate(1.0), true);
        (run.predict)(copy.path()).expect("a prediction");
        (run.resume)(copy.path()).expect("a resumed run");
    }
}
