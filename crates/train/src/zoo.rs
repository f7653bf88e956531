//! Pretrained models: `train zoo`, and their names in place of a run's folder.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use burn::tensor::Device;
use clap::{Args, Subcommand};
use recurrent::PRETRAINED_PREFIX;
use recurrent::audio::synth::{SynthConfig, SynthSpeech, Utterance, Vocabulary};
use recurrent::classify::Classifier;
use recurrent::compose::{Composer, CompositionRequest};
use recurrent::generate::Generator;
use recurrent::transcribe::{RecognizeOptions, Recognizer};
use recurrent::translate::Translator;
use recurrent::zoo::{Card, Pretrained, Unpacked, pretrained};

use crate::error::BadInput;
use crate::output::{aligned, print, size, wrapped};
use crate::report::{Block, Section};

/// What [`answers`] asks.
const SENTENCES: [&str; 3] = ["I hate this awful phone", "This product is amazing", "The service was terrible."];
const PHRASES: [&str; 4] =
    ["How are you?", "Where have you been all morning?", "Our house is near the river.", "I need a doctor."];
const BEGINNING: &str = "She looked at the wat";
const KEY: &str = "Am";
/// How many utterances it listens to, by speakers from this number on.
const SPOKEN: usize = 2;
const FIRST_SPEAKER: u64 = 3_000;

#[derive(Debug, Subcommand)]
pub enum ZooCommand {
    /// List the pretrained models
    List,
    /// Show the card of a model: data, license, command, scores, limits
    Show(ZooShowArgs),
}

#[derive(Debug, Args)]
pub struct ZooShowArgs {
    /// The model
    #[arg(value_name = "NAME")]
    pub name: String,
}

/// `train zoo`.
pub fn run(command: &ZooCommand) -> Result<ExitCode> {
    match command {
        ZooCommand::List => list(),
        ZooCommand::Show(args) => {
            let name = args.name.strip_prefix(PRETRAINED_PREFIX).unwrap_or(&args.name);
            print(card(Pretrained::find(name)?.card()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Replaces the name of a pretrained model, `zoo:NAME`, by the folder that it is unpacked into, which lives as long as the
/// returned value.
pub fn unpack(run: &mut PathBuf) -> Result<Option<Unpacked>> {
    let Some(name) = name(run) else { return Ok(None) };
    let unpacked = Pretrained::find(name)?.unpack()?;
    *run = unpacked.as_ref().to_path_buf();
    Ok(Some(unpacked))
}

/// Refuses a pretrained model where only a run will do.
pub fn refuse(run: &Path, command: &str) -> Result<()> {
    match name(run) {
        None => Ok(()),
        Some(name) => {
            let expected = format!("zoo:{name}: expected the folder of a run, since `{command}` changes it");
            Err(BadInput(format!("{expected}, found a pretrained model")).into())
        }
    }
}

fn name(run: &Path) -> Option<&str> {
    run.to_str().and_then(|run| run.strip_prefix(PRETRAINED_PREFIX))
}

/// Answers of each pretrained model, printed and for a report.
pub fn answers(device: &Device) -> Result<Section> {
    let load = Pretrained::find;
    let classifier: Classifier = load("sentiment-en")?.load(device)?;
    let translator: Translator = load("english-russian")?.load(device)?;
    let generator: Generator = load("fables")?.load(device)?;
    let recognizer: Recognizer = load("spoken-digits")?.load(device)?;
    let composer: Composer = load("chorales")?.load(device)?;
    let mut rows = Vec::new();
    for (sentence, found) in SENTENCES.iter().zip(classifier.classify(&SENTENCES)?) {
        rows.push([sentence.to_string(), format!("{} {:.0} %", found.label, 100.0 * found.probability)]);
    }
    for (sentence, found) in PHRASES.iter().zip(translator.translate(&PHRASES)?) {
        rows.push([sentence.to_string(), found.text]);
    }
    for utterance in spoken()? {
        let found = recognizer.transcribe(&utterance.audio, &RecognizeOptions::default())?.text;
        rows.push([format!("(a synthetic voice:) {}", utterance.text()), found]);
    }
    for completion in generator.complete(BEGINNING, 1)? {
        rows.push([format!("{BEGINNING}…"), format!("{BEGINNING}{}", completion.text)]);
    }
    let asked = CompositionRequest::default().with_key(KEY.parse().map_err(recurrent::Error::from)?).with_bars(1);
    let bar = composer.compose(&asked)?.to_string();
    rows.push([format!("(a bar in {KEY})"), bar.lines().nth(1).unwrap_or_default().trim().to_string()]);
    aligned(&rows).lines().for_each(|line| print(format!("  {line}")));
    let lead = "Answers of the pretrained models that come with the program (`train zoo list`).".to_string();
    let head = ["input", "answer"].map(String::from).to_vec();
    let rows = rows.into_iter().map(Vec::from).collect();
    Ok(Section { title: "Pretrained models".into(), lead, blocks: vec![Block::Table { head, rows }] })
}

/// Utterances of synthetic speakers who are not in the training data.
fn spoken() -> recurrent::Result<Vec<Utterance>> {
    let vocabularies = [Vocabulary::EnglishDigits, Vocabulary::EnglishCommands];
    let config = SynthConfig::default()
        .with_speakers(FIRST_SPEAKER, SPOKEN as u64)
        .with_utterances(SPOKEN)
        .with_words(2, 4)
        .with_vocabularies(&vocabularies);
    Ok(SynthSpeech::new(config)?.iter().collect())
}

/// `train zoo list`.
fn list() {
    let rows = pretrained().iter().map(Pretrained::card).map(|card| {
        [
            format!("{PRETRAINED_PREFIX}{}", card.name),
            card.task.clone(),
            size(card.num_bytes as u64),
            card.title.clone(),
        ]
    });
    print(aligned(&rows.collect::<Vec<_>>()));
}

/// A card as text.
fn card(card: &Card) -> String {
    let mut text = format!("{PRETRAINED_PREFIX}{}: {}\n\n{}\n\n", card.name, card.title, wrapped(&card.description));
    let example = card.examples.first().map_or("", String::as_str);
    let mut line = |name: &str, value: &str| text += &format!("{name:10}{value}\n");
    line("to try", &format!("train predict {PRETRAINED_PREFIX}{} \"{example}\"", card.name));
    line("data", &format!("{} (sha256 {})", card.data, card.data_sha256));
    line("license", &card.license);
    line("made by", &format!("`{}`, {}, {}", card.command, card.made_by, card.made_on));
    line("size", &size(card.num_bytes as u64));
    if let (Some(milliseconds), Some(machine)) = (card.milliseconds, &card.machine) {
        line("time", &format!("{milliseconds} ms for each of many inputs ({machine})"));
    }
    text += &format!("\n{}\n\nOn the test split:\n", wrapped(&format!("Not made for: {}", card.limits)));
    let scores = card.scores.iter().map(|score| {
        let metrics = score.metrics.iter().map(|(name, value)| format!("{} {value:.3}", name.replace('_', " ")));
        [format!("  {}", score.model), metrics.collect::<Vec<_>>().join(", ")]
    });
    text + &aligned(&scores.collect::<Vec<_>>())
}
