//! Beam search.

/// A network that decodes several sequences in parallel, one token per step.
pub trait StepDecoder {
    /// Feeds one token to each row; `tokens` is `[rows]`. Returns the log-probabilities of the next token,
    /// `[rows, vocab]`, row by row; minus infinity for tokens that are never generated.
    fn step(&mut self, tokens: &[u32]) -> Vec<f32>;

    /// Keeps these rows, in this order, such as Hugging Face's `_reorder_cache`. A row may be repeated.
    fn reorder(&mut self, rows: &[usize]);
}

/// The settings of a beam search.
#[derive(Debug, Clone, PartialEq)]
pub struct BeamSearch {
    /// Beams of each sequence; 1 is greedy search.
    pub beam_size: usize,
    /// The power of the length that divides a hypothesis' log-probability: `score = log p / length^length_penalty`, as
    /// Hugging Face's `length_penalty`. 0 is the log-probability, 1 the mean per token (after Wu et al. 2016).
    pub length_penalty: f64,
    /// The maximum number of tokens of a hypothesis, its end token included.
    pub max_length: usize,
    /// The end token.
    pub end: u32,
}

/// A result of the search.
#[derive(Debug, Clone, PartialEq)]
pub struct Hypothesis {
    /// Its tokens, without the end token.
    pub tokens: Vec<u32>,
    /// The log-probability of all its tokens, the end token included.
    pub log_probability: f64,
    /// The log-probability with the [length penalty](BeamSearch::length_penalty).
    pub score: f64,
    /// Whether it has an end token; otherwise it was truncated to the maximum length.
    pub ended: bool,
}

impl BeamSearch {
    fn score(&self, log_probability: f64, length: usize) -> f64 {
        log_probability / (length as f64).powf(self.length_penalty)
    }
}

/// The best hypotheses of each sequence, best first: at least one and at most `beam_size`.
///
/// `decoder` has one row per sequence, and `first` the token that each begins with, `[rows]`. A sequence is finished when
/// no open beam can beat the best finished hypothesis, even if all its further tokens up to `max_length` had a probability
/// of 1. Stopping at the first end token, or at `beam_size` of them, would miss better hypotheses (Huang et al. 2017).
///
/// # Panics
/// If `beam_size` or `max_length` is 0.
pub fn beam_search(decoder: &mut impl StepDecoder, first: &[u32], search: &BeamSearch) -> Vec<Vec<Hypothesis>> {
    assert!(
        search.beam_size > 0 && search.max_length > 0,
        "beam_size and max_length must be at least 1, got {search:?}"
    );
    let mut sequences: Vec<Sequence> = first.iter().map(|first| Sequence::new(*first)).collect();
    while sequences.iter().any(|sequence| !sequence.beams.is_empty()) {
        let tokens: Vec<u32> = sequences.iter().flat_map(|sequence| &sequence.beams).map(|beam| beam.last).collect();
        let log_probabilities = decoder.step(&tokens);
        let vocab_size = log_probabilities.len() / tokens.len();
        let mut rows = log_probabilities.chunks(vocab_size);
        let mut offset = 0;
        let mut kept = Vec::new();
        for sequence in &mut sequences {
            let count = sequence.beams.len();
            let rows: Vec<&[f32]> = rows.by_ref().take(count).collect();
            kept.extend(sequence.step(&rows, search).into_iter().map(|row| offset + row));
            offset += count;
        }
        if !kept.is_empty() {
            decoder.reorder(&kept);
        }
    }
    sequences.into_iter().map(|sequence| sequence.best(search.beam_size)).collect()
}

/// An open hypothesis.
#[derive(Debug, Clone)]
struct Beam {
    tokens: Vec<u32>,
    last: u32,
    log_probability: f64,
}

/// The search of one sequence.
#[derive(Debug)]
struct Sequence {
    beams: Vec<Beam>,
    finished: Vec<Hypothesis>,
}

impl Sequence {
    fn new(first: u32) -> Self {
        Self { beams: vec![Beam { tokens: Vec::new(), last: first, log_probability: 0.0 }], finished: Vec::new() }
    }

