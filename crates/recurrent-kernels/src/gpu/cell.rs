//! What one hidden unit of one row computes in one step, forward and back.
//!
//! Both schedules run these functions; they differ in where the recurrent product and the state lie.

use burn_cubecl::cubecl::{self, prelude::*};

use crate::{Equations, Nonlinearity};

/// The equations that a kernel is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cell {
    Tanh,
    Relu,
    Lstm,
    ClippedLstm,
    GruAfter,
    GruBefore,
}

impl Cell {
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

    /// Whether each step keeps one number a unit besides its gates: an LSTM's cell state, or the candidate's recurrent
    /// part inside the reset gate.
    pub fn keeps_extra(self) -> bool {
        self.is_lstm() || self == Self::GruAfter
    }

    /// Whether the gradient of the recurrent weights takes one number a unit besides the gates' gradients: the gradient
    /// of the candidate's recurrent part, or what that part was multiplied with.
    pub fn has_side(self) -> bool {
        matches!(self, Self::GruAfter | Self::GruBefore)
    }

    /// Numbers of bias a unit.
    pub fn biases(self) -> usize {
        self.gates() + usize::from(self == Self::GruAfter)
    }
}

/// What a kernel is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Form {
    pub cell: Cell,
    /// Hidden units.
    pub hidden: usize,
    /// One or two.
    pub directions: usize,
    /// Whether the first direction is the one from the end to the start; of two, the second is.
    pub reverse: bool,
    pub bias: bool,
    /// Whether rows have lengths of their own.
    pub ragged: bool,
    /// Whether a forward pass keeps what the way back needs.
    pub keep: bool,
    /// Whether the state before the first step is given, or zeros; asked on the way back.
    pub initial: bool,
    /// Whether the output has a gradient; asked on the way back.
    pub output: bool,
}

impl Form {
    /// Columns of a direction's weights.
    pub fn columns(&self) -> usize {
        self.cell.gates() * self.hidden
    }
}

/// The sizes of a sequence and the strides of its rows, in rows.
#[derive(CubeType, CubeLaunch, Clone, Copy)]
pub struct Span {
    pub time: u32,
    pub batch: u32,
    pub time_stride: u32,
    pub batch_stride: u32,
}

/// Where a hidden unit of a row lies at a step.
#[derive(CubeType, Clone, Copy)]
pub struct Place {
    /// Its first gate, in `[rows, directions * gates * hidden]`; the others follow `hidden` apart.
    pub gate: usize,
    /// Its output, in `[rows, directions * hidden]`.
    pub unit: usize,
    /// Its output of the step before this one.
    pub before: usize,
    /// Its state, in `[directions, batch, hidden]`.
    pub state: usize,
    /// Its first bias, in `[directions, biases * hidden]`.
    pub bias: usize,
    /// Whether the row goes on at this step.
    pub live: bool,
    /// Whether this is the row's first step.
    pub first: bool,
}

/// What the way forward reads and writes besides the recurrent weights.
#[derive(CubeType, CubeLaunch)]
pub struct Course {
    /// `[directions, biases * hidden]`, read if there are any.
    pub bias: Box<[f32]>,
    /// The steps of each row, `[batch]`, read if they differ.
    pub lengths: Box<[u32]>,
    /// The projected input, and then the activated gates if they are kept; `[rows, directions * gates * hidden]`.
    pub gates: Box<[f32]>,
    /// See [`Cell::keeps_extra`]; `[rows, directions * hidden]`, written if it is kept.
    pub extra: Box<[f32]>,
    /// `[rows, directions * hidden]`, written.
    pub output: Box<[f32]>,
    /// The state before a step and then after it, `[directions, batch, hidden]`.
    pub hidden: Box<[f32]>,
    /// The same, of an LSTM.
    pub cell: Box<[f32]>,
}

