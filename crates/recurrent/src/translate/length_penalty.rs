//! The length penalty of a run that was given none: the best of some on the validation split.

use serde::{Deserialize, Serialize};

#[cfg(feature = "fit")]
use super::BeamConfig;
#[cfg(feature = "fit")]
use crate::metrics::corpus_bleu;
use crate::settings::{Bound, MAX_LENGTH_PENALTY};
use crate::{Error, Result, RunDir};

/// The length penalty as long as none is given or chosen.
pub(super) const DEFAULT: f64 = 0.6;

/// The penalties to choose from. Of equally good ones the first is chosen.
#[cfg(feature = "fit")]
const CANDIDATES: [f64; 5] = [DEFAULT, 0.3, 1.0, 0.0, 1.4];

/// The maximum number of sentences by which the penalty is chosen.
#[cfg(feature = "fit")]
pub(super) const MAX_SENTENCES: usize = 500;

/// A length penalty that was chosen by the BLEU of the validation split. A run's folder has it in `search.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ChosenLengthPenalty {
    /// The penalty.
    pub length_penalty: f64,
    /// The number of different sentences that were translated.
    pub sentences: usize,
    /// The penalties that were tried, each with its BLEU.
    pub candidates: Vec<PenaltyScore>,
}

/// The score of a length penalty.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PenaltyScore {
    /// The penalty.
    pub length_penalty: f64,
    /// The BLEU of the translations.
    pub bleu: f64,
}

impl ChosenLengthPenalty {
    const FILE: &str = "search.toml";

    /// Reads it, if it was chosen already.
    pub(super) fn read(run_dir: &RunDir) -> Result<Option<Self>> {
        if !run_dir.path(Self::FILE).exists() {
            return Ok(None);
        }
        let chosen: Self = run_dir.read_toml(Self::FILE)?;
        let bound = Bound::UpTo(MAX_LENGTH_PENALTY);
        if !bound.allows(&chosen.length_penalty.into()) {
            return Err(Error::RunDir {
                path: run_dir.path(Self::FILE),
                expected: format!("{} as `length_penalty`", bound.expected()),
                found: chosen.length_penalty.to_string(),
            });
        }
        Ok(Some(chosen))
    }

    /// Chooses the penalty with which `translate` gives the `references`, one list for each sentence, the best translations
    /// of all sentences, and saves it. Greedy search has no use for one.
    ///
    /// # Errors
    /// If it cannot be saved, and the disk is not read-only.
    #[cfg(feature = "fit")]
    pub(super) fn choose(
        run_dir: &RunDir,
        beam: BeamConfig,
        references: &[Vec<String>],
        translate: impl Fn(BeamConfig) -> Vec<String>,
    ) -> Result<Option<Self>> {
        if beam.beam_size == 1 {
            return Ok(None);
        }
        let score = |length_penalty| {
            let translations = translate(BeamConfig { length_penalty, ..beam });
            PenaltyScore { length_penalty, bleu: corpus_bleu(&translations, references).score }
        };
        let candidates = CANDIDATES.map(score);
        let best = candidates.into_iter().reduce(|best, next| if next.bleu > best.bleu { next } else { best });
        let length_penalty = best.map_or(DEFAULT, |best| best.length_penalty);
        let chosen = Self { length_penalty, sentences: references.len(), candidates: candidates.to_vec() };
        match run_dir.write_toml(Self::FILE, &chosen) {
            // On a read-only disk it is chosen again the next time.
            Err(error) if error.is_read_only() => {}
            written => written?,
        }
        Ok(Some(chosen))
    }
}

#[cfg(all(test, feature = "fit"))]
mod tests {
    use super::*;

    fn run_dir() -> (tempfile::TempDir, RunDir) {
        let folder = tempfile::tempdir().unwrap();
        let run_dir = RunDir::create(folder.path().join("run"), &[("config.toml", String::new())], false).unwrap();
        (folder, run_dir)
    }

    #[test]
    fn the_penalty_with_the_best_translations_is_chosen_and_read() {
        let (_folder, run_dir) = run_dir();
        let reference = "one two three four five six".to_string();
        let chosen = |beam_size, best: f64| {
            let translate = |beam: BeamConfig| {
                let words = if (beam.length_penalty - best).abs() < 1e-9 { 6 } else { 4 };
                vec![reference.split_inclusive(' ').take(words).collect()]
            };
            let beam = BeamConfig::new(beam_size, DEFAULT);
            ChosenLengthPenalty::choose(&run_dir, beam, &[vec![reference.clone()]], translate).unwrap()
        };
        assert!(chosen(1, 1.0).is_none() && ChosenLengthPenalty::read(&run_dir).unwrap().is_none());
        for best in CANDIDATES {
            let chosen = chosen(5, best).unwrap();
            assert_eq!((chosen.length_penalty, chosen.sentences, chosen.candidates.len()), (best, 1, 5));
            assert_eq!(ChosenLengthPenalty::read(&run_dir).unwrap(), Some(chosen));
        }
        // All are as good.
        assert_eq!(chosen(5, 9.0).unwrap().length_penalty, DEFAULT);
    }

    #[test]
    fn a_damaged_choice_is_refused() {
        let (_folder, run_dir) = run_dir();
        for (text, found) in [
            (
                "length_penalty = -1.0\nsentences = 1\ncandidates = []\n",
                "a number from 0 to 100 as `length_penalty`, found -1",
            ),
            (
                "length_penalty = nan\nsentences = 1\ncandidates = []\n",
                "a number from 0 to 100 as `length_penalty`, found NaN",
            ),
            ("length_penalty = \"x\"\n", "expected the search.toml of this run, found "),
        ] {
            run_dir.write("search.toml", text).unwrap();
            let error = ChosenLengthPenalty::read(&run_dir).unwrap_err().to_string();
            assert!(error.contains(found), "{error}");
        }
    }
}
