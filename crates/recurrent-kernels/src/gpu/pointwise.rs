//! What one hidden unit of one row computes in one step, forward and backward.
//!
//! Both schedules call these functions; they differ in where the recurrent product and the state are stored.

use burn_cubecl::cubecl::{self, prelude::*};

use crate::{Equations, Nonlinearity};

/// The cell that a kernel is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CellKind {
    Tanh,
    Relu,
    Lstm,
    ClippedLstm,
    GruAfter,
    GruBefore,
}

impl CellKind {
    pub fn of(equations: Equations) -> Self {
        match equations {
            Equations::Rnn(Nonlinearity::Tanh) => Self::Tanh,
            Equations::Rnn(Nonlinearity::Relu) => Self::Relu,
            Equations::Lstm { clip: None } => Self::Lstm,
            Equations::Lstm { clip: Some(_) } => Self::ClippedLstm,
            Equations::Gru { reset_after: true } => Self::GruAfter,
            Equations::Gru { reset_after: false } => Self::GruBefore,
        }
    }

    pub fn gates(self) -> usize {
        match self {
            Self::Tanh | Self::Relu => 1,
            Self::Lstm | Self::ClippedLstm => 4,
            Self::GruAfter | Self::GruBefore => 3,
        }
    }

    pub fn is_lstm(self) -> bool {
        matches!(self, Self::Lstm | Self::ClippedLstm)
    }

    pub fn is_rnn(self) -> bool {
        matches!(self, Self::Tanh | Self::Relu)
    }

    /// Whether each step saves one value per unit besides its gates: the cell state of an LSTM, or `W_hn h + b_hn` of a
    /// reset-after GRU.
    pub fn saves_extra(self) -> bool {
        self.is_lstm() || self == Self::GruAfter
    }

    /// Whether the gradient of the candidate's recurrent weights needs one value per unit besides the gradients of the
    /// gates: the gradient of `W_hn h + b_hn` (reset-after) or `r ⊙ h` (reset-before).
    pub fn has_candidate_factor(self) -> bool {
        matches!(self, Self::GruAfter | Self::GruBefore)
    }

    /// Biases per unit.
    pub fn biases(self) -> usize {
        self.gates() + usize::from(self == Self::GruAfter)
    }
}

/// The compile-time parameters of a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KernelConfig {
    pub cell: CellKind,
    /// Hidden units.
    pub hidden: usize,
    /// One or two.
    pub directions: usize,
    /// Whether a single direction runs in reverse; of two directions, the second does.
    pub reverse: bool,
    pub bias: bool,
    /// Whether rows have lengths.
    pub ragged: bool,
    /// Whether a forward pass saves what the backward pass needs.
    pub save: bool,
    /// Whether an initial state is given; used in the backward pass.
    pub initial_state: bool,
    /// Whether the output has a gradient; used in the backward pass.
    pub output_grad: bool,
}

impl KernelConfig {
    /// Columns of the weights of one direction.
    pub fn columns(&self) -> usize {
        self.cell.gates() * self.hidden
    }
}

/// The sizes of a sequence, and the strides of a step and of a batch row, counted in rows.
#[derive(CubeType, CubeLaunch, Clone, Copy)]
pub struct SequenceShape {
    pub time: u32,
    pub batch: u32,
    pub time_stride: u32,
    pub batch_stride: u32,
}

/// The positions of a hidden unit of a row at a step.
#[derive(CubeType, Clone, Copy)]
pub struct UnitIndex {
    /// Of its first gate, in `[rows, directions * gates * hidden]`; the other gates follow `hidden` apart.
    pub gate: usize,
    /// Of its output, in `[rows, directions * hidden]`.
    pub unit: usize,
    /// Of its output at the previous step.
    pub prev_unit: usize,
    /// Of its state, in `[directions, batch, hidden]`.
    pub state: usize,
    /// Of its first bias, in `[directions, biases * hidden]`.
    pub bias: usize,
    /// Whether the row is within its length.
    pub active: bool,
    /// Whether this is the row's first step.
    pub first: bool,
}