/// The place of a unit at the `step`-th step that a direction takes.
#[cube]
pub fn place(
    span: &Span,
    lengths: &[u32],
    step: usize,
    direction: usize,
    row: usize,
    unit: usize,
    #[comptime] form: Form,
) -> Place {
    let hidden = comptime!(form.hidden);
    let width = comptime!(form.directions * form.hidden);
    let (time, stride) = (span.time as usize, span.time_stride as usize);
    let mut length = time;
    if comptime!(form.ragged) {
        length = lengths[row] as usize;
    }
    // Of one direction, which way it goes is known to the compiler; of two, the second goes back.
    let mut back = comptime!(form.reverse).runtime();
    if comptime!(form.directions == 2) {
        back = direction == 1;
    }
    let t = select(back, time - 1 - step, step);
    let at = t * stride + row * span.batch_stride as usize;
    let before = select(back, at + stride, at - stride);
    let column = direction * hidden + unit;
    Place {
        gate: at * comptime!(form.directions * form.columns()) + direction * comptime!(form.columns()) + unit,
        unit: at * width + column,
        before: before * width + column,
        state: (direction * span.batch as usize + row) * hidden + unit,
        bias: direction * comptime!(form.cell.biases() * form.hidden) + unit,
        live: t < length,
        first: select(back, t + 1 >= length, step == 0),
    }
}

/// A unit's state, or the gradient that it hands on.
#[derive(CubeType, Clone, Copy)]
pub struct Carried {
    pub hidden: f32,
    pub cell: f32,
}

/// σ(x), without an exponential that overflows.
#[cube]
fn sigmoid(x: f32) -> f32 {
    let e = (-x.abs()).exp();
    let large = 1.0 / (1.0 + e);
    select(x < 0.0, e * large, large)
}

/// tanh x from one exponential that does not overflow: not all drivers' own does without.
#[cube]
fn tanh(x: f32) -> f32 {
    let e = (x.abs() * -2.0f32).exp();
    let size = (1.0 - e) / (1.0 + e);
    select(x < 0.0, -size, size)
}

/// A gate before its activation: the input's part, the recurrent part and the bias.
#[cube]
fn gate(course: &Course, recurrent: f32, place: &Place, #[comptime] offset: usize, #[comptime] form: Form) -> f32 {
    let mut sum = course.gates[place.gate + offset] + recurrent;
    if comptime!(form.bias) {
        sum += course.bias[place.bias + offset];
    }
    sum
}

/// The next state of a row that goes on.
///
/// `product[from ..]` has the recurrent part of the gates, `hidden` apart. Where the way back needs them, the activated
/// gates take the place of the projected input. Of a GRU with the reset gate before the product, [`reset`] comes first,
/// and the product is that of the candidate alone.
#[cube]
pub fn forward(
    product: &[f32],
    from: usize,
    course: &mut Course,
    place: &Place,
    before: Carried,
    clip: f32,
    #[comptime] form: Form,
) -> Carried {
    let (hidden, twice, thrice) = comptime!((form.hidden, 2 * form.hidden, 3 * form.hidden));
    let mut next = Carried { hidden: before.hidden, cell: before.cell };
    if comptime!(form.cell.is_rnn()) {
        let sum = gate(&*course, product[from], place, 0usize, form);
        if comptime!(form.cell == Cell::Tanh) {
            next.hidden = tanh(sum);
        } else {
            next.hidden = select(sum < 0.0, 0.0, sum);
        }
    }
    if comptime!(form.cell.is_lstm()) {
        let i = sigmoid(gate(&*course, product[from], place, 0usize, form));
        let f = sigmoid(gate(&*course, product[from + hidden], place, hidden, form));
        let g = tanh(gate(&*course, product[from + twice], place, twice, form));
        let o = sigmoid(gate(&*course, product[from + thrice], place, thrice, form));
        next.cell = f * before.cell + i * g;
        if comptime!(form.cell == Cell::ClippedLstm) {
            next.cell = select(next.cell > clip, clip, next.cell);
            next.cell = select(next.cell < -clip, -clip, next.cell);
        }
        next.hidden = o * tanh(next.cell);
        if comptime!(form.keep) {
            course.gates[place.gate] = i;
            course.gates[place.gate + hidden] = f;
            course.gates[place.gate + twice] = g;
            course.gates[place.gate + thrice] = o;
            course.extra[place.unit] = next.cell;
        }
    }
    if comptime!(form.cell == Cell::GruAfter) {
        let r = sigmoid(gate(&*course, product[from], place, 0usize, form));
        let z = sigmoid(gate(&*course, product[from + hidden], place, hidden, form));
        let mut recurrent = product[from + twice];
        if comptime!(form.bias) {
            recurrent += course.bias[place.bias + thrice];
        }
        let n = tanh(gate(&*course, r * recurrent, place, twice, form));
        next.hidden = n + z * (before.hidden - n);
        if comptime!(form.keep) {
            course.gates[place.gate] = r;
            course.gates[place.gate + hidden] = z;
            course.gates[place.gate + twice] = n;
            course.extra[place.unit] = recurrent;
        }
    }
    if comptime!(form.cell == Cell::GruBefore) {
        let z = course.gates[place.gate + hidden];
        let n = tanh(gate(&*course, product[from], place, twice, form));
        next.hidden = n + z * (before.hidden - n);
        if comptime!(form.keep) {
            course.gates[place.gate + twice] = n;
        }
    }
    next
}

