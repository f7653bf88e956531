//! `train transcribe`, also called `speech`.

use std::collections::BTreeSet;

use anyhow::Result;
use burn::tensor::Device;
use clap::Args;
use recurrent::audio::Audio;
use recurrent::metrics::{Edit, align};
use recurrent::models::{Summarize, Summary};
use recurrent::prelude::*;
use recurrent::settings::Settings;
use recurrent::transcribe::{
    RecognizeOptions, Recognizer, SpeechSource, TranscribeConfig, TranscribeRun, Transcribing, Transcription,
    TranscriptionEvaluation, TranscriptionScores,
};

use super::command_line::{CommandLine, NoOptions, format, save_plot, write_output, write_scores};
use super::sentences::{SentencesOptions, is_blank};
use crate::args::{Format, PredictArgs};
use crate::error::BadInput;
use crate::language_model::LanguageModelArgs;
use crate::listen::read_lexicon;
use crate::output::print;
use crate::plots;
use crate::report::{Block, Section};

/// The number of recordings that are shown after training.
const SHOWN: usize = 8;
/// The number of words in the plot of confusions.
const CONFUSED: usize = 20;
/// The number of bins in the plot of delays.
const BINS: usize = 40;
/// The number of tokens whose probabilities are plotted.
const TOKENS: usize = 8;

/// Options of a transcription.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Runs of transcribe")]
pub struct TranscribeOptions {
    /// The only words that may be recognized: a file with a word on each line
    #[arg(long, value_name = "FILE")]
    pub lexicon: Option<std::path::PathBuf>,
    #[command(flatten)]
    pub language_model: LanguageModelArgs,
    #[command(flatten)]
    pub beam: super::generate::BeamOptions,
    #[command(flatten)]
    pub sentences: SentencesOptions,
}

impl CommandLine for Transcribing {
    const ABOUT: &'static str = "Train a network to transcribe speech, live or from WAV files";
    const ALIASES: &'static [&'static str] = &["speech"];
    const LOSS: &'static str = "CTC, nats per token (training begins framewise: nats per frame)";

    type TrainOptions = NoOptions;
    type PredictOptions = TranscribeOptions;

    fn describe(run: &TranscribeRun) -> String {
        let [train, valid, test] = run.data().sizes();
        let [minutes, ..] = run.data().seconds().map(|seconds| seconds / 60.0);
        let TranscribeConfig { data, tokenizer, sample_rate, .. } = run.config();
        let vocab_size = run.data().tokenizer().vocab_size();
        format!(
            "Transcribing {data} at {sample_rate} Hz, tokenizer {tokenizer} (vocabulary of {vocab_size}): {train} recordings \
             ({minutes:.1} min) for training, {valid} for validation, {test} for test."
        )
    }

    fn evaluate_and_print(run: &TranscribeRun, device: &Device) -> Result<Section> {
        let evaluation = run.evaluate(device)?;
        let scores = evaluation.scores();
        print(format!("\n{scores}"));
        write_scores(run, &scores)?;
        let mut blocks = vec![Block::Verbatim(scores.to_string()), examples(&evaluation)];
        if run.config().data == SpeechSource::SPOKEN_DIGITS {
            let caution =
                "This speech is synthetic. A network that learned from it alone does not understand real speakers.";
            print(format!("\n{caution}"));
            blocks.push(Block::Paragraph(caution.into()));
        }
        blocks.extend(plot(run, &evaluation, &scores, device)?);
        let lead = format!("Recordings of {}, transcribed as a stream, beside template matching.", run.config().data);
        Ok(Section { title: "Transcribe".into(), lead, blocks })
    }

    fn next_command(run: &TranscribeRun) -> String {
        let folder = run.run_dir().root().display();
        format!("To transcribe: train predict {folder} FILE.wav; live: train listen {folder}")
    }

    fn predict(args: &PredictArgs, options: &TranscribeOptions, device: &Device) -> Result<()> {
        let format = format(args, &[Format::Text, Format::Json, Format::Srt])?;
        let recognizer = Recognizer::load(&args.run.run, device)?;
        let recognize = options.recognize_options(device)?;
        let paths = options.sentences.read()?;
        let paths: Vec<&String> = paths.iter().filter(|path| !is_blank(path)).collect();
        if format == Format::Srt && paths.len() > 1 {
            let found = paths.len();
            return Err(BadInput(format!("--format srt: expected one recording, found {found}")).into());
        }
        let mut text = String::new();
        for path in paths {
            let audio = Audio::open(path).map_err(recurrent::Error::from)?;
            let transcription = recognizer.transcribe(&audio, &recognize)?;
            text += &match format {
                Format::Srt => transcription.to_srt(),
                Format::Json => json(path, &transcription),
                Format::Text | Format::Csv => transcription.text + "\n",
            };
        }
        write_output(args, &text)
    }

    fn shorten(config: &mut TranscribeConfig) {
        config.fit.epochs = 4;
    }

    fn default_summary(device: &Device) -> Result<Summary> {
        // The default words, without their sound; beside them, a tokenizer has four special tokens.
        let config = TranscribeConfig::defaults();
        let source = SpeechSource::open(&config.data)?;
        let words: BTreeSet<&str> =
            source.transcripts().all().iter().flat_map(|transcript| transcript.text.split_whitespace()).collect();
        let network = config.network(words.len() + 4).init(device);
        Ok(network.summary(&Self::input_shape(&config)))
    }
}

