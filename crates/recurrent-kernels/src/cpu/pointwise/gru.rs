//! The GRU; see [`gru_step`](crate::gru_step) for the equations.
//!
//! A row of the gate buffer has four blocks: `r, z, n`, and a fourth for the gradient of the candidate's recurrent
//! weights. Reset-after, it holds `W_hn h + b_hn` and later the gradient of that; reset-before, `r ⊙ h`.

use super::{BackwardStep, ForwardStep, PanelProduct, Simd, sigmoid_backward, tanh_backward};

/// Forward, reset-after: from the product of all three gates to the state after the step.
///
/// # Safety
/// The machine has the instruction set; all pointers are valid as [`ForwardStep`] and [`PanelProduct`] describe.
#[inline(always)]
pub unsafe fn forward_after<S: Simd>(step: &ForwardStep, product: &PanelProduct) {
    let h = product.units;
    for block in 0..product.panel.blocks {
        let units = product.units::<S>(block);
        for (m, row) in product.rows.iter().enumerate() {
            // SAFETY: the row, the units and the step are those of the product, and every row of memory has `h` units per
            // block.
            unsafe {
                let gates = step.gates.row(product.t, *row);
                let r = S::add(product.gate::<S>(m, block, 3, 0), step.input::<S>(gates, h, 0, units));
                let z = S::add(product.gate::<S>(m, block, 3, 1), step.input::<S>(gates, h, 1, units));
                let (r, z) = (S::sigmoid(r), S::sigmoid(z));
                let recurrent = S::add(product.gate::<S>(m, block, 3, 2), units.load::<S>(step.bias_hn));
                let n = S::tanh(S::fma(r, recurrent, step.input::<S>(gates, h, 2, units)));
                let before = units.load::<S>(step.hidden.add(m * h));
                let hidden = S::fma(z, S::sub(before, n), n);
                if step.save {
                    for (gate, value) in [r, z, n, recurrent].into_iter().enumerate() {
                        units.store::<S>(gates.add(gate * h), value);
                    }
                    units.store::<S>(step.saved_hidden.row(product.t, *row), before);
                }
                units.store::<S>(step.next_hidden.add(m * h), hidden);
                units.store::<S>(step.output.row(product.t, *row), hidden);
            }
        }
    }
}

/// Forward, reset-before, first product: from r and z to r ⊙ h.
///
/// # Safety
/// As [`forward_after`].
#[inline(always)]
pub unsafe fn forward_reset<S: Simd>(step: &ForwardStep, product: &PanelProduct) {
    let h = product.units;
    for block in 0..product.panel.blocks {
        let units = product.units::<S>(block);
        for (m, row) in product.rows.iter().enumerate() {
            // SAFETY: as in `forward_after`.
            unsafe {
                let gates = step.gates.row(product.t, *row);
                let r = S::add(product.gate::<S>(m, block, 2, 0), step.input::<S>(gates, h, 0, units));
                let z = S::add(product.gate::<S>(m, block, 2, 1), step.input::<S>(gates, h, 1, units));
                let (r, z) = (S::sigmoid(r), S::sigmoid(z));
                let reset_hidden = S::mul(r, units.load::<S>(step.hidden.add(m * h)));
                units.store::<S>(step.reset_hidden.add(m * h), reset_hidden);
                for (gate, value) in [(0, r), (1, z), (3, reset_hidden)] {
                    units.store::<S>(gates.add(gate * h), value);
                }
            }
        }
    }
}

/// Forward, reset-before, second product: from that of r ⊙ h to the state after the step.
///
/// # Safety
/// As [`forward_after`].
#[inline(always)]
pub unsafe fn forward_candidate<S: Simd>(step: &ForwardStep, product: &PanelProduct) {
    let h = product.units;
    for block in 0..product.panel.blocks {
        let units = product.units::<S>(block);
        for (m, row) in product.rows.iter().enumerate() {
            // SAFETY: as in `forward_after`.
            unsafe {
                let gates = step.gates.row(product.t, *row);
                let n = S::add(product.gate::<S>(m, block, 1, 0), step.input::<S>(gates, h, 2, units));
                let n = S::tanh(n);
                let z = units.load::<S>(gates.add(h));
                let before = units.load::<S>(step.hidden.add(m * h));
                let hidden = S::fma(z, S::sub(before, n), n);
                if step.save {
                    units.store::<S>(gates.add(2 * h), n);
                    units.store::<S>(step.saved_hidden.row(product.t, *row), before);
                }
                units.store::<S>(step.next_hidden.add(m * h), hidden);
                units.store::<S>(step.output.row(product.t, *row), hidden);
            }
        }
    }
}

