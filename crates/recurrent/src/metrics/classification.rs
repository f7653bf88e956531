//! How good judgements are: probabilities of classes beside the true class.
//!
//! ```
//! use recurrent::metrics::classification::{LabeledPrediction, score};
//!
//! let labels = ["ham".to_string(), "spam".to_string()];
//! let judged = [(0, 0.1), (0, 0.7), (1, 0.8), (1, 0.9)]
//!     .map(|(label, spam)| LabeledPrediction { label, probabilities: vec![1.0 - spam, spam] });
//! let score = score(&labels, &judged);
//! assert_eq!(score.accuracy, 0.75);
//! assert_eq!(score.auroc, Some(1.0));
//! assert_eq!(score.confusion, [[1, 1], [0, 2]]);
//! println!("{score}");
//! ```
//!
//! No number here is ever NaN. What would divide by 0 is 0, as with scikit-learn's `zero_division=0`: the precision of
//! a class that is never said, the recall of one that never is, and everything if nothing was judged. A probability
//! that is no number counts as 0, one outside of 0 to 1 as the nearer of the two.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::share;

/// How many bins the calibration error has.
const BINS: usize = 10;

/// An example's true class, and what a classifier said of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabeledPrediction {
    /// The class that it is.
    pub label: usize,
    /// Of each class, that it is this one; together they are 1.
    pub probabilities: Vec<f64>,
}

impl LabeledPrediction {
    /// The most probable class; the first of several.
    pub fn said(&self) -> usize {
        let more_probable = |best, class| if self.probability(class) > self.probability(best) { class } else { best };
        (0..self.probabilities.len()).fold(0, more_probable)
    }

    /// The probability of the most probable class.
    ///
    /// # Panics
    ///
    /// If there is no class.
    pub fn confidence(&self) -> f64 {
        self.probability(self.said())
    }

    fn probability(&self, class: usize) -> f64 {
        let probability = self.probabilities[class];
        if probability.is_nan() { 0.0 } else { probability.clamp(0.0, 1.0) }
    }

    fn is_right(&self) -> bool {
        self.said() == self.label
    }
}

/// How good the judgements of a class are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassScore {
    /// Its name.
    pub label: String,
    /// Of what is said to be of this class, the share that is.
    pub precision: f64,
    /// Of what is of this class, the share that is said to be.
    pub recall: f64,
    /// The harmonic mean of precision and recall.
    pub f1: f64,
    /// How many examples are of this class.
    pub support: usize,
}

/// How good judgements are, altogether and class by class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassificationScore {
    /// The share of examples of which the true class was said.
    pub accuracy: f64,
    /// The mean of all classes' F1: each counts the same, be it frequent or rare.
    pub macro_f1: f64,
    /// How probable it is that an example of a class gets a higher probability of it than one of another class, half
    /// of it if they are equal: the area under [`roc`] (Hanley & McNeil 1982). Of two classes it is the one of the
    /// second, of more the mean over each class against the rest. `None` if a class has no example, or all examples.
    pub auroc: Option<f64>,
    /// The expected calibration error (Guo et al. 2017): how far apart confidence and accuracy are on average, in the
    /// 10 [bins](calibration_bins).
    pub calibration_error: f64,
    /// The mean of −ln of the true class's probability. Probabilities are kept 2⁻⁵² away from 0 and 1, as scikit-learn
    /// does, so that one error beyond doubt does not make it infinite.
    pub log_loss: f64,
    /// How many examples of a class (row) were said to be of a class (column).
    pub confusion: Vec<Vec<usize>>,
    /// Class by class.
    pub classes: Vec<ClassScore>,
}

/// Scores judgements of classes that have these names.
///
/// # Panics
///
/// If a label is no class, or there is not a probability for each class.
pub fn score(labels: &[String], judged: &[LabeledPrediction]) -> ClassificationScore {
    let confusion = confusion(labels.len(), judged);
    let classes: Vec<ClassScore> =
        labels.iter().enumerate().map(|(class, label)| class_score(label, class, &confusion)).collect();
    let right = judged.iter().filter(|one| one.is_right()).count();
    ClassificationScore {
        accuracy: share(right as f64, judged.len()),
        macro_f1: share(classes.iter().map(|class| class.f1).sum(), classes.len()),
        auroc: auroc(labels.len(), judged),
        calibration_error: calibration_error(judged),
        log_loss: share(judged.iter().map(surprise).sum(), judged.len()),
        confusion,
        classes,
    }
}

/// `[label][said]`
fn confusion(classes: usize, judged: &[LabeledPrediction]) -> Vec<Vec<usize>> {
    let mut confusion = vec![vec![0; classes]; classes];
    for (example, one) in judged.iter().enumerate() {
        let (label, probabilities) = (one.label, one.probabilities.len());
        assert!(label < classes, "example {example} is of class {label}, but there are {classes} classes");
        assert_eq!(probabilities, classes, "example {example} has not one probability a class");
        confusion[label][one.said()] += 1;
    }
    confusion
}