impl TranscribeOptions {
    fn recognize_options(&self, device: &Device) -> Result<RecognizeOptions> {
        let options = RecognizeOptions::default().with_beam_size(self.beam.beam_size.unwrap_or(1));
        let options = match &self.lexicon {
            Some(path) => options.with_lexicon(read_lexicon(path)?),
            None => options,
        };
        self.language_model.add_to(options, device)
    }
}

/// What was said and what was recognized, for some recordings.
fn examples(evaluation: &TranscriptionEvaluation) -> Block {
    let step = (evaluation.utterances.len() / SHOWN).max(1);
    let mut rows = Vec::new();
    for utterance in evaluation.utterances.iter().step_by(step).take(SHOWN) {
        let found = &utterance.transcription.text;
        let mark = if utterance.reference.eq_ignore_ascii_case(found) { " " } else { "≠" };
        print(format!("  {mark} {}  →  {found}", utterance.reference));
        rows.push(vec![utterance.reference.clone(), found.clone()]);
    }
    Block::Table { head: vec!["said".into(), "recognized".into()], rows }
}

/// The pictures of an evaluation.
fn plot(
    run: &TranscribeRun,
    evaluation: &TranscriptionEvaluation,
    scores: &TranscriptionScores,
    device: &Device,
) -> Result<Vec<Block>> {
    let mut blocks = Vec::new();
    let source = SpeechSource::open(&run.config().data)?;
    let longest = evaluation.utterances.iter().enumerate().max_by_key(|(_, each)| each.transcription.words().count());
    if let Some((index, utterance)) = longest {
        let test = source.transcripts().split(&run.config().split).map_err(recurrent::Error::from)?.test;
        let transcript = test.transcripts().nth(index).expect("there is a transcript for each utterance");
        let audio = source.utterance(transcript, run.config().log_mel().sample_rate)?.audio;
        let title = format!("“{}” as sound, probabilities of tokens, and words", utterance.reference);
        let svg = spectrogram(&title, &run.predictor(device)?, &audio, &utterance.transcription)?;
        blocks.push(save_plot(run, "spectrogram", &title, svg)?);
    }
    let (words, counts) = confused(evaluation);
    if !words.is_empty() {
        let caption = "Words that were taken for others.";
        blocks.push(save_plot(run, "confusion", caption, plots::confusion(caption, &words, &counts)?)?);
    }
    let delays: Vec<f64> =
        evaluation.utterances.iter().flat_map(|each| &each.delays).map(|seconds| 1_000.0 * seconds).collect();
    if let (Some(median), Some(p95)) = (scores.median_delay, scores.p95_delay) {
        let marks = [("median".to_string(), 1_000.0 * median), ("95 %".to_string(), 1_000.0 * p95)];
        let title = "From the end of a word to its recognition";
        let svg = plots::histogram(title, "milliseconds", &delays, BINS, &marks)?;
        blocks.push(save_plot(run, "delays", title, svg)?);
    }
    Ok(blocks)
}

