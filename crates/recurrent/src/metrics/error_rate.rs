//! Word and character error rates: edits of an alignment of a hypothesis to its reference.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::iter::Sum;
use std::ops::AddAssign;

use serde::Serialize;

use super::text::words;

/// The cost of a deletion or an insertion.
const EDIT: u64 = 1 << 32;

/// The cost of a substitution: slightly more, so that of alignments with equally many edits the one with the most matches
/// is the cheapest.
const SUBSTITUTION: u64 = EDIT + 1;

/// The largest table of [`align`], in cells of one byte. Larger problems are divided.
const MAX_CELLS: usize = 1 << 24;

/// The edits that turn references into hypotheses. Counts of several sentences are added up before the rate is taken, so
/// that long sentences weigh more:
///
/// ```
/// use recurrent::metrics::{ErrorCounts, word_errors};
///
/// let pairs = [("the cat sat", "the cat sat"), ("it rains", "rains again")];
/// let counts: ErrorCounts = pairs.iter().map(|(reference, hypothesis)| word_errors(reference, hypothesis)).sum();
/// assert_eq!((counts.deletions, counts.insertions), (1, 1));
/// assert_eq!(counts.rate(), 2.0 / 5.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct ErrorCounts {
    /// Elements of the reference with another one in their place.
    pub substitutions: usize,
    /// Elements of the reference with nothing in their place.
    pub deletions: usize,
    /// Elements of the hypothesis without a place in the reference.
    pub insertions: usize,
    /// The length of the reference.
    pub reference: usize,
}

impl ErrorCounts {
    /// The fewest edits that turn one sequence into another (Levenshtein 1966), such as of phonemes; of equally few, those
    /// that leave the most matches. Takes time proportional to the product of the lengths, and memory to their sum.
    pub fn between<T: PartialEq>(reference: &[T], hypothesis: &[T]) -> Self {
        let (start, end) = shared_ends(reference, hypothesis);
        let (rest, other) = (&reference[start..reference.len() - end], &hypothesis[start..hypothesis.len() - end]);
        let cost = costs(rest.iter(), other.iter()).pop().unwrap_or(0);
        let (errors, substitutions) = ((cost / EDIT) as usize, (cost % EDIT) as usize);
        // Deletions and insertions are the other errors, and their difference is that of the lengths.
        let deletions = (errors - substitutions + reference.len() - hypothesis.len()) / 2;
        let insertions = errors - substitutions - deletions;
        Self { substitutions, deletions, insertions, reference: reference.len() }
    }

    /// The number of edits.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.substitutions + self.deletions + self.insertions
    }

    /// Edits per element of the reference: 0 is perfect, and insertions can take it above 1. As in jiwer, an empty
    /// reference counts as one element, so that the rate of a wrong hypothesis is finite and that of an empty one is 0.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.errors() as f64 / self.reference.max(1) as f64
    }
}

impl AddAssign for ErrorCounts {
    fn add_assign(&mut self, other: Self) {
        self.substitutions += other.substitutions;
        self.deletions += other.deletions;
        self.insertions += other.insertions;
        self.reference += other.reference;
    }
}

impl Sum for ErrorCounts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), |mut sum, counts| {
            sum += counts;
            sum
        })
    }
}

/// One step of an alignment, with indices into the reference and the hypothesis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// Equal elements.
    Match {
        /// Index into the reference.
        reference: usize,
        /// Index into the hypothesis.
        hypothesis: usize,
    },
    /// Different elements in the same place.
    Substitution {
        /// Index into the reference.
        reference: usize,
        /// Index into the hypothesis.
        hypothesis: usize,
    },
    /// An element of the reference alone.
    Deletion {
        /// Index into the reference.
        reference: usize,
    },
    /// An element of the hypothesis alone.
    Insertion {
        /// Index into the hypothesis.
        hypothesis: usize,
    },
}