fn class_score(label: &str, class: usize, confusion: &[Vec<usize>]) -> ClassScore {
    let right = confusion[class][class] as f64;
    let support: usize = confusion[class].iter().sum();
    let said: usize = confusion.iter().map(|row| row[class]).sum();
    ClassScore {
        label: label.into(),
        precision: share(right, said),
        recall: share(right, support),
        f1: share(2.0 * right, said + support),
        support,
    }
}

/// −ln of the true class's probability.
fn surprise(one: &LabeledPrediction) -> f64 {
    -one.probability(one.label).clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
}

/// Examples that a classifier was about as sure of.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// The mean probability of what was said.
    pub confidence: f64,
    /// The share of examples of which the true class was said.
    pub accuracy: f64,
    /// How many examples.
    pub count: usize,
}

/// Sorts examples by confidence into `n` bins of equal width, the upper edge within, and leaves out the empty ones. A
/// classifier is calibrated if each bin's accuracy is its confidence.
///
/// # Panics
///
/// If `n` is 0, or an example has no probability.
pub fn calibration_bins(judged: &[LabeledPrediction], n: usize) -> Vec<Bin> {
    assert!(n > 0, "calibration takes one bin at least");
    let mut bins = vec![Bin { confidence: 0.0, accuracy: 0.0, count: 0 }; n];
    for one in judged {
        let confidence = one.confidence();
        let bin = &mut bins[((confidence * n as f64).ceil() as usize).saturating_sub(1)];
        bin.confidence += confidence;
        bin.accuracy += f64::from(one.is_right());
        bin.count += 1;
    }
    bins.retain(|bin| bin.count > 0);
    for bin in &mut bins {
        bin.confidence /= bin.count as f64;
        bin.accuracy /= bin.count as f64;
    }
    bins
}

fn calibration_error(judged: &[LabeledPrediction]) -> f64 {
    let error = |bin: &Bin| bin.count as f64 * (bin.accuracy - bin.confidence).abs();
    share(calibration_bins(judged, BINS).iter().map(error).sum(), judged.len())
}

/// The receiver operating characteristic of a class against the rest: its false and true positive rates if all is
/// said to be of it that is at least as probable as a threshold. It has a point for each threshold that makes a
/// difference, from above all probabilities, (0, 0), down to the lowest, (1, 1). Empty if no example is of the class
/// or all are.
///
/// # Panics
///
/// If an example has no probability of the class.
pub fn roc(judged: &[LabeledPrediction], class: usize) -> Vec<(f64, f64)> {
    let thresholds = thresholds(judged, class);
    let Some((rest, own)) = both(&thresholds) else { return Vec::new() };
    thresholds.iter().map(|point| (point.0 as f64 / rest, point.1 as f64 / own)).collect()
}

/// How many examples of the rest and of the class are at least as probable as each threshold.
fn thresholds(judged: &[LabeledPrediction], class: usize) -> Vec<(usize, usize)> {
    let mut ranked: Vec<(f64, bool)> = judged.iter().map(|one| (one.probability(class), one.label == class)).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut point = (0, 0);
    let mut points = vec![point];
    for ties in ranked.chunk_by(|a, b| a.0 == b.0) {
        let own = ties.iter().filter(|(_, own)| *own).count();
        point = (point.0 + ties.len() - own, point.1 + own);
        points.push(point);
    }
    points
}

/// How many examples are of the rest and of the class, if there are both.
fn both(thresholds: &[(usize, usize)]) -> Option<(f64, f64)> {
    let &(rest, own) = thresholds.last()?;
    (rest > 0 && own > 0).then_some((rest as f64, own as f64))
}

fn auroc(classes: usize, judged: &[LabeledPrediction]) -> Option<f64> {
    if classes == 2 {
        return area(judged, 1);
    }
    let areas: Option<Vec<f64>> = (0..classes).map(|class| area(judged, class)).collect();
    areas.filter(|areas| !areas.is_empty()).map(|areas| share(areas.iter().sum(), areas.len()))
}

/// The area under the curve [`roc`], by trapezoids.
fn area(judged: &[LabeledPrediction], class: usize) -> Option<f64> {
    let thresholds = thresholds(judged, class);
    let (rest, own) = both(&thresholds)?;
    // Whole numbers up to the division, so that a perfect ranking has 1 and nothing less.
    let trapezoid = |points: &[(usize, usize)]| {
        let [left, right] = [points[0], points[1]];
        (right.0 - left.0) as f64 * (right.1 + left.1) as f64
    };
    Some(thresholds.windows(2).map(trapezoid).sum::<f64>() / (2.0 * rest * own))
}

/// The numbers, then a line a class; behind the bar, under each class's number, how often it was said.
impl fmt::Display for ClassificationScore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let judged: usize = self.classes.iter().map(|class| class.support).sum();
        write!(f, "{judged} judged: accuracy {:.3}, macro F1 {:.3}, AUROC ", self.accuracy, self.macro_f1)?;
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
        write!(f, "{:name$}  precision  recall     F1  support | said", "")?;
        for class in 1..=self.classes.len() {
            write!(f, " {class:>cell$}")?;
        }
        for ((label, class), row) in names.iter().zip(&self.classes).zip(&self.confusion) {
            let ClassScore { precision, recall, f1, support, .. } = class;
            write!(f, "\n{label:name$}  {precision:>9.3}  {recall:>6.3}  {f1:>5.3}  {support:>7} |     ")?;
            for count in row {
                write!(f, " {count:>cell$}")?;
            }
        }
        Ok(())
    }
}

