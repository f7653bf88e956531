//! Prefix beam search.

use std::collections::{HashMap, HashSet};

use super::CtcToken;
use super::alignments::{Alignments, Frame, log_add};
use super::prefixes::{Prefixes, ROOT};
use super::scorer::{PrefixScorer, Unconstrained};

/// The settings of a CTC beam search.
#[derive(Debug, Clone, PartialEq)]
pub struct CtcBeamConfig {
    /// The id of the blank.
    pub blank: u32,
    /// The number of prefixes that are kept after each frame.
    pub beam_size: usize,
    /// Tokens whose log-probability is more than this below that of the frame's likeliest symbol begin no new prefix.
    /// Infinity takes all tokens; about 10 loses next to nothing.
    pub prune: f32,
}

/// A sequence that a [`CtcBeam`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct CtcHypothesis {
    /// Its tokens, with the frames of its likeliest alignment.
    pub tokens: Vec<CtcToken>,
    /// The log-probability of the sequence: of all its alignments that the search kept.
    pub log_probability: f64,
    /// The log-probability plus the log scores of the [`PrefixScorer`], that of its end included.
    pub score: f64,
}

/// Prefix beam search of CTC outputs (Hannun et al. 2014), one frame at a time.
///
/// The search keeps the `beam_size` best prefixes, each with the probability of all its alignments, and with its likeliest
/// alignment, which tells the frames of its tokens. Prefixes with equal scores are ordered by their token ids. A frame
/// takes time in proportion to the beam size times the tokens that are not pruned, however many frames were before; the
/// memory grows with the tokens of the prefixes, not with the frames.
///
/// ```
/// use recurrent::decoding::{CtcBeam, CtcBeamConfig, CtcGreedy};
///
/// // The likeliest path has two blanks (0.36), but more paths contain the token (0.64).
/// let frame = [0.6_f32, 0.4].map(f32::ln);
/// let mut greedy = CtcGreedy::new(0);
/// let mut search = CtcBeam::new(CtcBeamConfig { blank: 0, beam_size: 4, prune: 10.0 });
/// for _ in 0..2 {
///     greedy.push(&frame);
///     search.push(&frame);
/// }
/// assert_eq!(greedy.tokens().len(), 0);
/// assert_eq!(search.best()[0].id, 1);
/// assert!((search.n_best(1)[0].log_probability.exp() - 0.64).abs() < 1e-6);
/// ```
#[derive(Debug, Clone)]
pub struct CtcBeam<S: PrefixScorer = Unconstrained> {
    config: CtcBeamConfig,
    scorer: S,
    prefixes: Prefixes,
    /// Best first, at least one.
    beams: Vec<Beam<S::State>>,
    num_frames: usize,
}

impl CtcBeam {
    /// A search of any sequence.
    ///
    /// # Panics
    /// If `beam_size` is 0, or `prune` is negative or NaN.
    #[must_use]
    pub fn new(config: CtcBeamConfig) -> Self {
        Self::with_scorer(config, Unconstrained)
    }
}

impl<S: PrefixScorer> CtcBeam<S> {
    /// A search of sequences that a scorer allows, or a reference to one.
    ///
    /// # Panics
    /// If `beam_size` is 0, or `prune` is negative or NaN.
    #[must_use]
    pub fn with_scorer(config: CtcBeamConfig, scorer: S) -> Self {
        assert!(
            config.beam_size > 0 && config.prune >= 0.0,
            "beam_size must be at least 1 and prune at least 0, got {config:?}"
        );
        let beams = vec![Beam::empty(scorer.start())];
        Self { config, scorer, prefixes: Prefixes::new(), beams, num_frames: 0 }
    }

    /// Decodes one frame of log-probabilities, `[symbols]`. NaN and infinities count as a probability of 0. A
    /// frame that no prefix can have, since it has no probabilities or the scorer forbids all tokens that have any, counts
    /// as a blank.
    pub fn push(&mut self, log_probs: &[f32]) {
        let frame = Frame { log_probs, time: self.num_frames };
        self.num_frames += 1;
        let stays = self.stays(&frame);
        let kept = self.best_candidates(&stays, &frame);
        if kept.is_empty() {
            return self.beams.iter_mut().for_each(Beam::skip_frame);
        }
        let mut next = Vec::with_capacity(kept.len());
        for Candidate { beam, extension, .. } in kept {
            next.push(match extension {
                Some(extension) => self.extended(beam, extension, &frame),
                None => stays[beam].clone(),
            });
        }
        self.beams = next;
        self.prefixes.compact(self.beams.iter_mut().map(|beam| &mut beam.prefix));
    }

