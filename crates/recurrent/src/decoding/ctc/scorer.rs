//! What a beam search may find, and prefers: scores of prefixes.

use std::collections::HashMap;

/// Scores the prefixes of a [`CtcBeam`](super::CtcBeam), such as a language model does, or forbids them.
///
/// Scores are natural logarithms and are added to the log-probability of the prefix. Minus infinity and NaN forbid as
/// `None` does. The result must depend on nothing but the prefix.
pub trait PrefixScorer {
    /// What is known of a prefix.
    type State: Clone;

    /// The state of the empty prefix.
    fn start(&self) -> Self::State;

    /// The log score of extending a prefix by this token, and the state behind it; `None` forbids it.
    fn extend(&self, state: &Self::State, token: u32) -> Option<(f32, Self::State)>;

    /// The log score of ending here; `None` forbids it.
    fn end(&self, state: &Self::State) -> Option<f32>;
}

impl<S: PrefixScorer> PrefixScorer for &S {
    type State = S::State;

    fn start(&self) -> Self::State {
        (**self).start()
    }

    fn extend(&self, state: &Self::State, token: u32) -> Option<(f32, Self::State)> {
        (**self).extend(state, token)
    }

    fn end(&self, state: &Self::State) -> Option<f32> {
        (**self).end(state)
    }
}

/// A scorer that need not be there: without it every prefix is allowed, with a score of 0.
impl<S: PrefixScorer> PrefixScorer for Option<S> {
    type State = Option<S::State>;

    fn start(&self) -> Self::State {
        self.as_ref().map(S::start)
    }

    fn extend(&self, state: &Self::State, token: u32) -> Option<(f32, Self::State)> {
        match (self, state) {
            (Some(scorer), Some(state)) => scorer.extend(state, token).map(|(score, state)| (score, Some(state))),
            _ => Some((0.0, None)),
        }
    }

    fn end(&self, state: &Self::State) -> Option<f32> {
        match (self, state) {
            (Some(scorer), Some(state)) => scorer.end(state),
            _ => Some(0.0),
        }
    }
}

/// Both scorers: their scores are added, and what one of them forbids is forbidden. The second is asked only for what the
/// first allows.
impl<A: PrefixScorer, B: PrefixScorer> PrefixScorer for (A, B) {
    type State = (A::State, B::State);

    fn start(&self) -> Self::State {
        (self.0.start(), self.1.start())
    }

    fn extend(&self, (a, b): &Self::State, token: u32) -> Option<(f32, Self::State)> {
        let (a_score, a) = self.0.extend(a, token)?;
        let (b_score, b) = self.1.extend(b, token)?;
        Some((a_score + b_score, (a, b)))
    }

    fn end(&self, (a, b): &Self::State) -> Option<f32> {
        Some(self.0.end(a)? + self.1.end(b)?)
    }
}

/// Allows every prefix, with a score of 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unconstrained;

impl PrefixScorer for Unconstrained {
    type State = ();

    fn start(&self) {}

    fn extend(&self, (): &(), _token: u32) -> Option<(f32, ())> {
        Some((0.0, ()))
    }

    fn end(&self, (): &()) -> Option<f32> {
        Some(0.0)
    }
}

/// Allows only sequences of these words, with a score of 0.
///
/// With a separator, such as the space of a character model, there is exactly one between two words, none before the first
/// and at most one after the last. Without a separator words follow each other directly. A word may contain the
/// separator, such as a command of several words of which the others allow no part. A sequence without words is allowed.
///
/// ```
/// use recurrent::decoding::{CtcBeam, CtcBeamConfig, Lexicon};
///
/// // The blank is 0; the words are "1 2" and "2".
/// let lexicon = Lexicon::new([vec![1, 2], vec![2]], None);
/// let config = CtcBeamConfig { blank: 0, beam_size: 8, prune: 10.0 };
/// let mut search = CtcBeam::with_scorer(config, lexicon);
/// for probabilities in [[0.1_f32, 0.9, 0.0], [0.3, 0.6, 0.1]] {
///     search.push(&probabilities.map(f32::ln));
/// }
/// let ids: Vec<u32> = search.finish().iter().map(|token| token.id).collect();
/// assert_eq!(ids, [1, 2]);
/// ```
#[derive(Debug, Clone)]
pub struct Lexicon {
    separator: Option<u32>,
    /// Node 0 is the root.
    children: HashMap<(usize, u32), usize>,
    /// Whether a word ends at this node.
    is_word: Vec<bool>,
}

/// The nodes of a [`Lexicon`] at which a prefix can be: several if it can be divided into words in several ways. Their
/// number is at most the length of the longest word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LexiconState(Vec<usize>);

impl Lexicon {
    /// A lexicon of words, each the ids of its tokens, with this token between words. Empty words are ignored.
    #[must_use]
    pub fn new(words: impl IntoIterator<Item = Vec<u32>>, separator: Option<u32>) -> Self {
        let mut lexicon = Self { separator, children: HashMap::new(), is_word: vec![false] };
        words.into_iter().filter(|word| !word.is_empty()).for_each(|word| lexicon.insert(&word));
        lexicon
    }

