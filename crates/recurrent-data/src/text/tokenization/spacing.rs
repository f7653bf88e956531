//! Spaces between words when they are decoded.

/// Joins words with spaces where they most likely were.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spacing {
    last: Option<Edge>,
    quoted: bool,
}

/// How the edge of a word joins its neighbor.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Edge {
    /// With a space.
    Spaced,
    /// A letter of a script that is written without spaces.
    Unspaced,
    /// Without a space.
    Tight,
}

impl Spacing {
    /// Appends the next word to `text`.
    pub(crate) fn push(&mut self, word: &str, text: &mut String) {
        let closes = word == "\"" && self.quoted;
        let left = if closes { Edge::Tight } else { left(word) };
        match (self.last, left) {
            (None | Some(Edge::Tight), _) | (_, Edge::Tight) | (Some(Edge::Unspaced), Edge::Unspaced) => {}
            _ => text.push(' '),
        }
        text.push_str(word);
        self.last = Some(if closes { Edge::Spaced } else { right(word) });
        match word {
            "\"" => self.quoted = !self.quoted,
            // An unclosed quotation ends with its line.
            "\n" => self.quoted = false,
            _ => {}
        }
    }
}

fn left(word: &str) -> Edge {
    const CLOSING: &str = ".,!?;:)]}%…’”»›'、。，！？；：）」』》";
    edge(word.chars().next(), CLOSING)
}

fn right(word: &str) -> Edge {
    const OPENING: &str = "([{“„‘‚«‹¿¡#$£\"（「『《、。，！？；：）」』》";
    edge(word.chars().next_back(), OPENING)
}

fn edge(c: Option<char>, tight: &str) -> Edge {
    const INSIDE: &str = "\n-/_@\u{2010}\u{2011}";
    match c {
        Some(c) if tight.contains(c) || INSIDE.contains(c) => Edge::Tight,
        Some(c) if is_unspaced(c) => Edge::Unspaced,
        _ => Edge::Spaced,
    }
}

/// Chinese, Japanese, Thai, Lao, Burmese, Khmer.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0E00}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}' |
        '\u{2E80}'..='\u{A4CF}' | '\u{F900}'..='\u{FAFF}' | '\u{FF00}'..='\u{FFEF}' | '\u{20000}'..='\u{3FFFF}')
}
