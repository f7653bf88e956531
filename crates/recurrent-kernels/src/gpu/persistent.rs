//! The persistent schedule: one launch for a whole sequence and both of its directions (after Diamos et al. 2016,
//! "Persistent RNNs").
//!
//! A cube processes a few rows of the batch in one direction, step by step. Their state stays in shared memory, and the
//! recurrent weights where they fit: in registers, in shared memory, or else in device memory. Cubes do not synchronize
//! with each other, so the kernels need no barrier but that of a cube.

use burn_cubecl::cubecl::{self, prelude::*};

use super::pointwise::{
    self, BackwardBuffers, CellKind, ForwardBuffers, GradientBuffers, KernelConfig, SequenceShape, UnitState,
    unit_index,
};

/// The work of a cube.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CubeTile {
    /// Rows of the batch.
    pub rows: usize,
    /// Units per cube.
    pub units: usize,
    pub weights: WeightPlacement,
}

/// Where the recurrent weights are stored while the kernel runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WeightPlacement {
    /// In registers: each unit holds its own columns.
    Registers,
    /// In shared memory.
    Shared,
    /// In device memory: they are read in each step, usually from the device's cache.
    Device,
}

/// Elements of a column that an iteration of the product's loop processes, for weights not in registers.
const UNROLL: usize = 8;

impl CubeTile {
    /// The largest number of loop iterations of a unit in a step.
    pub fn iterations_per_step(&self, config: &KernelConfig) -> usize {
        // A reset-before GRU divides its columns into two products and iterates over its units twice.
        let extra_product = usize::from(config.cell == CellKind::GruBefore);
        let product = match self.weights {
            WeightPlacement::Registers => 0,
            _ => (self.columns_per_unit(config) + extra_product) * (1 + config.hidden / UNROLL),
        };
        let items = 2 * (self.rows * config.hidden).div_ceil(self.units);
        2 + product + items
    }

    /// The largest number of loop iterations of a unit before the first step and after the last.
    pub fn iterations_outside_steps(&self, config: &KernelConfig) -> usize {
        self.shared(config).div_ceil(self.units) + 2 * (self.rows * config.hidden).div_ceil(self.units)
    }

    /// Columns of the product that a unit computes.
    pub fn columns_per_unit(&self, config: &KernelConfig) -> usize {
        config.columns().div_ceil(self.units)
    }

    /// Weights in a unit's registers; at least 1, since an array is never empty.
    fn registers(&self, config: &KernelConfig) -> usize {
        match self.weights {
            WeightPlacement::Registers => self.columns_per_unit(config) * config.hidden,
            _ => 1,
        }
    }

    /// Weights in shared memory; at least 1, since an array is never empty.
    fn shared(&self, config: &KernelConfig) -> usize {
        match self.weights {
            WeightPlacement::Shared => config.columns() * config.hidden,
            _ => 1,
        }
    }

    /// Elements of shared memory that a forward pass needs.
    pub fn shared_forward(&self, config: &KernelConfig) -> usize {
        self.rows * (config.hidden + config.columns()) + cell_or_reset_elements(self, config) + self.shared(config)
    }

    /// Elements of shared memory that a backward pass needs.
    pub fn shared_backward(&self, config: &KernelConfig) -> usize {
        self.rows * (config.hidden + 2 * config.columns()) + cell_elements(self, config) + self.shared(config)
    }
}

/// Elements of the cell state, or of r ⊙ h: what a forward pass holds in shared memory besides the hidden state.
fn cell_or_reset_elements(tile: &CubeTile, config: &KernelConfig) -> usize {
    if config.cell.is_lstm() || config.cell == CellKind::GruBefore { tile.rows * config.hidden } else { 1 }
}

/// Elements of the cell state.
fn cell_elements(tile: &CubeTile, config: &KernelConfig) -> usize {
    if config.cell.is_lstm() { tile.rows * config.hidden } else { 1 }
}

/// The matrix of a cube's product: each column is multiplied by the `hidden` elements of a row that belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct RecurrentMatrix {
    hidden: usize,
    columns: usize,
    /// Whether it is that of the backward pass. There a column belongs to a gate and is multiplied by that gate's part of
    /// the row; in memory its elements are `hidden` apart. In the forward pass every column is multiplied by the whole row,
    /// and its elements are `columns` apart.
    transposed: bool,
}

