//! Pre-tokenization: the segments of a text that subword models encode one by one.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

/// The longest segment in characters. It is longer than words are, and bounds the time for text without spaces.
const MAX_CHARS: usize = 32;

/// Calls `emit` with each segment and its first byte: a word with the space before it, a punctuation mark, or a run of
/// other white space, none longer than [`MAX_CHARS`].
pub(crate) fn each_segment<'a>(text: &'a str, mut emit: impl FnMut(usize, &'a str)) {
    let mut emit_all = |range: Range<usize>| {
        let mut rest = range.start;
        while rest < range.end {
            let segment = &text[rest..range.end];
            let length = segment.char_indices().nth(MAX_CHARS).map_or(segment.len(), |(at, _)| at);
            emit(rest, &segment[..length]);
            rest += length;
        }
    };
    // The first byte of a space that belongs to the next word.
    let mut space = None;
    for (at, word) in text.split_word_bound_indices() {
        let end = at + word.len();
        if word.chars().all(char::is_whitespace) {
            if let Some(from) = space.take() {
                emit_all(from..at);
            }
            if word.ends_with(' ') {
                emit_all(at..end - 1);
                space = Some(end - 1);
            } else {
                emit_all(at..end);
            }
        } else {
            emit_all(space.take().unwrap_or(at)..end);
        }
    }
    if let Some(from) = space {
        emit_all(from..text.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(text: &str) -> Vec<&str> {
        let mut segments = vec![];
        each_segment(text, |_, segment| segments.push(segment));
        segments
    }

    #[test]
    fn words_include_the_space_before_them() {
        assert_eq!(
            segments("Hi  you, e\u{301}t\n\n a <unk> "),
            ["Hi", " ", " you", ",", " e\u{301}t", "\n", "\n", " a", " <", "unk", ">", " "]
        );
        assert_eq!(segments(&"x".repeat(70)).iter().map(|segment| segment.len()).collect::<Vec<_>>(), [32, 32, 6]);
    }
}