fn spectrogram(title: &str, recognizer: &Recognizer, audio: &Audio, transcription: &Transcription) -> Result<String> {
    let config = recognizer.config();
    let windows = |frame: &Vec<f32>| frame.chunks(config.num_mels).map(<[f32]>::to_vec).collect::<Vec<_>>();
    let mels: Vec<Vec<f32>> = recognizer.log_mels(audio)?.iter().flat_map(windows).collect();
    let log_probs = recognizer.log_probs(audio)?;
    let blank = recognizer.tokenizer().special_tokens().pad as usize;
    let best = |token: usize| log_probs.iter().map(|frame| frame[token]).fold(f32::NEG_INFINITY, f32::max);
    let count = log_probs.first().map_or(0, Vec::len);
    let mut tokens: Vec<usize> = (0..count).filter(|token| *token != blank).collect();
    tokens.sort_by(|a, b| best(*b).total_cmp(&best(*a)));
    let posteriors = |token: usize| log_probs.iter().map(|frame| f64::from(frame[token]).exp()).collect::<Vec<f64>>();
    let posteriors: Vec<(String, Vec<f64>)> = tokens
        .into_iter()
        .take(TOKENS)
        .map(|token| (recognizer.tokenizer().display_token(token as u32), posteriors(token)))
        .collect();
    let words: Vec<(String, f64, f64)> =
        transcription.words().map(|word| (word.text.clone(), word.start, word.end)).collect();
    plots::spectrogram(title, &mels, config.log_mel().frame_seconds() / config.stack as f64, &posteriors, &words)
}

/// The words that were most often confused, and how often each was taken for each.
fn confused(evaluation: &TranscriptionEvaluation) -> (Vec<String>, Vec<Vec<usize>>) {
    const NOTHING: &str = "(nothing)";
    let mut words: Vec<String> = Vec::new();
    for confusion in evaluation.confusions() {
        for word in [confusion.reference, confusion.hypothesis] {
            let word = word.unwrap_or_else(|| NOTHING.into());
            if words.len() < CONFUSED && !words.contains(&word) {
                words.push(word);
            }
        }
    }
    let index = |word: Option<&str>| words.iter().position(|known| known == word.unwrap_or(NOTHING));
    let mut counts = vec![vec![0; words.len()]; words.len()];
    for utterance in &evaluation.utterances {
        let [said, found] = [&utterance.reference, &utterance.transcription.text].map(|text| text.to_lowercase());
        let [said, found] = [&said, &found].map(|text| text.split_whitespace().collect::<Vec<&str>>());
        for edit in align(&said, &found) {
            let (reference, hypothesis) = match edit {
                Edit::Match { reference, hypothesis } | Edit::Substitution { reference, hypothesis } => {
                    (Some(said[reference]), Some(found[hypothesis]))
                }
                Edit::Deletion { reference } => (Some(said[reference]), None),
                Edit::Insertion { hypothesis } => (None, Some(found[hypothesis])),
            };
            if let (Some(row), Some(column)) = (index(reference), index(hypothesis)) {
                counts[row][column] += 1;
            }
        }
    }
    (words, counts)
}

fn json(path: &str, transcription: &Transcription) -> String {
    let Transcription { text, segments, seconds, .. } = transcription;
    serde_json::json!({ "file": path, "text": text, "seconds": seconds, "segments": segments }).to_string() + "\n"
}
