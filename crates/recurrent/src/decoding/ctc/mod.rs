//! Decoding of CTC outputs, frame by frame.
//!
//! A network with a CTC output (Graves et al. 2006) gives each frame log-probabilities of tokens and of one more symbol,
//! the blank. A path of one symbol per frame stands for the sequence that is left when runs of equal symbols become one
//! and blanks are removed ([`collapse`]). The probability of a sequence is the sum over all its paths.
//!
//! - [`CtcGreedy`] takes the likeliest path;
//! - [`CtcBeam`] searches the likeliest sequence, with an optional [`PrefixScorer`] such as a [`Lexicon`].
//!
//! Both take one frame at a time, so that they decode a stream as it comes, and know in which frames each token was.

mod alignments;
mod beam;
mod greedy;
mod prefixes;
mod scorer;

pub use beam::{CtcBeam, CtcBeamConfig, CtcHypothesis};
pub use greedy::CtcGreedy;
pub use scorer::{Lexicon, LexiconState, PrefixScorer, Unconstrained};

/// A decoded token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CtcToken {
    /// Its id.
    pub id: u32,
    /// The first frame in which it was emitted, counted from 0.
    pub start: usize,
    /// The frame after the last one in which it was emitted. CTC emits in few frames, so that the sound of a token may
    /// begin earlier and end later.
    pub end: usize,
    /// Its confidence: the highest of its log-probabilities in these frames. The mean would fall with the frames at the
    /// edges, where the probability changes from one symbol to the next.
    pub log_prob: f32,
}

impl CtcToken {
    fn new(id: u32, frame: usize, log_prob: f32) -> Self {
        Self { id, start: frame, end: frame + 1, log_prob }
    }

    /// The token with one more frame at its end.
    fn extended(self, frame: usize, log_prob: f32) -> Self {
        Self { end: frame + 1, log_prob: self.log_prob.max(log_prob), ..self }
    }
}

