//! What a forward pass saves for the backward pass, and which gradients the backward pass computes.

/// What a forward pass saves for the backward pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SavePolicy {
    /// Nothing: there is no backward pass.
    Nothing,
    /// The gates and states of every step.
    Everything,
    /// As little as possible; the backward pass recomputes the rest. A CPU saves the states at every √time-th step, a
    /// GPU saves nothing.
    Checkpoints,
}

/// The gradients that a backward pass has to compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NeedsGrad {
    /// The input sequence.
    pub x: bool,
    /// The input weights.
    pub w_ih: bool,
    /// The recurrent weights.
    pub w_hh: bool,
    /// `bias` and `bias_hn`.
    pub biases: bool,
    /// The state before the first step.
    pub initial_state: bool,
}
