//! The LSTM; [`lstm_step`](crate::lstm_step) has the equations.

use super::{Backward, Forward, Lanes, Part, through_sigmoid, through_tanh};

/// Gates `i, f, g, o`.
const GATES: usize = 4;

/// From a product to the states after a step.
///
/// # Safety
/// The machine has the instruction set; all pointers lead to as much as [`Forward`] and [`Part`] say.
#[inline(always)]
pub unsafe fn forward<S: Lanes>(step: &Forward, part: &Part, clip: Option<f32>) {
    let h = part.units;
    for block in 0..part.panel.blocks {
        let units = part.units::<S>(block);
        for (m, row) in part.rows.iter().enumerate() {
            // SAFETY: the row, the units and the step are of this part, and every row of memory has `h` units a gate.
            unsafe {
                let gates = step.gates.row(part.t, *row);
                let mut z = [S::splat(0.0); GATES];
                for (gate, z) in z.iter_mut().enumerate() {
                    let input = step.input::<S>(gates, h, gate, units);
                    *z = S::add(part.product::<S>(m, block, GATES, gate), input);
                }
                let (i, f, g, o) = (S::sigmoid(z[0]), S::sigmoid(z[1]), S::tanh(z[2]), S::sigmoid(z[3]));
                let before = units.load::<S>(step.cell.add(m * h));
                let mut cell = S::fma(f, before, S::mul(i, g));
                if let Some(clip) = clip {
                    cell = S::min(S::max(cell, S::splat(-clip)), S::splat(clip));
                }
                let hidden = S::mul(o, S::tanh(cell));
                if step.keep {
                    for (gate, value) in [i, f, g, o].into_iter().enumerate() {
                        units.store::<S>(gates.add(gate * h), value);
                    }
                    units.store::<S>(step.cells.row(part.t, *row), before);
                    units.store::<S>(step.before.row(part.t, *row), units.load::<S>(step.now.add(m * h)));
                }
                units.store::<S>(step.cell.add(m * h), cell);
                units.store::<S>(step.next.add(m * h), hidden);
                units.store::<S>(step.output.row(part.t, *row), hidden);
            }
        }
    }
}

/// From the gradient of the states after a step to that of the pre-activations and of the states before it.
///
/// # Safety
/// The machine has the instruction set; all pointers lead to as much as [`Backward`] and [`Part`] say.
#[inline(always)]
pub unsafe fn backward<S: Lanes>(step: &Backward, part: &Part, clip: Option<f32>) {
    let h = part.units;
    for block in 0..part.panel.blocks {
        let units = part.units::<S>(block);
        for (m, row) in part.rows.iter().enumerate() {
            // SAFETY: as in `forward`.
            unsafe {
                let gates = step.gates.row(part.t, *row);
                let (i, f) = (units.load::<S>(gates), units.load::<S>(gates.add(h)));
                let (g, o) = (units.load::<S>(gates.add(2 * h)), units.load::<S>(gates.add(3 * h)));
                let before = units.load::<S>(step.cells.row(part.t, *row));
                // Two operations again are cheaper than a number more to keep.
                let cell = S::fma(f, before, S::mul(i, g));
                let (shown, d_clip) = match clip {
                    Some(clip) => (S::min(S::max(cell, S::splat(-clip)), S::splat(clip)), Some(S::splat(clip))),
                    None => (cell, None),
                };
                let shown = S::tanh(shown);
                let d_hidden = step.d_hidden::<S>(part, m, block, units);
                let through_output = through_tanh::<S>(S::mul(d_hidden, o), shown);
                let mut d_cell = S::add(units.load::<S>(step.d_cell.add(m * h)), through_output);
                if let Some(clip) = d_clip {
                    d_cell = S::unless_beyond(d_cell, cell, clip);
                }
                let d = [
                    through_sigmoid::<S>(S::mul(d_cell, g), i),
                    through_sigmoid::<S>(S::mul(d_cell, before), f),
                    through_tanh::<S>(S::mul(d_cell, i), g),
                    through_sigmoid::<S>(S::mul(d_hidden, shown), o),
                ];
                for (gate, d) in d.into_iter().enumerate() {
                    units.store::<S>(gates.add(gate * h), d);
                    units.store::<S>(step.d_gates.add((m * GATES + gate) * h), d);
                }
                units.store::<S>(step.d_cell.add(m * h), S::mul(d_cell, f));
                units.store::<S>(step.carry.add(m * h), S::splat(0.0));
            }
        }
    }
}