    /// Extends the beams by the likeliest next tokens; returns the row that each new beam extends.
    fn step(&mut self, log_probabilities: &[&[f32]], search: &BeamSearch) -> Vec<usize> {
        if self.beams.is_empty() {
            return Vec::new();
        }
        let candidates = self.candidates(log_probabilities, search);
        let length = self.beams[0].tokens.len() + 1;
        let mut next = Vec::with_capacity(search.beam_size);
        let mut rows = Vec::with_capacity(search.beam_size);
        for (rank, (row, token, log_probability)) in candidates.into_iter().enumerate() {
            let beam = &self.beams[row];
            if token == search.end {
                // An end token of a lower rank is beaten by `beam_size` other candidates.
                if rank < search.beam_size {
                    let score = search.score(log_probability, length);
                    let tokens = beam.tokens.clone();
                    self.finished.push(Hypothesis { tokens, log_probability, score, ended: true });
                    if search.beam_size == 1 {
                        break;
                    }
                }
                continue;
            }
            let tokens: Vec<u32> = beam.tokens.iter().copied().chain([token]).collect();
            if length == search.max_length {
                let score = search.score(log_probability, length);
                self.finished.push(Hypothesis { tokens, log_probability, score, ended: false });
            } else {
                next.push(Beam { tokens, last: token, log_probability });
                rows.push(row);
            }
            if next.len() == search.beam_size {
                break;
            }
        }
        self.finished.sort_by(|a, b| b.score.total_cmp(&a.score));
        if self.is_done(&next, search) {
            rows.clear();
            next.clear();
        }
        self.beams = next;
        rows
    }

    /// The likeliest continuations, best first: `(row, token, log-probability)`. There are `2 * beam_size` of them, since
    /// at most `beam_size` have the end token.
    fn candidates(&self, log_probabilities: &[&[f32]], search: &BeamSearch) -> Vec<(usize, u32, f64)> {
        let mut all: Vec<(usize, u32, f64)> = Vec::new();
        for (row, (beam, log_probabilities)) in self.beams.iter().zip(log_probabilities).enumerate() {
            let likeliest = likeliest(log_probabilities, 2 * search.beam_size);
            all.extend(likeliest.map(|(token, log_p)| (row, token, beam.log_probability + f64::from(log_p))));
        }
        all.sort_by(|a, b| b.2.total_cmp(&a.2).then((a.0, a.1).cmp(&(b.0, b.1))));
        all.truncate(2 * search.beam_size);
        all
    }

    /// Whether no open beam can beat the best finished hypothesis.
    fn is_done(&self, next: &[Beam], search: &BeamSearch) -> bool {
        let Some(best) = self.finished.first() else {
            return next.is_empty();
        };
        if search.beam_size == 1 {
            return true;
        }
        // Further tokens only lower a log-probability, and the maximum length divides it by the largest number.
        let bounds = next.iter().map(|beam| search.score(beam.log_probability, search.max_length));
        bounds.fold(f64::NEG_INFINITY, f64::max) <= best.score
    }

    fn best(mut self, n: usize) -> Vec<Hypothesis> {
        self.finished.truncate(n);
        self.finished
    }
}