    /// The tokens of the best prefix so far, whether it may end or not.
    #[must_use]
    pub fn best(&self) -> Vec<CtcToken> {
        self.beams[0].tokens()
    }

    /// The tokens of the best prefix that may end. If none may, the best prefix is cut back to the longest beginning that
    /// may: with a [`Lexicon`](super::Lexicon), to the end of its last complete word, or the separator behind it. More
    /// frames can follow nevertheless.
    #[must_use]
    pub fn finish(&self) -> Vec<CtcToken> {
        if let Some(best) = self.n_best(1).pop() {
            return best.tokens;
        }
        let mut tokens = self.best();
        let mut state = Some(self.scorer.start());
        let mut complete = 0;
        for (index, token) in tokens.iter().enumerate() {
            state = state.and_then(|state| self.extend(&state, token.id)).map(|(_, state)| state);
            if state.as_ref().is_some_and(|state| self.end(state).is_some()) {
                complete = index + 1;
            }
        }
        tokens.truncate(complete);
        tokens
    }

    /// At most `n` prefixes that may end, best first; none if none may.
    #[must_use]
    pub fn n_best(&self, n: usize) -> Vec<CtcHypothesis> {
        let ended = |beam| self.end_score(beam).map(|score| (score, beam));
        let mut ended: Vec<(f64, &Beam<S::State>)> = self.beams.iter().filter_map(ended).collect();
        ended.sort_by(|(a_score, a), (b_score, b)| {
            b_score.total_cmp(a_score).then_with(|| self.prefixes.compare((a.prefix, None), (b.prefix, None)))
        });
        let hypothesis = |(score, beam): (f64, &Beam<S::State>)| CtcHypothesis {
            tokens: beam.tokens(),
            log_probability: beam.log_probability(),
            score,
        };
        ended.into_iter().take(n).map(hypothesis).collect()
    }

    /// The number of frames since the last token of the best prefix was emitted; all frames if it is empty.
    #[must_use]
    pub fn trailing_blanks(&self) -> usize {
        self.num_frames - self.beams[0].alignments().end()
    }

    /// The number of frames so far.
    #[must_use]
    pub fn num_frames(&self) -> usize {
        self.num_frames
    }

    /// Forgets all frames; the next one is frame 0.
    pub fn reset(&mut self) {
        self.prefixes = Prefixes::new();
        self.beams = vec![Beam::empty(self.scorer.start())];
        self.num_frames = 0;
    }

    /// The beams after the frame, for those of its alignments that add no new token to them: a blank, the last token
    /// again, or the last token after a beam that lacks it.
    fn stays(&self, frame: &Frame<'_>) -> Vec<Beam<S::State>> {
        let positions: HashMap<usize, usize> =
            self.beams.iter().enumerate().map(|(i, beam)| (beam.prefix, i)).collect();
        let stay = |beam: &Beam<S::State>| {
            let blank = beam.alignments().blank(frame.log_prob(self.config.blank));
            let token = self.prefixes.split_last(beam.prefix).map_or(Alignments::NONE, |(parent, token)| {
                let repeated = beam.token.repeat(token, frame);
                match positions.get(&parent) {
                    Some(parent) => repeated.or(self.before(*parent, token).emit(token, frame)),
                    None => repeated,
                }
            });
            Beam { blank, token, state: beam.state.clone(), ..*beam }
        };
        self.beams.iter().map(stay).collect()
    }

    /// The alignments of a beam that a token can follow: a blank must separate it from an equal one.
    fn before(&self, beam: usize, token: u32) -> Alignments {
        let beam = &self.beams[beam];
        let last = self.prefixes.split_last(beam.prefix).map(|(_, last)| last);
        if last == Some(token) { beam.blank.clone() } else { beam.alignments() }
    }

