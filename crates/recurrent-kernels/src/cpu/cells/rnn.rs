//! The vanilla RNN; [`rnn_step`](crate::rnn_step) has the equation.

use super::{Backward, Forward, Lanes, Part, through_tanh};
use crate::Nonlinearity;

/// From a product to the state after a step.
///
/// # Safety
/// The machine has the instruction set; all pointers lead to as much as [`Forward`] and [`Part`] say.
#[inline(always)]
pub unsafe fn forward<S: Lanes>(step: &Forward, part: &Part, nonlinearity: Nonlinearity) {
    let h = part.units;
    for block in 0..part.panel.blocks {
        let units = part.units::<S>(block);
        for (m, row) in part.rows.iter().enumerate() {
            // SAFETY: the row, the units and the step are of this part, and every row of memory has `h` units.
            unsafe {
                let gates = step.gates.row(part.t, *row);
                let z = S::add(part.product::<S>(m, block, 1, 0), step.input::<S>(gates, h, 0, units));
                let hidden = match nonlinearity {
                    Nonlinearity::Tanh => S::tanh(z),
                    Nonlinearity::Relu => S::max(z, S::splat(0.0)),
                };
                if step.keep {
                    units.store::<S>(gates, hidden);
                    units.store::<S>(step.before.row(part.t, *row), units.load::<S>(step.now.add(m * h)));
                }
                units.store::<S>(step.next.add(m * h), hidden);
                units.store::<S>(step.output.row(part.t, *row), hidden);
            }
        }
    }
}

/// From the gradient of the state after a step to that of the pre-activation.
///
/// # Safety
/// The machine has the instruction set; all pointers lead to as much as [`Backward`] and [`Part`] say.
#[inline(always)]
pub unsafe fn backward<S: Lanes>(step: &Backward, part: &Part, nonlinearity: Nonlinearity) {
    let h = part.units;
    for block in 0..part.panel.blocks {
        let units = part.units::<S>(block);
        for (m, row) in part.rows.iter().enumerate() {
            // SAFETY: as in `forward`.
            unsafe {
                let gates = step.gates.row(part.t, *row);
                let hidden = units.load::<S>(gates);
                let d_hidden = step.d_hidden::<S>(part, m, block, units);
                let d = match nonlinearity {
                    Nonlinearity::Tanh => through_tanh::<S>(d_hidden, hidden),
                    Nonlinearity::Relu => S::unless_stopped(d_hidden, hidden),
                };
                units.store::<S>(gates, d);
                units.store::<S>(step.d_gates.add(m * h), d);
                units.store::<S>(step.carry.add(m * h), S::splat(0.0));
            }
        }
    }
}
