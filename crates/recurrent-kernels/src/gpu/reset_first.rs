//! The stepwise schedule of a GRU with the reset gate before the product.
//!
//! Its step has two products that wait for one another: h goes into the two gates, and r ⊙ h into the candidate. Each is
//! one kernel here that multiplies and then does what comes after, so that a step takes two launches, as it does of the
//! other cells: forward the product of the gates with the reset, and that of the candidate with the new state; back the
//! product of the candidate's gradient with the way through the reset gate, and that of the gates' gradients with the
//! first half of the step before.
//!
//! A cube has a tile of rows and hidden units, and goes over the depth of the product with blocks of both factors in
//! shared memory.

use burn_cubecl::cubecl::{self, prelude::*};

use super::cell::{self, Course, Form, Gradients, Span, Tape, place};
use super::stepwise::{self, At, in_product};

/// Rows and hidden units of a cube's tile, and numbers of the product's depth that it takes at once.
pub const SIDE: u32 = 16;

/// A product of a half step: rows `[directions, batch, depth]` with a part of the matrix of each direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Factor {
    /// Numbers of a row.
    depth: usize,
    /// Where in a direction's matrix the part begins.
    first: usize,
    /// From one row of the matrix to the next.
    stride: usize,
    /// Columns of each hidden unit, `hidden` apart: one or two.
    gates: usize,
}

impl Factor {
    /// Of h with the two gates' columns of `[hidden, 3 * hidden]`.
    fn of_gates(form: &Form) -> Self {
        Self { depth: form.hidden, first: 0, stride: form.columns(), gates: 2 }
    }

    /// Of r ⊙ h with the candidate's.
    fn of_candidate(form: &Form) -> Self {
        Self { depth: form.hidden, first: 2 * form.hidden, stride: form.columns(), gates: 1 }
    }

    /// Of the candidate's gradient with its rows of the transpose, `[3 * hidden, hidden]`.
    fn of_candidate_back(form: &Form) -> Self {
        Self { depth: form.hidden, first: 2 * form.hidden * form.hidden, stride: form.hidden, gates: 1 }
    }

    /// Of the two gates' gradients with theirs.
    fn of_gates_back(form: &Form) -> Self {
        Self { depth: 2 * form.hidden, first: 0, stride: form.hidden, gates: 1 }
    }
}

#[cube]
fn at(span: &Span, #[comptime] form: Form) -> At {
    let row = ABSOLUTE_POS_Y as usize;
    let unit = ABSOLUTE_POS_X as usize;
    At { direction: CUBE_POS_Z as usize, row, unit, inside: row < span.batch as usize && unit < comptime!(form.hidden) }
}

/// A unit's numbers of a product: of its only column, or of two.
#[cube]
fn product(
    rows: &[f32],
    weights: &[f32],
    at: &At,
    span: &Span,
    #[comptime] factor: Factor,
    #[comptime] form: Form,
) -> Array<f32> {
    let side = comptime!(SIDE as usize);
    let block = comptime!(side * side);
    let depth = comptime!(factor.depth);
    let batch = span.batch as usize;
    let (x, y) = (UNIT_POS_X as usize, UNIT_POS_Y as usize);
    let row_0 = (at.direction * batch + at.row) * depth;
    let column_0 = at.direction * comptime!(form.columns() * form.hidden) + comptime!(factor.first) + at.unit;

    let mut left = Shared::<[f32]>::new_slice(block);
    let mut right = Shared::<[f32]>::new_slice(comptime!(factor.gates * block));
    let mut sums = Array::<f32>::new(comptime!(factor.gates));
    #[unroll]
    for gate in 0..comptime!(factor.gates) {
        sums[gate] = 0.0;
    }
    for index in 0..comptime!(depth.div_ceil(side)) {
        let k = index * side;
        left[y * side + x] = 0.0;
        if at.row < batch && k + x < depth {
            left[y * side + x] = rows[row_0 + k + x];
        }
        #[unroll]
        for gate in 0..comptime!(factor.gates) {
            right[comptime!(gate * block) + y * side + x] = 0.0;
            if at.unit < comptime!(form.hidden) && k + y < depth {
                right[comptime!(gate * block) + y * side + x] =
                    weights[column_0 + (k + y) * comptime!(factor.stride) + comptime!(gate * form.hidden)];
            }
        }
        sync_cube();
        #[unroll]
        for k in 0..side {
            let number = left[y * side + k];
            #[unroll]
            for gate in 0..comptime!(factor.gates) {
                sums[gate] += number * right[comptime!(gate * block) + k * side + x];
            }
        }
        sync_cube();
    }
    sums
}

