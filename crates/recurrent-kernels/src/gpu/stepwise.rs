//! The stepwise schedule: in each step one product of Burn's own and one kernel for all gates.
//!
//! It is for weights too large for a cube to read in each step: a tuned product spreads them over the device. No step
//! copies a slice of the sequence: the kernels write at the step's place, and the state that the product takes lies in
//! memory of its own. A GRU with the reset gate before the product has two products a step, and
//! [kernels of its own](super::reset_first).

use burn_cubecl::cubecl::{self, prelude::*};

use super::cell::{self, Carried, Cell, Course, Form, Gradients, Place, Span, Tape, place};

/// Units of a cube.
pub const UNITS: u32 = 256;

/// Where in `[directions, batch, hidden]` a unit of the device works.
#[derive(CubeType, Clone, Copy)]
pub struct At {
    pub direction: usize,
    pub row: usize,
    pub unit: usize,
    pub inside: bool,
}

#[cube]
fn at(span: &Span, #[comptime] form: Form) -> At {
    let (hidden, batch) = (comptime!(form.hidden), span.batch as usize);
    let position = ABSOLUTE_POS;
    let row = position / hidden;
    At {
        direction: row / batch,
        row: row % batch,
        unit: position % hidden,
        inside: position < comptime!(form.directions * form.hidden) * batch,
    }
}

/// Gates whose gradients the next product back takes.
fn product_gates(form: &Form) -> usize {
    if form.cell == Cell::GruBefore { 1 } else { form.cell.gates() }
}

/// Where the unit's first gate lies in `[directions, batch, gates * hidden]`.
#[cube]
pub fn in_product(at: &At, span: &Span, #[comptime] gates: usize, #[comptime] form: Form) -> usize {
    (at.direction * span.batch as usize + at.row) * comptime!(gates * form.hidden) + at.unit
}

/// One step of the way forward. `product` has the recurrent part of the gates, `[directions, batch, gates * hidden]`.
#[cube(launch)]
pub fn forward(product: &[f32], course: &mut Course, span: Span, step: u32, clip: f32, #[comptime] form: Form) {
    let at = at(&span, form);
    if at.inside {
        let place = place(&span, &course.lengths, step as usize, at.direction, at.row, at.unit, form);
        let from = in_product(&at, &span, comptime!(form.cell.gates()), form);
        next(product, from, course, &place, clip, form);
    }
}

/// Leaves the state after a step in the course, and the output: the state, or zero past a row's end.
#[cube]
pub fn next(product: &[f32], from: usize, course: &mut Course, place: &Place, clip: f32, #[comptime] form: Form) {
    if place.live {
        let mut before = Carried { hidden: course.hidden[place.state], cell: 0.0f32.runtime() };
        if comptime!(form.cell.is_lstm()) {
            before.cell = course.cell[place.state];
        }
        let next = cell::forward(product, from, course, place, before, clip, form);
        course.hidden[place.state] = next.hidden;
        course.output[place.unit] = next.hidden;
        if comptime!(form.cell.is_lstm()) {
            course.cell[place.state] = next.cell;
        }
    } else {
        course.output[place.unit] = 0.0;
    }
}

/// One step of the way back. `product [directions, batch, hidden]` is the part of the hidden state's gradient that came
/// through the recurrent weights; what passed them by is carried, and so is the cell state's. The gates' gradients go to
/// `step_gates [directions, batch, gates * hidden]` for the next product; of a GRU with the reset gate before the
/// product, the candidate's alone, `[directions, batch, hidden]`.
#[cube(launch)]
pub fn backward(
    product: &[f32],
    tape: &Tape,
    step_gates: &mut [f32],
    gradients: &mut Gradients,
    span: Span,
    step: u32,
    clip: f32,
    #[comptime] form: Form,
) {
    let at = at(&span, form);
    if at.inside {
        let place = place(&span, &tape.lengths, step as usize, at.direction, at.row, at.unit, form);
        let from = in_product(&at, &span, comptime!(product_gates(&form)), form);
        back(product[place.state], tape, step_gates, from, gradients, &place, &span, clip, form);
    }
}

/// The way back through a step, from what came through the recurrent weights and what is carried to what the step hands
/// on. What the next product takes goes to `step_gates[from ..]`, `hidden` apart.
#[cube]
pub fn back(
    through: f32,
    tape: &Tape,
    step_gates: &mut [f32],
    from: usize,
    gradients: &mut Gradients,
    place: &Place,
    span: &Span,
    clip: f32,
    #[comptime] form: Form,
) {
    let states = comptime!(form.directions * form.hidden) * span.batch as usize;
    let mut after = Carried { hidden: gradients.carried[place.state] + through, cell: 0.0f32.runtime() };
    if comptime!(form.cell.is_lstm()) {
        after.cell = gradients.carried[states + place.state];
    }
    after.hidden += cell::of_output(tape, place, form);
    let handed = cell::backward(tape, gradients, step_gates, from, place, span, after, clip, form);
    gradients.carried[place.state] = handed.hidden;
    if comptime!(form.cell.is_lstm()) {
        gradients.carried[states + place.state] = handed.cell;
    }
}