/// r ⊙ h, of a GRU with the reset gate before the product; leaves r and z among the gates. `for_r` and `for_z` are the
/// recurrent parts of the two gates.
#[cube]
pub fn reset(for_r: f32, for_z: f32, course: &mut Course, place: &Place, before: f32, #[comptime] form: Form) -> f32 {
    let hidden = comptime!(form.hidden);
    let r = sigmoid(gate(&*course, for_r, place, 0usize, form));
    let z = sigmoid(gate(&*course, for_z, place, hidden, form));
    course.gates[place.gate] = r;
    course.gates[place.gate + hidden] = z;
    r * before
}

/// What the way back reads besides the recurrent weights: what a forward pass left, and the output's gradient.
#[derive(CubeType, CubeLaunch)]
pub struct Tape {
    /// The steps of each row, `[batch]`, read if they differ.
    pub lengths: Box<[u32]>,
    /// The activated gates, `[rows, directions * gates * hidden]`.
    pub gates: Box<[f32]>,
    /// See [`Cell::keeps_extra`]; `[rows, directions * hidden]`.
    pub extra: Box<[f32]>,
    /// `[rows, directions * hidden]`.
    pub output: Box<[f32]>,
    /// The state before the first step, hidden and then cell, `[directions, batch, hidden]` each; read if it was given.
    pub initial: Box<[f32]>,
    /// The output's gradient, `[rows, directions * hidden]`, read if there is one.
    pub d_output: Box<[f32]>,
}

/// Where the way back writes to.
#[derive(CubeType, CubeLaunch)]
pub struct Gradients {
    /// Of the gates before their activation, `[rows, directions * gates * hidden]`.
    pub gates: Box<[f32]>,
    /// See [`Cell::has_side`]; `[rows, directions * hidden]`.
    pub side: Box<[f32]>,
    /// The hidden state before each step, for the gradient of the recurrent weights; of the same shape.
    pub before: Box<[f32]>,
    /// Of the state after a step and then before it, hidden and then cell, `[directions, batch, hidden]` each.
    pub carried: Box<[f32]>,
}

/// The gradient of a unit's output, if there is one.
#[cube]
pub fn of_output(tape: &Tape, place: &Place, #[comptime] form: Form) -> f32 {
    let mut gradient = 0.0f32.runtime();
    if comptime!(form.output) {
        // Past a row's end its output is zero, whatever its input.
        gradient = select(place.live, tape.d_output[place.unit], 0.0);
    }
    gradient
}

/// The state before a step.
#[cube]
fn state_before(tape: &Tape, place: &Place, span: &Span, #[comptime] form: Form) -> Carried {
    let mut hidden = 0.0f32.runtime();
    let mut cell = 0.0f32.runtime();
    if place.first {
        if comptime!(form.initial) {
            hidden = tape.initial[place.state];
            if comptime!(form.cell.is_lstm()) {
                let states = comptime!(form.directions * form.hidden) * span.batch as usize;
                cell = tape.initial[states + place.state];
            }
        }
    } else {
        hidden = tape.output[place.before];
        if comptime!(form.cell.is_lstm()) {
            cell = tape.extra[place.before];
        }
    }
    Carried { hidden, cell }
}

