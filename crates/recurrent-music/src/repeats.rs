//! The order in which what is written with repeats is played.

use std::ops::Range;

/// The most times that a section is played.
pub(crate) const MAX_PASSES: u8 = 16;

/// A bar line, as far as it has to do with repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Bar {
    /// The section that ends here is played so many times, 0 if no repeat ends here.
    pub(crate) ends: u8,
    /// Whether a repeat begins here.
    pub(crate) begins: bool,
    /// Whether the line is a double one, which ends the last ending.
    pub(crate) is_double: bool,
    /// The passes for which the ending that begins here is played; 0 if none begins.
    pub(crate) ending: u32,
    /// Whether a labelled part of the tune begins here.
    pub(crate) begins_part: bool,
}

/// What is played several times, with an ending for some of them.
#[derive(Debug, Default)]
struct Section {
    body: Range<usize>,
    endings: Vec<(u32, Range<usize>)>,
    passes: u8,
}

impl Section {
    fn new(start: usize) -> Self {
        Self { body: start..start, ..Self::default() }
    }

    /// Everything in the order of play.
    fn ranges(&self) -> Vec<Range<usize>> {
        let of_pass = |pass: u8| {
            let ending = self.endings.iter().find(|(passes, _)| passes >> pass & 1 == 1);
            [Some(self.body.clone()), ending.map(|(_, range)| range.clone())]
        };
        (1..=self.last_pass()).flat_map(of_pass).flatten().filter(|range| !range.is_empty()).collect()
    }

    fn last_pass(&self) -> u8 {
        let of_ending = |(passes, _): &(u32, Range<usize>)| passes.checked_ilog2().unwrap_or(0) as u8;
        self.endings.iter().map(of_ending).fold(self.passes.max(1), u8::max)
    }
}

/// The set that has one pass.
pub(crate) fn pass(number: u8) -> u32 {
    1 << number.min(MAX_PASSES)
}

/// The passes of an ending, such as `1`, `1,3` or `1-3`; `None` if they are not from 1 to [`MAX_PASSES`].
pub(crate) fn passes(text: &str) -> Option<u32> {
    text.trim_end_matches(',').split(',').try_fold(0, |passes, part| Some(passes | range(part)?))
}

/// The passes of `2` or `1-3`.
fn range(text: &str) -> Option<u32> {
    let number = |text: &str| text.trim().parse().ok().filter(|number| (1..=MAX_PASSES).contains(number));
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (number(first)?, number(last)?);
    (first <= last).then(|| (first..=last).map(pass).fold(0, |passes, pass| passes | pass))
}

/// The ranges of a voice in the order of play; `bar` tells which of its `count` items are bar lines.
///
/// A repeat goes back to the last `|:`, the end of the last repeat, the beginning of the part, or of the voice. An
/// ending ends at a double bar line, at `:|`, or at the next ending; the last ending is played once, whatever bar line
/// it has.
pub(crate) fn play_order(count: usize, bar: impl Fn(usize) -> Option<Bar>) -> Vec<Range<usize>> {
    let mut sections = Sections { done: Vec::new(), current: Section::new(0), is_closed: false };
    for index in 0..count {
        match bar(index) {
            Some(bar) => sections.bar(index, bar),
            None => sections.sound(index),
        }
    }
    sections.done.push(sections.current);
    sections.done.iter().flat_map(Section::ranges).collect()
}

struct Sections {
    done: Vec<Section>,
    current: Section,
    /// Whether only another ending can still belong to the current section.
    is_closed: bool,
}

impl Sections {
    fn sound(&mut self, index: usize) {
        if self.is_closed {
            self.start(index);
        }
        let range = self.current.endings.last_mut().map_or(&mut self.current.body, |(_, range)| range);
        range.end = index + 1;
    }

    fn bar(&mut self, index: usize, bar: Bar) {
        if bar.ends > 0 {
            self.current.passes = self.current.passes.max(bar.ends);
            self.is_closed = true;
        }
        if bar.is_double && !self.current.endings.is_empty() {
            self.is_closed = true;
        }
        if bar.begins || bar.begins_part {
            self.start(index + 1);
        }
        if bar.ending > 0 {
            self.current.endings.push((bar.ending, index + 1..index + 1));
            self.is_closed = false;
        }
    }

    fn start(&mut self, index: usize) {
        self.done.push(std::mem::replace(&mut self.current, Section::new(index)));
        self.is_closed = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The letters of a text in the order of play. Bar lines: `(` begins, `)` ends a repeat, `:` both, `|` is a double
    /// bar line, `P` a label, a digit an ending.
    fn played(text: &str) -> String {
        let bar = |at: usize| {
            let simple = Bar::default();
            Some(match text.as_bytes()[at] {
                b'(' => Bar { begins: true, ..simple },
                b')' => Bar { ends: 2, ..simple },
                b':' => Bar { ends: 2, begins: true, ..simple },
                b'|' => Bar { is_double: true, ..simple },
                b'P' => Bar { begins_part: true, ..simple },
                b'5' => Bar { ending: pass(1) | pass(3), ..simple },
                digit @ b'1'..=b'4' => Bar { ending: pass(digit - b'0'), ..simple },
                _ => return None,
            })
        };
        let ranges = play_order(text.len(), bar);
        let letters = ranges.into_iter().flat_map(|range| text[range].chars());
        letters.filter(char::is_ascii_lowercase).collect()
    }

    #[test]
    fn repeats_go_back_to_where_they_began() {
        assert_eq!(played("abc"), "abc");
        assert_eq!(played("ab)c"), "ababc");
        assert_eq!(played("a(b)c"), "abbc");
        assert_eq!(played("(a:b:c)"), "aabbcc");
        assert_eq!(played("a)b)c"), "aabbc");
        assert_eq!(played("aPb)"), "abb");
    }

    #[test]
    fn each_pass_has_its_ending() {
        assert_eq!(played("(a1b)2c|d"), "abacd");
        assert_eq!(played("(a1b)2c)d"), "abacd");
        assert_eq!(played("(a1b)2c(d)"), "abacdd");
        assert_eq!(played("(a1b)2c|d1e)2f"), "abacdedf");
        assert_eq!(played("(a5b)2c)"), "abacab");
        assert_eq!(played("(a)2b"), "aab");
        assert_eq!(played("(a1b)c"), "abac");
    }

    #[test]
    fn the_passes_of_an_ending_are_read() {
        assert_eq!(passes("1"), Some(pass(1)));
        assert_eq!([passes("1,3"), passes("1, 3,")], [Some(pass(1) | pass(3)); 2]);
        assert_eq!(passes("2-4"), Some(pass(2) | pass(3) | pass(4)));
        for text in ["", "0", "17", "3-2", "1,,2", "x", "-1"] {
            assert_eq!(passes(text), None, "{text}");
        }
    }

    #[test]
    fn a_repeat_that_never_ends_is_played_once() {
        assert_eq!(played("(a(b)"), "abb");
        assert_eq!(played("a|b"), "ab");
    }
}
