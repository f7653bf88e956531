//! The GRU; [`gru_step`](crate::gru_step) has the equations.
//!
//! A row of the gates' grid has four parts here: `r, z, n`, and a fourth for what the candidate's recurrent product
//! needs. With the reset gate after the product that is `W_hn h + b_hn`, and its gradient in the end; with the reset gate
//! before it, `r ⊙ h`.

use super::{Backward, Forward, Lanes, Part, through_sigmoid, through_tanh};

/// From a product with all three gates to the state after a step, the reset gate after the product.
///
/// # Safety
/// The machine has the instruction set; all pointers lead to as much as [`Forward`] and [`Part`] say.
#[inline(always)]
pub unsafe fn forward_after<S: Lanes>(step: &Forward, part: &Part) {
    let h = part.units;
    for block in 0..part.panel.blocks {
        let units = part.units::<S>(block);
        for (m, row) in part.rows.iter().enumerate() {
            // SAFETY: the row, the units and the step are of this part, and every row of memory has `h` units a part.
            unsafe {
                let gates = step.gates.row(part.t, *row);
                let r = S::add(part.product::<S>(m, block, 3, 0), step.input::<S>(gates, h, 0, units));
                let z = S::add(part.product::<S>(m, block, 3, 1), step.input::<S>(gates, h, 1, units));
                let (r, z) = (S::sigmoid(r), S::sigmoid(z));
                let recurrent = S::add(part.product::<S>(m, block, 3, 2), units.load::<S>(step.bias_hn));
                let n = S::tanh(S::fma(r, recurrent, step.input::<S>(gates, h, 2, units)));
                let before = units.load::<S>(step.now.add(m * h));
                let hidden = S::fma(z, S::sub(before, n), n);
                if step.keep {
                    for (gate, value) in [r, z, n, recurrent].into_iter().enumerate() {
                        units.store::<S>(gates.add(gate * h), value);
                    }
                    units.store::<S>(step.before.row(part.t, *row), before);
                }
                units.store::<S>(step.next.add(m * h), hidden);
                units.store::<S>(step.output.row(part.t, *row), hidden);
            }
        }
    }
}

/// From a product with the gates r and z to r ⊙ h, the reset gate before the candidate's product.
///
/// # Safety
/// As of [`forward_after`].
#[inline(always)]
pub unsafe fn forward_reset<S: Lanes>(step: &Forward, part: &Part) {
    let h = part.units;
    for block in 0..part.panel.blocks {
        let units = part.units::<S>(block);
        for (m, row) in part.rows.iter().enumerate() {
            // SAFETY: as in `forward_after`.
            unsafe {
                let gates = step.gates.row(part.t, *row);
                let r = S::add(part.product::<S>(m, block, 2, 0), step.input::<S>(gates, h, 0, units));
                let z = S::add(part.product::<S>(m, block, 2, 1), step.input::<S>(gates, h, 1, units));
                let (r, z) = (S::sigmoid(r), S::sigmoid(z));
                let reset = S::mul(r, units.load::<S>(step.now.add(m * h)));
                units.store::<S>(step.reset.add(m * h), reset);
                for (gate, value) in [(0, r), (1, z), (3, reset)] {
                    units.store::<S>(gates.add(gate * h), value);
                }
            }
        }
    }
}

/// From the product with r ⊙ h to the state after a step, the reset gate before the product.
///
/// # Safety
/// As of [`forward_after`].
#[inline(always)]
pub unsafe fn forward_candidate<S: Lanes>(step: &Forward, part: &Part) {
    let h = part.units;
    for block in 0..part.panel.blocks {
        let units = part.units::<S>(block);
        for (m, row) in part.rows.iter().enumerate() {
            // SAFETY: as in `forward_after`.
            unsafe {
                let gates = step.gates.row(part.t, *row);
                let n = S::add(part.product::<S>(m, block, 1, 0), step.input::<S>(gates, h, 2, units));
                let n = S::tanh(n);
                let z = units.load::<S>(gates.add(h));
                let before = units.load::<S>(step.now.add(m * h));
                let hidden = S::fma(z, S::sub(before, n), n);
                if step.keep {
                    units.store::<S>(gates.add(2 * h), n);
                    units.store::<S>(step.before.row(part.t, *row), before);
                }
                units.store::<S>(step.next.add(m * h), hidden);
                units.store::<S>(step.output.row(part.t, *row), hidden);
            }
        }
    }
}

