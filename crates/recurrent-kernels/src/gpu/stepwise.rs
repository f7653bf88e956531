//! The stepwise schedule: in each step one matrix product of Burn and one kernel for all gates.
//!
//! It is for weights that are too large for every cube to read in each step: a tuned product distributes them over the
//! device. No step copies a slice of the sequence: the kernels write the step's rows in place, and the state that the
//! product reads has a buffer of its own. A reset-before GRU has two products per step, and
//! [kernels of its own](super::gru_reset_before).

use burn_cubecl::cubecl::{self, prelude::*};

use super::pointwise::{
    self, BackwardBuffers, CellKind, ForwardBuffers, GradientBuffers, KernelConfig, SequenceShape, UnitIndex,
    UnitState, unit_index,
};

/// Units per cube.
pub const CUBE_UNITS: u32 = 256;

/// The position in `[directions, batch, hidden]` that a unit of the device processes.
#[derive(CubeType, Clone, Copy)]
pub struct UnitPosition {
    pub direction: usize,
    pub row: usize,
    pub unit: usize,
    /// Whether the position exists; the last cube may have units to spare.
    pub inside: bool,
}

#[cube]
fn unit_position(shape: &SequenceShape, #[comptime] config: KernelConfig) -> UnitPosition {
    let (hidden, batch) = (comptime!(config.hidden), shape.batch as usize);
    let offset = ABSOLUTE_POS;
    let row = offset / hidden;
    UnitPosition {
        direction: row / batch,
        row: row % batch,
        unit: offset % hidden,
        inside: offset < comptime!(config.directions * config.hidden) * batch,
    }
}

/// The number of gates whose gradients the next product of the backward pass takes.
fn product_gates(config: &KernelConfig) -> usize {
    if config.cell == CellKind::GruBefore { 1 } else { config.cell.gates() }
}

/// The offset of the unit's first gate in `[directions, batch, gates * hidden]`.
#[cube]
pub fn product_offset(
    position: &UnitPosition,
    shape: &SequenceShape,
    #[comptime] gates: usize,
    #[comptime] config: KernelConfig,
) -> usize {
    (position.direction * shape.batch as usize + position.row) * comptime!(gates * config.hidden) + position.unit
}

/// A forward step. `product` has the recurrent part of the gates, `[directions, batch, gates * hidden]`.
#[cube(launch)]
pub fn forward(
    product: &[f32],
    buffers: &mut ForwardBuffers,
    shape: SequenceShape,
    step: u32,
    clip: f32,
    #[comptime] config: KernelConfig,
) {
    let position = unit_position(&shape, config);
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
        let from = product_offset(&position, &shape, comptime!(config.cell.gates()), config);
        write_next(product, from, buffers, &index, clip, config);
    }
}

/// Writes the state after a step and the output, which is the state, or zero past the end of a row.
#[cube]
pub fn write_next(
    product: &[f32],
    from: usize,
    buffers: &mut ForwardBuffers,
    index: &UnitIndex,
    clip: f32,
    #[comptime] config: KernelConfig,
) {
    if index.active {
        let mut before = UnitState { hidden: buffers.hidden[index.state], cell: 0.0f32.runtime() };
        if comptime!(config.cell.is_lstm()) {
            before.cell = buffers.cell[index.state];
        }
        let next = pointwise::forward(product, from, buffers, index, before, clip, config);
        buffers.hidden[index.state] = next.hidden;
        buffers.output[index.unit] = next.hidden;
        if comptime!(config.cell.is_lstm()) {
            buffers.cell[index.state] = next.cell;
        }
    } else {
        buffers.output[index.unit] = 0.0;
    }
}

/// A backward step. `product [directions, batch, hidden]` is the part of the hidden state's gradient that passed through
/// the recurrent weights; the part that bypassed them and the cell state's gradient are in `d_state`. The gradients of the
/// gates go to `step_gates [directions, batch, gates * hidden]` for the next product; for a reset-before GRU the
/// candidate's alone, `[directions, batch, hidden]`.
#[cube(launch)]
pub fn backward(
    product: &[f32],
    buffers: &BackwardBuffers,
    step_gates: &mut [f32],
    gradients: &mut GradientBuffers,
    shape: SequenceShape,
    step: u32,
    clip: f32,
    #[comptime] config: KernelConfig,
) {
    let position = unit_position(&shape, config);
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
        let from = product_offset(&position, &shape, comptime!(product_gates(&config)), config);
        backward_step(product[index.state], buffers, step_gates, from, gradients, &index, &shape, clip, config);
    }
}

/// The backward pass of a unit's step; `through` is the part of the hidden state's gradient that passed through the
/// recurrent weights. The operand of the next product goes to `step_gates[from ..]`, `hidden` apart.
#[cube]
pub fn backward_step(
    through: f32,
    buffers: &BackwardBuffers,
    step_gates: &mut [f32],
    from: usize,
    gradients: &mut GradientBuffers,
    index: &UnitIndex,
    shape: &SequenceShape,
    clip: f32,
    #[comptime] config: KernelConfig,
) {
    let states = comptime!(config.directions * config.hidden) * shape.batch as usize;
    let mut d_after = UnitState { hidden: gradients.d_state[index.state] + through, cell: 0.0f32.runtime() };
    if comptime!(config.cell.is_lstm()) {
        d_after.cell = gradients.d_state[states + index.state];
    }
    d_after.hidden += pointwise::output_grad(buffers, index, config);
    let d_before = pointwise::backward(buffers, gradients, step_gates, from, index, shape, d_after, clip, config);
    gradients.d_state[index.state] = d_before.hidden;
    if comptime!(config.cell.is_lstm()) {
        gradients.d_state[states + index.state] = d_before.cell;
    }
}