impl RecurrentMatrix {
    fn new(config: &KernelConfig, transposed: bool) -> Self {
        Self { hidden: config.hidden, columns: config.columns(), transposed }
    }

    /// From one element of a column to the next.
    fn stride(&self) -> usize {
        if self.transposed { self.hidden } else { self.columns }
    }

    /// Elements of a row of the left operand.
    fn width(&self) -> usize {
        if self.transposed { self.columns } else { self.hidden }
    }
}

/// The offset of the first element of a column in a direction's matrix.
#[cube]
fn column_offset(column: usize, #[comptime] matrix: RecurrentMatrix) -> usize {
    let mut first = column;
    if comptime!(matrix.transposed) {
        let hidden = comptime!(matrix.hidden);
        first = column / hidden * comptime!(matrix.hidden * matrix.hidden) + column % hidden;
    }
    first
}

/// Copies a direction's matrix, which begins at `origin`, to registers or shared memory.
#[cube]
fn load_weights(
    memory: &[f32],
    origin: usize,
    registers: &mut Array<f32>,
    shared: &mut [f32],
    #[comptime] matrix: RecurrentMatrix,
    #[comptime] tile: CubeTile,
    #[comptime] columns_per_unit: usize,
) {
    let (hidden, columns) = comptime!((matrix.hidden, matrix.columns));
    if comptime!(tile.weights == WeightPlacement::Registers) {
        #[unroll]
        for index in 0..columns_per_unit {
            let column = UNIT_POS as usize + comptime!(index * tile.units);
            if column < columns {
                let first = origin + column_offset(column, matrix);
                #[unroll]
                for k in 0..hidden {
                    registers[comptime!(index * hidden + k)] = memory[first + comptime!(k * matrix.stride())];
                }
            }
        }
    }
    if comptime!(tile.weights == WeightPlacement::Shared) {
        let mut at = UNIT_POS as usize;
        while at < comptime!(hidden * columns) {
            let first = column_offset(at % columns, matrix);
            shared[at] = memory[origin + first + at / columns * comptime!(matrix.stride())];
            at += comptime!(tile.units);
        }
    }
}

/// The columns `from..to` of the product of a tile's rows with a direction's matrix.
#[cube]
fn product(
    source: &[f32],
    memory: &[f32],
    origin: usize,
    registers: &Array<f32>,
    shared: &[f32],
    into: &mut [f32],
    #[comptime] from: usize,
    #[comptime] to: usize,
    #[comptime] matrix: RecurrentMatrix,
    #[comptime] tile: CubeTile,
    #[comptime] columns_per_unit: usize,
) {
    let (hidden, columns) = comptime!((matrix.hidden, matrix.columns));
    let mut sums = Array::<f32>::new(comptime!(tile.rows));
    if comptime!(tile.weights == WeightPlacement::Registers) {
        #[unroll]
        for index in 0..columns_per_unit {
            let column = UNIT_POS as usize + comptime!(index * tile.units);
            if column >= from && column < to {
                let part = row_part_offset(column, matrix);
                #[unroll]
                for row in 0..comptime!(tile.rows) {
                    sums[row] = 0.0;
                }
                #[unroll]
                for k in 0..hidden {
                    let weight = registers[comptime!(index * hidden + k)];
                    #[unroll]
                    for row in 0..comptime!(tile.rows) {
                        sums[row] += source[part + comptime!(row * matrix.width() + k)] * weight;
                    }
                }
                #[unroll]
                for row in 0..comptime!(tile.rows) {
                    into[comptime!(row * columns) + column] = sums[row];
                }
            }
        }
    } else {
        let mut column = from + UNIT_POS as usize;
        while column < to {
            let part = row_part_offset(column, matrix);
            let first = origin + column_offset(column, matrix);
            #[unroll]
            for row in 0..comptime!(tile.rows) {
                sums[row] = 0.0;
            }
            for block in 0..comptime!(hidden / UNROLL) {
                multiply_add(
                    source,
                    memory,
                    shared,
                    &mut sums,
                    block * UNROLL,
                    part,
                    first,
                    column,
                    UNROLL,
                    matrix,
                    tile,
                );
            }
            let rest = comptime!(hidden % UNROLL);
            let unrolled = comptime!(hidden - hidden % UNROLL).runtime();
            multiply_add(source, memory, shared, &mut sums, unrolled, part, first, column, rest, matrix, tile);
            #[unroll]
            for row in 0..comptime!(tile.rows) {
                into[comptime!(row * columns) + column] = sums[row];
            }
            column += comptime!(tile.units);
        }
    }
}

