//! How well speech is transcribed.

use std::collections::BTreeSet;
use std::fmt;

use burn::tensor::Device;
use recurrent_audio::LogMelConfig;
use recurrent_data::TokenizerKind;
use serde::Serialize;

use super::examples::Example;
use super::template_matching::{TemplateMatching, segments};
use super::{RecognizeOptions, Recognizer, TranscribeData, Transcription, WordTime};
use crate::metrics::{Confusion, Edit, ErrorCounts, align, character_errors, confusions, word_errors};
use crate::{Predictor, Result};

/// A recording of the test split as it was transcribed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TranscribedUtterance {
    /// What was said.
    pub reference: String,
    /// What was recognized.
    pub transcription: Transcription,
    /// From the end of each word that was recognized to when it was, in seconds, where the ends are known.
    pub delays: Vec<f64>,
}

/// The test split as it was transcribed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TranscriptionEvaluation {
    /// The recordings in their order.
    pub utterances: Vec<TranscribedUtterance>,
    /// The errors of words and characters if only words of the training split may be recognized. `None` if the tokens are
    /// not characters, which spell others.
    pub with_lexicon: Option<[ErrorCounts; 2]>,
    /// How long transcribing took on one core, divided by the length of the recordings.
    pub real_time_factor: f64,
    /// The word errors of the baseline on the same recordings. `None` if no training recording tells where a word is: by
    /// word times, or by being of one word.
    pub template_matching: Option<ErrorCounts>,
}

/// Error rates, and how late words come.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TranscriptionScores {
    /// The word error rate, a fraction that can be above 1.
    pub wer: f64,
    /// The character error rate.
    pub cer: f64,
    /// The fraction of recordings with an error.
    pub ser: f64,
    /// The errors of words.
    pub words: ErrorCounts,
    /// The errors of characters.
    pub characters: ErrorCounts,
    /// The word and the character error rate if only words of the training split may be recognized.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with_lexicon: Option<[f64; 2]>,
    /// Half of the words that were recognized come later than this after their end, in seconds.
    pub median_delay: Option<f64>,
    /// One word of twenty comes later than this after its end, in seconds.
    pub p95_delay: Option<f64>,
    /// How long transcribing took on one core, divided by the length of the recordings.
    pub real_time_factor: f64,
    /// The word error rate of the baseline, template matching by dynamic time warping.
    pub template_matching_wer: Option<f64>,
}

impl fmt::Display for TranscriptionScores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { wer, cer, ser, words, real_time_factor, .. } = self;
        if let Some(baseline) = self.template_matching_wer.filter(|baseline| baseline <= wer) {
            writeln!(
                f,
                "The baseline is better: template matching has a word error rate of {:.2} %.",
                100.0 * baseline
            )?;
        }
        writeln!(
            f,
            "Word error rate {:.2} % ({} substitution(s), {} deletion(s), {} insertion(s) in {} words), character error \
             rate {:.2} %, recordings with an error {:.1} %.",
            100.0 * wer,
            words.substitutions,
            words.deletions,
            words.insertions,
            words.reference,
            100.0 * cer,
            100.0 * ser
        )?;
        if let Some(baseline) = self.template_matching_wer.filter(|baseline| baseline > wer) {
            writeln!(f, "The baseline, template matching, has a word error rate of {:.2} %.", 100.0 * baseline)?;
        }
        if let Some([wer, cer]) = self.with_lexicon {
            writeln!(
                f,
                "With the words of the training split as a lexicon: word error rate {:.2} %, character error rate {:.2} %.",
                100.0 * wer,
                100.0 * cer
            )?;
        }
        if let (Some(median), Some(p95)) = (self.median_delay, self.p95_delay) {
            let [median, p95] = [median, p95].map(|seconds| 1_000.0 * seconds);
            writeln!(f, "Words are recognized {median:.0} ms (median), {p95:.0} ms (95 %) after their end.")?;
        }
        write!(f, "Real-time factor {real_time_factor:.4} on one core, features not counted.")
    }
}

/// Transcribes the test recordings, whose features are known, and fits the baseline.
pub(super) fn evaluate(
    recognizer: &Recognizer,
    data: &TranscribeData,
    device: &Device,
) -> Result<TranscriptionEvaluation> {
    let options = RecognizeOptions::default();
    let started = std::time::Instant::now();
    let mut utterances = Vec::with_capacity(data.test.len());
    for Example { text, words, features, seconds, .. } in data.test.all.iter() {
        let segments = recognizer.model().recognize(&features.values, &options, device)?;
        let transcription = Transcription::new(segments, *seconds);
        let delays = words.as_ref().map_or_else(Vec::new, |words| delays(words, &transcription));
        utterances.push(TranscribedUtterance { reference: text.clone(), transcription, delays });
    }
    let real_time_factor = started.elapsed().as_secs_f64() / data.test.seconds();
    let with_lexicon = lexicon_errors(recognizer, data, device)?;
    let template_matching = template_errors(data, &recognizer.config().log_mel());
    Ok(TranscriptionEvaluation { utterances, with_lexicon, real_time_factor, template_matching })
}