/// The sequence of a path: runs of equal symbols become one, then blanks are removed.
///
/// ```
/// use recurrent::decoding::collapse;
///
/// assert_eq!(collapse(&[0, 3, 3, 0, 3, 5, 5, 0], 0), [3, 3, 5]);
/// ```
#[must_use]
pub fn collapse(path: &[u32], blank: u32) -> Vec<u32> {
    let runs = path.chunk_by(|a, b| a == b);
    runs.map(|run| run[0]).filter(|symbol| *symbol != blank).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    const BLANK: u32 = 0;

    /// Random frames, `[frames][symbols]` (splitmix64).
    struct Random(u64);

    impl Random {
        fn uniform(&mut self) -> f32 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) >> 40) as f32 / (1_u64 << 24) as f32
        }

        fn frames(&mut self, frames: usize, symbols: usize) -> Vec<Vec<f32>> {
            let frame = |random: &mut Self| {
                let weights: Vec<f32> = (0..symbols).map(|_| random.uniform().powi(3) + 1e-3).collect();
                let sum: f32 = weights.iter().sum();
                weights.iter().map(|weight| (weight / sum).ln()).collect()
            };
            (0..frames).map(|_| frame(self)).collect()
        }
    }

    fn ids(tokens: &[CtcToken]) -> Vec<u32> {
        tokens.iter().map(|token| token.id).collect()
    }

    fn searched<S: PrefixScorer>(mut search: CtcBeam<S>, frames: &[Vec<f32>]) -> CtcBeam<S> {
        frames.iter().for_each(|frame| search.push(frame));
        search
    }

    /// All paths with their log-probabilities.
    fn paths(frames: &[Vec<f32>]) -> Vec<(Vec<u32>, f64)> {
        let mut paths = vec![(Vec::new(), 0.0)];
        for frame in frames {
            let extend = |(path, log_p): &(Vec<u32>, f64)| -> Vec<_> {
                let symbols = (0..).zip(frame);
                symbols.map(|(symbol, p)| ([&path[..], &[symbol]].concat(), log_p + f64::from(*p))).collect()
            };
            paths = paths.iter().flat_map(extend).collect();
        }
        paths
    }

    /// The total probability of each sequence.
    fn probabilities(frames: &[Vec<f32>]) -> BTreeMap<Vec<u32>, f64> {
        let mut sums = BTreeMap::new();
        for (path, log_p) in paths(frames) {
            *sums.entry(collapse(&path, BLANK)).or_default() += log_p.exp();
        }
        sums
    }

    /// The probability of a sequence by the forward algorithm (Graves et al. 2006, equations 6 to 8).
    fn ctc_probability(frames: &[Vec<f32>], target: &[u32], blank: u32) -> f64 {
        let symbols: Vec<u32> = target.iter().flat_map(|token| [blank, *token]).chain([blank]).collect();
        let mut forward = vec![0.0; symbols.len()];
        // Before the first frame stands the first blank, which may be followed by itself or by the first token.
        forward[0] = 1.0;
        for frame in frames {
            let before = forward.clone();
            for s in 0..symbols.len() {
                let mut sum = before[s];
                if s > 0 {
                    sum += before[s - 1];
                }
                if s > 1 && symbols[s] != blank && symbols[s] != symbols[s - 2] {
                    sum += before[s - 2];
                }
                forward[s] = sum * f64::from(frame[symbols[s] as usize]).exp();
            }
        }
        forward.iter().rev().take(2).sum()
    }

    /// The tokens of the likeliest path of a sequence.
    fn best_alignment(frames: &[Vec<f32>], target: &[u32]) -> Vec<CtcToken> {
        let of_target = paths(frames).into_iter().filter(|(path, _)| collapse(path, BLANK) == target);
        let (path, _) = of_target.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
        let mut tokens = Vec::new();
        let mut start = 0;
        for run in path.chunk_by(|a, b| a == b) {
            let (id, end) = (run[0], start + run.len());
            if id != BLANK {
                let log_prob = frames[start..end].iter().map(|frame| frame[id as usize]).fold(f32::MIN, f32::max);
                tokens.push(CtcToken { id, start, end, log_prob });
            }
            start = end;
        }
        tokens
    }

    fn assert_close(actual: f64, expected: f64) {
        assert!((actual - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{actual} is not {expected}");
    }

    #[test]
    fn runs_collapse_before_blanks_are_removed() {
        assert_eq!(collapse(&[1, 1, 0, 1, 2, 2, 1, 0, 0], BLANK), [1, 1, 2, 1]);
        assert!(collapse(&[0, 0], BLANK).is_empty());
        assert!(collapse(&[], BLANK).is_empty());
    }

    #[test]
    fn greedy_decoding_collapses_the_likeliest_path() {
        let mut random = Random(1);
        for _ in 0..50 {
            let frames = random.frames(12, 4);
            let mut greedy = CtcGreedy::new(BLANK);
            frames.iter().for_each(|frame| greedy.push(frame));
            let likeliest = |frame: &Vec<f32>| (0..4).max_by(|a, b| frame[*a].total_cmp(&frame[*b])).unwrap() as u32;
            let path: Vec<u32> = frames.iter().map(likeliest).collect();
            assert_eq!(ids(greedy.tokens()), collapse(&path, BLANK));
        }
    }

    #[test]
    fn a_large_beam_finds_all_sequences_with_their_probabilities_and_best_alignments() {
        let mut random = Random(2);
        for length in [1, 2, 3, 4, 5, 5, 5] {
            let frames = random.frames(length, 4);
            let config = CtcBeamConfig { blank: BLANK, beam_size: 2000, prune: f32::INFINITY };
            let search = searched(CtcBeam::new(config), &frames);
            let mut expected: Vec<_> = probabilities(&frames).into_iter().collect();
            expected.sort_by(|a, b| b.1.total_cmp(&a.1));
            let found = search.n_best(usize::MAX);
            assert_eq!(found.len(), expected.len());
            for (found, (sequence, probability)) in found.iter().zip(&expected) {
                assert_eq!(ids(&found.tokens), *sequence);
                assert_close(found.log_probability.exp(), *probability);
                assert_close(ctc_probability(&frames, sequence, BLANK), *probability);
            }
            for found in found.iter().take(10) {
                assert_eq!(found.tokens, best_alignment(&frames, &ids(&found.tokens)));
            }
            assert_eq!(search.best(), found[0].tokens);
            assert_eq!(search.finish(), found[0].tokens);
        }
    }

    #[test]
    fn larger_beams_find_likelier_sequences_than_the_greedy_one() {
        let mut random = Random(3);
        let mut sums = [0.0; 3];
        for _ in 0..20 {
            let mut frames = random.frames(30, 5);
            for (time, frame) in frames.iter_mut().enumerate() {
                let peak = if time % 3 == 0 { 1 + time / 3 % 4 } else { 0 };
                frame[peak] = frame[peak].max(-0.2);
            }
            let mut greedy = CtcGreedy::new(BLANK);
            frames.iter().for_each(|frame| greedy.push(frame));
            let beam = |beam_size| {
                let config = CtcBeamConfig { blank: BLANK, beam_size, prune: 10.0 };
                searched(CtcBeam::new(config), &frames).finish()
            };
            let found = [greedy.tokens().to_vec(), beam(4), beam(16)];
            for (sum, tokens) in sums.iter_mut().zip(found) {
                *sum += ctc_probability(&frames, &ids(&tokens), BLANK).ln();
            }
        }
        assert!(sums.is_sorted_by(|a, b| a < b), "{sums:?}");
    }

    /// Whether a sequence can be divided into words, by the definition.
    fn divides(sequence: &[u32], words: &[Vec<u32>]) -> bool {
        sequence.is_empty()
            || words.iter().any(|word| sequence.strip_prefix(&word[..]).is_some_and(|s| divides(s, words)))
    }

    #[test]
    fn a_large_beam_with_a_lexicon_finds_the_likeliest_sequence_of_words() {
        let words = [vec![1], vec![1, 2], vec![2, 3, 3], vec![3, 1]];
        let with_separator = |sequence: &[u32]| {
            let sequence = sequence.strip_suffix(&[3]).unwrap_or(sequence);
            sequence.is_empty()
                || sequence.split(|token| *token == 3).all(|word| [&[1][..], &[1, 2], &[2, 2]].contains(&word))
        };
        let mut random = Random(4);
        for _ in 0..40 {
            let frames = random.frames(5, 4);
            let config = CtcBeamConfig { blank: BLANK, beam_size: 2000, prune: f32::INFINITY };
            let check = |lexicon: &Lexicon, allowed: &dyn Fn(&[u32]) -> bool| {
                let search = searched(CtcBeam::with_scorer(config.clone(), lexicon), &frames);
                let expected: BTreeMap<_, _> = probabilities(&frames).into_iter().filter(|(s, _)| allowed(s)).collect();
                let (best, _) = expected.iter().max_by(|a, b| a.1.total_cmp(b.1)).unwrap();
                assert_eq!(ids(&search.finish()), *best);
                let found: BTreeSet<_> = search.n_best(usize::MAX).iter().map(|found| ids(&found.tokens)).collect();
                assert_eq!(found, expected.into_keys().collect());
            };
            check(&Lexicon::new(words.clone(), None), &|sequence| divides(sequence, &words));
            let separated = Lexicon::new([vec![1], vec![1, 2], vec![2, 2]], Some(3));
            check(&separated, &|sequence| sequence != [3] && with_separator(sequence));
        }
    }
}
