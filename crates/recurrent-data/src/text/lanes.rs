//! Lanes: a long text read at several places at once, window after window.

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
pub struct Lanes<R: Role> {
    tokens: Tokens<R>,
    lanes: usize,
    window: usize,
}

impl<R: Role> Lanes<R> {
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
pub struct LaneBatch {
    /// What is seen: `[lanes, steps]`.
    pub inputs: Tensor<2, Int>,
    /// What comes one token later: `[lanes, steps]`.
    pub targets: Tensor<2, Int>,
}

impl LaneBatch {
    /// The window at this index. Its state begins where that of the window before it ended.
    ///
    /// # Panics
    /// If there is no such window, or the tokens cannot be read any more.
    pub fn gather<R: Role>(lanes: &Lanes<R>, index: usize, device: &Device) -> Self {
        let steps = lanes.steps(index);
        let (inputs, targets) = lanes.window(index);
        let tensor = |ids: Vec<u32>| rows(ids.chunks(steps), steps, 0, device);
        Self { inputs: tensor(inputs), targets: tensor(targets) }
    }
}