    fn insert(&mut self, word: &[u32]) {
        let mut node = 0;
        for token in word {
            node = *self.children.entry((node, *token)).or_insert_with(|| {
                self.is_word.push(false);
                self.is_word.len() - 1
            });
        }
        self.is_word[node] = true;
    }

    /// The nodes that a token leads to: further in a word, or into the next word.
    fn next(&self, node: usize, token: u32) -> impl Iterator<Item = usize> {
        let further = self.children.get(&(node, token)).copied();
        let next_word = match self.separator {
            _ if !self.is_word[node] => None,
            Some(separator) => (token == separator).then_some(0),
            None => self.children.get(&(0, token)).copied(),
        };
        further.into_iter().chain(next_word)
    }
}

impl PrefixScorer for Lexicon {
    type State = LexiconState;

    fn start(&self) -> LexiconState {
        LexiconState(vec![0])
    }

    fn extend(&self, state: &LexiconState, token: u32) -> Option<(f32, LexiconState)> {
        let mut nodes: Vec<usize> = state.0.iter().flat_map(|node| self.next(*node, token)).collect();
        nodes.sort_unstable();
        nodes.dedup();
        (!nodes.is_empty()).then_some((0.0, LexiconState(nodes)))
    }

    fn end(&self, state: &LexiconState) -> Option<f32> {
        state.0.iter().any(|node| *node == 0 || self.is_word[*node]).then_some(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a sequence is allowed as a prefix, and whether it may end.
    fn allowed(lexicon: &Lexicon, sequence: &[u32]) -> (bool, bool) {
        let mut state = lexicon.start();
        for token in sequence {
            match lexicon.extend(&state, *token) {
                Some((score, next)) => {
                    assert_eq!(score, 0.0);
                    state = next;
                }
                None => return (false, false),
            }
        }
        (true, lexicon.end(&state).is_some())
    }

    #[test]
    fn words_follow_each_other_directly_without_a_separator() {
        let lexicon = Lexicon::new([vec![1], vec![1, 2], vec![2, 3], vec![]], None);
        for (sequence, expected) in [
            (&[][..], (true, true)),
            (&[1], (true, true)),
            (&[2], (true, false)),
            (&[1, 2], (true, true)),
            (&[1, 2, 3], (true, true)),
            (&[1, 2, 2], (true, false)),
            (&[1, 2, 3, 3], (false, false)),
            (&[1, 1, 2, 1], (true, true)),
            (&[3], (false, false)),
        ] {
            assert_eq!(allowed(&lexicon, sequence), expected, "{sequence:?}");
        }
    }

    #[test]
    fn a_separator_is_between_words() {
        let lexicon = Lexicon::new([vec![1], vec![1, 2], vec![2, 9, 2]], Some(9));
        for (sequence, expected) in [
            (&[][..], (true, true)),
            (&[9], (false, false)),
            (&[1, 9], (true, true)),
            (&[1, 9, 9], (false, false)),
            (&[1, 1], (false, false)),
            (&[1, 2, 9, 1], (true, true)),
            (&[2, 9], (true, false)),
            (&[2, 9, 2, 9, 1, 2], (true, true)),
            (&[2, 9, 1], (false, false)),
        ] {
            assert_eq!(allowed(&lexicon, sequence), expected, "{sequence:?}");
        }
    }

    /// A score for each token.
    struct Scores([f32; 3]);

    impl PrefixScorer for Scores {
        type State = ();

        fn start(&self) {}

        fn extend(&self, (): &(), token: u32) -> Option<(f32, ())> {
            self.0.get(token as usize).map(|score| (*score, ()))
        }

        fn end(&self, (): &()) -> Option<f32> {
            Some(-1.0)
        }
    }

    #[test]
    fn two_scorers_add_their_scores_and_forbid_what_one_forbids() {
        let lexicon = Lexicon::new([vec![1], vec![5]], None);
        let both = (Some(lexicon), (Scores([0.5, -0.25, 0.0]), None::<Scores>));
        let start = both.start();
        assert_eq!(both.extend(&start, 1).map(|(score, _)| score), Some(-0.25));
        assert!([0, 2, 5, 9].into_iter().all(|token| both.extend(&start, token).is_none()));
        assert_eq!(both.end(&start), Some(-1.0));
        assert_eq!(None::<Scores>.extend(&None, 9), Some((0.0, None)));
        assert_eq!(None::<Scores>.end(&None), Some(0.0));
    }

    #[test]
    fn an_empty_lexicon_allows_nothing_but_silence() {
        let lexicon = Lexicon::new([], Some(9));
        assert_eq!(allowed(&lexicon, &[]), (true, true));
        assert_eq!(allowed(&lexicon, &[1]), (false, false));
    }
}