/// The `n` likeliest tokens with a probability above 0; of equals the lowest id first.
fn likeliest(log_probabilities: &[f32], n: usize) -> impl Iterator<Item = (u32, f32)> {
    let possible = (0..).zip(log_probabilities.iter().copied()).filter(|x| x.1 > f32::NEG_INFINITY);
    let mut ranked: Vec<(u32, f32)> = possible.collect();
    let order = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    if n < ranked.len() {
        ranked.select_nth_unstable_by(n, order);
        ranked.truncate(n);
    }
    ranked.sort_by(order);
    ranked.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: u32 = 0;

    /// A Markov chain: `[last][next]` probabilities.
    struct Chain<'a> {
        table: &'a [&'a [f32]],
        rows: usize,
        steps: usize,
    }

    impl<'a> Chain<'a> {
        fn new(table: &'a [&'a [f32]], rows: usize) -> Self {
            Self { table, rows, steps: 0 }
        }
    }

    impl StepDecoder for Chain<'_> {
        fn step(&mut self, tokens: &[u32]) -> Vec<f32> {
            assert_eq!(tokens.len(), self.rows);
            self.steps += 1;
            tokens.iter().flat_map(|token| self.table[*token as usize].iter().map(|p| p.ln())).collect()
        }

        fn reorder(&mut self, rows: &[usize]) {
            assert!(rows.iter().all(|row| *row < self.rows));
            self.rows = rows.len();
        }
    }

    fn search(beam_size: usize, length_penalty: f64, max_length: usize) -> BeamSearch {
        BeamSearch { beam_size, length_penalty, max_length, end: END }
    }

    /// From 1 the likeliest step leads to unlikely continuations (2), the second likeliest to a likely end (3).
    const GARDEN_PATH: &[&[f32]] =
        &[&[1.0, 0.0, 0.0, 0.0], &[0.0, 0.0, 0.6, 0.4], &[0.3, 0.0, 0.4, 0.3], &[0.9, 0.0, 0.1, 0.0]];

    #[test]
    fn greedy_search_takes_the_likeliest_token_of_each_step() {
        let found = beam_search(&mut Chain::new(GARDEN_PATH, 1), &[1], &search(1, 0.0, 4));
        assert_eq!(found[0][0].tokens, [2, 2, 2, 2]);
        assert!(!found[0][0].ended);
    }

    #[test]
    fn a_larger_beam_finds_the_likelier_sequence() {
        let found = beam_search(&mut Chain::new(GARDEN_PATH, 1), &[1], &search(3, 0.0, 6));
        assert_eq!(found[0][0].tokens, [3]);
        assert!((found[0][0].log_probability.exp() - 0.36).abs() < 1e-6);
        assert!(found[0].len() <= 3 && found[0].is_sorted_by(|a, b| a.score >= b.score));
    }

    /// The best of all sequences up to the maximum length, by brute force.
    fn exhaustive_best(table: &[&[f32]], first: u32, search: &BeamSearch) -> (Vec<u32>, f64) {
        let mut best = (Vec::new(), f64::NEG_INFINITY);
        let mut open = vec![(vec![], first, 0.0)];
        while let Some((tokens, last, log_p)) = open.pop() {
            for (next, p) in (0_u32..).zip(table[last as usize]) {
                let log_p: f64 = log_p + f64::from(*p).ln();
                let length = tokens.len() + 1;
                let extended: Vec<u32> = if next == END { tokens.clone() } else { [&tokens[..], &[next]].concat() };
                if next == END || length == search.max_length {
                    let score = search.score(log_p, length);
                    if score > best.1 {
                        best = (extended, score);
                    }
                } else if log_p > f64::NEG_INFINITY {
                    open.push((extended, next, log_p));
                }
            }
        }
        best
    }

    #[test]
    fn a_large_beam_finds_the_best_sequence_for_every_length_penalty() {
        const TABLE: &[&[f32]] =
            &[&[1.0, 0.0, 0.0, 0.0], &[0.3, 0.1, 0.35, 0.25], &[0.05, 0.5, 0.05, 0.4], &[0.15, 0.05, 0.75, 0.05]];
        for length_penalty in [0.0, 0.6, 1.0] {
            for max_length in 1..=6 {
                let search = search(4 * 4 * 4 * 4, length_penalty, max_length);
                let found = beam_search(&mut Chain::new(TABLE, 1), &[1], &search);
                let (tokens, score) = exhaustive_best(TABLE, 1, &search);
                assert_eq!(found[0][0].tokens, tokens, "length penalty {length_penalty}, maximum length {max_length}");
                assert!((found[0][0].score - score).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn sequences_of_a_batch_are_independent() {
        let together = beam_search(&mut Chain::new(GARDEN_PATH, 3), &[1, 3, 2], &search(2, 0.6, 5));
        for (first, found) in [1, 3, 2].into_iter().zip(together) {
            let alone = beam_search(&mut Chain::new(GARDEN_PATH, 1), &[first], &search(2, 0.6, 5));
            assert_eq!(found, alone[0]);
        }
    }

    #[test]
    fn the_search_stops_when_no_beam_can_improve() {
        let mut chain = Chain::new(GARDEN_PATH, 1);
        beam_search(&mut chain, &[3], &search(2, 0.0, 1000));
        assert!(chain.steps < 10, "{}", chain.steps);
    }
}
