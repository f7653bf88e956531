//! `train classify`, also called `sentiment`.

use anyhow::Result;
use burn::tensor::Device;
use clap::Args;
use recurrent::classify::{
    Attribution, Classification, Classifier, ClassifyConfig, ClassifyEvaluation, ClassifyRun, Classifying,
};
use recurrent::exchange::import_classifier;
use recurrent::metrics::classification::{LabeledPrediction, calibration_bins, roc};
use recurrent::models::{Summarize, Summary};
use recurrent::prelude::*;
use recurrent::settings::Settings;

use super::command_line::{CommandLine, Import, NoOptions, format, save_plot, write_output, write_scores};
use super::sentences::{SentencesOptions, is_blank, note_unknown, one_line};
use crate::args::{Format, PredictArgs};
use crate::error::BadInput;
use crate::output::print;
use crate::plots;
use crate::report::{Block, Section};

/// The number of classifications that are shown after training, besides the lecture's.
const SHOWN: usize = 7;
const BINS: usize = 10;
/// The lecture's two sentences, which are in training, and its question, which is not.
const LECTURE: [&str; 3] =
    ["I love this product", "This is the worst thing I have ever bought", "This product is amazing"];

/// Options of a classification.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Runs of classify")]
pub struct ClassifyOptions {
    /// Show how much each word contributed to the classification (gradient times input)
    #[arg(long)]
    pub explain: bool,
    #[command(flatten)]
    pub sentences: SentencesOptions,
}

impl CommandLine for Classifying {
    const ABOUT: &'static str = "Train a network to classify sentences, such as their sentiment";
    const ALIASES: &'static [&'static str] = &["sentiment"];
    const LOSS: &'static str = "Cross-entropy, nats per sentence";
    const IMPORT: Option<Import> = Some(Import {
        network: "A classifier of texts",
        run: |config, folder, device| import_classifier(config, folder, device),
    });

    type TrainOptions = NoOptions;
    type PredictOptions = ClassifyOptions;

    fn describe(run: &ClassifyRun) -> String {
        let [train, valid, test] = run.data().sizes();
        let ClassifyConfig { data, tokenizer, text_column, label_column, .. } = run.config();
        let columns = match (text_column, label_column) {
            (Some(text), Some(label)) => format!(" (sentences: column `{text}`, labels: column `{label}`)"),
            _ => String::new(),
        };
        let labels = run.data().labels().join(" or ");
        let vocab_size = run.data().tokenizer().vocab_size();
        format!(
            "Classifying {data}{columns} as {labels}, tokenizer {tokenizer} (vocabulary of {vocab_size}): {train} \
             sentences for training, {valid} for validation, {test} for test."
        )
    }

    fn evaluate_and_print(run: &ClassifyRun, device: &Device) -> Result<Section> {
        let evaluation = run.evaluate(device)?;
        let name = network_name(run.config());
        let scores = evaluation.scores(&name);
        print(format!("\n{scores}\n"));
        write_scores(run, &scores)?;
        let mut blocks = vec![Block::Verbatim(scores.to_string())];
        let mut sentences: Vec<&str> = LECTURE.to_vec();
        let step = (evaluation.texts.len() / SHOWN).max(1);
        sentences.extend(evaluation.texts.iter().step_by(step).take(SHOWN).map(String::as_str));
        blocks.push(classifications(&run.predictor(device)?, &sentences)?);
        blocks.extend(plot(run, &evaluation, &name)?);
        let baselines: Vec<&str> = evaluation.baselines.iter().map(|baseline| &*baseline.name).collect();
        let beside = if baselines.is_empty() { String::new() } else { format!(", beside {}", baselines.join(" and ")) };
        let lead = format!("Sentences of {}, classified by a network{beside}.", run.config().data);
        Ok(Section { title: "Classify".into(), lead, blocks })
    }

    fn next_command(run: &ClassifyRun) -> String {
        format!("To classify: train predict {} --explain \"{}\"", run.run_dir().root().display(), LECTURE[2])
    }

    fn predict(args: &PredictArgs, options: &ClassifyOptions, device: &Device) -> Result<()> {
        let format = format(args, &[Format::Text, Format::Csv, Format::Json])?;
        if format == Format::Csv && options.explain {
            let expected = "expected --format text or json, since csv has no column for it, found csv";
            return Err(BadInput(format!("--explain: {expected}")).into());
        }
        let classifier = Classifier::load(&args.run.run, device)?;
        let sentences = options.sentences.read()?;
        let asked: Vec<&str> = sentences.iter().map(String::as_str).filter(|sentence| !is_blank(sentence)).collect();
        let mut predictions = classifier.predict(&asked)?.into_iter();
        let mut baselines = baseline(&classifier, &asked).into_iter();
        let mut text = if format == Format::Csv { "label,probability,sentence\n".to_string() } else { String::new() };
        for sentence in &sentences {
            let Some(prediction) = (!is_blank(sentence)).then(|| predictions.next()).flatten() else {
                text += &blank(sentence, format);
                continue;
            };
            let prediction = &prediction;
            let truncated = prediction.truncated.then_some(classifier.config().max_length);
            note_unknown(sentence, &prediction.unknown, truncated);
            let baseline = baselines.next();
            let baseline = baseline.as_ref().map(|(name, probabilities)| (*name, &**probabilities));
            let attributions = options.explain.then(|| classifier.attribute(sentence));
            text += &match format {
                Format::Text | Format::Srt => {
                    let baseline = baseline.map(|(name, probabilities)| {
                        format!(" ({name}: {})", likeliest(probabilities, classifier.labels()))
                    });
                    lines(sentence, prediction, &baseline.unwrap_or_default(), attributions.as_deref())
                }
                Format::Csv => {
                    format!("{},{},{}\n", cell(&prediction.label), prediction.probability, quoted(sentence))
                }
                Format::Json => json(sentence, prediction, baseline, attributions, classifier.labels()),
            };
        }
        write_output(args, &text)
    }

    fn default_summary(device: &Device) -> Result<Summary> {
        let source = recurrent::open_data(&ClassifyConfig::defaults().data)?;
        let config = ClassifyConfig::new(&source)?;
        let data = Self::prepare(&config, &source, FittedParts::Anew)?;
        Ok(Self::network(&config, &data, device).summary(&Self::input_shape(&config)))
    }
}