/// The buffers of the forward pass besides the recurrent weights.
#[derive(CubeType, CubeLaunch)]
pub struct ForwardBuffers {
    /// `[directions, biases * hidden]`, read with `KernelConfig::bias`.
    pub bias: Box<[f32]>,
    /// The steps of each row, `[batch]`, read if they differ.
    pub lengths: Box<[u32]>,
    /// The projected input, then, if saved, the gate activations; `[rows, directions * gates * hidden]`.
    pub gates: Box<[f32]>,
    /// See [`CellKind::saves_extra`]; `[rows, directions * hidden]`, written with `KernelConfig::save`.
    pub extra: Box<[f32]>,
    /// `[rows, directions * hidden]`, written.
    pub output: Box<[f32]>,
    /// The hidden state before, then after a step, `[directions, batch, hidden]`.
    pub hidden: Box<[f32]>,
    /// The cell state of an LSTM, likewise.
    pub cell: Box<[f32]>,
}

/// The positions of a unit at the `step`-th step in processing order of a direction.
#[cube]
pub fn unit_index(
    shape: &SequenceShape,
    lengths: &[u32],
    step: usize,
    direction: usize,
    row: usize,
    unit: usize,
    #[comptime] config: KernelConfig,
) -> UnitIndex {
    let hidden = comptime!(config.hidden);
    let width = comptime!(config.directions * config.hidden);
    let (time, stride) = (shape.time as usize, shape.time_stride as usize);
    let mut length = time;
    if comptime!(config.ragged) {
        length = lengths[row] as usize;
    }
    // For a single direction this is a compile-time constant; of two directions, the second runs in reverse.
    let mut reverse = comptime!(config.reverse).runtime();
    if comptime!(config.directions == 2) {
        reverse = direction == 1;
    }
    let t = select(reverse, time - 1 - step, step);
    let at = t * stride + row * shape.batch_stride as usize;
    let previous = select(reverse, at + stride, at - stride);
    let column = direction * hidden + unit;
    UnitIndex {
        gate: at * comptime!(config.directions * config.columns()) + direction * comptime!(config.columns()) + unit,
        unit: at * width + column,
        prev_unit: previous * width + column,
        state: (direction * shape.batch as usize + row) * hidden + unit,
        bias: direction * comptime!(config.cell.biases() * config.hidden) + unit,
        active: t < length,
        first: select(reverse, t + 1 >= length, step == 0),
    }
}

/// The state of a unit, or its gradient.
#[derive(CubeType, Clone, Copy)]
pub struct UnitState {
    pub hidden: f32,
    pub cell: f32,
}

/// σ(x), computed without overflow of the exponential.
#[cube]
fn sigmoid(x: f32) -> f32 {
    let e = (-x.abs()).exp();
    let large = 1.0 / (1.0 + e);
    select(x < 0.0, e * large, large)
}

/// tanh(x) from an exponential that cannot overflow; the built-in function of some drivers overflows.
#[cube]
fn tanh(x: f32) -> f32 {
    let e = (x.abs() * -2.0f32).exp();
    let size = (1.0 - e) / (1.0 + e);
    select(x < 0.0, -size, size)
}

/// The pre-activation of a gate: input part, recurrent part and bias.
#[cube]
fn gate(
    buffers: &ForwardBuffers,
    recurrent: f32,
    index: &UnitIndex,
    #[comptime] offset: usize,
    #[comptime] config: KernelConfig,
) -> f32 {
    let mut sum = buffers.gates[index.gate + offset] + recurrent;
    if comptime!(config.bias) {
        sum += buffers.bias[index.bias + offset];
    }
    sum
}

