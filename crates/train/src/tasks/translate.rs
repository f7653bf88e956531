//! `train translate`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use burn::tensor::Device;
use clap::Args;
use recurrent::data::SpecialTokens;
use recurrent::exchange::import_translator;
use recurrent::models::{Summarize, Summary};
use recurrent::prelude::*;
use recurrent::replace;
use recurrent::settings::Settings;
use recurrent::translate::{
    AttentionMap, BeamConfig, TestTranslation, TranslateConfig, TranslateRun, Translating, TranslationEvaluation,
    Translator,
};

use super::command_line::{CommandLine, Import, format, save_plot, write_output, write_scores};
use super::generate::BeamOptions;
use super::sentences::{SentencesOptions, is_blank, note_unknown, one_line, shorten};
use crate::args::{Format, PredictArgs};
use crate::error::BadInput;
use crate::output::{note, print};
use crate::plots;
use crate::report::{Block, Section};

/// The number of translations that are shown after training.
const SHOWN: usize = 10;
/// The number of them whose attention is plotted.
const PLOTTED: usize = 3;
/// The network that the demo trains further.
const PRETRAINED: &str = "zoo:english-russian";
/// Pairs that it trains on there.
const DEMO_PAIRS: usize = 4_000;
/// The length penalty that was chosen for it.
const PRETRAINED_PENALTY: f64 = 1.0;
/// The lecture's sentence.
const LECTURE: &str = "How are you?";

/// Options of training that are not settings.
#[derive(Debug, Default, Args)]
pub struct LectureOptions {
    /// Start from the settings of the lecture's network: one-hot characters, LSTM(128) → states → LSTM(128), no attention
    #[arg(long)]
    pub lecture: bool,
}

/// Options of a translation.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Runs of translate")]
pub struct TranslateOptions {
    /// Length penalty: log-probabilities are divided by the length to this power [default: the run's]
    #[arg(long, value_name = "X")]
    pub length_penalty: Option<f64>,
    /// Maximum tokens of a translation, its end token included [default: twice the longest training target, at most the
    /// run's --max-length]
    #[arg(long, value_name = "N")]
    pub max_length: Option<usize>,
    /// Write a plot of the attention in the first sentence's translation
    #[arg(long, value_name = "FILE.svg")]
    pub attention: Option<PathBuf>,
    #[command(flatten)]
    pub beam: BeamOptions,
    #[command(flatten)]
    pub sentences: SentencesOptions,
}

impl CommandLine for Translating {
    const ABOUT: &'static str = "Train a network to translate sentences";
    const LOSS: &'static str = "Cross-entropy, nats per token";
    const IMPORT: Option<Import> = Some(Import {
        network: "An encoder and a decoder of PyTorch",
        run: |config, folder, device| import_translator(config, folder, device),
    });

    type TrainOptions = LectureOptions;
    type PredictOptions = TranslateOptions;

    fn with_options(defaults: TranslateConfig, options: &LectureOptions) -> TranslateConfig {
        if options.lecture { defaults.lecture() } else { defaults }
    }

    fn describe(run: &TranslateRun) -> String {
        let [train, valid, test] = run.data().sizes();
        let [source, target] = run.data().vocab_sizes();
        let TranslateConfig { data, tokenizer, joint, attention, copy, source_column, target_column, .. } =
            run.config();
        let copy = if *copy { ", with a copy gate" } else { "" };
        let vocabularies = match joint {
            true => format!("a joint vocabulary of {source}"),
            false => format!("vocabularies of {source} and {target}"),
        };
        let columns = match (source_column, target_column) {
            (Some(source), Some(target)) => format!(" (column `{source}` to column `{target}`)"),
            _ => String::new(),
        };
        format!(
            "Translating {data}{columns}, tokenizer {tokenizer} ({vocabularies}): {train} pairs for training, {valid} for \
             validation, {test} sentences for test; attention: {attention}{copy}."
        )
    }

