//! Metrics of classification, from predicted probabilities and labels.
//!
//! ```
//! use recurrent::metrics::classification::{LabeledPrediction, score};
//!
//! let labels = ["ham".to_string(), "spam".to_string()];
//! let predictions = [(0, 0.1), (0, 0.7), (1, 0.8), (1, 0.9)]
//!     .map(|(label, spam)| LabeledPrediction { label, probabilities: vec![1.0 - spam, spam] });
//! let score = score(&labels, &predictions);
//! assert_eq!(score.accuracy, 0.75);
//! assert_eq!(score.auroc, Some(1.0));
//! assert_eq!(score.confusion, [[1, 1], [0, 2]]);
//! println!("{score}");
//! ```
//!
//! No metric is NaN. A division by 0 gives 0, as scikit-learn's `zero_division=0`: the precision of a class that is never
//! predicted, the recall of a class without examples, and every metric of no examples. A NaN probability counts as 0, and
//! others are clamped to [0, 1].

use std::fmt;

use serde::{Deserialize, Serialize};

use super::text::fraction;

/// The number of bins of the calibration error.
const BINS: usize = 10;

/// The label of an example and the probabilities that a classifier predicts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabeledPrediction {
    /// The index of the true class.
    pub label: usize,
    /// The probability of each class; they add up to 1.
    pub probabilities: Vec<f64>,
}

impl LabeledPrediction {
    /// The class with the highest probability; the first of several.
    pub fn predicted(&self) -> usize {
        let more_probable = |best, class| if self.probability(class) > self.probability(best) { class } else { best };
        (0..self.probabilities.len()).fold(0, more_probable)
    }

    /// The probability of the predicted class.
    ///
    /// # Panics
    /// If there are no classes.
    pub fn confidence(&self) -> f64 {
        self.probability(self.predicted())
    }

    fn probability(&self, class: usize) -> f64 {
        let probability = self.probabilities[class];
        if probability.is_nan() { 0.0 } else { probability.clamp(0.0, 1.0) }
    }

    /// Whether that is the true class.
    pub fn is_correct(&self) -> bool {
        self.predicted() == self.label
    }
}

/// The p-value of the hypothesis that two classifiers are equally accurate (McNemar 1947), by the exact binomial test: from
/// the numbers of examples that the first alone, and the second alone, classifies correctly. It is 1 if there are none.
#[cfg(feature = "fit")]
pub fn mcnemar(disagreements: &[usize; 2]) -> f64 {
    use statrs::distribution::{Binomial, DiscreteCDF};
    let [first, second] = *disagreements;
    let Ok(binomial) = Binomial::new(0.5, (first + second) as u64) else { return 1.0 };
    (2.0 * binomial.cdf(first.min(second) as u64)).min(1.0)
}

/// The metrics of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClassScore {
    /// Its label.
    pub label: String,
    /// The fraction of the examples predicted as this class that belong to it.
    pub precision: f64,
    /// The fraction of the examples of this class that are predicted as it.
    pub recall: f64,
    /// The harmonic mean of precision and recall.
    pub f1: f64,
    /// The number of examples of this class.
    pub support: usize,
}

/// The metrics of a classifier, in all and of each class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClassificationScore {
    /// The fraction of examples whose class is predicted correctly.
    pub accuracy: f64,
    /// The unweighted mean of the F1 of all classes.
    pub macro_f1: f64,
    /// The area under the [ROC curve](roc) (Hanley & McNeil 1982): with two classes, of the second; with more, the mean of
    /// one-vs-rest. `None` if a class has no examples, or all of them.
    pub auroc: Option<f64>,
    /// The expected calibration error (Guo et al. 2017): the mean of |accuracy − confidence| over 10
    /// [bins](calibration_bins), weighted by their counts.
    pub calibration_error: f64,
    /// The mean of −ln p(true class), in nats. Probabilities are clamped to [2⁻⁵², 1 − 2⁻⁵²], as in scikit-learn, so that it
    /// stays finite.
    pub log_loss: f64,
    /// The confusion matrix, `[true class][predicted class]`.
    pub confusion: Vec<Vec<usize>>,
    /// The metrics of each class.
    pub classes: Vec<ClassScore>,
}

