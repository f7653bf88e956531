//! What a recognizer says.

use std::fmt;

use recurrent_data::Tokenizer;
use serde::Serialize;

use crate::decoding::CtcToken;

/// A word of a recognition.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RecognizedWord {
    /// The word.
    pub text: String,
    /// When the network began to emit it, in seconds. A network that reads in one direction hears most of a word before it
    /// emits it: the word itself began earlier.
    pub start: f64,
    /// When it emitted the last token, so that the word was known, in seconds.
    pub end: f64,
    /// The least probability of its tokens.
    pub confidence: f64,
}

/// What was recognized from one pause to the next.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Recognition {
    /// The words, with a space between.
    pub text: String,
    /// The words with their times.
    pub words: Vec<RecognizedWord>,
}

impl Recognition {
    /// Groups tokens into words. `frame_end` is the time at which a frame ends, and `frame_seconds` its length.
    pub(super) fn new(
        tokens: &[CtcToken],
        tokenizer: &Tokenizer,
        frame_end: impl Fn(usize) -> f64,
        frame_seconds: f64,
    ) -> Self {
        let mut words: Vec<RecognizedWord> = Vec::new();
        let mut bytes = Vec::new();
        let mut parts: Vec<&CtcToken> = Vec::new();
        let mut previous = None;
        let mut close = |bytes: &mut Vec<u8>, parts: &mut Vec<&CtcToken>| {
            let text = String::from_utf8_lossy(bytes).trim().to_string();
            if let (false, Some(first), Some(last)) = (text.is_empty(), parts.first(), parts.last()) {
                let least = parts.iter().map(|token| token.log_prob).fold(0.0, f32::min);
                let (start, end) = (frame_end(first.start) - frame_seconds, frame_end(last.start));
                words.push(RecognizedWord { text, start, end, confidence: f64::from(least).exp() });
            }
            bytes.clear();
            parts.clear();
        };
        for token in tokens {
            let piece = tokenizer.bytes_after(previous, token.id);
            let begins = piece.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            if begins > 0 {
                close(&mut bytes, &mut parts);
            }
            if begins < piece.len() {
                bytes.extend(&piece[begins..]);
                parts.push(token);
            }
            previous = Some(token.id);
        }
        close(&mut bytes, &mut parts);
        let text = words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        Self { text, words }
    }
}

/// What a stream reports.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[non_exhaustive]
pub enum RecognizerEvent {
    /// What has been said since the last pause, which may still change.
    Partial(Recognition),
    /// What has been said up to a pause, or to the end.
    Final(Recognition),
    /// The wake word was said.
    Wake {
        /// The word.
        word: String,
        /// When it was recognized, in seconds.
        time: f64,
    },
}

/// A recording as text.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Transcription {
    /// All words, with a space between.
    pub text: String,
    /// What was said between pauses.
    pub segments: Vec<Recognition>,
    /// The length of the recording in seconds.
    pub seconds: f64,
}

impl Transcription {
    pub(super) fn new(segments: Vec<Recognition>, seconds: f64) -> Self {
        let text = segments.iter().map(|segment| segment.text.as_str()).collect::<Vec<_>>().join(" ");
        Self { text, segments, seconds }
    }

    /// The words of all segments.
    pub fn words(&self) -> impl Iterator<Item = &RecognizedWord> {
        self.segments.iter().flat_map(|segment| &segment.words)
    }

    /// Subtitles in the SubRip format (SRT), one for each segment. A subtitle is shown from half a second before its first
    /// word was recognized until a second after its last, but never while another is.
    pub fn to_srt(&self) -> String {
        let mut text = String::new();
        let spans: Vec<(f64, f64)> = self
            .segments
            .iter()
            .filter_map(|segment| Some((segment.words.first()?.start - 0.5, segment.words.last()?.end + 1.0)))
            .collect();
        for (index, (span, segment)) in spans.iter().zip(&self.segments).enumerate() {
            let before =
                index.checked_sub(1).map_or(0.0, |before| self.segments[before].words.last().map_or(0.0, |w| w.end));
            let start = span.0.max(before);
            let next = spans.get(index + 1).map_or(f64::INFINITY, |next| next.0);
            let end = span.1.min(next.max(span.1 - 1.0));
            text += &format!("{}\n{} --> {}\n{}\n\n", index + 1, SrtTime(start), SrtTime(end), segment.text);
        }
        text
    }
}

/// A time as subtitles have it: `00:01:02,345`.
struct SrtTime(f64);

impl fmt::Display for SrtTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = (self.0.max(0.0) * 1_000.0).round() as u64;
        let (seconds, milliseconds) = (milliseconds / 1_000, milliseconds % 1_000);
        let (minutes, seconds) = (seconds / 60, seconds % 60);
        write!(f, "{:02}:{:02}:{seconds:02},{milliseconds:03}", minutes / 60, minutes % 60)
    }
}

#[cfg(test)]
mod tests {
    use recurrent_data::{TokenizerConfig, TokenizerKind};

    use super::*;

    fn token(id: u32, start: usize, log_prob: f32) -> CtcToken {
        CtcToken { id, start, end: start + 1, log_prob }
    }

    fn recognition(kind: TokenizerKind, text: &str) -> Recognition {
        let tokenizer = Tokenizer::fit_strings(&TokenizerConfig::new(kind), ["two seven", "seven two"]).unwrap();
        let tokens: Vec<CtcToken> = tokenizer
            .encode(text)
            .into_iter()
            .enumerate()
            .map(|(index, id)| token(id, 10 * index, -0.1 * index as f32))
            .collect();
        Recognition::new(&tokens, &tokenizer, |frame| 0.1 * frame as f64, 0.1)
    }

    #[test]
    fn tokens_are_grouped_into_words() {
        for kind in [TokenizerKind::Words, TokenizerKind::Chars] {
            let found = recognition(kind, "two seven");
            let words: Vec<&str> = found.words.iter().map(|word| word.text.as_str()).collect();
            assert_eq!((found.text.as_str(), words), ("two seven", vec!["two", "seven"]), "{kind}");
        }
        let letters = recognition(TokenizerKind::Chars, "two seven");
        let seven = &letters.words[1];
        assert!((seven.start - 3.9).abs() < 1e-9 && (seven.end - 8.0).abs() < 1e-9, "{seven:?}");
        assert!((seven.confidence - (-0.8f64).exp()).abs() < 1e-6, "{seven:?}");
        assert_eq!(recognition(TokenizerKind::Chars, "").words, []);
    }

    #[test]
    fn subtitles_follow_one_another() {
        let mut segments =
            vec![recognition(TokenizerKind::Words, "two"), recognition(TokenizerKind::Words, "seven two")];
        for (segment, start) in segments.iter_mut().zip([3_725.0, 3_725.4]) {
            for word in &mut segment.words {
                (word.start, word.end) = (word.start + start, word.end + start);
            }
        }
        let srt = Transcription::new(segments, 4_000.0).to_srt();
        let expected = "1\n01:02:04,400 --> 01:02:05,000\ntwo\n\n2\n01:02:05,000 --> 01:02:07,400\nseven two\n\n";
        assert_eq!(srt, expected);
    }
}