/// The way back through a row's step, from the gradients of the state after it to those that it hands on past the
/// recurrent product.
///
/// The gradients of the gates stay in `gradients`; what the product takes goes to `step[from ..]`, `hidden` apart. Of a
/// GRU with the reset gate before the product this is the first half, whose product takes the candidate's gradient
/// alone; [`reset_back`] is the other.
#[cube]
pub fn backward(
    tape: &Tape,
    gradients: &mut Gradients,
    step: &mut [f32],
    from: usize,
    place: &Place,
    span: &Span,
    after: Carried,
    clip: f32,
    #[comptime] form: Form,
) -> Carried {
    let (hidden, twice, thrice) = comptime!((form.hidden, 2 * form.hidden, 3 * form.hidden));
    let mut handed = Carried { hidden: after.hidden, cell: after.cell };
    let mut d = Array::<f32>::new(comptime!(form.cell.gates()));
    #[unroll]
    for index in 0..comptime!(form.cell.gates()) {
        d[index] = 0.0;
    }
    let mut h_before = 0.0f32.runtime();
    // The gradient inside the reset gate, or r ⊙ h.
    let mut side = 0.0f32.runtime();
    if place.live {
        let before = state_before(tape, place, span, form);
        h_before = before.hidden;
        if comptime!(form.cell.is_rnn()) {
            let h = tape.output[place.unit];
            if comptime!(form.cell == Cell::Tanh) {
                d[0] = after.hidden * (1.0 - h * h);
            } else {
                // What is no number is not at most zero.
                d[0] = select(h <= 0.0, 0.0, after.hidden);
            }
            handed.hidden = 0.0;
        }
        if comptime!(form.cell.is_lstm()) {
            let i = tape.gates[place.gate];
            let f = tape.gates[place.gate + hidden];
            let g = tape.gates[place.gate + twice];
            let o = tape.gates[place.gate + thrice];
            let cell = tape.extra[place.unit];
            let shown = tanh(cell);
            let mut d_cell = after.cell + after.hidden * o * (1.0 - shown * shown);
            if comptime!(form.cell == Cell::ClippedLstm) {
                d_cell = select(cell.abs() >= clip, 0.0, d_cell);
            }
            d[0] = d_cell * g * i * (1.0 - i);
            d[1] = d_cell * before.cell * f * (1.0 - f);
            d[2] = d_cell * i * (1.0 - g * g);
            d[3] = after.hidden * shown * o * (1.0 - o);
            handed.hidden = 0.0;
            handed.cell = d_cell * f;
        }
        if comptime!(form.cell.has_side()) {
            let r = tape.gates[place.gate];
            let z = tape.gates[place.gate + hidden];
            let n = tape.gates[place.gate + twice];
            d[1] = after.hidden * (before.hidden - n) * z * (1.0 - z);
            d[2] = after.hidden * (1.0 - z) * (1.0 - n * n);
            handed.hidden = after.hidden * z;
            if comptime!(form.cell == Cell::GruAfter) {
                d[0] = d[2] * tape.extra[place.unit] * r * (1.0 - r);
                side = d[2] * r;
            } else {
                side = r * before.hidden;
            }
        }
    }
    gradients.before[place.unit] = h_before;
    if comptime!(form.cell.has_side()) {
        gradients.side[place.unit] = side;
    }
    #[unroll]
    for index in 0..comptime!(form.cell.gates()) {
        gradients.gates[place.gate + comptime!(index * hidden)] = d[index];
    }
    if comptime!(form.cell == Cell::GruBefore) {
        step[from] = d[2];
    } else {
        #[unroll]
        for index in 0..comptime!(form.cell.gates()) {
            step[from + comptime!(index * hidden)] = d[index];
        }
        if comptime!(form.cell == Cell::GruAfter) {
            step[from + twice] = side;
        }
    }
    handed
}

/// The second half of the way back through a step, of a GRU with the reset gate before the product: from the gradient of
/// r ⊙ h to those of its two gates, which go to `step[from ..]`, and to what the step hands on besides.
#[cube]
pub fn reset_back(
    tape: &Tape,
    gradients: &mut Gradients,
    step: &mut [f32],
    from: usize,
    place: &Place,
    d_product: f32,
    #[comptime] form: Form,
) -> f32 {
    let mut d_reset = 0.0f32.runtime();
    let mut handed = 0.0f32.runtime();
    if place.live {
        let r = tape.gates[place.gate];
        handed = d_product * r;
        d_reset = d_product * gradients.before[place.unit] * r * (1.0 - r);
    }
    gradients.gates[place.gate] = d_reset;
    step[from] = d_reset;
    step[from + comptime!(form.hidden)] = gradients.gates[place.gate + comptime!(form.hidden)];
    handed
}