/// All metrics of predictions, with the labels of the classes in the order of their indices.
///
/// # Panics
/// If an example's label is out of range, or it does not have one probability per class.
pub fn score(labels: &[String], predictions: &[LabeledPrediction]) -> ClassificationScore {
    let confusion = confusion(labels.len(), predictions);
    let classes: Vec<ClassScore> =
        labels.iter().enumerate().map(|(class, label)| class_score(label, class, &confusion)).collect();
    let correct = predictions.iter().filter(|prediction| prediction.is_correct()).count();
    ClassificationScore {
        accuracy: fraction(correct as f64, predictions.len()),
        macro_f1: fraction(classes.iter().map(|class| class.f1).sum(), classes.len()),
        auroc: auroc(labels.len(), predictions),
        calibration_error: calibration_error(predictions),
        log_loss: fraction(predictions.iter().map(negative_log_likelihood).sum(), predictions.len()),
        confusion,
        classes,
    }
}

/// `[true class][predicted class]`
fn confusion(classes: usize, predictions: &[LabeledPrediction]) -> Vec<Vec<usize>> {
    let mut confusion = vec![vec![0; classes]; classes];
    for (example, prediction) in predictions.iter().enumerate() {
        let (label, probabilities) = (prediction.label, prediction.probabilities.len());
        assert!(label < classes, "example {example} is of class {label}, but there are {classes} classes");
        assert_eq!(probabilities, classes, "example {example} does not have one probability per class");
        confusion[label][prediction.predicted()] += 1;
    }
    confusion
}

fn class_score(label: &str, class: usize, confusion: &[Vec<usize>]) -> ClassScore {
    let correct = confusion[class][class] as f64;
    let support: usize = confusion[class].iter().sum();
    let predicted: usize = confusion.iter().map(|row| row[class]).sum();
    ClassScore {
        label: label.into(),
        precision: fraction(correct, predicted),
        recall: fraction(correct, support),
        f1: fraction(2.0 * correct, predicted + support),
        support,
    }
}

/// −ln p(true class).
fn negative_log_likelihood(prediction: &LabeledPrediction) -> f64 {
    -prediction.probability(prediction.label).clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
}

/// The examples of a range of confidences.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// The mean probability of the predicted class.
    pub confidence: f64,
    /// The fraction of examples whose class is predicted correctly.
    pub accuracy: f64,
    /// The number of examples.
    pub count: usize,
}

/// Groups examples by confidence into `n` bins of equal width, which include their upper edges; empty bins are left out. A
/// classifier is calibrated if the accuracy of each bin equals its confidence.
///
/// # Panics
/// If `n` is 0, or an example has no probabilities.
pub fn calibration_bins(predictions: &[LabeledPrediction], n: usize) -> Vec<Bin> {
    assert!(n > 0, "the number of bins must be at least 1");
    let mut bins = vec![Bin { confidence: 0.0, accuracy: 0.0, count: 0 }; n];
    for prediction in predictions {
        let confidence = prediction.confidence();
        let bin = &mut bins[((confidence * n as f64).ceil() as usize).saturating_sub(1)];
        bin.confidence += confidence;
        bin.accuracy += f64::from(prediction.is_correct());
        bin.count += 1;
    }
    bins.retain(|bin| bin.count > 0);
    for bin in &mut bins {
        bin.confidence /= bin.count as f64;
        bin.accuracy /= bin.count as f64;
    }
    bins
}

fn calibration_error(predictions: &[LabeledPrediction]) -> f64 {
    let error = |bin: &Bin| bin.count as f64 * (bin.accuracy - bin.confidence).abs();
    fraction(calibration_bins(predictions, BINS).iter().map(error).sum(), predictions.len())
}

/// The receiver operating characteristic of a class against the rest: a point (false positive rate, true positive rate)
/// for each distinct threshold, from (0, 0) to (1, 1). Empty if the class has no examples, or all of them.
///
/// # Panics
/// If an example has no probability of the class.
pub fn roc(predictions: &[LabeledPrediction], class: usize) -> Vec<(f64, f64)> {
    let thresholds = thresholds(predictions, class);
    let Some((negatives, positives)) = totals(&thresholds) else { return Vec::new() };
    thresholds.iter().map(|point| (point.0 as f64 / negatives, point.1 as f64 / positives)).collect()
}

