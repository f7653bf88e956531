//! The vanilla RNN; see [`rnn_step`](crate::rnn_step) for the equation.

use super::{BackwardStep, ForwardStep, PanelProduct, Simd, tanh_backward};
use crate::Nonlinearity;

/// Forward: from the product to the state after the step.
///
/// # Safety
/// The machine has the instruction set; all pointers are valid as [`ForwardStep`] and [`PanelProduct`] describe.
#[inline(always)]
pub unsafe fn forward<S: Simd>(step: &ForwardStep, product: &PanelProduct, nonlinearity: Nonlinearity) {
    let h = product.units;
    for block in 0..product.panel.blocks {
        let units = product.units::<S>(block);
        for (m, row) in product.rows.iter().enumerate() {
            // SAFETY: the row, the units and the step are those of the product, and every row of memory has `h` units.
            unsafe {
                let gates = step.gates.row(product.t, *row);
                let z = S::add(product.gate::<S>(m, block, 1, 0), step.input::<S>(gates, h, 0, units));
                let hidden = match nonlinearity {
                    Nonlinearity::Tanh => S::tanh(z),
                    Nonlinearity::Relu => S::max(z, S::splat(0.0)),
                };
                if step.save {
                    units.store::<S>(gates, hidden);
                    units.store::<S>(step.saved_hidden.row(product.t, *row), units.load::<S>(step.hidden.add(m * h)));
                }
                units.store::<S>(step.next_hidden.add(m * h), hidden);
                units.store::<S>(step.output.row(product.t, *row), hidden);
            }
        }
    }
}

/// Backward: from the gradient of the state after the step to that of the pre-activation.
///
/// # Safety
/// The machine has the instruction set; all pointers are valid as [`BackwardStep`] and [`PanelProduct`] describe.
#[inline(always)]
pub unsafe fn backward<S: Simd>(step: &BackwardStep, product: &PanelProduct, nonlinearity: Nonlinearity) {
    let h = product.units;
    for block in 0..product.panel.blocks {
        let units = product.units::<S>(block);
        for (m, row) in product.rows.iter().enumerate() {
            // SAFETY: as in `forward`.
            unsafe {
                let gates = step.gates.row(product.t, *row);
                let hidden = units.load::<S>(gates);
                let d_hidden = step.d_hidden::<S>(product, m, block, units);
                let d = match nonlinearity {
                    Nonlinearity::Tanh => tanh_backward::<S>(d_hidden, hidden),
                    Nonlinearity::Relu => S::zero_where_not_positive(d_hidden, hidden),
                };
                units.store::<S>(gates, d);
                units.store::<S>(step.d_gates.add(m * h), d);
                units.store::<S>(step.carry.add(m * h), S::splat(0.0));
            }
        }
    }
}
