//! Metrics of texts and classifications, computed on the CPU in double precision.
//!
//! - [`corpus_bleu`], [`corpus_chrf`] and [`exact_match`] compare texts with one or more references each;
//! - [`word_errors`], [`character_errors`], [`align`] and [`confusions`] compare transcripts with one reference each;
//! - [`classification`] compares predicted probabilities with labels;
//! - [`pinball_loss`], [`quantile_crps`], [`coverage`], [`mean_width`] and [`interval_score`] score quantiles and intervals
//!   of forecasts (feature `fit`);
//! - [`diebold_mariano`] tests whether two forecasts are equally accurate (feature `fit`);
//! - [`autocorrelations`] and [`ljung_box`] show whether the errors of a forecast still have a pattern (feature `fit`);
//! - [`significant`] is a number as text, however small it is.
//!
//! ```
//! use recurrent::metrics::{corpus_bleu, corpus_chrf, exact_match};
//!
//! let hypotheses = ["the cat sat on the mat", "it rains"];
//! let references = [
//!     vec!["the cat sat on a mat".to_string(), "a cat was sitting on the mat".to_string()],
//!     vec!["it rains".to_string()],
//! ];
//! assert_eq!(corpus_bleu(&hypotheses, &references).to_string(), "BLEU 68.39 (87.5/100.0/75.0/33.3, BP 1.00)");
//! assert!((corpus_chrf(&hypotheses, &references) - 78.45).abs() < 0.01);
//! assert_eq!(exact_match(&hypotheses, &references), 0.5);
//! ```
//!
//! The metrics agree with sacreBLEU's, scikit-learn's and jiwer's. Deliberately absent: BLEU tokenizers other than 13a (use chrF
//! for Chinese and Japanese), lower-casing, chrF++, and sentence-level scores, which BLEU is not meant for.

#[cfg(feature = "fit")]
mod autocorrelation;
mod bleu;
mod chrf;
pub mod classification;
#[cfg(feature = "fit")]
mod diebold_mariano;
mod error_rate;
mod exact_match;
#[cfg(feature = "fit")]
mod probabilistic;
mod significant;
mod text;

#[cfg(feature = "fit")]
pub use autocorrelation::{LjungBox, autocorrelations, ljung_box};
pub use bleu::{Bleu, corpus_bleu};
pub use chrf::corpus_chrf;
#[cfg(feature = "fit")]
pub use diebold_mariano::diebold_mariano;
pub use error_rate::{Confusion, Edit, ErrorCounts, align, character_errors, confusions, word_errors};
pub use exact_match::exact_match;
#[cfg(feature = "fit")]
pub use probabilistic::{coverage, interval_score, mean_width, pinball_loss, quantile_crps};
pub use significant::significant;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_match_ignores_the_amount_of_whitespace() {
        let references = [vec!["no".into(), "two  words ".into()], vec!["one".into()]];
        assert_eq!(exact_match(&[" two\twords\n", "One"], &references), 0.5);
        assert_eq!(exact_match(&["twowords", "one"], &references), 0.5);
    }

    #[test]
    fn scores_of_no_hypotheses_are_0() {
        assert_eq!(exact_match(&[""; 0], &[]), 0.0);
        assert_eq!(corpus_chrf(&[""; 0], &[]), 0.0);
        assert_eq!(corpus_bleu(&[""; 0], &[]).to_string(), "BLEU 0.00 (0.0/0.0/0.0/0.0, BP 1.00)");
    }

    #[test]
    #[should_panic = "the numbers of hypotheses and lists of references differ"]
    fn a_missing_list_of_references_is_rejected() {
        exact_match(&["a", "b"], &[vec!["a".into()]]);
    }

    #[test]
    #[should_panic = "hypothesis 1 has no reference"]
    fn an_empty_list_of_references_is_rejected() {
        exact_match(&["a", "b"], &[vec!["a".into()], vec![]]);
    }
}
