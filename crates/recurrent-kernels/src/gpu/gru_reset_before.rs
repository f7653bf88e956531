//! The stepwise schedule of a reset-before GRU.
//!
//! Its step has two products, the second of which depends on the first: h goes into the two gates, and r ⊙ h into the
//! candidate. Each of them is fused with its pointwise part in one kernel, so a step takes two launches, as for the other
//! cells. Forward: the product of the gates with r ⊙ h, then that of the candidate with the new state. Backward: the
//! product of the candidate's gradient with the gradient of the reset gate, then that of the gates' gradients with the
//! first half of the previous step.
//!
//! A cube computes a tile of rows and hidden units, and iterates over the depth of the product with blocks of both
//! factors in shared memory.

use burn_cubecl::cubecl::{self, prelude::*};

use super::pointwise::{
    self, BackwardBuffers, ForwardBuffers, GradientBuffers, KernelConfig, SequenceShape, unit_index,
};
use super::stepwise::{self, UnitPosition, product_offset};

/// Rows and hidden units of a cube's tile, and the depth of a block.
pub const TILE_SIDE: u32 = 16;

/// The product of a half step: rows `[directions, batch, depth]` times a part of each direction's matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct HalfStepProduct {
    /// Elements of a row.
    depth: usize,
    /// The offset of the part in a direction's matrix.
    first: usize,
    /// From one row of the matrix to the next.
    stride: usize,
    /// Columns per hidden unit, `hidden` apart: one or two.
    gates: usize,
}

impl HalfStepProduct {
    /// h times the two gates' columns of `[hidden, 3 * hidden]`.
    fn of_gates(config: &KernelConfig) -> Self {
        Self { depth: config.hidden, first: 0, stride: config.columns(), gates: 2 }
    }

    /// r ⊙ h times the candidate's columns.
    fn of_candidate(config: &KernelConfig) -> Self {
        Self { depth: config.hidden, first: 2 * config.hidden, stride: config.columns(), gates: 1 }
    }

    /// The candidate's gradient times its rows of the transpose, `[3 * hidden, hidden]`.
    fn of_candidate_backward(config: &KernelConfig) -> Self {
        Self { depth: config.hidden, first: 2 * config.hidden * config.hidden, stride: config.hidden, gates: 1 }
    }

    /// The two gates' gradients times their rows.
    fn of_gates_backward(config: &KernelConfig) -> Self {
        Self { depth: 2 * config.hidden, first: 0, stride: config.hidden, gates: 1 }
    }
}

#[cube]
fn unit_position(shape: &SequenceShape, #[comptime] config: KernelConfig) -> UnitPosition {
    let row = ABSOLUTE_POS_Y as usize;
    let unit = ABSOLUTE_POS_X as usize;
    UnitPosition {
        direction: CUBE_POS_Z as usize,
        row,
        unit,
        inside: row < shape.batch as usize && unit < comptime!(config.hidden),
    }
}

/// A unit's elements of a product: one for each of its columns.
#[cube]
fn product(
    rows: &[f32],
    weights: &[f32],
    position: &UnitPosition,
    shape: &SequenceShape,
    #[comptime] half: HalfStepProduct,
    #[comptime] config: KernelConfig,
) -> Array<f32> {
    let side = comptime!(TILE_SIDE as usize);
    let block = comptime!(side * side);
    let depth = comptime!(half.depth);
    let batch = shape.batch as usize;
    let (x, y) = (UNIT_POS_X as usize, UNIT_POS_Y as usize);
    let row_0 = (position.direction * batch + position.row) * depth;
    let column_0 =
        position.direction * comptime!(config.columns() * config.hidden) + comptime!(half.first) + position.unit;

    let mut left = Shared::<[f32]>::new_slice(block);
    let mut right = Shared::<[f32]>::new_slice(comptime!(half.gates * block));
    let mut sums = Array::<f32>::new(comptime!(half.gates));
    #[unroll]
    for gate in 0..comptime!(half.gates) {
        sums[gate] = 0.0;
    }
    for index in 0..comptime!(depth.div_ceil(side)) {
        let k = index * side;
        left[y * side + x] = 0.0;
        if position.row < batch && k + x < depth {
            left[y * side + x] = rows[row_0 + k + x];
        }
        #[unroll]
        for gate in 0..comptime!(half.gates) {
            right[comptime!(gate * block) + y * side + x] = 0.0;
            if position.unit < comptime!(config.hidden) && k + y < depth {
                right[comptime!(gate * block) + y * side + x] =
                    weights[column_0 + (k + y) * comptime!(half.stride) + comptime!(gate * config.hidden)];
            }
        }
        sync_cube();
        #[unroll]
        for k in 0..side {
            let element = left[y * side + k];
            #[unroll]
            for gate in 0..comptime!(half.gates) {
                sums[gate] += element * right[comptime!(gate * block) + k * side + x];
            }
        }
        sync_cube();
    }
    sums
}