    fn evaluate_and_print(run: &TranslateRun, device: &Device) -> Result<Section> {
        let TranslationEvaluation { scores, translations, .. } = run.evaluate(device)?;
        print(format!("\n{scores}\n"));
        write_scores(run, &scores)?;
        let translator = run.predictor(device)?;
        let mut blocks = vec![Block::Verbatim(scores.to_string())];
        let bars: Vec<_> = scores.rows.iter().map(|row| (&*row.name, row.bleu.score)).collect();
        let title = "BLEU on the test split, beside the baselines";
        blocks.push(save_plot(run, "bleu", title, plots::bar_chart(title, "BLEU", &bars)?)?);
        let chosen = spread_out(&translations);
        let row = |translation: &&TestTranslation| {
            let columns = [&translation.source, &translation.hypothesis, &translation.references.join(" / ")];
            columns.map(|text| one_line(text)).to_vec()
        };
        let rows: Vec<Vec<String>> = chosen.iter().map(row).collect();
        for row in &rows {
            print(format!("  {}\n    → {}\n    ({})", row[0], row[1], row[2]));
        }
        let head = ["sentence", "translation", "references"].map(String::from).to_vec();
        blocks.push(Block::Table { head, rows });
        if run.config().data == TranslateConfig::defaults().data {
            let translation = translator.predict(&[LECTURE])?.swap_remove(0);
            let text = format!("The lecture's sentence (it is in training): {LECTURE} → {}", translation.text);
            print(format!("\n{text}"));
            blocks.push(Block::Paragraph(text));
        }
        for (number, translation) in chosen.iter().take(PLOTTED).enumerate() {
            if let Some(map) = translator.attention(&translation.source, &translation.hypothesis) {
                let caption = format!("The attention of the decoder: {}", translation.source);
                let svg = plot(&map, &translation.source)?;
                blocks.push(save_plot(run, &format!("attention-{}", number + 1), &caption, svg)?);
            }
        }
        let lead = format!("Sentences of {} that are not in training, and their translations.", run.config().data);
        Ok(Section { title: "Translate".into(), lead, blocks })
    }

    fn next_command(run: &TranslateRun) -> String {
        format!("To translate: train predict {} \"{LECTURE}\"", run.run_dir().root().display())
    }

    fn predict(args: &PredictArgs, options: &TranslateOptions, device: &Device) -> Result<()> {
        let format = format(args, &[Format::Text, Format::Json])?;
        let translator = Translator::load(&args.run.run, device)?;
        let sentences = options.sentences.read()?;
        let config = translator.config();
        let of_run = translator.beam();
        let beam = BeamConfig::new(
            options.beam.beam_size.unwrap_or(of_run.beam_size),
            options.length_penalty.unwrap_or(of_run.length_penalty),
        )
        .with_max_length(options.max_length);
        let asked: Vec<&str> = sentences.iter().map(String::as_str).filter(|sentence| !is_blank(sentence)).collect();
        let translations = translator.translate_with(&asked, beam)?;
        let mut next = translations.iter();
        let mut text = String::new();
        for sentence in &sentences {
            let Some(translation) = (!is_blank(sentence)).then(|| next.next()).flatten() else {
                if format == Format::Json {
                    text += &serde_json::json!({ "source": sentence, "text": "" }).to_string();
                }
                text.push('\n');
                continue;
            };
            if translation.cut {
                note(format!(
                    "note: cut at the maximum length (--max-length): the translation of `{}`",
                    shorten(sentence)
                ));
            }
            note_unknown(sentence, &translation.unknown, translation.truncated.then_some(config.max_length));
            match format {
                Format::Json => {
                    let mut line =
                        serde_json::to_value(translation).context("a translation cannot be written as JSON")?;
                    line["source"] = sentence.as_str().into();
                    text += &line.to_string();
                }
                Format::Text | Format::Csv | Format::Srt => text += &one_line(&translation.text),
            }
            text.push('\n');
        }
        if let (Some(path), Some(sentence)) = (&options.attention, asked.first()) {
            let map = translator.attention(sentence, &translations[0].text).ok_or_else(|| {
                let run = args.run.run.display();
                BadInput(format!("--attention: expected a run with attention, found {run} without"))
            })?;
            replace(path, plot(&map, sentence)?.as_bytes())?;
        }
        write_output(args, &text)
    }

    /// The lecture's network, with vocabularies of 100 characters.
    fn default_summary(device: &Device) -> Result<Summary> {
        let config = TranslateConfig::defaults().lecture();
        let network = config.network([config.vocab_size; 2], SpecialTokens::FITTED);
        Ok(network.init(device).summary(&[config.max_length]))
    }

    /// A translator needs more time than there is: the pretrained one is trained further, at a low rate.
    fn shorten(config: &mut TranslateConfig) {
        config.fit.from = Some(PRETRAINED.into());
        (config.train_pairs, config.fit.epochs, config.fit.lr) = (DEMO_PAIRS, 1, 2e-4);
        config.length_penalty = Some(PRETRAINED_PENALTY);
    }
}

/// Some of the translations, spread over the test split.
fn spread_out(translations: &[TestTranslation]) -> Vec<&TestTranslation> {
    let step = (translations.len() / SHOWN).max(1);
    translations.iter().step_by(step).take(SHOWN).collect()
}

fn plot(map: &AttentionMap, sentence: &str) -> Result<String> {
    plots::attention(sentence, &map.source, &map.target, &map.weights)
}
