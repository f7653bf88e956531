//! The commands of sentiment.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use burn::tensor::Device;
use recurrent::Run;
use recurrent::classify::{Attribution, Classification, Classifier, ClassifyConfig, ClassifyRun, TestTexts};
use recurrent::metrics::classification::{LabeledPrediction, calibration_bins, roc};
use recurrent::models::{Summarize, Summary};

use super::Shown;
use crate::cli::{BadInput, Format, NewRun, PredictArgs};
use crate::output::{note, say};
use crate::report::{Block, Section};
use crate::settings::{ClassifySettings, Layers};
use crate::{device, plots};

const DEFAULT_DATA: &str = "reviews";
/// Judgements that are shown at the end, besides the lecture's.
const SHOWN: usize = 7;
const BINS: usize = 10;
const WORDS: &str = "bag of words";
/// The lecture's two sentences, which are in training, and its question, which is not.
const LECTURE: [&str; 3] =
    ["I love this product", "This is the worst thing I have ever bought", "This product is amazing"];

/// `train sentiment`.
pub fn train(args: &NewRun<ClassifySettings>) -> Result<ExitCode> {
    let device = device::open(&args.device)?;
    let layers = Layers::read(&args.settings, args.config.as_deref())?;
    let data = layers.get::<String>("data").unwrap_or_else(|| DEFAULT_DATA.into());
    let plan = layers.over(&ClassifyConfig::new(&data)?)?;
    let folder = super::place(args, &plan, plan.model);
    let run = ClassifyRun::create(plan, &folder, args.force)?;
    introduce(&run, &device);
    super::finish(&run, &device)
}

/// Says what is going to be trained.
pub fn introduce(run: &ClassifyRun, device: &Device) {
    let plan = run.plan();
    let [train, valid, test] = run.sizes();
    say(network(plan, run.tokens(), run.labels().len(), device));
    say(format!(
        "\nJudging {} as {}: {train} sentences to train, {valid} to validate, {test} to test; {} {} are known.",
        plan.data,
        run.labels().join(" or "),
        run.tokens(),
        plan.codec
    ));
    run.notes().iter().for_each(|text| note(format!("note: {text}")));
}

impl Shown for ClassifyRun {
    const LOSS: &'static str = "Cross-entropy, nats a sentence";

    fn show(&self, device: &Device) -> Result<Section> {
        let test = self.score(device)?;
        let name = self.plan().model.to_string().to_uppercase();
        let scores = test.score(&name);
        super::write_scores(self, &scores)?;
        say(format!("\n{scores}\n"));
        let mut blocks = vec![Block::Verbatim(scores.to_string())];
        let mut sentences: Vec<String> = LECTURE.map(String::from).to_vec();
        let step = (test.texts.len() / SHOWN).max(1);
        sentences.extend(test.texts.iter().step_by(step).take(SHOWN).cloned());
        blocks.push(judgements(self, &sentences, device)?);
        blocks.extend(draw(self, &test, &name)?);
        let lead = format!("Sentences of {}, judged by a network and by a {WORDS}.", self.plan().data);
        Ok(Section { title: "Sentiment".into(), lead, blocks })
    }

    fn next(&self) -> String {
        format!("To judge: train predict {} --explain \"{}\"", self.run_dir().root().display(), LECTURE[2])
    }
}

/// Sentences as both models judge them: said, and as a table for a report.
fn judgements(run: &ClassifyRun, sentences: &[String], device: &Device) -> Result<Block> {
    let classifier = Classifier::load(run.run_dir().root(), device)?;
    let judged = classifier.judge(sentences)?;
    let by_words = classifier.judge_by_words(sentences)?.unwrap_or_default();
    let mut rows = Vec::new();
    for ((sentence, judgement), by_words) in sentences.iter().zip(&judged).zip(&by_words) {
        let row =
            vec![in_percent(&judgement.label, judgement.probability), named(by_words, &classifier), sentence.clone()];
        say(format!("  {:16} {WORDS}: {:16} {}", row[0], row[1], row[2]));
        rows.push(row);
    }
    let head = ["network", WORDS, "sentence"].map(String::from).to_vec();
    Ok(Block::Table { head, rows })
}

/// A picture of each measure.
fn draw(run: &ClassifyRun, test: &TestTexts, name: &str) -> Result<Vec<Block>> {
    let models = [(name, &test.network, "network"), (WORDS, &test.baseline, "words")];
    let scores = test.score(name);
    let mut blocks = Vec::new();
    for ((model, _, file), score) in models.iter().zip([&scores.network, &scores.baseline]) {
        let title = format!("Confusion of the {model}");
        let svg = plots::confusion(&title, &test.labels, &score.confusion)?;
        blocks.push(super::keep(run, &format!("confusion-{file}"), &title, svg)?);
    }
    let bins = |judged: &[LabeledPrediction]| -> Vec<(f64, f64, usize)> {
        calibration_bins(judged, BINS).iter().map(|bin| (bin.confidence, bin.accuracy, bin.count)).collect()
    };
    let bins = models.map(|(model, judged, _)| (model, bins(judged)));
    let curves: Vec<_> = bins.iter().map(|(model, bins)| (*model, &bins[..])).collect();
    let caption = "How often a judgement is right, against how sure it is.";
    blocks.push(super::keep(run, "calibration", caption, plots::calibration("Calibration", &curves)?)?);
    if test.labels.len() == 2 {
        let points = models.map(|(model, judged, _)| (model, roc(judged, 1)));
        let areas = [scores.network.auroc, scores.baseline.auroc];
        let curves: Vec<_> =
            points.iter().zip(areas).map(|((model, points), area)| (*model, &points[..], area)).collect();
        let title = format!("Receiver operating characteristic for `{}`", test.labels[1]);
        blocks.push(super::keep(run, "roc", &title, plots::roc(&title, &curves)?)?);
    }
    Ok(blocks)
}