/// Backward, reset-after: from the gradient of the state after the step to those of the pre-activations.
///
/// # Safety
/// The machine has the instruction set; all pointers are valid as [`BackwardStep`] and [`PanelProduct`] describe.
#[inline(always)]
pub unsafe fn backward_after<S: Simd>(step: &BackwardStep, product: &PanelProduct) {
    let h = product.units;
    for block in 0..product.panel.blocks {
        let units = product.units::<S>(block);
        for (m, row) in product.rows.iter().enumerate() {
            // SAFETY: as in `forward_after`.
            unsafe {
                let gates = step.gates.row(product.t, *row);
                let (r, z) = (units.load::<S>(gates), units.load::<S>(gates.add(h)));
                let (n, recurrent) = (units.load::<S>(gates.add(2 * h)), units.load::<S>(gates.add(3 * h)));
                let before = units.load::<S>(step.saved_hidden.row(product.t, *row));
                let d_hidden = step.d_hidden::<S>(product, m, block, units);
                let bypass = S::mul(d_hidden, z);
                let d_n = tanh_backward::<S>(S::sub(d_hidden, bypass), n);
                let d_z = sigmoid_backward::<S>(S::mul(d_hidden, S::sub(before, n)), z);
                let d_r = sigmoid_backward::<S>(S::mul(d_n, recurrent), r);
                let d_recurrent = S::mul(d_n, r);
                for (gate, d) in [d_r, d_z, d_n, d_recurrent].into_iter().enumerate() {
                    units.store::<S>(gates.add(gate * h), d);
                }
                for (gate, d) in [d_r, d_z, d_recurrent].into_iter().enumerate() {
                    units.store::<S>(step.d_gates.add((m * 3 + gate) * h), d);
                }
                units.store::<S>(step.carry.add(m * h), bypass);
            }
        }
    }
}

/// Backward, reset-before, first product: from the gradient of the state after the step to those of the pre-activations
/// of z and n.
///
/// # Safety
/// As [`backward_after`].
#[inline(always)]
pub unsafe fn backward_candidate<S: Simd>(step: &BackwardStep, product: &PanelProduct) {
    let h = product.units;
    for block in 0..product.panel.blocks {
        let units = product.units::<S>(block);
        for (m, row) in product.rows.iter().enumerate() {
            // SAFETY: as in `forward_after`.
            unsafe {
                let gates = step.gates.row(product.t, *row);
                let (z, n) = (units.load::<S>(gates.add(h)), units.load::<S>(gates.add(2 * h)));
                let before = units.load::<S>(step.saved_hidden.row(product.t, *row));
                let d_hidden = step.d_hidden::<S>(product, m, block, units);
                let bypass = S::mul(d_hidden, z);
                let d_n = tanh_backward::<S>(S::sub(d_hidden, bypass), n);
                let d_z = sigmoid_backward::<S>(S::mul(d_hidden, S::sub(before, n)), z);
                units.store::<S>(gates.add(h), d_z);
                units.store::<S>(gates.add(2 * h), d_n);
                units.store::<S>(step.d_candidate.add(m * h), d_n);
                units.store::<S>(step.d_gates.add((m * 2 + 1) * h), d_z);
                units.store::<S>(step.carry.add(m * h), bypass);
            }
        }
    }
}

/// Backward, reset-before, second product: from the gradient of r ⊙ h, which is the product, to that of r's
/// pre-activation.
///
/// # Safety
/// As [`backward_after`].
#[inline(always)]
pub unsafe fn backward_reset<S: Simd>(step: &BackwardStep, product: &PanelProduct) {
    let h = product.units;
    for block in 0..product.panel.blocks {
        let units = product.units::<S>(block);
        for (m, row) in product.rows.iter().enumerate() {
            // SAFETY: as in `forward_after`.
            unsafe {
                let gates = step.gates.row(product.t, *row);
                let r = units.load::<S>(gates);
                let before = units.load::<S>(step.saved_hidden.row(product.t, *row));
                let d_reset = product.gate::<S>(m, block, 1, 0);
                let d_r = sigmoid_backward::<S>(S::mul(d_reset, before), r);
                units.store::<S>(gates, d_r);
                units.store::<S>(step.d_gates.add(m * 2 * h), d_r);
                let carry = step.carry.add(m * h);
                units.store::<S>(carry, S::fma(d_reset, r, units.load::<S>(carry)));
            }
        }
    }
}