/// The numbers of false and true positives at each threshold, from the highest to the lowest.
fn thresholds(predictions: &[LabeledPrediction], class: usize) -> Vec<(usize, usize)> {
    let mut ranked: Vec<(f64, bool)> =
        predictions.iter().map(|prediction| (prediction.probability(class), prediction.label == class)).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut point = (0, 0);
    let mut points = vec![point];
    for ties in ranked.chunk_by(|a, b| a.0 == b.0) {
        let positives = ties.iter().filter(|(_, is_positive)| *is_positive).count();
        point = (point.0 + ties.len() - positives, point.1 + positives);
        points.push(point);
    }
    points
}

/// The numbers of negatives and positives; `None` if either is 0.
fn totals(thresholds: &[(usize, usize)]) -> Option<(f64, f64)> {
    let &(negatives, positives) = thresholds.last()?;
    (negatives > 0 && positives > 0).then_some((negatives as f64, positives as f64))
}

fn auroc(classes: usize, predictions: &[LabeledPrediction]) -> Option<f64> {
    if classes == 2 {
        return area(predictions, 1);
    }
    let areas: Option<Vec<f64>> = (0..classes).map(|class| area(predictions, class)).collect();
    areas.filter(|areas| !areas.is_empty()).map(|areas| fraction(areas.iter().sum(), areas.len()))
}

/// The area under the ROC curve, by the trapezoidal rule.
fn area(predictions: &[LabeledPrediction], class: usize) -> Option<f64> {
    let thresholds = thresholds(predictions, class);
    let (negatives, positives) = totals(&thresholds)?;
    // Integers up to the division, so that the area of a perfect ranking is exactly 1.
    let trapezoid = |points: &[(usize, usize)]| {
        let [left, right] = [points[0], points[1]];
        (right.0 - left.0) as f64 * (right.1 + left.1) as f64
    };
    Some(thresholds.windows(2).map(trapezoid).sum::<f64>() / (2.0 * negatives * positives))
}

/// The metrics in all, then a row per class; right of the bar is the confusion matrix, a column per predicted class.
impl fmt::Display for ClassificationScore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let examples: usize = self.classes.iter().map(|class| class.support).sum();
        write!(f, "{examples} examples: accuracy {:.3}, macro F1 {:.3}, AUROC ", self.accuracy, self.macro_f1)?;
        match self.auroc {
            Some(auroc) => write!(f, "{auroc:.3}")?,
            None => write!(f, "–")?,
        }
        writeln!(f, ", calibration error {:.3}, log loss {:.3}", self.calibration_error, self.log_loss)?;

        let number = self.classes.len().to_string().len();
        let names: Vec<String> =
            (1..).zip(&self.classes).map(|(class, score)| format!("{class:>number$}  {}", score.label)).collect();
        let name = widest(&names);
        let cell = widest(self.confusion.iter().flatten()).max(number);
        write!(f, "{:name$}  precision  recall     F1  support | predicted", "")?;
        for class in 1..=self.classes.len() {
            write!(f, " {class:>cell$}")?;
        }
        for ((label, class), row) in names.iter().zip(&self.classes).zip(&self.confusion) {
            let ClassScore { precision, recall, f1, support, .. } = class;
            write!(f, "\n{label:name$}  {precision:>9.3}  {recall:>6.3}  {f1:>5.3}  {support:>7} |          ")?;
            for count in row {
                write!(f, " {count:>cell$}")?;
            }
        }
        Ok(())
    }
}