/// The first half of a step forward: r ⊙ h goes to `reset [directions, batch, hidden]`.
///
/// `weights [directions, hidden, 3 * hidden]`.
#[cube(launch)]
pub fn gates(weights: &[f32], course: &mut Course, reset: &mut [f32], span: Span, step: u32, #[comptime] form: Form) {
    let at = at(&span, form);
    let sums = product(&course.hidden, weights, &at, &span, comptime!(Factor::of_gates(&form)), form);
    if at.inside {
        let place = place(&span, &course.lengths, step as usize, at.direction, at.row, at.unit, form);
        let before = course.hidden[place.state];
        reset[place.state] = cell::reset(sums[0], sums[1], course, &place, before, form);
    }
}

/// The second half: the next state.
#[cube(launch)]
pub fn candidate(weights: &[f32], course: &mut Course, reset: &[f32], span: Span, step: u32, #[comptime] form: Form) {
    let at = at(&span, form);
    let sums = product(reset, weights, &at, &span, comptime!(Factor::of_candidate(&form)), form);
    if at.inside {
        let place = place(&span, &course.lengths, step as usize, at.direction, at.row, at.unit, form);
        stepwise::next(sums.as_slice(), 0usize, course, &place, 0.0f32.runtime(), form);
    }
}

/// The way through the reset gate of a step back.
///
/// `weights [directions, 3 * hidden, hidden]`, the transposes; `d_candidate [directions, batch, hidden]` is the gradient
/// of the candidate before its activation. The gradients of the two gates go to `d_gates [directions, batch, 2 *
/// hidden]`, and what passes their product by is carried.
#[cube(launch)]
pub fn gates_back(
    weights: &[f32],
    d_candidate: &[f32],
    tape: &Tape,
    d_gates: &mut [f32],
    gradients: &mut Gradients,
    span: Span,
    step: u32,
    #[comptime] form: Form,
) {
    let at = at(&span, form);
    let sums = product(d_candidate, weights, &at, &span, comptime!(Factor::of_candidate_back(&form)), form);
    if at.inside {
        let place = place(&span, &tape.lengths, step as usize, at.direction, at.row, at.unit, form);
        let from = in_product(&at, &span, 2usize, form);
        let handed = cell::reset_back(tape, gradients, d_gates, from, &place, sums[0], form);
        gradients.carried[place.state] += handed;
    }
}

/// The first half of a step back, and before it the end of the step that followed in time: the product of its two gates'
/// gradients, `d_gates [directions, batch, 2 * hidden]`.
#[cube(launch)]
pub fn candidate_back(
    weights: &[f32],
    d_gates: &[f32],
    tape: &Tape,
    d_candidate: &mut [f32],
    gradients: &mut Gradients,
    span: Span,
    step: u32,
    #[comptime] form: Form,
) {
    let at = at(&span, form);
    let sums = product(d_gates, weights, &at, &span, comptime!(Factor::of_gates_back(&form)), form);
    if at.inside {
        let place = place(&span, &tape.lengths, step as usize, at.direction, at.row, at.unit, form);
        stepwise::back(sums[0], tape, d_candidate, place.state, gradients, &place, &span, 0.0f32.runtime(), form);
    }
}