    /// The best prefixes after the frame, best first.
    fn best_candidates(&self, stays: &[Beam<S::State>], frame: &Frame<'_>) -> Vec<Candidate<S::State>> {
        let scores = stays.iter().map(Beam::score).enumerate().filter(|(_, score)| *score > f64::NEG_INFINITY);
        let mut all: Vec<Candidate<S::State>> =
            scores.map(|(beam, score)| Candidate { score, beam, extension: None }).collect();
        // A beam with one more token can be a beam already: then it is among those that stay.
        let known: HashSet<_> = self.beams.iter().filter_map(|beam| self.prefixes.split_last(beam.prefix)).collect();
        let tokens = frame.likely_tokens(self.config.blank, self.config.prune);
        for (index, beam) in self.beams.iter().enumerate() {
            let last = self.prefixes.split_last(beam.prefix).map(|(_, last)| last);
            let total = beam.log_probability();
            for (token, log_prob) in tokens.iter().filter(|(token, _)| !known.contains(&(beam.prefix, *token))) {
                let total = if last == Some(*token) { beam.blank.total } else { total };
                all.extend(self.extension(index, *token, total + log_prob));
            }
        }
        let order = |a: &Candidate<S::State>, b: &Candidate<S::State>| {
            let [a_prefix, b_prefix] = [a, b].map(|candidate| {
                (self.beams[candidate.beam].prefix, candidate.extension.as_ref().map(|extension| extension.token))
            });
            b.score.total_cmp(&a.score).then_with(|| self.prefixes.compare(a_prefix, b_prefix))
        };
        if self.config.beam_size < all.len() {
            all.select_nth_unstable_by(self.config.beam_size, order);
            all.truncate(self.config.beam_size);
        }
        all.sort_unstable_by(order);
        all
    }

    /// A beam with one more token and the log-probability of this, if it is possible.
    fn extension(&self, beam: usize, token: u32, log_probability: f64) -> Option<Candidate<S::State>> {
        if log_probability == f64::NEG_INFINITY {
            return None;
        }
        let (score, state) = self.extend(&self.beams[beam].state, token)?;
        let prior = self.beams[beam].prior + score;
        Some(Candidate { score: log_probability + prior, beam, extension: Some(Extension { token, prior, state }) })
    }

    fn extended(&mut self, beam: usize, extension: Extension<S::State>, frame: &Frame<'_>) -> Beam<S::State> {
        let Extension { token, prior, state } = extension;
        let emitted = self.before(beam, token).emit(token, frame);
        let prefix = self.prefixes.extend(self.beams[beam].prefix, token);
        Beam { prefix, blank: Alignments::NONE, token: emitted, prior, state }
    }

    fn extend(&self, state: &S::State, token: u32) -> Option<(f64, S::State)> {
        let (score, state) = self.scorer.extend(state, token)?;
        Some((possible(score)?, state))
    }

    fn end(&self, state: &S::State) -> Option<f64> {
        self.scorer.end(state).and_then(possible)
    }

    fn end_score(&self, beam: &Beam<S::State>) -> Option<f64> {
        Some(beam.score() + self.end(&beam.state)?)
    }
}

/// A log score that does not forbid.
fn possible(score: f32) -> Option<f64> {
    (score > f32::NEG_INFINITY).then_some(f64::from(score))
}

/// A prefix after the frames so far.
#[derive(Debug, Clone)]
struct Beam<State> {
    prefix: usize,
    /// The alignments that end with a blank.
    blank: Alignments,
    /// The alignments that end with the last token.
    token: Alignments,
    /// The sum of the scorer's log scores.
    prior: f64,
    state: State,
}

impl<State> Beam<State> {
    /// The empty prefix before the first frame.
    fn empty(state: State) -> Self {
        Self { prefix: ROOT, blank: Alignments::EMPTY, token: Alignments::NONE, prior: 0.0, state }
    }

    fn alignments(&self) -> Alignments {
        self.blank.clone().or(self.token.clone())
    }

    /// Adds a blank with a probability of 1.
    fn skip_frame(&mut self) {
        self.blank = self.alignments();
        self.token = Alignments::NONE;
    }

    fn log_probability(&self) -> f64 {
        log_add(self.blank.total, self.token.total)
    }

    fn score(&self) -> f64 {
        self.log_probability() + self.prior
    }

    /// The tokens of the likeliest alignment.
    fn tokens(&self) -> Vec<CtcToken> {
        self.alignments().tokens()
    }
}

/// A prefix that can be kept.
struct Candidate<State> {
    score: f64,
    /// The beam that stays, or is extended.
    beam: usize,
    extension: Option<Extension<State>>,
}

struct Extension<State> {
    token: u32,
    prior: f64,
    state: State,
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::super::Lexicon;
    use super::*;

    const NAN: f32 = f32::NAN;

    fn config(beam_size: usize) -> CtcBeamConfig {
        CtcBeamConfig { blank: 0, beam_size, prune: f32::INFINITY }
    }

