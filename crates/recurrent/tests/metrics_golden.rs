//! The metrics against those of sacreBLEU and scikit-learn, written by `scripts/golden_metrics.py`.

use recurrent::metrics::classification::{Bin, ClassificationScore, LabeledPrediction, calibration_bins, roc, score};
use recurrent::metrics::{Bleu, corpus_bleu, corpus_chrf, exact_match};
use serde::Deserialize;

/// The absolute tolerance of all metrics, whether they range from 0 to 1 or to 100.
const TOLERANCE: f64 = 1e-6;

#[derive(Deserialize)]
struct Golden<Case> {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct TextCase {
    name: String,
    hypotheses: Vec<String>,
    references: Vec<Vec<String>>,
    bleu: Bleu,
    chrf: f64,
    exact_match: f64,
}

#[derive(Deserialize)]
struct ClassificationCase {
    name: String,
    labels: Vec<String>,
    #[serde(rename = "judged")]
    golden_predictions: Vec<GoldenPrediction>,
    score: ClassificationScore,
    bins: Vec<Bin>,
    roc: Vec<Vec<(f64, f64)>>,
}

#[derive(Deserialize)]
struct GoldenPrediction {
    truth: usize,
    probabilities: Vec<f64>,
}

impl ClassificationCase {
    fn predictions(&self) -> Vec<LabeledPrediction> {
        let predictions = self.golden_predictions.iter();
        let labeled = |golden: &GoldenPrediction| LabeledPrediction {
            label: golden.truth,
            probabilities: golden.probabilities.clone(),
        };
        predictions.map(labeled).collect()
    }
}

#[test]
fn bleu_equals_sacrebleu() {
    for case in texts() {
        let (name, expected) = (&case.name, case.bleu);
        let actual = corpus_bleu(&case.hypotheses, &case.references);
        assert_eq!(actual.hypothesis_length, expected.hypothesis_length, "{name}: tokens of the hypotheses");
        assert_eq!(actual.reference_length, expected.reference_length, "{name}: tokens of the references");
        assert_all_close(&format!("{name}: precisions"), &actual.precisions, &expected.precisions);
        assert_close(&format!("{name}: brevity penalty"), actual.brevity_penalty, expected.brevity_penalty);
        assert_close(&format!("{name}: BLEU"), actual.score, expected.score);
    }
}

#[test]
fn chrf_equals_sacrebleu() {
    for case in texts() {
        assert_close(&case.name, corpus_chrf(&case.hypotheses, &case.references), case.chrf);
    }
}

#[test]
fn exact_match_equals_python() {
    for case in texts() {
        assert_close(&case.name, exact_match(&case.hypotheses, &case.references), case.exact_match);
    }
}

#[test]
fn classification_scores_equal_scikit_learn() {
    for case in classifications() {
        let (name, expected) = (&case.name, &case.score);
        let actual = score(&case.labels, &case.predictions());
        let close = |what: &str, actual: f64, expected: f64| assert_close(&format!("{name}: {what}"), actual, expected);
        close("accuracy", actual.accuracy, expected.accuracy);
        close("macro F1", actual.macro_f1, expected.macro_f1);
        close("calibration error", actual.calibration_error, expected.calibration_error);
        close("log loss", actual.log_loss, expected.log_loss);
        assert_eq!(actual.auroc.is_some(), expected.auroc.is_some(), "{name}: AUROC is defined");
        close("AUROC", actual.auroc.unwrap_or(0.0), expected.auroc.unwrap_or(0.0));
        assert_eq!(actual.confusion, expected.confusion, "{name}: confusion");
        assert_eq!(actual.classes.len(), expected.classes.len(), "{name}: classes");
        for (actual, expected) in actual.classes.iter().zip(&expected.classes) {
            assert_eq!(
                (&actual.label, actual.support),
                (&expected.label, expected.support),
                "{name}: label and support"
            );
            let numbers = [actual, expected].map(|class| [class.precision, class.recall, class.f1]);
            assert_all_close(&format!("{name}: {}", actual.label), &numbers[0], &numbers[1]);
        }
    }
}

#[test]
fn calibration_bins_equal_scikit_learn() {
    for case in classifications() {
        let actual = calibration_bins(&case.predictions(), 10);
        let counts = |bins: &[Bin]| bins.iter().map(|bin| bin.count).collect::<Vec<_>>();
        assert_eq!(counts(&actual), counts(&case.bins), "{}: counts", case.name);
        for (actual, expected) in actual.iter().zip(&case.bins) {
            assert_close(&format!("{}: confidence", case.name), actual.confidence, expected.confidence);
            assert_close(&format!("{}: accuracy", case.name), actual.accuracy, expected.accuracy);
        }
    }
}

#[test]
fn roc_curves_equal_scikit_learn() {
    for case in classifications() {
        assert_eq!(case.labels.len(), case.roc.len(), "{}: curves", case.name);
        for (class, expected) in case.roc.iter().enumerate() {
            let split = |curve: &[(f64, f64)]| curve.iter().copied().unzip::<f64, f64, Vec<_>, Vec<_>>();
            let (actual, expected) = (split(&roc(&case.predictions(), class)), split(expected));
            assert_all_close(&format!("{}: false positives of {class}", case.name), &actual.0, &expected.0);
            assert_all_close(&format!("{}: true positives of {class}", case.name), &actual.1, &expected.1);
        }
    }
}

fn texts() -> Vec<TextCase> {
    let golden: Golden<_> = serde_json::from_str(include_str!("goldens/texts.json")).expect("a golden file");
    golden.cases
}

fn classifications() -> Vec<ClassificationCase> {
    let golden: Golden<_> = serde_json::from_str(include_str!("goldens/classification.json")).expect("a golden file");
    golden.cases
}

fn assert_all_close(what: &str, actual: &[f64], expected: &[f64]) {
    assert_eq!(actual.len(), expected.len(), "{what}: length");
    for (actual, expected) in actual.iter().zip(expected) {
        assert_close(what, *actual, *expected);
    }
}

fn assert_close(what: &str, actual: f64, expected: f64) {
    assert!((actual - expected).abs() <= TOLERANCE, "{what}: {actual} is not {expected}");
}