/// How many characters the longest has.
fn widest(all: impl IntoIterator<Item = impl ToString>) -> usize {
    all.into_iter().map(|one| one.to_string().chars().count()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(labels: &[&str]) -> Vec<String> {
        labels.iter().map(ToString::to_string).collect()
    }

    fn judged(label: usize, probabilities: &[f64]) -> LabeledPrediction {
        LabeledPrediction { label, probabilities: probabilities.to_vec() }
    }

    fn numbers(score: &ClassificationScore) -> Vec<f64> {
        let classes = score.classes.iter().flat_map(|class| [class.precision, class.recall, class.f1]);
        let all = [score.accuracy, score.macro_f1, score.calibration_error, score.log_loss, score.auroc.unwrap_or(0.0)];
        all.into_iter().chain(classes).collect()
    }

    #[test]
    fn nothing_judged_scores_nothing() {
        let empty = score(&labels(&["a", "b"]), &[]);
        assert!(numbers(&empty).iter().all(|number| *number == 0.0), "{empty:?}");
        assert_eq!((empty.auroc, empty.confusion), (None, vec![vec![0; 2]; 2]));
        assert_eq!((roc(&[], 1), calibration_bins(&[], 10)), (vec![], vec![]));
        assert_eq!(score(&[], &[]).auroc, None);
        assert_eq!(score(&labels(&["a"]), &[judged(0, &[1.0])]).auroc, None);
    }

    #[test]
    fn a_probability_that_is_no_number_counts_as_none() {
        let rows = [judged(0, &[f64::NAN, f64::NAN]), judged(1, &[f64::NAN, 2.0]), judged(1, &[f64::INFINITY, -1.0])];
        let score = score(&labels(&["a", "b"]), &rows);
        assert!(numbers(&score).iter().all(|number| number.is_finite()), "{score:?}");
        assert_eq!(score.confusion, [[1, 0], [1, 1]]);
        assert_eq!(roc(&rows, 1), [(0.0, 0.0), (0.0, 0.5), (1.0, 1.0)]);
    }

    #[test]
    fn equal_probabilities_rank_as_half_each_and_say_the_first() {
        let rows = [judged(0, &[0.5, 0.5]), judged(1, &[0.5, 0.5])];
        let score = score(&labels(&["a", "b"]), &rows);
        assert_eq!((score.auroc, score.accuracy), (Some(0.5), 0.5));
        assert_eq!(roc(&rows, 1), [(0.0, 0.0), (1.0, 1.0)]);
        assert_eq!(rows[1].said(), 0);
    }

    #[test]
    fn a_bin_has_its_upper_edge() {
        let sure = |probability: f64| judged(0, &[probability, 1.0 - probability]);
        let counts =
            |rows: &[LabeledPrediction]| calibration_bins(rows, 10).iter().map(|bin| bin.count).collect::<Vec<_>>();
        assert_eq!(counts(&[sure(0.6), sure(0.59), sure(0.61)]), [2, 1]);
        assert_eq!(counts(&[sure(1.0), sure(0.95), judged(0, &[0.0, 0.0])]), [1, 2]);
    }

    #[test]
    #[should_panic = "example 0 is of class 2, but there are 2 classes"]
    fn a_truth_that_is_no_class_is_refused() {
        score(&labels(&["a", "b"]), &[judged(2, &[0.5, 0.5])]);
    }

    #[test]
    #[should_panic = "example 1 has not one probability a class"]
    fn a_class_without_a_probability_is_refused() {
        score(&labels(&["a", "b"]), &[judged(1, &[0.5, 0.5]), judged(1, &[0.5])]);
    }

    #[test]
    #[should_panic = "calibration takes one bin at least"]
    fn no_bins_are_refused() {
        calibration_bins(&[judged(0, &[1.0])], 0);
    }

    #[test]
    fn a_score_is_printed_as_a_table() {
        let rows: Vec<LabeledPrediction> =
            [(0, 0.2), (0, 0.3), (0, 0.6), (1, 0.9)].map(|(label, p)| judged(label, &[1.0 - p, p])).into();
        let table = "\
4 judged: accuracy 0.750, macro F1 0.733, AUROC 1.000, calibration error 0.300, log loss 0.400
            precision  recall     F1  support | said 1 2
1  плохо        1.000   0.667  0.800        3 |      2 1
2  отлично      0.500   1.000  0.667        1 |      0 1";
        assert_eq!(score(&labels(&["плохо", "отлично"]), &rows).to_string(), table);
        assert!(score(&labels(&["a", "b"]), &rows[..3]).to_string().contains("AUROC –, "));
    }
}
