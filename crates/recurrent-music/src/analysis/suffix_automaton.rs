//! An index of all substrings of some strings.

/// The smallest automaton that reads every substring of the strings that were pushed, after Blumer et al. (1985), "The
/// smallest automaton recognizing the subwords of a text".
///
/// It has at most two states for each symbol, and is built in time O(n log a) for n symbols of an alphabet of a. It
/// compares symbols, not hashes, so that what it finds is there.
#[derive(Debug, Clone)]
pub(crate) struct SuffixAutomaton {
    states: Vec<State>,
    /// The state of the whole string so far.
    last: usize,
}

/// A set of substrings that end at the same places.
#[derive(Debug, Clone)]
struct State {
    /// The length of the longest of them.
    length: usize,
    /// The state of the longest suffix that also ends elsewhere; the root for the root.
    link: usize,
    /// The number of the symbol at the first place where they end.
    end: usize,
    /// Where each next symbol leads, sorted by symbol.
    next: Vec<(u32, usize)>,
}

/// The longest suffix of what was read that is a substring.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Match {
    state: usize,
    /// How many symbols it has.
    pub(crate) length: usize,
    /// The number of the symbol at which its first occurrence ends; 0 if it is empty.
    pub(crate) end: usize,
}

const ROOT: usize = 0;

impl SuffixAutomaton {
    /// The automaton of no string.
    pub(crate) fn new() -> Self {
        Self { states: vec![State { length: 0, link: ROOT, end: 0, next: Vec::new() }], last: ROOT }
    }

    /// Begins another string.
    pub(crate) fn begin(&mut self) {
        self.last = ROOT;
    }

    /// Appends a symbol to the string. `number` says which symbol of all it is.
    pub(crate) fn push(&mut self, symbol: u32, number: usize) {
        self.last = match self.next(self.last, symbol) {
            Some(known) => self.state_of(self.last, symbol, known),
            None => self.append(symbol, number),
        };
    }

    /// Adds a state for a string that did not occur before.
    fn append(&mut self, symbol: u32, number: usize) -> usize {
        let new = self.states.len();
        let length = self.states[self.last].length + 1;
        self.states.push(State { length, link: ROOT, end: number, next: Vec::new() });
        let mut suffix = self.last;
        while self.next(suffix, symbol).is_none() {
            self.lead(suffix, symbol, new);
            if suffix == ROOT {
                return new;
            }
            suffix = self.states[suffix].link;
        }
        if let Some(known) = self.next(suffix, symbol) {
            self.states[new].link = self.state_of(suffix, symbol, known);
        }
        new
    }

    /// The state of the longest string of a state and a symbol after it, which leads to `known`. If `known` also has
    /// longer strings, they are split off.
    fn state_of(&mut self, from: usize, symbol: u32, known: usize) -> usize {
        let length = self.states[from].length + 1;
        if self.states[known].length == length {
            return known;
        }
        let split = self.states.len();
        self.states.push(State { length, ..self.states[known].clone() });
        self.states[known].link = split;
        let mut suffix = from;
        while self.next(suffix, symbol) == Some(known) {
            self.lead(suffix, symbol, split);
            suffix = self.states[suffix].link;
        }
        split
    }

    /// Reads a symbol after a match; `None` is a symbol that no string has.
    pub(crate) fn read(&self, found: Match, symbol: Option<u32>) -> Match {
        let Some(symbol) = symbol else { return Match::default() };
        let Match { mut state, mut length, .. } = found;
        loop {
            if let Some(next) = self.next(state, symbol) {
                return Match { state: next, length: length + 1, end: self.states[next].end };
            }
            if state == ROOT {
                return Match::default();
            }
            state = self.states[state].link;
            length = self.states[state].length;
        }
    }

    fn next(&self, state: usize, symbol: u32) -> Option<usize> {
        let next = &self.states[state].next;
        next.binary_search_by_key(&symbol, |edge| edge.0).ok().map(|place| next[place].1)
    }

    fn lead(&mut self, state: usize, symbol: u32, to: usize) {
        let next = &mut self.states[state].next;
        match next.binary_search_by_key(&symbol, |edge| edge.0) {
            Ok(place) => next[place].1 = to,
            Err(place) => {
                // Most states have one edge: no room for more.
                next.reserve_exact(if next.is_empty() { 1 } else { next.len() });
                next.insert(place, (symbol, to));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn automaton(strings: &[Vec<u32>]) -> SuffixAutomaton {
        let mut automaton = SuffixAutomaton::new();
        let mut number = 0;
        for string in strings {
            automaton.begin();
            for symbol in string {
                automaton.push(*symbol, number);
                number += 1;
            }
        }
        automaton
    }

    #[test]
    fn a_text_of_n_symbols_has_at_most_2_n_states() {
        let text: Vec<u32> = (0u32..3000).map(|i| i.wrapping_mul(2_654_435_761) >> 30).collect();
        assert!(automaton(&[text]).states.len() <= 6000);
    }

    proptest! {
        #[test]
        fn every_match_is_the_longest_and_first_one(
            strings in prop::collection::vec(prop::collection::vec(0u32..3, 0..20), 0..4),
            text in prop::collection::vec(0u32..4, 0..30),
        ) {
            let automaton = automaton(&strings);
            let occurs = |part: &[u32]| {
                let mut before = 0;
                for string in &strings {
                    if let Some(place) = string.windows(part.len()).position(|window| window == part) {
                        return Some(before + place + part.len() - 1);
                    }
                    before += string.len();
                }
                None
            };
            let mut found = Match::default();
            for end in 0..text.len() {
                found = automaton.read(found, Some(text[end]));
                let longest = (0..=end).find_map(|start| Some((end + 1 - start, occurs(&text[start..=end])?)));
                prop_assert_eq!((found.length, found.end), longest.unwrap_or((0, 0)));
            }
        }
    }
}
