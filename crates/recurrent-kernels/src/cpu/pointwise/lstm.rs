//! The LSTM; see [`lstm_step`](crate::lstm_step) for the equations.

use super::{BackwardStep, ForwardStep, PanelProduct, Simd, sigmoid_backward, tanh_backward};

/// The gates `i, f, g, o`.
const GATES: usize = 4;

/// Forward: from the product to the states after the step.
///
/// # Safety
/// The machine has the instruction set; all pointers are valid as [`ForwardStep`] and [`PanelProduct`] describe.
#[inline(always)]
pub unsafe fn forward<S: Simd>(step: &ForwardStep, product: &PanelProduct, clip: Option<f32>) {
    let h = product.units;
    for block in 0..product.panel.blocks {
        let units = product.units::<S>(block);
        for (m, row) in product.rows.iter().enumerate() {
            // SAFETY: the row, the units and the step are those of the product, and every row of memory has `h` units per gate.
            unsafe {
                let gates = step.gates.row(product.t, *row);
                let mut z = [S::splat(0.0); GATES];
                for (gate, z) in z.iter_mut().enumerate() {
                    let input = step.input::<S>(gates, h, gate, units);
                    *z = S::add(product.gate::<S>(m, block, GATES, gate), input);
                }
                let (i, f, g, o) = (S::sigmoid(z[0]), S::sigmoid(z[1]), S::tanh(z[2]), S::sigmoid(z[3]));
                let before = units.load::<S>(step.cell.add(m * h));
                let mut cell = S::fma(f, before, S::mul(i, g));
                if let Some(clip) = clip {
                    cell = S::min(S::max(cell, S::splat(-clip)), S::splat(clip));
                }
                let hidden = S::mul(o, S::tanh(cell));
                if step.save {
                    for (gate, value) in [i, f, g, o].into_iter().enumerate() {
                        units.store::<S>(gates.add(gate * h), value);
                    }
                    units.store::<S>(step.saved_cell.row(product.t, *row), before);
                    units.store::<S>(step.saved_hidden.row(product.t, *row), units.load::<S>(step.hidden.add(m * h)));
                }
                units.store::<S>(step.cell.add(m * h), cell);
                units.store::<S>(step.next_hidden.add(m * h), hidden);
                units.store::<S>(step.output.row(product.t, *row), hidden);
            }
        }
    }
}

/// Backward: from the gradients of the states after the step to those of the pre-activations and of the states before it.
///
/// # Safety
/// The machine has the instruction set; all pointers are valid as [`BackwardStep`] and [`PanelProduct`] describe.
#[inline(always)]
pub unsafe fn backward<S: Simd>(step: &BackwardStep, product: &PanelProduct, clip: Option<f32>) {
    let h = product.units;
    for block in 0..product.panel.blocks {
        let units = product.units::<S>(block);
        for (m, row) in product.rows.iter().enumerate() {
            // SAFETY: as in `forward`.
            unsafe {
                let gates = step.gates.row(product.t, *row);
                let (i, f) = (units.load::<S>(gates), units.load::<S>(gates.add(h)));
                let (g, o) = (units.load::<S>(gates.add(2 * h)), units.load::<S>(gates.add(3 * h)));
                let before = units.load::<S>(step.saved_cell.row(product.t, *row));
                // Recomputed: two operations are cheaper than saving another value.
                let cell = S::fma(f, before, S::mul(i, g));
                let (clipped, bound) = match clip {
                    Some(clip) => (S::min(S::max(cell, S::splat(-clip)), S::splat(clip)), Some(S::splat(clip))),
                    None => (cell, None),
                };
                let tanh_cell = S::tanh(clipped);
                let d_hidden = step.d_hidden::<S>(product, m, block, units);
                let from_hidden = tanh_backward::<S>(S::mul(d_hidden, o), tanh_cell);
                let mut d_cell = S::add(units.load::<S>(step.d_cell.add(m * h)), from_hidden);
                if let Some(bound) = bound {
                    d_cell = S::zero_where_abs_exceeds(d_cell, cell, bound);
                }
                let d = [
                    sigmoid_backward::<S>(S::mul(d_cell, g), i),
                    sigmoid_backward::<S>(S::mul(d_cell, before), f),
                    tanh_backward::<S>(S::mul(d_cell, i), g),
                    sigmoid_backward::<S>(S::mul(d_hidden, tanh_cell), o),
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