/// From the gradient of the state after a step to those of the pre-activations, the reset gate after the product.
///
/// # Safety
/// The machine has the instruction set; all pointers lead to as much as [`Backward`] and [`Part`] say.
#[inline(always)]
pub unsafe fn backward_after<S: Lanes>(step: &Backward, part: &Part) {
    let h = part.units;
    for block in 0..part.panel.blocks {
        let units = part.units::<S>(block);
        for (m, row) in part.rows.iter().enumerate() {
            // SAFETY: as in `forward_after`.
            unsafe {
                let gates = step.gates.row(part.t, *row);
                let (r, z) = (units.load::<S>(gates), units.load::<S>(gates.add(h)));
                let (n, recurrent) = (units.load::<S>(gates.add(2 * h)), units.load::<S>(gates.add(3 * h)));
                let before = units.load::<S>(step.before.row(part.t, *row));
                let d_hidden = step.d_hidden::<S>(part, m, block, units);
                let past = S::mul(d_hidden, z);
                let d_n = through_tanh::<S>(S::sub(d_hidden, past), n);
                let d_z = through_sigmoid::<S>(S::mul(d_hidden, S::sub(before, n)), z);
                let d_r = through_sigmoid::<S>(S::mul(d_n, recurrent), r);
                let d_recurrent = S::mul(d_n, r);
                for (gate, d) in [d_r, d_z, d_n, d_recurrent].into_iter().enumerate() {
                    units.store::<S>(gates.add(gate * h), d);
                }
                for (gate, d) in [d_r, d_z, d_recurrent].into_iter().enumerate() {
                    units.store::<S>(step.d_gates.add((m * 3 + gate) * h), d);
                }
                units.store::<S>(step.carry.add(m * h), past);
            }
        }
    }
}

/// From the gradient of the state after a step to those of z's and n's pre-activations, the reset gate before the
/// product.
///
/// # Safety
/// As of [`backward_after`].
#[inline(always)]
pub unsafe fn backward_candidate<S: Lanes>(step: &Backward, part: &Part) {
    let h = part.units;
    for block in 0..part.panel.blocks {
        let units = part.units::<S>(block);
        for (m, row) in part.rows.iter().enumerate() {
            // SAFETY: as in `forward_after`.
            unsafe {
                let gates = step.gates.row(part.t, *row);
                let (z, n) = (units.load::<S>(gates.add(h)), units.load::<S>(gates.add(2 * h)));
                let before = units.load::<S>(step.before.row(part.t, *row));
                let d_hidden = step.d_hidden::<S>(part, m, block, units);
                let past = S::mul(d_hidden, z);
                let d_n = through_tanh::<S>(S::sub(d_hidden, past), n);
                let d_z = through_sigmoid::<S>(S::mul(d_hidden, S::sub(before, n)), z);
                units.store::<S>(gates.add(h), d_z);
                units.store::<S>(gates.add(2 * h), d_n);
                units.store::<S>(step.d_candidate.add(m * h), d_n);
                units.store::<S>(step.d_gates.add((m * 2 + 1) * h), d_z);
                units.store::<S>(step.carry.add(m * h), past);
            }
        }
    }
}

/// From the gradient of r ⊙ h, which is the product, to that of r's pre-activation, the reset gate before the product.
///
/// # Safety
/// As of [`backward_after`].
#[inline(always)]
pub unsafe fn backward_reset<S: Lanes>(step: &Backward, part: &Part) {
    let h = part.units;
    for block in 0..part.panel.blocks {
        let units = part.units::<S>(block);
        for (m, row) in part.rows.iter().enumerate() {
            // SAFETY: as in `forward_after`.
            unsafe {
                let gates = step.gates.row(part.t, *row);
                let r = units.load::<S>(gates);
                let before = units.load::<S>(step.before.row(part.t, *row));
                let d_reset = part.product::<S>(m, block, 1, 0);
                let d_r = through_sigmoid::<S>(S::mul(d_reset, before), r);
                units.store::<S>(gates, d_r);
                units.store::<S>(step.d_gates.add(m * 2 * h), d_r);
                let carry = step.carry.add(m * h);
                units.store::<S>(carry, S::fma(d_reset, r, units.load::<S>(carry)));
            }
        }
    }
}