/// Multiplies `count` elements of a column, from the `from`-th on, by those of each row and adds the products to `sums`.
#[cube]
fn multiply_add(
    source: &[f32],
    memory: &[f32],
    shared: &[f32],
    sums: &mut Array<f32>,
    from: usize,
    part: usize,
    first: usize,
    column: usize,
    #[comptime] count: usize,
    #[comptime] matrix: RecurrentMatrix,
    #[comptime] tile: CubeTile,
) {
    #[unroll]
    for index in 0..count {
        let k = from + index;
        let weight = if comptime!(tile.weights == WeightPlacement::Shared) {
            shared[k * comptime!(matrix.columns) + column]
        } else {
            memory[first + k * comptime!(matrix.stride())]
        };
        #[unroll]
        for row in 0..comptime!(tile.rows) {
            sums[row] += source[part + comptime!(row * matrix.width()) + k] * weight;
        }
    }
}

/// The offset of the part of a row that a column is multiplied by.
#[cube]
fn row_part_offset(column: usize, #[comptime] matrix: RecurrentMatrix) -> usize {
    let mut part = 0usize.runtime();
    if comptime!(matrix.transposed) {
        part = column / comptime!(matrix.hidden) * comptime!(matrix.hidden);
    }
    part
}

/// The forward steps `first..first + steps`.
///
/// `weights [directions, hidden, gates * hidden]`; the buffers hold the state before, then after these steps.
#[cube(launch)]
pub fn forward(
    weights: &[f32],
    buffers: &mut ForwardBuffers,
    shape: SequenceShape,
    first: u32,
    steps: u32,
    clip: f32,
    #[comptime] config: KernelConfig,
    #[comptime] tile: CubeTile,
) {
    let units = comptime!(config.hidden);
    let items = comptime!(tile.rows * config.hidden);
    let all = comptime!(config.columns());
    // For a reset-before GRU the candidate's columns are a product of their own.
    let upto = comptime!(if config.cell == CellKind::GruBefore { 2 * config.hidden } else { config.columns() });
    let candidate = comptime!(if config.cell == CellKind::GruBefore { 2 * config.hidden } else { 0 });
    let matrix = comptime!(RecurrentMatrix::new(&config, false));
    let columns_per_unit = comptime!(tile.columns_per_unit(&config));
    let direction = CUBE_POS_Y as usize;
    let row_0 = CUBE_POS_X as usize * comptime!(tile.rows);
    let batch = shape.batch as usize;

    let mut now = Shared::<[f32]>::new_slice(items);
    let mut cell_or_reset = Shared::<[f32]>::new_slice(comptime!(cell_or_reset_elements(&tile, &config)));
    let mut sums = Shared::<[f32]>::new_slice(comptime!(tile.rows * config.columns()));
    let mut shared = Shared::<[f32]>::new_slice(comptime!(tile.shared(&config)));
    let mut registers = Array::<f32>::new(comptime!(tile.registers(&config)));
    let origin = direction * comptime!(config.columns() * config.hidden);
    load_weights(weights, origin, &mut registers, &mut shared, matrix, tile, columns_per_unit);

    let mut item = UNIT_POS as usize;
    while item < items {
        let row = row_0 + item / units;
        now[item] = 0.0;
        if row < batch {
            now[item] = buffers.hidden[(direction * batch + row) * units + item % units];
        }
        if comptime!(config.cell.is_lstm()) {
            cell_or_reset[item] = 0.0;
            if row < batch {
                cell_or_reset[item] = buffers.cell[(direction * batch + row) * units + item % units];
            }
        }
        item += comptime!(tile.units);
    }
    sync_cube();

    for index in 0..steps {
        let step = (first + index) as usize;
        product(&now, weights, origin, &registers, &shared, &mut sums, 0usize, upto, matrix, tile, columns_per_unit);
        sync_cube();
        if comptime!(config.cell == CellKind::GruBefore) {
            let mut item = UNIT_POS as usize;
            while item < items {
                let (local, unit) = (item / units, item % units);
                if row_0 + local < batch {
                    let index = unit_index(&shape, &buffers.lengths, step, direction, row_0 + local, unit, config);
                    let (recurrent_r, recurrent_z) = (sums[local * all + unit], sums[local * all + units + unit]);
                    cell_or_reset[item] =
                        pointwise::reset(recurrent_r, recurrent_z, buffers, &index, now[item], config);
                } else {
                    cell_or_reset[item] = 0.0;
                }
                item += comptime!(tile.units);
            }
            sync_cube();
            product(
                &cell_or_reset,
                weights,
                origin,
                &registers,
                &shared,
                &mut sums,
                upto,
                all,
                matrix,
                tile,
                columns_per_unit,
            );
            sync_cube();
        }
        let mut item = UNIT_POS as usize;
        while item < items {
            let (local, unit) = (item / units, item % units);
            if row_0 + local < batch {
                let index = unit_index(&shape, &buffers.lengths, step, direction, row_0 + local, unit, config);
                if index.active {
                    let mut before = UnitState { hidden: now[item], cell: 0.0f32.runtime() };
                    if comptime!(config.cell.is_lstm()) {
                        before.cell = cell_or_reset[item];
                    }
                    let from = local * all + unit + candidate;
                    let next = pointwise::forward(&sums, from, buffers, &index, before, clip, config);
                    now[item] = next.hidden;
                    buffers.output[index.unit] = next.hidden;
                    if comptime!(config.cell.is_lstm()) {
                        cell_or_reset[item] = next.cell;
                    }
                } else {
                    buffers.output[index.unit] = 0.0;
                }
            }
            item += comptime!(tile.units);
        }
        sync_cube();
    }

    let mut item = UNIT_POS as usize;
    while item < items {
        let row = row_0 + item / units;
        if row < batch {
            let at = (direction * batch + row) * units + item % units;
            buffers.hidden[at] = now[item];
            if comptime!(config.cell.is_lstm()) {
                buffers.cell[at] = cell_or_reset[item];
            }
        }
        item += comptime!(tile.units);
    }
}