    /// A frame of four symbols with this likeliest one.
    fn peak(symbol: usize) -> [f32; 4] {
        let mut probabilities = [0.01_f32, 0.02, 0.03, 0.04];
        probabilities[symbol] = 0.9;
        probabilities.map(f32::ln)
    }

    /// A frame in which no other symbol is likely enough to be emitted in thousands of frames.
    fn sharp_peak(symbol: usize) -> [f32; 4] {
        let mut log_probs = [-30.0; 4];
        log_probs[symbol] = 0.0;
        log_probs
    }

    fn ids(tokens: &[CtcToken]) -> Vec<u32> {
        tokens.iter().map(|token| token.id).collect()
    }

    #[test]
    fn tokens_have_the_frames_of_the_likeliest_alignment() {
        let mut search = CtcBeam::new(config(8));
        for symbol in [0, 1, 1, 0, 1, 2, 2, 2, 0, 0, 0] {
            search.push(&peak(symbol));
        }
        let found: Vec<_> = search.best().iter().map(|token| (token.id, token.start, token.end)).collect();
        assert_eq!(found, [(1, 1, 3), (1, 4, 5), (2, 5, 8)]);
        assert!(search.best().iter().all(|token| token.log_prob == 0.9_f32.ln()));
        assert_eq!((search.trailing_blanks(), search.num_frames()), (3, 11));
        search.reset();
        assert_eq!((search.best(), search.trailing_blanks(), search.num_frames()), (vec![], 0, 0));
        search.push(&peak(3));
        assert_eq!(search.best(), [CtcToken { id: 3, start: 0, end: 1, log_prob: 0.9_f32.ln() }]);
    }

    #[test]
    fn prefixes_with_equal_scores_are_ordered_by_their_tokens() {
        let mut search = CtcBeam::new(config(4));
        let found = |search: &CtcBeam| search.n_best(9).iter().map(|found| ids(&found.tokens)).collect::<Vec<_>>();
        search.push(&[-1.0; 6]);
        assert_eq!(found(&search), [vec![], vec![1], vec![2], vec![3]]);
        search.push(&[-1.0; 6]);
        // Three paths of each token, since it can be in either frame or in both; one path of others.
        assert_eq!(found(&search), [vec![1], vec![2], vec![3], vec![]]);
    }

    #[test]
    fn frames_without_probabilities_count_as_blanks() {
        let mut search = CtcBeam::new(config(4));
        for frame in [&[NAN; 3][..], &[NAN, -1.0, NAN], &[f32::NEG_INFINITY; 3], &[f32::INFINITY, -2.0], &[]] {
            search.push(frame);
        }
        let found: Vec<_> = search.best().iter().map(|token| (token.id, token.start, token.end)).collect();
        assert_eq!((found, search.trailing_blanks()), (vec![(1, 1, 2), (1, 3, 4)], 1));
        assert_eq!(search.num_frames(), 5);
    }

    #[test]
    fn pruned_tokens_begin_no_prefix() {
        let frame = [0.5_f32, 0.499, 0.001].map(f32::ln);
        for (prune, expected) in [(0.0, 1), (1.0, 2), (7.0, 3)] {
            let mut search = CtcBeam::new(CtcBeamConfig { prune, ..config(9) });
            search.push(&frame);
            assert_eq!(search.n_best(9).len(), expected);
        }
    }

    #[test]
    #[should_panic = "beam_size must be at least 1"]
    fn a_beam_size_of_0_is_rejected() {
        let _ = CtcBeam::new(config(0));
    }

    #[test]
    fn a_lexicon_excludes_other_words() {
        // Words with a separator (3): "1 2" and "2".
        let lexicon = Lexicon::new([vec![1, 2], vec![2]], Some(3));
        let mut search = CtcBeam::with_scorer(config(16), &lexicon);
        for symbol in [1, 1, 0, 1, 3, 3, 2, 0] {
            search.push(&peak(symbol));
            let words = ids(&search.finish());
            assert!(words.split(|token| *token == 3).all(|word| [&[][..], &[1, 2], &[2]].contains(&word)), "{words:?}");
        }
        assert_eq!(ids(&search.finish()), [1, 2, 3, 2]);
    }