/// The next state of an active row.
///
/// `product[from ..]` has the recurrent part of the gates, `hidden` apart. With `KernelConfig::save` the gate activations
/// replace the projected input. For a reset-before GRU, [`reset()`] runs first, and the product is that of the candidate
/// alone.
#[cube]
pub fn forward(
    product: &[f32],
    from: usize,
    buffers: &mut ForwardBuffers,
    index: &UnitIndex,
    before: UnitState,
    clip: f32,
    #[comptime] config: KernelConfig,
) -> UnitState {
    let (hidden, twice, thrice) = comptime!((config.hidden, 2 * config.hidden, 3 * config.hidden));
    let mut next = UnitState { hidden: before.hidden, cell: before.cell };
    if comptime!(config.cell.is_rnn()) {
        let sum = gate(&*buffers, product[from], index, 0usize, config);
        if comptime!(config.cell == CellKind::Tanh) {
            next.hidden = tanh(sum);
        } else {
            next.hidden = select(sum < 0.0, 0.0, sum);
        }
    }
    if comptime!(config.cell.is_lstm()) {
        let i = sigmoid(gate(&*buffers, product[from], index, 0usize, config));
        let f = sigmoid(gate(&*buffers, product[from + hidden], index, hidden, config));
        let g = tanh(gate(&*buffers, product[from + twice], index, twice, config));
        let o = sigmoid(gate(&*buffers, product[from + thrice], index, thrice, config));
        next.cell = f * before.cell + i * g;
        if comptime!(config.cell == CellKind::ClippedLstm) {
            next.cell = select(next.cell > clip, clip, next.cell);
            next.cell = select(next.cell < -clip, -clip, next.cell);
        }
        next.hidden = o * tanh(next.cell);
        if comptime!(config.save) {
            buffers.gates[index.gate] = i;
            buffers.gates[index.gate + hidden] = f;
            buffers.gates[index.gate + twice] = g;
            buffers.gates[index.gate + thrice] = o;
            buffers.extra[index.unit] = next.cell;
        }
    }
    if comptime!(config.cell == CellKind::GruAfter) {
        let r = sigmoid(gate(&*buffers, product[from], index, 0usize, config));
        let z = sigmoid(gate(&*buffers, product[from + hidden], index, hidden, config));
        let mut recurrent = product[from + twice];
        if comptime!(config.bias) {
            recurrent += buffers.bias[index.bias + thrice];
        }
        let n = tanh(gate(&*buffers, r * recurrent, index, twice, config));
        next.hidden = n + z * (before.hidden - n);
        if comptime!(config.save) {
            buffers.gates[index.gate] = r;
            buffers.gates[index.gate + hidden] = z;
            buffers.gates[index.gate + twice] = n;
            buffers.extra[index.unit] = recurrent;
        }
    }
    if comptime!(config.cell == CellKind::GruBefore) {
        let z = buffers.gates[index.gate + hidden];
        let n = tanh(gate(&*buffers, product[from], index, twice, config));
        next.hidden = n + z * (before.hidden - n);
        if comptime!(config.save) {
            buffers.gates[index.gate + twice] = n;
        }
    }
    next
}

/// r ⊙ h of a reset-before GRU; stores r and z in the gate buffer. `recurrent_r` and `recurrent_z` are the recurrent parts
/// of the two gates.
#[cube]
pub fn reset(
    recurrent_r: f32,
    recurrent_z: f32,
    buffers: &mut ForwardBuffers,
    index: &UnitIndex,
    before: f32,
    #[comptime] config: KernelConfig,
) -> f32 {
    let hidden = comptime!(config.hidden);
    let r = sigmoid(gate(&*buffers, recurrent_r, index, 0usize, config));
    let z = sigmoid(gate(&*buffers, recurrent_z, index, hidden, config));
    buffers.gates[index.gate] = r;
    buffers.gates[index.gate + hidden] = z;
    r * before
}

