//! BpttBatches: a long text read at several places at once, window after window.

use burn::tensor::{Device, Int, Tensor};

use super::{rows::rows, tokens::Tokens};
use crate::{DataError, Result, Role};

/// A text cut into lanes of equal length, and these into windows, for a network that carries its
/// state from each window to the next.
///
/// Lane 1 goes on where lane 0 ends, and so on. In a window, what is to be foretold is what is seen
/// one token later, also across the end of a window and of a lane. Of `n` tokens each of `k` lanes
/// has `floor((n - 1) / k)` to foretell, each once; fewer than `k` at the very end are left out.
///
/// ```text
/// tokens     0  1  2  3  4  5  6  7  8  9 10       2 lanes, windows of 2
///
///            window 0     window 1     window 2
/// lane 0     0 1 → 1 2    2 3 → 3 4    4 → 5
/// lane 1     5 6 → 6 7    7 8 → 8 9    9 → 10
/// ```
///
/// Nothing is read until it is asked for, and a clone shares the numbers.
#[derive(Debug, Clone)]
pub struct BpttBatches<R: Role> {
    tokens: Tokens<R>,
    lanes: usize,
    window: usize,
}

impl<R: Role> BpttBatches<R> {
    /// So many lanes, with windows of so many steps. Each lane has one whole window at least.
    ///
    /// # Errors
    /// If one of the two is 0, or there are too few tokens for it.
    pub fn new(tokens: Tokens<R>, lanes: usize, window: usize) -> Result<Self> {
        let lengths = [("number of lanes", lanes), ("window", window)];
        if let Some((what, _)) = lengths.into_iter().find(|(_, length)| *length == 0) {
            return Err(DataError::ZeroLength { what });
        }
        let there = tokens.len();
        let most = there.saturating_sub(1) / window;
        let (needed, purpose, hint) = if most == 0 {
            let longest = there.saturating_sub(1);
            let hint = match longest {
                0 => "take a longer text".to_string(),
                _ => format!("take a longer text, or a window of at most {longest}"),
            };
            (window, format!("a window of {window} and the token after it"), hint)
        } else if most < lanes {
            let hint = format!("take at most {most} of them, or a shorter window");
            (window.saturating_mul(lanes), format!("{lanes} lanes of one window of {window} each"), hint)
        } else {
            return Ok(Self { tokens, lanes, window });
        };
        let (path, needed) = (tokens.source().to_string(), needed.saturating_add(1));
        Err(DataError::TooFewTokens { path, part: R::NAME, purpose, needed, there, hint })
    }

    /// How many lanes there are.
    pub fn lanes(&self) -> usize {
        self.lanes
    }

    /// How many steps a window has; the last may have fewer.
    pub fn window_size(&self) -> usize {
        self.window
    }

    /// The numbers that the lanes are cut from.
    pub fn tokens(&self) -> &Tokens<R> {
        &self.tokens
    }

    /// How many windows each lane has, at least one.
    pub fn len(&self) -> usize {
        self.length().div_ceil(self.window)
    }

    /// Whether there is no window: never.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many tokens are to be foretold, in all windows of all lanes.
    pub fn targets(&self) -> usize {
        self.length() * self.lanes
    }

    /// How many steps window `i` has.
    ///
    /// # Panics
    /// If there is no such window.
    pub fn steps(&self, i: usize) -> usize {
        let len = self.len();
        assert!(i < len, "window {i} of {len}");
        self.window.min(self.length() - i * self.window)
    }

    /// What window `i` sees and what it is to foretell, `[lanes, steps]` each, lane by lane.
    ///
    /// # Panics
    /// If there is no such window, or the tokens cannot be read any more.
    pub fn window(&self, i: usize) -> (Vec<u32>, Vec<u32>) {
        let steps = self.steps(i);
        let mut inputs = Vec::with_capacity(self.lanes * steps);
        let mut targets = Vec::with_capacity(self.lanes * steps);
        for lane in 0..self.lanes {
            let first = lane * self.length() + i * self.window;
            let ids = self.tokens.ids(first..first + steps + 1);
            inputs.extend_from_slice(&ids[..steps]);
            targets.extend_from_slice(&ids[1..]);
        }
        (inputs, targets)
    }

    /// How many tokens a lane foretells.
    fn length(&self) -> usize {
        (self.tokens.len() - 1) / self.lanes
    }
}

/// One window of all lanes.
#[derive(Debug, Clone)]
pub struct TokenBatch {
    /// What is seen: `[lanes, steps]`.
    pub inputs: Tensor<2, Int>,
    /// What comes one token later: `[lanes, steps]`.
    pub targets: Tensor<2, Int>,
}