/// The errors of a hypothesis in words, which are what white space separates. The words are compared as they are: remove
/// case and punctuation before if they should not count. Its [rate](ErrorCounts::rate) is the word error rate, WER.
#[must_use]
pub fn word_errors(reference: &str, hypothesis: &str) -> ErrorCounts {
    let [reference, hypothesis] = [reference, hypothesis].map(|text| words(text).collect::<Vec<_>>());
    ErrorCounts::between(&reference, &hypothesis)
}

/// The errors of a hypothesis in characters, which are Unicode scalar values: a letter with a combining accent is two
/// unless the text is normalized. White space at the ends does not count, and between words it is one space. Its
/// [rate](ErrorCounts::rate) is the character error rate, CER.
#[must_use]
pub fn character_errors(reference: &str, hypothesis: &str) -> ErrorCounts {
    let characters = |text: &str| words(text).collect::<Vec<_>>().join(" ").chars().collect::<Vec<_>>();
    ErrorCounts::between(&characters(reference), &characters(hypothesis))
}

/// An alignment with the fewest edits (Levenshtein 1966), from the first element to the last.
///
/// Of alignments with equally few edits it takes one with the most matches, and of these, from the end, it prefers a match
/// or a substitution to a deletion, and a deletion to an insertion. The result depends on nothing but the two sequences.
///
/// Takes time proportional to the product of the lengths. Memory is one byte per pair of elements up to 16 MiB; longer
/// sequences are divided (Hirschberg 1975), in twice the time, and need memory proportional to their lengths.
pub fn align<T: PartialEq>(reference: &[T], hypothesis: &[T]) -> Vec<Edit> {
    Aligner { max_cells: MAX_CELLS, edits: Vec::new() }.align(reference, hypothesis)
}

/// Words that were recognized as others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Confusion {
    /// The word of the reference; `None` for an insertion.
    pub reference: Option<String>,
    /// The word in its place; `None` for a deletion.
    pub hypothesis: Option<String>,
    /// How often this happened.
    pub count: usize,
}

/// The word errors of pairs of a reference and a hypothesis, the most frequent first, then by the words. Which word counts
/// as substituted follows [`align`].
pub fn confusions<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<Confusion> {
    let mut counts: HashMap<(Option<&str>, Option<&str>), usize> = HashMap::new();
    for (reference, hypothesis) in pairs {
        let [reference, hypothesis] = [reference, hypothesis].map(|text| words(text).collect::<Vec<_>>());
        for edit in align(&reference, &hypothesis) {
            let pair = match edit {
                Edit::Match { .. } => continue,
                Edit::Substitution { reference: i, hypothesis: j } => (Some(reference[i]), Some(hypothesis[j])),
                Edit::Deletion { reference: i } => (Some(reference[i]), None),
                Edit::Insertion { hypothesis: j } => (None, Some(hypothesis[j])),
            };
            *counts.entry(pair).or_default() += 1;
        }
    }
    let mut sorted: Vec<_> = counts.into_iter().collect();
    sorted.sort_unstable_by_key(|(words, count)| (Reverse(*count), *words));
    let confusion = |((reference, hypothesis), count): ((Option<&str>, Option<&str>), usize)| Confusion {
        reference: reference.map(str::to_owned),
        hypothesis: hypothesis.map(str::to_owned),
        count,
    };
    sorted.into_iter().map(confusion).collect()
}

/// How many elements two sequences share at their beginnings, and behind these at their ends. Some alignment with the
/// lowest cost matches them all.
fn shared_ends<T: PartialEq>(a: &[T], b: &[T]) -> (usize, usize) {
    let start = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let end = a[start..].iter().rev().zip(b[start..].iter().rev()).take_while(|(a, b)| a == b).count();
    (start, end)
}

/// The costs of turning the reference into each prefix of the hypothesis, `[hypothesis + 1]`.
fn costs<'a, T: PartialEq + 'a>(
    reference: impl Iterator<Item = &'a T>,
    hypothesis: impl Iterator<Item = &'a T> + Clone,
) -> Vec<u64> {
    let mut row: Vec<u64> = (0..=hypothesis.clone().count() as u64).map(|length| length * EDIT).collect();
    for element in reference {
        next_row(&mut row, element, hypothesis.clone(), |_, _| ());
    }
    row
}