/// The inputs of the backward pass besides the recurrent weights: what the forward pass saved, and the output's gradient.
#[derive(CubeType, CubeLaunch)]
pub struct BackwardBuffers {
    /// The steps of each row, `[batch]`, read if they differ.
    pub lengths: Box<[u32]>,
    /// The gate activations, `[rows, directions * gates * hidden]`.
    pub gates: Box<[f32]>,
    /// See [`CellKind::saves_extra`]; `[rows, directions * hidden]`.
    pub extra: Box<[f32]>,
    /// The output, `[rows, directions * hidden]`.
    pub output: Box<[f32]>,
    /// The initial hidden state, then the initial cell state, `[directions, batch, hidden]` each; read with
    /// `KernelConfig::initial_state`.
    pub initial_state: Box<[f32]>,
    /// The gradient of the output, `[rows, directions * hidden]`, read with `KernelConfig::output_grad`.
    pub d_output: Box<[f32]>,
}

/// The outputs of the backward pass.
#[derive(CubeType, CubeLaunch)]
pub struct GradientBuffers {
    /// The gradients of the gates' pre-activations, `[rows, directions * gates * hidden]`.
    pub gates: Box<[f32]>,
    /// See [`CellKind::has_candidate_factor`]; `[rows, directions * hidden]`.
    pub candidate_factor: Box<[f32]>,
    /// The hidden state before each step, for the gradient of the recurrent weights; of the same shape.
    pub prev_hidden: Box<[f32]>,
    /// The gradient of the state after, then before a step: hidden, then cell, `[directions, batch, hidden]` each.
    pub d_state: Box<[f32]>,
}

/// The gradient of a unit's output, if there is one.
#[cube]
pub fn output_grad(buffers: &BackwardBuffers, index: &UnitIndex, #[comptime] config: KernelConfig) -> f32 {
    let mut gradient = 0.0f32.runtime();
    if comptime!(config.output_grad) {
        // Past the end of a row the output is the constant zero.
        gradient = select(index.active, buffers.d_output[index.unit], 0.0);
    }
    gradient
}

/// The state before a step.
#[cube]
fn state_before(
    buffers: &BackwardBuffers,
    index: &UnitIndex,
    shape: &SequenceShape,
    #[comptime] config: KernelConfig,
) -> UnitState {
    let mut hidden = 0.0f32.runtime();
    let mut cell = 0.0f32.runtime();
    if index.first {
        if comptime!(config.initial_state) {
            hidden = buffers.initial_state[index.state];
            if comptime!(config.cell.is_lstm()) {
                let states = comptime!(config.directions * config.hidden) * shape.batch as usize;
                cell = buffers.initial_state[states + index.state];
            }
        }
    } else {
        hidden = buffers.output[index.prev_unit];
        if comptime!(config.cell.is_lstm()) {
            cell = buffers.extra[index.prev_unit];
        }
    }
    UnitState { hidden, cell }
}

