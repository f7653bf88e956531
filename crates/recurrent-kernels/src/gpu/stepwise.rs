//! The stepwise schedule: in each step one product of Burn's own and one kernel for all gates.
//!
//! It is for weights too large for a cube to read in each step: a tuned product spreads them over the device. No step
//! copies a slice of the sequence: the kernels write at the step's place, and the state that the product takes lies in
//! memory of its own. A GRU with the reset gate before the product has two products a step, and
//! [kernels of its own](super::reset_first).

use burn_cubecl::cubecl::{self, prelude::*};

use super::cell::{self, Carried, Cell, Form, Gradients, Span, Tape, place};

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

/// Gates of the product of a step back, and of the only one forward; the candidate is one of its own in a GRU with the
/// reset gate before the product.
pub fn product_gates(form: &Form) -> usize {
    if form.cell == Cell::GruBefore { 1 } else { form.cell.gates() }
}

/// Where the unit's first gate lies in `[directions, batch, gates * hidden]`.
#[cube]
pub fn in_product(at: &At, span: &Span, #[comptime] gates: usize, #[comptime] form: Form) -> usize {
    (at.direction * span.batch as usize + at.row) * comptime!(gates * form.hidden) + at.unit
}

/// One step of the way forward. `product` has the recurrent part of the gates, `[directions, batch, gates * hidden]`.
#[cube(launch)]
pub fn forward(
    product: &[f32],
    bias: &[f32],
    lengths: &[u32],
    gates: &mut [f32],
    extra: &mut [f32],
    output: &mut [f32],
    hidden: &mut [f32],
    cell: &mut [f32],
    span: Span,
    step: u32,
    clip: f32,
    #[comptime] form: Form,
) {
    let at = at(&span, form);
    if at.inside {
        let place = place(&span, lengths, step as usize, at.direction, at.row, at.unit, form);
        if place.live {
            let from = in_product(&at, &span, comptime!(form.cell.gates()), form);
            let mut before = Carried { hidden: hidden[place.state], cell: 0.0f32.runtime() };
            if comptime!(form.cell.is_lstm()) {
                before.cell = cell[place.state];
            }
            let next = cell::forward(product, from, bias, gates, extra, &place, before, clip, form);
            hidden[place.state] = next.hidden;
            output[place.unit] = next.hidden;
            if comptime!(form.cell.is_lstm()) {
                cell[place.state] = next.cell;
            }
        } else {
            output[place.unit] = 0.0;
        }
    }
}

/// One step of the way back. `product [directions, batch, hidden]` is the part of the hidden state's gradient that came
/// through the recurrent weights, and `carried` has what passed them by, and then the cell state's. The gates' gradients
/// go to `step_gates [directions, batch, gates * hidden]` for the next product; of a GRU with the reset gate before the
/// product, the candidate's alone, `[directions, batch, hidden]`.
#[cube(launch)]
pub fn backward(
    product: &[f32],
    lengths: &[u32],
    tape: &Tape,
    d_output: &[f32],
    carried: &mut [f32],
    step_gates: &mut [f32],
    gradients: &mut Gradients,
    span: Span,
    step: u32,
    clip: f32,
    #[comptime] form: Form,
    #[comptime] has_output: bool,
) {
    let at = at(&span, form);
    if at.inside {
        let place = place(&span, lengths, step as usize, at.direction, at.row, at.unit, form);
        let states = comptime!(form.directions * form.hidden) * span.batch as usize;
        let from = in_product(&at, &span, comptime!(product_gates(&form)), form);
        let mut after = Carried { hidden: carried[place.state] + product[place.state], cell: 0.0f32.runtime() };
        if comptime!(form.cell.is_lstm()) {
            after.cell = carried[states + place.state];
        }
        after.hidden += cell::of_output(d_output, &place, has_output);
        let handed = cell::backward(tape, gradients, step_gates, from, &place, &span, after, clip, form);
        carried[place.state] = handed.hidden;
        if comptime!(form.cell.is_lstm()) {
            carried[states + place.state] = handed.cell;
        }
    }
}