/// Turns the costs of a prefix of the reference into those of the prefix with one more element. `record` gets the place in
/// the hypothesis and the move that was taken to it.
fn next_row<'a, T: PartialEq + 'a>(
    row: &mut [u64],
    element: &T,
    hypothesis: impl Iterator<Item = &'a T>,
    mut record: impl FnMut(usize, Move),
) {
    let mut diagonal = row[0];
    row[0] += EDIT;
    for (j, other) in hypothesis.enumerate() {
        let replaced = diagonal + if element == other { 0 } else { SUBSTITUTION };
        let (deleted, inserted) = (row[j + 1] + EDIT, row[j] + EDIT);
        diagonal = row[j + 1];
        row[j + 1] = replaced.min(deleted).min(inserted);
        record(
            j,
            match row[j + 1] {
                cost if cost == replaced => Move::Both,
                cost if cost == deleted => Move::Reference,
                _ => Move::Hypothesis,
            },
        );
    }
}

/// The sequences that the last step of an alignment takes an element from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Move {
    Both,
    Reference,
    Hypothesis,
}

/// An alignment in the making.
struct Aligner {
    max_cells: usize,
    edits: Vec<Edit>,
}

impl Aligner {
    fn align<T: PartialEq>(mut self, reference: &[T], hypothesis: &[T]) -> Vec<Edit> {
        let (start, end) = shared_ends(reference, hypothesis);
        let (n, m) = (reference.len() - end, hypothesis.len() - end);
        self.edits.extend((0..start).map(|i| Edit::Match { reference: i, hypothesis: i }));
        self.divide(&reference[start..n], &hypothesis[start..m], (start, start));
        self.edits.extend((0..end).map(|i| Edit::Match { reference: n + i, hypothesis: m + i }));
        self.edits
    }

    /// Aligns parts of the sequences that begin at these indices.
    fn divide<T: PartialEq>(&mut self, reference: &[T], hypothesis: &[T], at: (usize, usize)) {
        if reference.len() < 2 || reference.len().saturating_mul(hypothesis.len()) <= self.max_cells {
            return self.fill(reference, hypothesis, at);
        }
        let (first, second) = reference.split_at(reference.len() / 2);
        let forward = costs(first.iter(), hypothesis.iter());
        let backward = costs(second.iter().rev(), hypothesis.iter().rev());
        let total = |j: usize| forward[j] + backward[hypothesis.len() - j];
        let middle = (0..=hypothesis.len()).min_by_key(|j| total(*j)).unwrap_or(0);
        self.divide(first, &hypothesis[..middle], at);
        self.divide(second, &hypothesis[middle..], (at.0 + first.len(), at.1 + middle));
    }

