//! What a pass over a sequence is asked to do, on any device.

use crate::Nonlinearity;

/// The equations of a cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Equations {
    /// [`rnn_step`](crate::rnn_step).
    Rnn(Nonlinearity),
    /// [`lstm_step`](crate::lstm_step), the cell state held within ±`clip` if there is one.
    Lstm {
        /// Where the cell state is held.
        clip: Option<f32>,
    },
    /// [`gru_step`](crate::gru_step) with the reset gate after the recurrent product, or before it.
    Gru {
        /// Whether the reset gate works after the recurrent product.
        reset_after: bool,
    },
}

impl Equations {
    /// How many times `hidden` the weight matrices are wide.
    pub fn gates(self) -> usize {
        match self {
            Self::Rnn(_) => 1,
            Self::Lstm { .. } => 4,
            Self::Gru { .. } => 3,
        }
    }

    /// Whether there is a cell state besides the hidden state.
    pub(crate) fn has_cell(self) -> bool {
        matches!(self, Self::Lstm { .. })
    }
}

/// In which order the rows of a sequence lie in memory; features are always neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// `[batch, time, features]`.
    BatchFirst,
    /// `[time, batch, features]`.
    TimeFirst,
}

/// What a forward pass keeps for the backward pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Nothing: there will be none.
    Nothing,
    /// Every gate and state.
    Everything,
    /// As little as will do, and what is missing is computed again: on a CPU the states at every √time-th step, on a GPU
    /// nothing.
    Checkpoints,
}

/// The gradients that are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// Of the input.
    pub x: bool,
    /// `w_ih`.
    pub input_weights: bool,
    /// `w_hh`.
    pub recurrent_weights: bool,
    /// `bias` and `bias_hn`.
    pub biases: bool,
    /// Of the state before the first step.
    pub state: bool,
}