/// The number of characters of the longest text.
pub(crate) fn widest(all: impl IntoIterator<Item = impl ToString>) -> usize {
    all.into_iter().map(|item| item.to_string().chars().count()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(labels: &[&str]) -> Vec<String> {
        labels.iter().map(ToString::to_string).collect()
    }

    fn prediction(label: usize, probabilities: &[f64]) -> LabeledPrediction {
        LabeledPrediction { label, probabilities: probabilities.to_vec() }
    }

    fn metrics(score: &ClassificationScore) -> Vec<f64> {
        let classes = score.classes.iter().flat_map(|class| [class.precision, class.recall, class.f1]);
        let all = [score.accuracy, score.macro_f1, score.calibration_error, score.log_loss, score.auroc.unwrap_or(0.0)];
        all.into_iter().chain(classes).collect()
    }

    #[test]
    fn all_metrics_of_no_examples_are_0() {
        let empty = score(&labels(&["a", "b"]), &[]);
        assert!(metrics(&empty).iter().all(|value| *value == 0.0), "{empty:?}");
        assert_eq!((empty.auroc, empty.confusion), (None, vec![vec![0; 2]; 2]));
        assert_eq!((roc(&[], 1), calibration_bins(&[], 10)), (vec![], vec![]));
        assert_eq!(score(&[], &[]).auroc, None);
        assert_eq!(score(&labels(&["a"]), &[prediction(0, &[1.0])]).auroc, None);
    }

    #[test]
    fn nan_probabilities_count_as_0() {
        let rows = [
            prediction(0, &[f64::NAN, f64::NAN]),
            prediction(1, &[f64::NAN, 2.0]),
            prediction(1, &[f64::INFINITY, -1.0]),
        ];
        let score = score(&labels(&["a", "b"]), &rows);
        assert!(metrics(&score).iter().all(|value| value.is_finite()), "{score:?}");
        assert_eq!(score.confusion, [[1, 0], [1, 1]]);
        assert_eq!(roc(&rows, 1), [(0.0, 0.0), (0.0, 0.5), (1.0, 1.0)]);
    }

    #[test]
    fn equal_probabilities_have_an_auroc_of_one_half_and_predict_the_first_class() {
        let rows = [prediction(0, &[0.5, 0.5]), prediction(1, &[0.5, 0.5])];
        let score = score(&labels(&["a", "b"]), &rows);
        assert_eq!((score.auroc, score.accuracy), (Some(0.5), 0.5));
        assert_eq!(roc(&rows, 1), [(0.0, 0.0), (1.0, 1.0)]);
        assert_eq!(rows[1].predicted(), 0);
    }

    #[test]
    fn a_bin_includes_its_upper_edge() {
        let confident = |probability: f64| prediction(0, &[probability, 1.0 - probability]);
        let counts =
            |rows: &[LabeledPrediction]| calibration_bins(rows, 10).iter().map(|bin| bin.count).collect::<Vec<_>>();
        assert_eq!(counts(&[confident(0.6), confident(0.59), confident(0.61)]), [2, 1]);
        assert_eq!(counts(&[confident(1.0), confident(0.95), prediction(0, &[0.0, 0.0])]), [1, 2]);
    }

    #[test]
    #[should_panic = "example 0 is of class 2, but there are 2 classes"]
    fn a_label_out_of_range_is_rejected() {
        score(&labels(&["a", "b"]), &[prediction(2, &[0.5, 0.5])]);
    }

    #[test]
    #[should_panic = "example 1 does not have one probability per class"]
    fn a_missing_probability_is_rejected() {
        score(&labels(&["a", "b"]), &[prediction(1, &[0.5, 0.5]), prediction(1, &[0.5])]);
    }

    #[test]
    #[should_panic = "the number of bins must be at least 1"]
    fn zero_bins_are_rejected() {
        calibration_bins(&[prediction(0, &[1.0])], 0);
    }

    #[test]
    fn a_score_is_printed_as_a_table() {
        let rows: Vec<LabeledPrediction> =
            [(0, 0.2), (0, 0.3), (0, 0.6), (1, 0.9)].map(|(label, p)| prediction(label, &[1.0 - p, p])).into();
        let table = "\
4 examples: accuracy 0.750, macro F1 0.733, AUROC 1.000, calibration error 0.300, log loss 0.400
            precision  recall     F1  support | predicted 1 2
1  плохо        1.000   0.667  0.800        3 |           2 1
2  отлично      0.500   1.000  0.667        1 |           0 1";
        assert_eq!(score(&labels(&["плохо", "отлично"]), &rows).to_string(), table);
        assert!(score(&labels(&["a", "b"]), &rows[..3]).to_string().contains("AUROC –, "));
    }
}