    /// Aligns parts of the sequences with a table of all moves.
    fn fill<T: PartialEq>(&mut self, reference: &[T], hypothesis: &[T], at: (usize, usize)) {
        let (mut i, mut j, width) = (reference.len(), hypothesis.len(), hypothesis.len());
        let mut row = costs([].iter(), hypothesis.iter());
        let mut moves = vec![Move::Both; i * width];
        for (element, moves) in reference.iter().zip(moves.chunks_mut(width.max(1))) {
            next_row(&mut row, element, hypothesis.iter(), |j, taken| moves[j] = taken);
        }
        let start = self.edits.len();
        while i > 0 || j > 0 {
            let taken = match (i, j) {
                (0, _) => Move::Hypothesis,
                (_, 0) => Move::Reference,
                _ => moves[(i - 1) * width + j - 1],
            };
            i -= usize::from(taken != Move::Hypothesis);
            j -= usize::from(taken != Move::Reference);
            let (from, to) = (at.0 + i, at.1 + j);
            self.edits.push(match taken {
                Move::Both if reference[i] == hypothesis[j] => Edit::Match { reference: from, hypothesis: to },
                Move::Both => Edit::Substitution { reference: from, hypothesis: to },
                Move::Reference => Edit::Deletion { reference: from },
                Move::Hypothesis => Edit::Insertion { hypothesis: to },
            });
        }
        self.edits[start..].reverse();
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    /// By `scripts/golden_metrics.py`, from jiwer.
    const GOLDEN: &str = include_str!("../../tests/goldens/transcripts.json");

    #[derive(Deserialize)]
    struct Golden {
        cases: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        name: String,
        references: Vec<String>,
        hypotheses: Vec<String>,
        words: Expected,
        characters: Expected,
    }

    #[derive(Deserialize)]
    struct Expected {
        rate: f64,
        errors: usize,
        reference: usize,
        /// Substitutions, deletions and insertions, if all alignments with the fewest edits have the same.
        split: Option<[usize; 3]>,
    }

    #[test]
    fn rates_and_errors_agree_with_jiwer() {
        for case in serde_json::from_str::<Golden>(GOLDEN).unwrap().cases {
            let check = |unit: &str, errors: fn(&str, &str) -> ErrorCounts, expected: &Expected| {
                let what = format!("{}: {unit}", case.name);
                let pairs = case.references.iter().zip(&case.hypotheses);
                let counts: ErrorCounts = pairs.map(|(reference, hypothesis)| errors(reference, hypothesis)).sum();
                assert_eq!((counts.errors(), counts.reference), (expected.errors, expected.reference), "{what}");
                assert!((counts.rate() - expected.rate).abs() < 1e-12, "{what}: {}", counts.rate());
                let split = [counts.substitutions, counts.deletions, counts.insertions];
                assert_eq!(split, expected.split.unwrap_or(split), "{what}");
            };
            check("words", word_errors, &case.words);
            check("characters", character_errors, &case.characters);
        }
    }

    /// Random sequences of few different elements (splitmix64).
    struct Random(u64);

    impl Random {
        fn below(&mut self, bound: u64) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (z ^ (z >> 31)) % bound
        }

        fn sequence(&mut self) -> Vec<u64> {
            (0..self.below(12)).map(|_| self.below(4)).collect()
        }
    }

    /// The counts of an alignment, which must go through both sequences in order.
    fn counts_of(edits: &[Edit], reference: &[u64], hypothesis: &[u64]) -> ErrorCounts {
        let (mut i, mut j) = (0, 0);
        let mut counts = ErrorCounts { reference: reference.len(), ..ErrorCounts::default() };
        for edit in edits {
            let (expected, i_step, j_step) = match edit {
                Edit::Match { .. } => {
                    assert_eq!(reference[i], hypothesis[j]);
                    (Edit::Match { reference: i, hypothesis: j }, 1, 1)
                }
                Edit::Substitution { .. } => {
                    assert_ne!(reference[i], hypothesis[j]);
                    counts.substitutions += 1;
                    (Edit::Substitution { reference: i, hypothesis: j }, 1, 1)
                }
                Edit::Deletion { .. } => {
                    counts.deletions += 1;
                    (Edit::Deletion { reference: i }, 1, 0)
                }
                Edit::Insertion { .. } => {
                    counts.insertions += 1;
                    (Edit::Insertion { hypothesis: j }, 0, 1)
                }
            };
            assert_eq!(*edit, expected);
            (i, j) = (i + i_step, j + j_step);
        }
        assert_eq!((i, j), (reference.len(), hypothesis.len()));
        counts
    }

    /// The fewest edits by the definition.
    fn distance(a: &[u64], b: &[u64]) -> usize {
        let ([a_start @ .., a_last], [b_start @ .., b_last]) = (a, b) else {
            return a.len() + b.len();
        };
        if a_last == b_last {
            return distance(a_start, b_start);
        }
        1 + distance(a_start, b_start).min(distance(a_start, b)).min(distance(a, b_start))
    }