/// The errors of words and characters if only words of the training split may be recognized, where tokens are characters.
fn lexicon_errors(recognizer: &Recognizer, data: &TranscribeData, device: &Device) -> Result<Option<[ErrorCounts; 2]>> {
    if recognizer.model().tokenizer.kind() != TokenizerKind::Chars {
        return Ok(None);
    }
    let words: BTreeSet<&str> = data.train.all.iter().flat_map(|example| example.text.split_whitespace()).collect();
    let options = RecognizeOptions::default().with_lexicon(words);
    let mut errors = Vec::with_capacity(data.test.len());
    for Example { text, features, seconds, .. } in data.test.all.iter() {
        let segments = recognizer.model().recognize(&features.values, &options, device)?;
        let (said, found) = (text.to_lowercase(), Transcription::new(segments, *seconds).text.to_lowercase());
        errors.push([word_errors(&said, &found), character_errors(&said, &found)]);
    }
    Ok(Some([0, 1].map(|of| errors.iter().map(|errors| errors[of]).sum())))
}

/// The templates of a word, at most.
const TEMPLATES: usize = 6;
/// The validation recordings by which the baseline's penalty is chosen, at most.
const CHOOSING: usize = 200;

/// The word errors of template matching, if there are words to match.
fn template_errors(data: &TranscribeData, log_mel: &LogMelConfig) -> Option<ErrorCounts> {
    let cut = |example: &Example| segments(&example.text, example.words.as_deref(), &example.features, log_mel);
    let mut matching = TemplateMatching::fit(data.train.all.iter().flat_map(cut), log_mel.width(), TEMPLATES)?;
    let valid = data.valid.all.iter().take(CHOOSING);
    let valid: Vec<_> = valid.map(|example| (&*example.features.values, example.text.as_str())).collect();
    matching.choose_penalty(&valid);
    let errors = |example: &Example| {
        word_errors(&example.text.to_lowercase(), &matching.recognize(&example.features.values).join(" "))
    };
    Some(data.test.all.iter().map(errors).sum())
}

/// From the end of each word that was recognized to when it was.
fn delays(words: &[WordTime], transcription: &Transcription) -> Vec<f64> {
    let spoken: Vec<String> = words.iter().map(|word| word.word.to_lowercase()).collect();
    let recognized: Vec<_> = transcription.words().collect();
    let texts: Vec<String> = recognized.iter().map(|word| word.text.to_lowercase()).collect();
    let delay = |edit: Edit| match edit {
        Edit::Match { reference, hypothesis } => Some(recognized[hypothesis].end - words[reference].end),
        _ => None,
    };
    align(&spoken, &texts).into_iter().filter_map(delay).collect()
}

impl TranscriptionEvaluation {
    /// Error rates and delays. Words are compared without regard to case.
    pub fn scores(&self) -> TranscriptionScores {
        let pairs = self.pairs();
        let words: ErrorCounts = pairs.iter().map(|(reference, found)| word_errors(reference, found)).sum();
        let characters: ErrorCounts = pairs.iter().map(|(reference, found)| character_errors(reference, found)).sum();
        let wrong = pairs.iter().filter(|(reference, found)| reference != found).count();
        let mut delays: Vec<f64> = self.utterances.iter().flat_map(|utterance| &utterance.delays).copied().collect();
        delays.sort_by(f64::total_cmp);
        let quantile = |fraction: f64| {
            let last = delays.len().checked_sub(1)?;
            Some(delays[(fraction * last as f64).round() as usize])
        };
        TranscriptionScores {
            wer: words.rate(),
            cer: characters.rate(),
            ser: wrong as f64 / self.utterances.len().max(1) as f64,
            words,
            characters,
            with_lexicon: self.with_lexicon.map(|errors| errors.map(|errors| errors.rate())),
            median_delay: quantile(0.5),
            p95_delay: quantile(0.95),
            real_time_factor: self.real_time_factor,
            template_matching_wer: self.template_matching.map(|errors| errors.rate()),
        }
    }

    /// The words that are taken for others, the most frequent first.
    pub fn confusions(&self) -> Vec<Confusion> {
        confusions(self.pairs().iter().map(|(reference, found)| (reference.as_str(), found.as_str())))
    }

    /// What was said and what was recognized, in lower case.
    fn pairs(&self) -> Vec<(String, String)> {
        let pair = |utterance: &TranscribedUtterance| {
            (utterance.reference.to_lowercase(), utterance.transcription.text.to_lowercase())
        };
        self.utterances.iter().map(pair).collect()
    }
}
