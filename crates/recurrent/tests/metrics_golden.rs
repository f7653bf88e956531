//! Metrics of texts against sacreBLEU's and of judgements against scikit-learn's, from `scripts/golden_metrics.py`.

use recurrent::metrics::classification::{Bin, ClassificationScore, LabeledPrediction, calibration_bins, roc, score};
use recurrent::metrics::{Bleu, corpus_bleu, corpus_chrf, exact_match};
use serde::Deserialize;

/// Of all numbers, be they from 0 to 1 or to 100.
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
    judged: Vec<LabeledPrediction>,
    score: ClassificationScore,
    bins: Vec<Bin>,
    roc: Vec<Vec<(f64, f64)>>,
}

#[test]
fn bleu_is_that_of_sacrebleu() {
    for case in texts() {
        let (name, theirs) = (&case.name, case.bleu);
        let ours = corpus_bleu(&case.hypotheses, &case.references);
        assert_eq!(ours.hypothesis_length, theirs.hypothesis_length, "{name}: tokens of the hypotheses");
        assert_eq!(ours.reference_length, theirs.reference_length, "{name}: tokens of the references");
        assert_all_close(&format!("{name}: precisions"), &ours.precisions, &theirs.precisions);
        assert_close(&format!("{name}: brevity penalty"), ours.brevity_penalty, theirs.brevity_penalty);
        assert_close(&format!("{name}: BLEU"), ours.score, theirs.score);
    }
}

#[test]
fn chrf_is_that_of_sacrebleu() {
    for case in texts() {
        assert_close(&case.name, corpus_chrf(&case.hypotheses, &case.references), case.chrf);
    }
}

#[test]
fn exact_matches_are_those_of_python() {
    for case in texts() {
        assert_close(&case.name, exact_match(&case.hypotheses, &case.references), case.exact_match);
    }
}

#[test]
fn scores_are_those_of_scikit_learn() {
    for case in classifications() {
        let (name, theirs) = (&case.name, &case.score);
        let ours = score(&case.labels, &case.judged);
        let close = |what: &str, ours: f64, theirs: f64| assert_close(&format!("{name}: {what}"), ours, theirs);
        close("accuracy", ours.accuracy, theirs.accuracy);
        close("macro F1", ours.macro_f1, theirs.macro_f1);
        close("calibration error", ours.calibration_error, theirs.calibration_error);
        close("log loss", ours.log_loss, theirs.log_loss);
        assert_eq!(ours.auroc.is_some(), theirs.auroc.is_some(), "{name}: whether there is an AUROC");
        close("AUROC", ours.auroc.unwrap_or(0.0), theirs.auroc.unwrap_or(0.0));
        assert_eq!(ours.confusion, theirs.confusion, "{name}: confusion");
        assert_eq!(ours.classes.len(), theirs.classes.len(), "{name}: classes");
        for (ours, theirs) in ours.classes.iter().zip(&theirs.classes) {
            assert_eq!((&ours.label, ours.support), (&theirs.label, theirs.support), "{name}: label and support");
            let numbers = [ours, theirs].map(|class| [class.precision, class.recall, class.f1]);
            assert_all_close(&format!("{name}: {}", ours.label), &numbers[0], &numbers[1]);
        }
    }
}

#[test]
fn calibration_bins_are_those_of_scikit_learn() {
    for case in classifications() {
        let ours = calibration_bins(&case.judged, 10);
        let counts = |bins: &[Bin]| bins.iter().map(|bin| bin.count).collect::<Vec<_>>();
        assert_eq!(counts(&ours), counts(&case.bins), "{}: counts", case.name);
        for (ours, theirs) in ours.iter().zip(&case.bins) {
            assert_close(&format!("{}: confidence", case.name), ours.confidence, theirs.confidence);
            assert_close(&format!("{}: accuracy", case.name), ours.accuracy, theirs.accuracy);
        }
    }
}

#[test]
fn curves_are_those_of_scikit_learn() {
    for case in classifications() {
        assert_eq!(case.labels.len(), case.roc.len(), "{}: curves", case.name);
        for (class, theirs) in case.roc.iter().enumerate() {
            let split = |curve: &[(f64, f64)]| curve.iter().copied().unzip::<f64, f64, Vec<_>, Vec<_>>();
            let (ours, theirs) = (split(&roc(&case.judged, class)), split(theirs));
            assert_all_close(&format!("{}: false positives of {class}", case.name), &ours.0, &theirs.0);
            assert_all_close(&format!("{}: true positives of {class}", case.name), &ours.1, &theirs.1);
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

fn assert_all_close(what: &str, ours: &[f64], theirs: &[f64]) {
    assert_eq!(ours.len(), theirs.len(), "{what}: how many");
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert_close(what, *ours, *theirs);
    }
}

fn assert_close(what: &str, ours: f64, theirs: f64) {
    assert!((ours - theirs).abs() <= TOLERANCE, "{what}: {ours} is not {theirs}");
}