    #[test]
    fn errors_are_the_fewest_edits() {
        let mut random = Random(1);
        for _ in 0..200 {
            let [a, b] = [(); 2].map(|()| random.sequence().into_iter().take(7).collect::<Vec<_>>());
            assert_eq!(ErrorCounts::between(&a, &b).errors(), distance(&a, &b), "{a:?} {b:?}");
        }
    }

    #[test]
    fn errors_are_a_distance() {
        let errors = |a: &[u64], b: &[u64]| ErrorCounts::between(a, b).errors();
        let mut random = Random(2);
        for _ in 0..500 {
            let [a, b, c] = [(); 3].map(|()| random.sequence());
            assert_eq!(errors(&a, &a), 0);
            assert_eq!(errors(&a, &b) == 0, a == b);
            assert!(errors(&a, &c) <= errors(&a, &b) + errors(&b, &c), "{a:?} {b:?} {c:?}");
            let (there, back) = (ErrorCounts::between(&a, &b), ErrorCounts::between(&b, &a));
            let mirrored = (back.substitutions, back.insertions, back.deletions);
            assert_eq!((there.substitutions, there.deletions, there.insertions), mirrored, "{a:?} {b:?}");
        }
    }

    #[test]
    fn an_alignment_has_the_counts_of_the_errors_whether_divided_or_not() {
        let mut random = Random(3);
        for _ in 0..500 {
            let [a, b] = [(); 2].map(|()| random.sequence());
            let expected = ErrorCounts::between(&a, &b);
            assert_eq!(counts_of(&align(&a, &b), &a, &b), expected, "{a:?} {b:?}");
            for max_cells in [0, 3, 20] {
                let divided = Aligner { max_cells, edits: Vec::new() }.align(&a, &b);
                assert_eq!(counts_of(&divided, &a, &b), expected, "{a:?} {b:?} in {max_cells}");
            }
        }
    }

    #[test]
    fn of_equally_few_edits_the_most_matches_count() {
        let counts = word_errors("a b", "b c");
        assert_eq!((counts.substitutions, counts.deletions, counts.insertions), (0, 1, 1));
        let expected = [
            Edit::Deletion { reference: 0 },
            Edit::Match { reference: 1, hypothesis: 0 },
            Edit::Insertion { hypothesis: 1 },
        ];
        assert_eq!(align(&["a", "b"], &["b", "c"]), expected);
        let expected = [Edit::Deletion { reference: 0 }, Edit::Substitution { reference: 1, hypothesis: 0 }];
        assert_eq!(align(&["a", "b"], &["c"]), expected);
    }

    #[test]
    fn errors_are_divided_by_the_length_of_the_reference() {
        for (reference, hypothesis, rate) in [
            ("", " ", 0.0),
            ("", "two words", 2.0),
            ("two words", "", 1.0),
            (" two\twords\n", "two  words", 0.0),
            ("да", "да нет да нет", 3.0),
            ("one two three four", "one too three", 0.5),
        ] {
            assert_eq!(word_errors(reference, hypothesis).rate(), rate, "{reference:?}, {hypothesis:?}");
        }
        assert_eq!(character_errors(" два \n слова", "два слава").rate(), 1.0 / 9.0);
        assert_eq!(character_errors("ab", "a b").errors(), 1);
        assert_eq!(character_errors("\u{e9}", "e\u{301}").errors(), 2);
    }

    #[test]
    fn confusions_are_sorted_by_their_counts() {
        let pairs = [("turn the light on", "turn light on"), ("the cat", "a cat"), ("stop", "stop now"), ("go", "no")];
        let found = confusions(pairs.into_iter().chain([("open the door", "open door")]));
        let found: Vec<_> = found.iter().map(|c| (c.reference.as_deref(), c.hypothesis.as_deref(), c.count)).collect();
        let expected =
            [(Some("the"), None, 2), (None, Some("now"), 1), (Some("go"), Some("no"), 1), (Some("the"), Some("a"), 1)];
        assert_eq!(found, expected);
        assert_eq!(confusions([("same", "same")]), []);
    }
}