/// The backward steps, from `first + steps` down to `first`.
///
/// `weights [directions, gates * hidden, hidden]` are the transposes; `d_state` is the gradient of the state after, then
/// before these steps.
#[cube(launch)]
pub fn backward(
    weights: &[f32],
    buffers: &BackwardBuffers,
    gradients: &mut GradientBuffers,
    shape: SequenceShape,
    first: u32,
    steps: u32,
    clip: f32,
    #[comptime] config: KernelConfig,
    #[comptime] tile: CubeTile,
) {
    let units = comptime!(config.hidden);
    let items = comptime!(tile.rows * config.hidden);
    let all = comptime!(config.columns());
    // For a reset-before GRU the candidate's gradient is multiplied first.
    let upto = comptime!(if config.cell == CellKind::GruBefore { 2 * config.hidden } else { config.columns() });
    let candidate = comptime!(if config.cell == CellKind::GruBefore { 2 * config.hidden } else { 0 });
    let matrix = comptime!(RecurrentMatrix::new(&config, true));
    let columns_per_unit = comptime!(tile.columns_per_unit(&config));
    let direction = CUBE_POS_Y as usize;
    let row_0 = CUBE_POS_X as usize * comptime!(tile.rows);
    let batch = shape.batch as usize;
    let states = comptime!(config.directions * config.hidden) * batch;

    // The gradient of the hidden state is the sum of a part for each gate and one that bypasses the product.
    let mut bypass = Shared::<[f32]>::new_slice(items);
    let mut sums = Shared::<[f32]>::new_slice(comptime!(tile.rows * config.columns()));
    let mut step_gates = Shared::<[f32]>::new_slice(comptime!(tile.rows * config.columns()));
    let mut cells = Shared::<[f32]>::new_slice(comptime!(cell_elements(&tile, &config)));
    let mut shared = Shared::<[f32]>::new_slice(comptime!(tile.shared(&config)));
    let mut registers = Array::<f32>::new(comptime!(tile.registers(&config)));
    let origin = direction * comptime!(config.columns() * config.hidden);
    load_weights(weights, origin, &mut registers, &mut shared, matrix, tile, columns_per_unit);

    let mut item = UNIT_POS as usize;
    while item < items {
        let (local, unit) = (item / units, item % units);
        let at = (direction * batch + row_0 + local) * units + unit;
        bypass[item] = 0.0;
        if row_0 + local < batch {
            bypass[item] = gradients.d_state[at];
        }
        if comptime!(config.cell.is_lstm()) {
            cells[item] = 0.0;
            if row_0 + local < batch {
                cells[item] = gradients.d_state[states + at];
            }
        }
        #[unroll]
        for gate in 0..comptime!(config.cell.gates()) {
            sums[local * all + unit + comptime!(gate * config.hidden)] = 0.0;
            step_gates[local * all + unit + comptime!(gate * config.hidden)] = 0.0;
        }
        item += comptime!(tile.units);
    }
    sync_cube();

    for index in 0..steps {
        let step = (first + steps - 1 - index) as usize;
        let mut item = UNIT_POS as usize;
        while item < items {
            let (local, unit) = (item / units, item % units);
            if row_0 + local < batch {
                let index = unit_index(&shape, &buffers.lengths, step, direction, row_0 + local, unit, config);
                let mut d_after = UnitState { hidden: bypass[item], cell: 0.0f32.runtime() };
                #[unroll]
                for gate in 0..comptime!(config.cell.gates()) {
                    d_after.hidden += sums[local * all + unit + comptime!(gate * config.hidden)];
                }
                if comptime!(config.cell.is_lstm()) {
                    d_after.cell = cells[item];
                }
                d_after.hidden += pointwise::output_grad(buffers, &index, config);
                let from = local * all + unit + candidate;
                let d_before = pointwise::backward(
                    buffers,
                    gradients,
                    &mut step_gates,
                    from,
                    &index,
                    &shape,
                    d_after,
                    clip,
                    config,
                );
                bypass[item] = d_before.hidden;
                if comptime!(config.cell.is_lstm()) {
                    cells[item] = d_before.cell;
                }
            }
            item += comptime!(tile.units);
        }
        sync_cube();
        if comptime!(config.cell == CellKind::GruBefore) {
            product(
                &step_gates,
                weights,
                origin,
                &registers,
                &shared,
                &mut sums,
                upto,
                all,
                matrix,
                tile,
                columns_per_unit,
            );
            sync_cube();
            let mut item = UNIT_POS as usize;
            while item < items {
                let (local, unit) = (item / units, item % units);
                if row_0 + local < batch {
                    let index = unit_index(&shape, &buffers.lengths, step, direction, row_0 + local, unit, config);
                    let at = local * all + unit;
                    let d_product = sums[at + candidate];
                    bypass[item] +=
                        pointwise::reset_backward(buffers, gradients, &mut step_gates, at, &index, d_product, config);
                    // This part has been passed on through the reset gate.
                    sums[at + candidate] = 0.0;
                }
                item += comptime!(tile.units);
            }
            sync_cube();
        }
        product(
            &step_gates,
            weights,
            origin,
            &registers,
            &shared,
            &mut sums,
            0usize,
            upto,
            matrix,
            tile,
            columns_per_unit,
        );
        sync_cube();
    }

    let mut item = UNIT_POS as usize;
    while item < items {
        let (local, unit) = (item / units, item % units);
        if row_0 + local < batch {
            let at = (direction * batch + row_0 + local) * units + unit;
            let mut sum = bypass[item];
            #[unroll]
            for gate in 0..comptime!(config.cell.gates()) {
                sum += sums[local * all + unit + comptime!(gate * config.hidden)];
            }
            gradients.d_state[at] = sum;
            if comptime!(config.cell.is_lstm()) {
                gradients.d_state[states + at] = cells[item];
            }
        }
        item += comptime!(tile.units);
    }
}