/// `LSTM`, or `ensemble of 5 LSTMs`.
fn network_name(config: &ClassifyConfig) -> String {
    let cell = config.cell.to_string().to_uppercase();
    if config.ensemble == 1 { cell } else { format!("ensemble of {} {cell}s", config.ensemble) }
}

/// Classifies sentences by both models, prints the results, and returns them for a report.
fn classifications(classifier: &Classifier, sentences: &[&str]) -> Result<Block> {
    let predictions = classifier.predict(sentences)?;
    let mut baselines = baseline(classifier, sentences).into_iter();
    let mut rows = Vec::new();
    for (sentence, prediction) in sentences.iter().zip(&predictions) {
        let network = percent(&prediction.label, prediction.probability);
        let sentence = one_line(sentence);
        rows.push(match baselines.next() {
            Some((name, probabilities)) => {
                let likeliest = likeliest(&probabilities, classifier.labels());
                print(format!("  {network:16} {name}: {likeliest:16} {sentence}"));
                vec![network, likeliest, sentence]
            }
            None => {
                print(format!("  {network:16} {sentence}"));
                vec![network, sentence]
            }
        });
    }
    let head: Vec<&str> =
        [Some("network"), classifier.baseline_name(), Some("sentence")].into_iter().flatten().collect();
    Ok(Block::Table { head: head.into_iter().map(String::from).collect(), rows })
}

/// The name of the baseline and its probabilities of each label for each sentence; none if there is no baseline.
fn baseline(classifier: &Classifier, sentences: &[&str]) -> Vec<(&'static str, Vec<f64>)> {
    let Some(name) = classifier.baseline_name() else { return Vec::new() };
    let predictions = classifier.predict_baseline(sentences).unwrap_or_default();
    predictions.into_iter().map(|probabilities| (name, probabilities)).collect()
}

/// The answer to an empty line.
fn blank(line: &str, format: Format) -> String {
    match format {
        Format::Text | Format::Srt => "\n".into(),
        Format::Csv => format!(",,{}\n", quoted(line)),
        Format::Json => {
            serde_json::json!({ "sentence": line, "label": null, "probabilities": null }).to_string() + "\n"
        }
    }
}