    #[test]
    fn a_prefix_that_may_not_end_is_cut_back_to_its_last_word() {
        let lexicon = Lexicon::new([vec![1, 2], vec![3, 1]], None);
        let mut search = CtcBeam::with_scorer(config(1), &lexicon);
        for (symbol, best, complete) in
            [(1, vec![1], vec![]), (2, vec![1, 2], vec![1, 2]), (3, vec![1, 2, 3], vec![1, 2])]
        {
            search.push(&peak(symbol));
            assert_eq!((ids(&search.best()), ids(&search.finish())), (best, complete));
        }
        assert_eq!(search.n_best(1), []);
        // Only a forbidden token: the prefix stays.
        search.push(&[f32::NEG_INFINITY, f32::NEG_INFINITY, 0.0, f32::NEG_INFINITY]);
        assert_eq!(ids(&search.best()), [1, 2, 3]);
    }

    /// Prefers token 2, never ends after token 1, and counts how often it is asked.
    #[derive(Default)]
    struct Preference {
        calls: Cell<usize>,
    }

    impl PrefixScorer for Preference {
        type State = u32;

        fn start(&self) -> u32 {
            0
        }

        fn extend(&self, _state: &u32, token: u32) -> Option<(f32, u32)> {
            self.calls.set(self.calls.get() + 1);
            Some((if token == 2 { 2.0 } else { -2.0 }, token)).filter(|_| token != 3)
        }

        fn end(&self, state: &u32) -> Option<f32> {
            Some(if *state == 1 { f32::NEG_INFINITY } else { -0.5 })
        }
    }

    #[test]
    fn scores_are_added_to_log_probabilities() {
        let mut search = CtcBeam::with_scorer(config(9), Preference::default());
        search.push(&[0.1_f32, 0.5, 0.2, 0.2].map(f32::ln));
        let found = search.n_best(9);
        let expected = [(vec![2], 0.2_f64.ln(), 1.5), (vec![], 0.1_f64.ln(), -0.5)];
        assert_eq!(found.len(), expected.len());
        for (found, (tokens, log_probability, score)) in found.iter().zip(expected) {
            assert_eq!(ids(&found.tokens), tokens);
            assert!((found.log_probability - log_probability).abs() < 1e-6);
            assert!((found.score - found.log_probability - score).abs() < 1e-6);
        }
    }

    /// The nodes of the tree of prefixes, and the different emissions.
    fn live_nodes<S: PrefixScorer>(search: &CtcBeam<S>) -> (usize, usize) {
        let alignments = search.beams.iter().flat_map(|beam| [&beam.blank, &beam.token]);
        let emissions: HashSet<_> = alignments.flat_map(Alignments::addresses).collect();
        (search.prefixes.len(), emissions.len())
    }

    #[test]
    fn frames_cost_the_same_however_many_were_before() {
        let mut search = CtcBeam::with_scorer(config(8), Preference::default());
        let push = |search: &mut CtcBeam<Preference>, symbols: &[usize]| {
            let before = search.scorer.calls.get();
            symbols.iter().for_each(|symbol| search.push(&sharp_peak(*symbol)));
            search.scorer.calls.get() - before
        };
        push(&mut search, &[2, 0, 1, 0, 2]);
        // Blanks emit no tokens: neither the calls nor the nodes grow. The tree holds unused nodes up to a limit.
        let calls = [1000, 1000, 1000].map(|frames| {
            let calls = push(&mut search, &vec![0; frames]);
            let (prefixes, emissions) = live_nodes(&search);
            assert!(prefixes <= 300 && emissions <= 8 * 16, "{prefixes}, {emissions}");
            calls
        });
        assert!(calls[1] == calls[2] && calls[0].abs_diff(calls[1]) < 100, "{calls:?}");
        // The nodes grow with the tokens of the beams alone.
        let calls = [0; 4].map(|_| push(&mut search, &[2, 0, 1, 0, 0].repeat(100)));
        let (tokens, (prefixes, emissions)) = (search.best().len(), live_nodes(&search));
        assert_eq!(tokens, 803);
        assert!(prefixes <= 2 * 8 * tokens && emissions <= 8 * (tokens + 16), "{prefixes}, {emissions}");
        assert!(calls[1..].iter().all(|count| count.abs_diff(calls[1]) <= calls[1] / 100), "{calls:?}");
    }

    #[test]
    fn a_long_sequence_is_dropped_without_recursion() {
        let mut search = CtcBeam::new(config(1));
        for time in 0..200_000 {
            search.push(&peak(1 + time % 2));
        }
        assert_eq!(search.best().len(), 200_000);
        drop(search);
    }

    #[test]
    fn a_search_can_move_to_another_thread() {
        fn check<T: Send + Sync>(_: &T) {}
        check(&CtcBeam::with_scorer(config(1), Lexicon::new([], None)));
    }
}
