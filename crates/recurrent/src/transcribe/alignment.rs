//! The tokens of frames, for framewise training.

use std::ops::Range;

use recurrent_audio::LogMelConfig;
use recurrent_data::Tokenizer;

use super::WordTime;

/// How a text is spread over the frames of a recording.
pub(super) struct Alignment<'a> {
    pub tokenizer: &'a Tokenizer,
    pub log_mel: &'a LogMelConfig,
    pub blank: u32,
}

impl Alignment<'_> {
    /// The token of each frame: in the second half of its time, a network that reads forward has heard enough of it. All
    /// other frames are blank.
    ///
    /// The tokens of a word share its time evenly; without word times, all tokens share that of the recording.
    pub fn frames(&self, text: &str, words: Option<&[WordTime]>, num_frames: usize) -> Vec<u32> {
        let mut labels = vec![self.blank; num_frames];
        for (token, time) in self.times(text, words, num_frames) {
            let middle = 0.5 * (time.start + time.end);
            let frames = self.frame_after(middle)..self.frame_after(time.end).max(self.frame_after(middle) + 1);
            for label in labels.iter_mut().take(frames.end).skip(frames.start) {
                *label = token;
            }
        }
        labels
    }

    /// The first frame that ends at this time or later.
    fn frame_after(&self, seconds: f64) -> usize {
        let frames = (seconds - self.log_mel.frame_end(0)) / self.log_mel.frame_seconds();
        frames.ceil().max(0.0) as usize
    }

    /// The tokens of a text, with the times that they take in seconds.
    fn times(&self, text: &str, words: Option<&[WordTime]>, num_frames: usize) -> Vec<(u32, Range<f64>)> {
        let tokens = self.tokenizer.encode_with_offsets(text);
        let even = |tokens: &[u32], time: Range<f64>| {
            let share = (time.end - time.start) / tokens.len() as f64;
            let at = |(index, token): (usize, &u32)| {
                let start = time.start + index as f64 * share;
                (*token, start..start + share)
            };
            tokens.iter().enumerate().map(at).collect::<Vec<_>>()
        };
        let end = num_frames as f64 * self.log_mel.frame_seconds();
        let Some(words) = words.filter(|words| words.iter().map(|word| word.word.as_str()).eq(text.split_whitespace()))
        else {
            let tokens: Vec<u32> = tokens.into_iter().map(|(token, _)| token).collect();
            return even(&tokens, 0.0..end);
        };
        let mut times = Vec::with_capacity(tokens.len());
        let mut rest = &*tokens;
        let mut offset = 0;
        for (index, word) in words.iter().enumerate() {
            let start = offset + text[offset..].find(word.word.as_str()).unwrap_or(0);
            offset = start + word.word.len();
            // What is between two words is a token of its own, or the beginning of the second word's first token.
            let (between, next) = rest.split_at(rest.partition_point(|(_, bytes)| bytes.end <= start));
            let (of_word, next) = next.split_at(next.partition_point(|(_, bytes)| bytes.start < offset));
            rest = next;
            let ids = |tokens: &[(u32, Range<usize>)]| tokens.iter().map(|(token, _)| *token).collect::<Vec<u32>>();
            let pause = index.checked_sub(1).map_or(0.0, |before| words[before].end)..word.start;
            times.extend(even(&ids(between), pause));
            times.extend(even(&ids(of_word), word.start..word.end));
        }
        times
    }
}

#[cfg(test)]
mod tests {
    use recurrent_data::{TokenizerConfig, TokenizerKind};

    use super::*;

    const BLANK: u32 = 0;

    /// The labels of frames of 20 milliseconds, of which the first ends after 35.
    fn labels(kind: TokenizerKind, text: &str, words: Option<&[WordTime]>, num_frames: usize) -> (Tokenizer, Vec<u32>) {
        let tokenizer = Tokenizer::fit_strings(&TokenizerConfig::new(kind), ["two seven", "seven two"]).unwrap();
        let log_mel = LogMelConfig::default();
        let alignment = Alignment { tokenizer: &tokenizer, log_mel: &log_mel, blank: BLANK };
        let labels = alignment.frames(text, words, num_frames);
        (tokenizer, labels)
    }

    fn word(word: &str, start: f64, end: f64) -> WordTime {
        WordTime { word: word.into(), start, end }
    }

    #[test]
    fn a_word_is_emitted_in_its_second_half() {
        let words = [word("seven", 0.1, 0.5), word("seven", 0.5, 0.9)];
        let (tokenizer, labels) = labels(TokenizerKind::Words, "seven seven", Some(&words), 60);
        let seven = tokenizer.token_to_id("seven").unwrap();
        let end = |frame: usize| LogMelConfig::default().frame_end(frame);
        for (frame, label) in labels.iter().enumerate() {
            let is_word = words.iter().any(|word| (0.5 * (word.start + word.end)..word.end).contains(&end(frame)));
            assert_eq!(*label, if is_word { seven } else { BLANK }, "frame {frame}");
        }
        assert_eq!(crate::decoding::collapse(&labels, BLANK), [seven, seven]);
    }

    #[test]
    fn tokens_share_the_time_that_is_known() {
        for words in [None, Some(&[word("seven", 0.2, 0.8), word("two", 1.0, 1.4)][..])] {
            let (tokenizer, labels) = labels(TokenizerKind::Chars, "seven two", words, 100);
            assert_eq!(crate::decoding::collapse(&labels, BLANK), tokenizer.encode("seven two"));
        }
        // Of other words than those of the text, the times are not used.
        let (tokenizer, labels) = labels(TokenizerKind::Words, "two", Some(&[word("seven", 0.0, 0.1)]), 100);
        let labeled = labels.iter().filter(|label| **label == tokenizer.token_to_id("two").unwrap()).count();
        assert!((45..=55).contains(&labeled), "{labeled}");
    }

    #[test]
    fn short_and_silent_recordings_have_labels_too() {
        let (tokenizer, found) = labels(TokenizerKind::Words, "two", Some(&[word("two", 0.0, 0.001)]), 3);
        assert_eq!(found, [tokenizer.token_to_id("two").unwrap(), BLANK, BLANK]);
        assert_eq!(labels(TokenizerKind::Words, "", None, 4).1, [BLANK; 4]);
        assert!(labels(TokenizerKind::Words, "two", None, 0).1.is_empty());
    }
}