/// A plot for each metric.
fn plot(run: &ClassifyRun, evaluation: &ClassifyEvaluation, name: &str) -> Result<Vec<Block>> {
    let scores = evaluation.scores(name);
    let mut models = vec![(name, &evaluation.network, &scores.network)];
    let baselines = evaluation.baselines.iter().zip(&scores.baselines);
    models.extend(baselines.map(|(baseline, score)| (&*baseline.name, &baseline.predictions, &score.score)));
    let mut blocks = Vec::new();
    for (index, (model, _, score)) in models.iter().enumerate() {
        let file = if index == 0 { "network".into() } else { model.to_lowercase().replace(' ', "-") };
        let title = format!("Confusion matrix of the {model}");
        let svg = plots::confusion(&title, &evaluation.labels, &score.confusion)?;
        blocks.push(save_plot(run, &format!("confusion-{file}"), &title, svg)?);
    }
    let bins = |predictions: &[LabeledPrediction]| -> Vec<(f64, f64, usize)> {
        calibration_bins(predictions, BINS).iter().map(|bin| (bin.confidence, bin.accuracy, bin.count)).collect()
    };
    let bins: Vec<_> = models.iter().map(|(model, predictions, ..)| (*model, bins(predictions))).collect();
    let curves: Vec<_> = bins.iter().map(|(model, bins)| (*model, &bins[..])).collect();
    let caption = "Calibration: accuracy against confidence.";
    blocks.push(save_plot(run, "calibration", caption, plots::calibration("Calibration", &curves)?)?);
    if evaluation.labels.len() == 2 {
        let points: Vec<_> =
            models.iter().map(|(model, predictions, score)| (*model, roc(predictions, 1), score.auroc)).collect();
        let curves: Vec<_> = points.iter().map(|(model, points, area)| (*model, &points[..], *area)).collect();
        let title = format!("Receiver operating characteristic for `{}`", evaluation.labels[1]);
        blocks.push(save_plot(run, "roc", &title, plots::roc(&title, &curves)?)?);
    }
    Ok(blocks)
}

/// `positive 98 % (bag of words: positive 91 %)  This product is amazing`, and below it the words that contributed.
fn lines(sentence: &str, prediction: &Classification, baseline: &str, attributions: Option<&[Attribution]>) -> String {
    let mut text =
        format!("{}{baseline}  {}\n", percent(&prediction.label, prediction.probability), one_line(sentence));
    if let Some(attributions) = attributions {
        let largest = attributions.iter().map(|part| part.score.abs()).fold(0.0, f64::max);
        let parts: Vec<String> =
            attributions.iter().map(|part| format!("{} {}", part.text, strength(part.score, largest))).collect();
        text += &format!("    {}\n", parts.join("  "));
    }
    text
}

fn json(
    sentence: &str,
    prediction: &Classification,
    baseline: Option<(&str, &[f64])>,
    attributions: Option<Vec<Attribution>>,
    labels: &[String],
) -> String {
    let by_label = |probabilities: &[f64]| -> serde_json::Map<String, serde_json::Value> {
        labels.iter().cloned().zip(probabilities.iter().map(|p| (*p).into())).collect()
    };
    // `bag_of_words` or `bag_of_characters`
    let name = baseline.map_or("bag of words", |(name, _)| name).replace(' ', "_");
    let line = serde_json::json!({
        "sentence": sentence,
        "label": prediction.label,
        "probabilities": by_label(&prediction.probabilities),
        name: baseline.map(|(_, probabilities)| by_label(probabilities)),
        "attributions": attributions,
        "unknown": prediction.unknown,
        "truncated": prediction.truncated,
    });
    line.to_string() + "\n"
}

/// The contribution of a word relative to the largest: `+++` to `---`.
fn strength(score: f64, largest: f64) -> String {
    let steps = if largest > 0.0 { (3.0 * score.abs() / largest).round() as usize } else { 0 };
    if steps == 0 { "·".into() } else { if score > 0.0 { "+" } else { "-" }.repeat(steps) }
}

fn percent(label: &str, probability: f64) -> String {
    format!("{label} {:.0} %", 100.0 * probability)
}

/// The likeliest label and its probability.
fn likeliest(probabilities: &[f64], labels: &[String]) -> String {
    let likeliest = probabilities.iter().zip(labels).max_by(|a, b| a.0.total_cmp(b.0));
    likeliest.map_or_else(String::new, |(probability, label)| percent(label, *probability))
}

/// A cell of CSV, quoted if necessary.
fn cell(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { quoted(text) } else { text.to_string() }
}

/// A quoted cell of CSV.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contributions_are_shown_by_their_strength() {
        let shown = [3.0, 1.2, 0.2, -2.0, 0.0].map(|score| strength(score, 3.0));
        assert_eq!(shown, ["+++", "+", "·", "--", "·"]);
        assert_eq!(strength(0.0, 0.0), "·");
    }

    #[test]
    fn a_sentence_with_quotes_is_one_cell() {
        assert_eq!(quoted("a \"good\", film"), "\"a \"\"good\"\", film\"");
        assert_eq!([cell("good, really"), cell("good")], ["\"good, really\"", "good"]);
    }
}