/// The first half of a forward step: writes r ⊙ h to `reset_hidden [directions, batch, hidden]`.
///
/// `weights [directions, hidden, 3 * hidden]`.
#[cube(launch)]
pub fn gates(
    weights: &[f32],
    buffers: &mut ForwardBuffers,
    reset_hidden: &mut [f32],
    shape: SequenceShape,
    step: u32,
    #[comptime] config: KernelConfig,
) {
    let position = unit_position(&shape, config);
    let sums =
        product(&buffers.hidden, weights, &position, &shape, comptime!(HalfStepProduct::of_gates(&config)), config);
    if position.inside {
        let index = unit_index(
            &shape,
            &buffers.lengths,
            step as usize,
            position.direction,
            position.row,
            position.unit,
            config,
        );
        let before = buffers.hidden[index.state];
        reset_hidden[index.state] = pointwise::reset(sums[0], sums[1], buffers, &index, before, config);
    }
}

/// The second half of a forward step: the next state.
#[cube(launch)]
pub fn candidate(
    weights: &[f32],
    buffers: &mut ForwardBuffers,
    reset_hidden: &[f32],
    shape: SequenceShape,
    step: u32,
    #[comptime] config: KernelConfig,
) {
    let position = unit_position(&shape, config);
    let sums =
        product(reset_hidden, weights, &position, &shape, comptime!(HalfStepProduct::of_candidate(&config)), config);
    if position.inside {
        let index = unit_index(
            &shape,
            &buffers.lengths,
            step as usize,
            position.direction,
            position.row,
            position.unit,
            config,
        );
        stepwise::write_next(sums.as_slice(), 0usize, buffers, &index, 0.0f32.runtime(), config);
    }
}

/// The second half of a backward step, through the reset gate.
///
/// `weights [directions, 3 * hidden, hidden]` are the transposes; `d_candidate [directions, batch, hidden]` is the
/// gradient of the candidate's pre-activation. The gradients of the two gates go to
/// `d_gates [directions, batch, 2 * hidden]`; the part that bypasses their product is added to `d_state`.
#[cube(launch)]
pub fn gates_backward(
    weights: &[f32],
    d_candidate: &[f32],
    buffers: &BackwardBuffers,
    d_gates: &mut [f32],
    gradients: &mut GradientBuffers,
    shape: SequenceShape,
    step: u32,
    #[comptime] config: KernelConfig,
) {
    let position = unit_position(&shape, config);
    let sums = product(
        d_candidate,
        weights,
        &position,
        &shape,
        comptime!(HalfStepProduct::of_candidate_backward(&config)),
        config,
    );
    if position.inside {
        let index = unit_index(
            &shape,
            &buffers.lengths,
            step as usize,
            position.direction,
            position.row,
            position.unit,
            config,
        );
        let from = product_offset(&position, &shape, 2usize, config);
        let d_before = pointwise::reset_backward(buffers, gradients, d_gates, from, &index, sums[0], config);
        gradients.d_state[index.state] += d_before;
    }
}

/// The end of a backward step, the product of its two gates' gradients `d_gates [directions, batch, 2 * hidden]`, and the
/// first half of the backward step before it in time.
#[cube(launch)]
pub fn candidate_backward(
    weights: &[f32],
    d_gates: &[f32],
    buffers: &BackwardBuffers,
    d_candidate: &mut [f32],
    gradients: &mut GradientBuffers,
    shape: SequenceShape,
    step: u32,
    #[comptime] config: KernelConfig,
) {
    let position = unit_position(&shape, config);
    let sums =
        product(d_gates, weights, &position, &shape, comptime!(HalfStepProduct::of_gates_backward(&config)), config);
    if position.inside {
        let index = unit_index(
            &shape,
            &buffers.lengths,
            step as usize,
            position.direction,
            position.row,
            position.unit,
            config,
        );
        stepwise::backward_step(
            sums[0],
            buffers,
            d_candidate,
            index.state,
            gradients,
            &index,
            &shape,
            0.0f32.runtime(),
            config,
        );
    }
}
