//! The equations of a cell, as the fused implementations know them.

use crate::Nonlinearity;

/// A cell's equations and options.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Equations {
    /// A vanilla RNN, see [`rnn_step`](crate::rnn_step).
    Rnn(Nonlinearity),
    /// An LSTM, see [`lstm_step`](crate::lstm_step).
    Lstm {
        /// The cell state is clipped to ± this value.
        clip: Option<f32>,
    },
    /// A GRU, see [`gru_step`](crate::gru_step).
    Gru {
        /// Whether the reset gate is applied after the recurrent product (PyTorch, cuDNN) or before it.
        reset_after: bool,
    },
}

impl Equations {
    /// Number of gates: the weight matrices have `gates * hidden` columns.
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
