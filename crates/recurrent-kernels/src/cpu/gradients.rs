//! The gradients that enter and leave a backward pass.

/// The gradients of a layer's outputs; `None` stands for zeros.
#[derive(Debug, Clone, Copy, Default)]
pub struct OutputGrads<'a> {
    /// Of the output, in the layout of the arguments.
    pub output: Option<&'a [f32]>,
    /// Of the final hidden state, `[directions, batch, hidden]`.
    pub hidden: Option<&'a [f32]>,
    /// Of the final cell state of an LSTM, of the same shape.
    pub cell: Option<&'a [f32]>,
}

/// The requested gradients of the weights of one direction, in the shapes of the weights.
#[derive(Debug, Default)]
pub struct DirectionGradients {
    /// `[input, gates * hidden]`.
    pub w_ih: Option<Vec<f32>>,
    /// `[hidden, gates * hidden]`.
    pub w_hh: Option<Vec<f32>>,
    /// `[gates * hidden]`.
    pub bias: Option<Vec<f32>>,
    /// `[hidden]`.
    pub bias_hn: Option<Vec<f32>>,
}

/// The requested gradients of a layer's inputs and weights.
#[derive(Debug)]
pub struct Gradients {
    /// Of the input, in the layout of the arguments.
    pub x: Option<Vec<f32>>,
    /// Of the weights, one entry per direction.
    pub directions: Vec<DirectionGradients>,
    /// Of the hidden state before the first step, `[directions, batch, hidden]`.
    pub initial_hidden: Option<Vec<f32>>,
    /// Of the cell state of an LSTM before the first step, of the same shape.
    pub initial_cell: Option<Vec<f32>>,
}
