//! Looking for the likeliest sequences.

/// Sequences side by side, each with what a network remembers of it.
pub trait StepDecoder {
    /// Advances every row by its token; gives the log-probability of every next token, `[rows][vocabulary]`, row after
    /// row. Minus infinity for what must not come.
    fn step(&mut self, tokens: &[u32]) -> Vec<f32>;

    /// Keeps these rows, in this order; a row may be kept several times.
    fn reorder(&mut self, rows: &[usize]);
}

/// How sequences are looked for.
#[derive(Debug, Clone, PartialEq)]
pub struct BeamSearch {
    /// How many sequences of a sentence are followed at once; 1 is greedy.
    pub beam_size: usize,
    /// A sequence of `n` tokens is judged by its log-probability over `n^alpha`, so that long ones are not at a
    /// disadvantage: 0 is the log-probability itself, 1 the mean (Wu et al. 2016 with a simpler power).
    pub length_penalty: f64,
    /// How many tokens a sequence may have, its end among them.
    pub max_length: usize,
    /// The token that ends a sequence.
    pub end: u32,
}

/// A sequence that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hypothesis {
    /// Its tokens, without the end.
    pub tokens: Vec<u32>,
    /// The log-probability of all of them, the end included.
    pub log_probability: f64,
    /// What it is judged by: see [`BeamSearch::length_penalty`].
    pub score: f64,
    /// Whether it came to its end, and was not cut off at the longest.
    pub ended: bool,
}

impl BeamSearch {
    fn score(&self, log_probability: f64, tokens: usize) -> f64 {
        log_probability / (tokens as f64).powf(self.length_penalty)
    }
}

/// The likeliest sequences of each sentence, best first, at least one and at most `width`.
///
/// `rows` has one row a sentence, and `first` is the token that each begins with. A sentence is done when no sequence
/// that is still followed can become better than the best that has ended, even if nothing but certain tokens came up
/// to the max_length: stopping earlier, at the first end or at `width` ends, would miss better ones (Huang et al. 2017).
///
/// # Panics
/// If the width or the longest is 0.
pub fn beam_search(rows: &mut impl StepDecoder, first: &[u32], beam: &BeamSearch) -> Vec<Vec<Hypothesis>> {
    assert!(beam.beam_size > 0 && beam.max_length > 0, "a beam has a width and a length, got {beam:?}");
    let mut sentences: Vec<Sentence> = first.iter().map(|first| Sentence::new(*first)).collect();
    while sentences.iter().any(|sentence| !sentence.followed.is_empty()) {
        let tokens: Vec<u32> = followed(&sentences).map(|path| path.last).collect();
        let said = rows.step(&tokens);
        let vocabulary = said.len() / tokens.len();
        let mut said = said.chunks(vocabulary);
        let mut offset = 0;
        let mut kept = Vec::new();
        for sentence in &mut sentences {
            let count = sentence.followed.len();
            let said: Vec<&[f32]> = said.by_ref().take(count).collect();
            kept.extend(sentence.step(&said, beam).into_iter().map(|row| offset + row));
            offset += count;
        }
        if !kept.is_empty() {
            rows.reorder(&kept);
        }
    }
    sentences.into_iter().map(|sentence| sentence.best(beam.beam_size)).collect()
}

fn followed(sentences: &[Sentence]) -> impl Iterator<Item = &Path> {
    sentences.iter().flat_map(|sentence| &sentence.followed)
}

/// A sequence on its way.
#[derive(Debug, Clone)]
struct Path {
    tokens: Vec<u32>,
    last: u32,
    log_probability: f64,
}

/// All sequences of one sentence.
#[derive(Debug)]
struct Sentence {
    followed: Vec<Path>,
    found: Vec<Hypothesis>,
}

impl Sentence {
    fn new(first: u32) -> Self {
        Self { followed: vec![Path { tokens: Vec::new(), last: first, log_probability: 0.0 }], found: Vec::new() }
    }

    /// Takes the likeliest next tokens of all sequences together; gives the rows that are followed on.
    fn step(&mut self, said: &[&[f32]], beam: &BeamSearch) -> Vec<usize> {
        if self.followed.is_empty() {
            return Vec::new();
        }
        let candidates = self.candidates(said, beam);
        let length = self.followed[0].tokens.len() + 1;
        let mut next = Vec::with_capacity(beam.beam_size);
        let mut rows = Vec::with_capacity(beam.beam_size);
        for (rank, (row, token, log_probability)) in candidates.into_iter().enumerate() {
            let from = &self.followed[row];
            if token == beam.end {
                // An end further down the list is beaten by as many others as the beam is wide.
                if rank < beam.beam_size {
                    let score = beam.score(log_probability, length);
                    let tokens = from.tokens.clone();
                    self.found.push(Hypothesis { tokens, log_probability, score, ended: true });
                    if beam.beam_size == 1 {
                        break;
                    }
                }
                continue;
            }
            let tokens: Vec<u32> = from.tokens.iter().copied().chain([token]).collect();
            if length == beam.max_length {
                let score = beam.score(log_probability, length);
                self.found.push(Hypothesis { tokens, log_probability, score, ended: false });
            } else {
                next.push(Path { tokens, last: token, log_probability });
                rows.push(row);
            }
            if next.len() == beam.beam_size {
                break;
            }
        }
        self.found.sort_by(|a, b| b.score.total_cmp(&a.score));
        if self.is_done(&next, beam) {
            rows.clear();
            next.clear();
        }
        self.followed = next;
        rows
    }