/// `train predict` with a run of `sentiment`.
pub fn predict(args: &PredictArgs, device: &Device) -> Result<()> {
    let format = super::format(args, &[Format::Text, Format::Csv, Format::Json])?;
    if format == Format::Csv && args.sentiment.explain.is_some() {
        return Err(BadInput(
            "--explain: expected --format text or json, for a row has no place for it, found csv".into(),
        )
        .into());
    }
    let classifier = Classifier::load(&args.run.run, device)?;
    let sentences = super::sentences(&args.sentences)?;
    let judged = classifier.judge(&sentences)?;
    let by_words = classifier.judge_by_words(&sentences)?;
    let mut text = if format == Format::Csv { "label,probability,sentence\n".to_string() } else { String::new() };
    for (index, (sentence, judgement)) in sentences.iter().zip(&judged).enumerate() {
        super::tell_unknown(sentence, &judgement.unknown, judgement.cut.then_some(classifier.plan().longest));
        let by_words = by_words.as_ref().map(|judged| &judged[index]);
        let moved = args.sentiment.explain.is_some().then(|| classifier.explain(sentence));
        text += &match format {
            Format::Text => {
                in_words(sentence, judgement, by_words.map(|judged| named(judged, &classifier)), moved.as_deref())
            }
            Format::Csv => {
                format!("{},{},{}\n", cell(&judgement.label), judgement.probability, quoted(sentence))
            }
            Format::Json => {
                let labels = classifier.labels();
                let likely = |likely: &[f64]| -> serde_json::Map<String, serde_json::Value> {
                    labels.iter().cloned().zip(likely.iter().map(|p| (*p).into())).collect()
                };
                let line = serde_json::json!({
                    "sentence": sentence,
                    "label": judgement.label,
                    "probabilities": likely(&judgement.probabilities),
                    "bag_of_words": by_words.map(|judged| likely(judged)),
                    "moved": moved,
                    "unknown": judgement.unknown,
                    "cut": judgement.cut,
                });
                line.to_string() + "\n"
            }
        };
    }
    super::answer(args, &text)
}

/// `positive 98 %   (bag of words: positive 91 %)  This product is amazing`, and below it which words moved it.
fn in_words(
    sentence: &str,
    judgement: &Classification,
    by_words: Option<String>,
    moved: Option<&[Attribution]>,
) -> String {
    let by_words = by_words.map(|judged| format!(" ({WORDS}: {judged})")).unwrap_or_default();
    let mut text = format!("{}{by_words}  {sentence}\n", in_percent(&judgement.label, judgement.probability));
    if let Some(moved) = moved {
        let most = moved.iter().map(|piece| piece.by.abs()).fold(0.0, f64::max);
        let pieces: Vec<String> =
            moved.iter().map(|piece| format!("{} {}", piece.text, strength(piece.by, most))).collect();
        text += &format!("    {}\n", pieces.join("  "));
    }
    text
}

/// How much a word moved a judgement, beside the word that moved it most: `+++` to `---`.
fn strength(by: f64, most: f64) -> String {
    let steps = if most > 0.0 { (3.0 * by.abs() / most).round() as usize } else { 0 };
    if steps == 0 { "·".into() } else { if by > 0.0 { "+" } else { "-" }.repeat(steps) }
}

fn in_percent(label: &str, probability: f64) -> String {
    format!("{label} {:.0} %", 100.0 * probability)
}

/// The likeliest label of a judgement by the bag of words.
fn named(judged: &[f64], classifier: &Classifier) -> String {
    let likeliest = judged.iter().zip(classifier.labels()).max_by(|a, b| a.0.total_cmp(b.0));
    likeliest.map_or_else(String::new, |(probability, label)| in_percent(label, *probability))
}

/// A cell of CSV, in quotes if it needs them.
fn cell(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { quoted(text) } else { text.to_string() }
}

/// A cell of CSV in quotes.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// The layers of a run's network, or of the recipe's for the embedded sentences.
pub fn layers(run: Option<&Path>, device: &Device) -> Result<Summary> {
    Ok(match run {
        Some(folder) => {
            let run = ClassifyRun::open(folder)?;
            network(run.plan(), run.tokens(), run.labels().len(), device)
        }
        None => {
            let plan = ClassifyConfig::new(DEFAULT_DATA)?;
            let (tokens, labels) = plan.sizes()?;
            network(&plan, tokens, labels, device)
        }
    })
}

fn network(plan: &ClassifyConfig, tokens: usize, labels: usize, device: &Device) -> Summary {
    plan.network(tokens, labels).init(device).summary(&[plan.longest])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_a_judgement_is_shown_by_its_strength() {
        let shown = [3.0, 1.2, 0.2, -2.0, 0.0].map(|by| strength(by, 3.0));
        assert_eq!(shown, ["+++", "+", "·", "--", "·"]);
        assert_eq!(strength(0.0, 0.0), "·");
    }

    #[test]
    fn a_sentence_with_quotes_is_one_cell() {
        assert_eq!(quoted("a \"good\", film"), "\"a \"\"good\"\", film\"");
        assert_eq!([cell("good, really"), cell("good")], ["\"good, really\"", "good"]);
    }
}