impl TokenBatch {
    /// The window at this index. Its state begins where that of the window before it ended.
    ///
    /// # Panics
    /// If there is no such window, or the tokens cannot be read any more.
    pub fn gather<R: Role>(lanes: &BpttBatches<R>, index: usize, device: &Device) -> Self {
        let steps = lanes.steps(index);
        let (inputs, targets) = lanes.window(index);
        let tensor = |ids: Vec<u32>| rows(ids.chunks(steps), steps, 0, device);
        Self { inputs: tensor(inputs), targets: tensor(targets) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Corpus, Tokenizer, TokenizerConfig, TokenizerKind, Whole};

    /// Tokens that count up from 4.
    fn tokens(count: usize) -> Tokens<Whole> {
        let text: String = ('\u{100}'..).take(count).collect();
        let codec = Tokenizer::fit_texts(&TokenizerConfig::new(TokenizerKind::Chars), [&text]).unwrap();
        Corpus::from_bytes("t.txt", text.into_bytes()).unwrap().whole().encode(&codec).unwrap()
    }

    #[test]
    fn windows_go_on_where_the_last_one_ended() {
        let lanes = BpttBatches::new(tokens(11), 2, 2).unwrap();
        assert_eq!((lanes.len(), lanes.targets(), lanes.steps(0), lanes.steps(2)), (3, 10, 2, 1));
        assert_eq!(lanes.window(0), (vec![4, 5, 9, 10], vec![5, 6, 10, 11]));
        assert_eq!(lanes.window(1), (vec![6, 7, 11, 12], vec![7, 8, 12, 13]));
        assert_eq!(lanes.window(2), (vec![8, 13], vec![9, 14]));
    }

    #[test]
    fn a_batch_holds_a_window_of_each_lane() {
        let lanes = BpttBatches::new(tokens(11), 2, 2).unwrap();
        let batch = TokenBatch::gather(&lanes, 1, &Device::default());
        assert_eq!((batch.inputs.dims(), batch.targets.dims()), ([2, 2], [2, 2]));
        assert_eq!(batch.inputs.into_data().iter::<i64>().collect::<Vec<_>>(), [6, 7, 11, 12]);
        assert_eq!(batch.targets.into_data().iter::<i64>().collect::<Vec<_>>(), [7, 8, 12, 13]);
    }

    #[test]
    fn a_text_that_is_too_short_is_refused() {
        let message = |count, lanes, window| BpttBatches::new(tokens(count), lanes, window).unwrap_err().to_string();
        assert_eq!(
            message(10, 1, 10),
            "t.txt (whole): expected at least 11 tokens for a window of 10 and the token after it, found 10; \
             take a longer text, or a window of at most 9"
        );
        assert_eq!(
            message(30, 4, 10),
            "t.txt (whole): expected at least 41 tokens for 4 lanes of one window of 10 each, found 30; \
             take at most 2 of them, or a shorter window"
        );
        assert!(BpttBatches::new(tokens(41), 4, 10).is_ok());
        assert_eq!(message(30, 0, 10), "expected a number of lanes of at least 1, found 0");
        assert_eq!(message(30, 1, 0), "expected a window of at least 1, found 0");
        assert!(message(30, usize::MAX, usize::MAX).contains("found 30"));
    }

    proptest! {
        #[test]
        fn every_token_is_foretold_once_and_after_its_neighbour(
            count in 2_usize..300,
            lanes in 1_usize..8,
            window in 1_usize..40,
        ) {
            let Ok(lanes) = BpttBatches::new(tokens(count), lanes, window) else {
                prop_assert!((count - 1) / window < lanes);
                return Ok(());
            };
            let mut foretold = vec![];
            let mut last = vec![None; lanes.lanes()];
            for i in 0..lanes.len() {
                let (inputs, targets) = lanes.window(i);
                let steps = lanes.steps(i);
                prop_assert_eq!(steps == window || i + 1 == lanes.len(), true);
                for (lane, (seen, next)) in inputs.chunks(steps).zip(targets.chunks(steps)).enumerate() {
                    prop_assert!(seen.iter().zip(next).all(|(seen, next)| seen + 1 == *next));
                    prop_assert!(last[lane].is_none_or(|last| last == seen[0]));
                    last[lane] = next.last().copied();
                }
                foretold.extend(targets);
            }
            foretold.sort();
            let kept = (count - 1) / lanes.lanes() * lanes.lanes();
            prop_assert_eq!(kept, lanes.targets());
            prop_assert_eq!(foretold, (5..5 + kept as u32).collect::<Vec<_>>());
        }
    }
}