    /// The likeliest continuations, best first: `(row, token, log-probability)`. Twice the width, for at most the
    /// width of them are ends.
    fn candidates(&self, said: &[&[f32]], beam: &BeamSearch) -> Vec<(usize, u32, f64)> {
        let mut all: Vec<(usize, u32, f64)> = Vec::new();
        for (row, (path, said)) in self.followed.iter().zip(said).enumerate() {
            let likely = likeliest(said, 2 * beam.beam_size);
            all.extend(likely.map(|(token, log_p)| (row, token, path.log_probability + f64::from(log_p))));
        }
        all.sort_by(|a, b| b.2.total_cmp(&a.2).then((a.0, a.1).cmp(&(b.0, b.1))));
        all.truncate(2 * beam.beam_size);
        all
    }

    /// Whether nothing that is followed can become better than the best that was found.
    fn is_done(&self, next: &[Path], beam: &BeamSearch) -> bool {
        let Some(best) = self.found.first() else {
            return next.is_empty();
        };
        if beam.beam_size == 1 {
            return true;
        }
        // All that comes can only lower a log-probability; the longest sequence divides it by the most.
        let hope = next.iter().map(|path| beam.score(path.log_probability, beam.max_length));
        hope.fold(f64::NEG_INFINITY, f64::max) <= best.score
    }

    fn best(mut self, width: usize) -> Vec<Hypothesis> {
        self.found.truncate(width);
        self.found
    }
}

/// The `n` likeliest tokens that may come at all, the first of equals first.
fn likeliest(said: &[f32], n: usize) -> impl Iterator<Item = (u32, f32)> {
    let mut ranked: Vec<(u32, f32)> = (0..).zip(said.iter().copied()).filter(|x| x.1 > f32::NEG_INFINITY).collect();
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

    /// A language in which a token depends on the one before: `[last][next]` probabilities.
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

    fn beam(width: usize, length_penalty: f64, max_length: usize) -> BeamSearch {
        BeamSearch { beam_size: width, length_penalty, max_length, end: END }
    }

    /// From 1 the likeliest step leads into a corner (2), the second likeliest to a sure end (3).
    const CORNER: &[&[f32]] =
        &[&[1.0, 0.0, 0.0, 0.0], &[0.0, 0.0, 0.6, 0.4], &[0.3, 0.0, 0.4, 0.3], &[0.9, 0.0, 0.1, 0.0]];

    #[test]
    fn greedy_takes_each_time_the_likeliest() {
        let found = beam_search(&mut Chain::new(CORNER, 1), &[1], &beam(1, 0.0, 4));
        assert_eq!(found[0][0].tokens, [2, 2, 2, 2]);
        assert!(!found[0][0].ended);
    }

    #[test]
    fn a_wider_beam_finds_the_likelier_sequence() {
        let found = beam_search(&mut Chain::new(CORNER, 1), &[1], &beam(3, 0.0, 6));
        assert_eq!(found[0][0].tokens, [3]);
        assert!((found[0][0].log_probability.exp() - 0.36).abs() < 1e-6);
        assert!(found[0].len() <= 3 && found[0].is_sorted_by(|a, b| a.score >= b.score));
    }

    /// All sequences up to a length, by brute force.
    fn best_of_all(table: &[&[f32]], first: u32, beam: &BeamSearch) -> (Vec<u32>, f64) {
        let mut best = (Vec::new(), f64::NEG_INFINITY);
        let mut open = vec![(vec![], first, 0.0)];
        while let Some((tokens, last, log_p)) = open.pop() {
            for (next, p) in (0_u32..).zip(table[last as usize]) {
                let log_p: f64 = log_p + f64::from(*p).ln();
                let length = tokens.len() + 1;
                let done: Vec<u32> = if next == END { tokens.clone() } else { [&tokens[..], &[next]].concat() };
                if next == END || length == beam.max_length {
                    let score = beam.score(log_p, length);
                    if score > best.1 {
                        best = (done, score);
                    }
                } else if log_p > f64::NEG_INFINITY {
                    open.push((done, next, log_p));
                }
            }
        }
        best
    }

    #[test]
    fn a_beam_wide_enough_finds_the_best_of_all_under_any_penalty() {
        const LONG: &[&[f32]] =
            &[&[1.0, 0.0, 0.0, 0.0], &[0.3, 0.1, 0.35, 0.25], &[0.05, 0.5, 0.05, 0.4], &[0.15, 0.05, 0.75, 0.05]];
        for alpha in [0.0, 0.6, 1.0] {
            for longest in 1..=6 {
                let beam = beam(4 * 4 * 4 * 4, alpha, longest);
                let found = beam_search(&mut Chain::new(LONG, 1), &[1], &beam);
                let (tokens, score) = best_of_all(LONG, 1, &beam);
                assert_eq!(found[0][0].tokens, tokens, "alpha {alpha}, longest {longest}");
                assert!((found[0][0].score - score).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn sentences_do_not_disturb_one_another() {
        let together = beam_search(&mut Chain::new(CORNER, 3), &[1, 3, 2], &beam(2, 0.6, 5));
        for (first, found) in [1, 3, 2].into_iter().zip(together) {
            let alone = beam_search(&mut Chain::new(CORNER, 1), &[first], &beam(2, 0.6, 5));
            assert_eq!(found, alone[0]);
        }
    }

    #[test]
    fn the_search_stops_once_nothing_can_become_better() {
        let mut rows = Chain::new(CORNER, 1);
        beam_search(&mut rows, &[3], &beam(2, 0.0, 1000));
        assert!(rows.steps < 10, "{}", rows.steps);
    }
}