/// The backward pass of a step, from the gradients of the state after it to those that bypass the recurrent product.
///
/// The gradients of the gates are written to `gradients`, and the operand of the next product to `step[from ..]`,
/// `hidden` apart. For a reset-before GRU this is the first half, whose product takes the candidate's gradient alone;
/// [`reset_backward()`] is the second half.
#[cube]
pub fn backward(
    buffers: &BackwardBuffers,
    gradients: &mut GradientBuffers,
    step: &mut [f32],
    from: usize,
    index: &UnitIndex,
    shape: &SequenceShape,
    d_after: UnitState,
    clip: f32,
    #[comptime] config: KernelConfig,
) -> UnitState {
    let (hidden, twice, thrice) = comptime!((config.hidden, 2 * config.hidden, 3 * config.hidden));
    let mut d_before = UnitState { hidden: d_after.hidden, cell: d_after.cell };
    let mut d = Array::<f32>::new(comptime!(config.cell.gates()));
    #[unroll]
    for gate in 0..comptime!(config.cell.gates()) {
        d[gate] = 0.0;
    }
    let mut h_before = 0.0f32.runtime();
    // See `CellKind::has_candidate_factor`.
    let mut candidate_factor = 0.0f32.runtime();
    if index.active {
        let before = state_before(buffers, index, shape, config);
        h_before = before.hidden;
        if comptime!(config.cell.is_rnn()) {
            let h = buffers.output[index.unit];
            if comptime!(config.cell == CellKind::Tanh) {
                d[0] = d_after.hidden * (1.0 - h * h);
            } else {
                // A NaN is not at most zero, so its gradient is kept.
                d[0] = select(h <= 0.0, 0.0, d_after.hidden);
            }
            d_before.hidden = 0.0;
        }
        if comptime!(config.cell.is_lstm()) {
            let i = buffers.gates[index.gate];
            let f = buffers.gates[index.gate + hidden];
            let g = buffers.gates[index.gate + twice];
            let o = buffers.gates[index.gate + thrice];
            let cell = buffers.extra[index.unit];
            let tanh_cell = tanh(cell);
            let mut d_cell = d_after.cell + d_after.hidden * o * (1.0 - tanh_cell * tanh_cell);
            if comptime!(config.cell == CellKind::ClippedLstm) {
                d_cell = select(cell.abs() >= clip, 0.0, d_cell);
            }
            d[0] = d_cell * g * i * (1.0 - i);
            d[1] = d_cell * before.cell * f * (1.0 - f);
            d[2] = d_cell * i * (1.0 - g * g);
            d[3] = d_after.hidden * tanh_cell * o * (1.0 - o);
            d_before.hidden = 0.0;
            d_before.cell = d_cell * f;
        }
        if comptime!(config.cell.has_candidate_factor()) {
            let r = buffers.gates[index.gate];
            let z = buffers.gates[index.gate + hidden];
            let n = buffers.gates[index.gate + twice];
            d[1] = d_after.hidden * (before.hidden - n) * z * (1.0 - z);
            d[2] = d_after.hidden * (1.0 - z) * (1.0 - n * n);
            d_before.hidden = d_after.hidden * z;
            if comptime!(config.cell == CellKind::GruAfter) {
                d[0] = d[2] * buffers.extra[index.unit] * r * (1.0 - r);
                candidate_factor = d[2] * r;
            } else {
                candidate_factor = r * before.hidden;
            }
        }
    }
    gradients.prev_hidden[index.unit] = h_before;
    if comptime!(config.cell.has_candidate_factor()) {
        gradients.candidate_factor[index.unit] = candidate_factor;
    }
    #[unroll]
    for gate in 0..comptime!(config.cell.gates()) {
        gradients.gates[index.gate + comptime!(gate * hidden)] = d[gate];
    }
    if comptime!(config.cell == CellKind::GruBefore) {
        step[from] = d[2];
    } else {
        #[unroll]
        for gate in 0..comptime!(config.cell.gates()) {
            step[from + comptime!(gate * hidden)] = d[gate];
        }
        if comptime!(config.cell == CellKind::GruAfter) {
            step[from + twice] = candidate_factor;
        }
    }
    d_before
}

/// The second half of the backward pass of a step of a reset-before GRU: from the gradient of r ⊙ h to those of the two
/// gates, which go to `step[from ..]`. Returns the contribution to the gradient of h.
#[cube]
pub fn reset_backward(
    buffers: &BackwardBuffers,
    gradients: &mut GradientBuffers,
    step: &mut [f32],
    from: usize,
    index: &UnitIndex,
    d_product: f32,
    #[comptime] config: KernelConfig,
) -> f32 {
    let mut d_reset = 0.0f32.runtime();
    let mut d_before = 0.0f32.runtime();
    if index.active {
        let r = buffers.gates[index.gate];
        d_before = d_product * r;
        d_reset = d_product * gradients.prev_hidden[index.unit] * r * (1.0 - r);
    }
    gradients.gates[index.gate] = d_reset;
    step[from] = d_reset;
    step[from + comptime!(config.hidden)] = gradients.gates[index.gate + comptime!(config.hidden)];
    d_before
}
