//! The resident schedule: one launch for a whole sequence and both its directions.
//!
//! A cube owns a few rows of the batch in one direction, and goes with them from step to step. Their state stays in
//! shared memory, the recurrent weights where they fit: in registers, in shared memory, or else in the device's own.
//! No cube waits for another, so nothing but the cube's own barrier is asked of the device.

use burn_cubecl::cubecl::{self, prelude::*};

use super::cell::{self, Carried, Cell, Course, Form, Gradients, Span, Tape, place};

/// How the work of a cube is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tile {
    /// Rows of the batch.
    pub rows: usize,
    /// Units of the cube.
    pub units: usize,
    pub weights: Placement,
}

/// Where the recurrent weights lie while the sequence runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Placement {
    /// Each unit keeps its own columns.
    Registers,
    /// The cube keeps all of them.
    Shared,
    /// They are read again in each step, as a rule from the device's cache.
    Memory,
}

/// Numbers of a column that a round of the product's loop takes where they are not in registers.
const AT_ONCE: usize = 8;

impl Tile {
    /// Rounds of all loops that a unit goes through in a step, at most.
    pub fn rounds_a_step(&self, form: &Form) -> usize {
        // A GRU with the reset gate before the product cuts its columns in two, and goes over its units twice.
        let cut = usize::from(form.cell == Cell::GruBefore);
        let product = match self.weights {
            Placement::Registers => 0,
            _ => (self.columns_a_unit(form) + cut) * (1 + form.hidden / AT_ONCE),
        };
        let items = 2 * (self.rows * form.hidden).div_ceil(self.units);
        2 + product + items
    }

    /// Rounds of all loops before the first step and after the last, at most.
    pub fn rounds_around(&self, form: &Form) -> usize {
        self.shared(form).div_ceil(self.units) + 2 * (self.rows * form.hidden).div_ceil(self.units)
    }

    /// Columns of the weights that a unit computes.
    pub fn columns_a_unit(&self, form: &Form) -> usize {
        form.columns().div_ceil(self.units)
    }

    /// Numbers of weights in a unit's registers; an array has at least one.
    fn registers(&self, form: &Form) -> usize {
        match self.weights {
            Placement::Registers => self.columns_a_unit(form) * form.hidden,
            _ => 1,
        }
    }

    /// Numbers of weights in shared memory; an array has at least one.
    fn shared(&self, form: &Form) -> usize {
        match self.weights {
            Placement::Shared => form.columns() * form.hidden,
            _ => 1,
        }
    }

    /// Numbers of shared memory that a forward pass takes.
    pub fn shared_forward(&self, form: &Form) -> usize {
        self.rows * (form.hidden + form.columns()) + spare(self, form) + self.shared(form)
    }

    /// Numbers of shared memory that a backward pass takes.
    pub fn shared_backward(&self, form: &Form) -> usize {
        self.rows * (form.hidden + 2 * form.columns()) + cells(self, form) + self.shared(form)
    }
}

/// Numbers of the cell state, or of r ⊙ h: what a forward pass has in shared memory besides the hidden state.
fn spare(tile: &Tile, form: &Form) -> usize {
    if form.cell.is_lstm() || form.cell == Cell::GruBefore { tile.rows * form.hidden } else { 1 }
}

/// Numbers of the cell state.
fn cells(tile: &Tile, form: &Form) -> usize {
    if form.cell.is_lstm() { tile.rows * form.hidden } else { 1 }
}

/// The matrix of a cube's product: each column is multiplied with the `hidden` numbers of a row that belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Matrix {
    hidden: usize,
    columns: usize,
    /// Of the way back. A column belongs to a gate and is multiplied with that gate's part of the row; in memory its
    /// numbers lie `hidden` apart. On the way forward every column is multiplied with the whole row, and its numbers
    /// lie `columns` apart.
    transposed: bool,
}

impl Matrix {
    fn new(form: &Form, transposed: bool) -> Self {
        Self { hidden: form.hidden, columns: form.columns(), transposed }
    }

    /// From one number of a column to the next.
    fn stride(&self) -> usize {
        if self.transposed { self.hidden } else { self.columns }
    }

    /// Numbers of a row that is multiplied.
    fn width(&self) -> usize {
        if self.transposed { self.columns } else { self.hidden }
    }
}

/// Where the first number of a column lies in a direction's matrix.
#[cube]
fn first_of(column: usize, #[comptime] matrix: Matrix) -> usize {
    let mut first = column;
    if comptime!(matrix.transposed) {
        let hidden = comptime!(matrix.hidden);
        first = column / hidden * comptime!(matrix.hidden * matrix.hidden) + column % hidden;
    }
    first
}

/// Brings a direction's matrix, which begins at `origin`, to where the tile wants it.
#[cube]
fn load(
    memory: &[f32],
    origin: usize,
    registers: &mut Array<f32>,
    shared: &mut [f32],
    #[comptime] matrix: Matrix,
    #[comptime] tile: Tile,
    #[comptime] columns_a_unit: usize,
) {
    let (hidden, columns) = comptime!((matrix.hidden, matrix.columns));
    if comptime!(tile.weights == Placement::Registers) {
        #[unroll]
        for index in 0..columns_a_unit {
            let column = UNIT_POS as usize + comptime!(index * tile.units);
            if column < columns {
                let first = origin + first_of(column, matrix);
                #[unroll]
                for k in 0..hidden {
                    registers[comptime!(index * hidden + k)] = memory[first + comptime!(k * matrix.stride())];
                }
            }
        }
    }
    if comptime!(tile.weights == Placement::Shared) {
        let mut at = UNIT_POS as usize;
        while at < comptime!(hidden * columns) {
            let first = first_of(at % columns, matrix);
            shared[at] = memory[origin + first + at / columns * comptime!(matrix.stride())];
            at += comptime!(tile.units);
        }
    }
}

/// The columns from `from` up to `to` of the product of a tile's rows with a direction's matrix.
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
    #[comptime] matrix: Matrix,
    #[comptime] tile: Tile,
    #[comptime] columns_a_unit: usize,
) {
    let (hidden, columns) = comptime!((matrix.hidden, matrix.columns));
    let mut sums = Array::<f32>::new(comptime!(tile.rows));
    if comptime!(tile.weights == Placement::Registers) {
        #[unroll]
        for index in 0..columns_a_unit {
            let column = UNIT_POS as usize + comptime!(index * tile.units);
            if column >= from && column < to {
                let part = part_of(column, matrix);
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
            let part = part_of(column, matrix);
            let first = origin + first_of(column, matrix);
            #[unroll]
            for row in 0..comptime!(tile.rows) {
                sums[row] = 0.0;
            }
            for block in 0..comptime!(hidden / AT_ONCE) {
                multiply(
                    source,
                    memory,
                    shared,
                    &mut sums,
                    block * AT_ONCE,
                    part,
                    first,
                    column,
                    AT_ONCE,
                    matrix,
                    tile,
                );
            }
            let rest = comptime!(hidden % AT_ONCE);
            let done = comptime!(hidden - hidden % AT_ONCE).runtime();
            multiply(source, memory, shared, &mut sums, done, part, first, column, rest, matrix, tile);
            #[unroll]
            for row in 0..comptime!(tile.rows) {
                into[comptime!(row * columns) + column] = sums[row];
            }
            column += comptime!(tile.units);
        }
    }
}

/// `count` numbers of a column, from the `from`-th on, with those of each row that belong to them.
#[cube]
fn multiply(
    source: &[f32],
    memory: &[f32],
    shared: &[f32],
    sums: &mut Array<f32>,
    from: usize,
    part: usize,
    first: usize,
    column: usize,
    #[comptime] count: usize,
    #[comptime] matrix: Matrix,
    #[comptime] tile: Tile,
) {
    #[unroll]
    for index in 0..count {
        let k = from + index;
        let weight = if comptime!(tile.weights == Placement::Shared) {
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

/// Where the part of a row begins that a column is multiplied with.
#[cube]
fn part_of(column: usize, #[comptime] matrix: Matrix) -> usize {
    let mut part = 0usize.runtime();
    if comptime!(matrix.transposed) {
        part = column / comptime!(matrix.hidden) * comptime!(matrix.hidden);
    }
    part
}

/// Steps `first` to `first + steps` of the way forward.
///
/// `weights [directions, hidden, gates * hidden]`; the state of the course is that before these steps, and then that
/// after them.
#[cube(launch)]
pub fn forward(
    weights: &[f32],
    course: &mut Course,
    span: Span,
    first: u32,
    steps: u32,
    clip: f32,
    #[comptime] form: Form,
    #[comptime] tile: Tile,
) {
    let units = comptime!(form.hidden);
    let items = comptime!(tile.rows * form.hidden);
    let all = comptime!(form.columns());
    // Of a GRU with the reset gate before the product, the candidate's columns are a product of their own.
    let upto = comptime!(if form.cell == Cell::GruBefore { 2 * form.hidden } else { form.columns() });
    let candidate = comptime!(if form.cell == Cell::GruBefore { 2 * form.hidden } else { 0 });
    let matrix = comptime!(Matrix::new(&form, false));
    let columns_a_unit = comptime!(tile.columns_a_unit(&form));
    let direction = CUBE_POS_Y as usize;
    let row_0 = CUBE_POS_X as usize * comptime!(tile.rows);
    let batch = span.batch as usize;

    let mut now = Shared::<[f32]>::new_slice(items);
    let mut spare = Shared::<[f32]>::new_slice(comptime!(spare(&tile, &form)));
    let mut sums = Shared::<[f32]>::new_slice(comptime!(tile.rows * form.columns()));
    let mut shared = Shared::<[f32]>::new_slice(comptime!(tile.shared(&form)));
    let mut registers = Array::<f32>::new(comptime!(tile.registers(&form)));
    let origin = direction * comptime!(form.columns() * form.hidden);
    load(weights, origin, &mut registers, &mut shared, matrix, tile, columns_a_unit);

    let mut item = UNIT_POS as usize;
    while item < items {
        let row = row_0 + item / units;
        now[item] = 0.0;
        if row < batch {
            now[item] = course.hidden[(direction * batch + row) * units + item % units];
        }
        if comptime!(form.cell.is_lstm()) {
            spare[item] = 0.0;
            if row < batch {
                spare[item] = course.cell[(direction * batch + row) * units + item % units];
            }
        }
        item += comptime!(tile.units);
    }
    sync_cube();

    for index in 0..steps {
        let step = (first + index) as usize;
        product(&now, weights, origin, &registers, &shared, &mut sums, 0usize, upto, matrix, tile, columns_a_unit);
        sync_cube();
        if comptime!(form.cell == Cell::GruBefore) {
            let mut item = UNIT_POS as usize;
            while item < items {
                let (local, unit) = (item / units, item % units);
                if row_0 + local < batch {
                    let place = place(&span, &course.lengths, step, direction, row_0 + local, unit, form);
                    let (for_r, for_z) = (sums[local * all + unit], sums[local * all + units + unit]);
                    spare[item] = cell::reset(for_r, for_z, course, &place, now[item], form);
                } else {
                    spare[item] = 0.0;
                }
                item += comptime!(tile.units);
            }
            sync_cube();
            product(&spare, weights, origin, &registers, &shared, &mut sums, upto, all, matrix, tile, columns_a_unit);
            sync_cube();
        }
        let mut item = UNIT_POS as usize;
        while item < items {
            let (local, unit) = (item / units, item % units);
            if row_0 + local < batch {
                let place = place(&span, &course.lengths, step, direction, row_0 + local, unit, form);
                if place.live {
                    let mut before = Carried { hidden: now[item], cell: 0.0f32.runtime() };
                    if comptime!(form.cell.is_lstm()) {
                        before.cell = spare[item];
                    }
                    let from = local * all + unit + candidate;
                    let next = cell::forward(&sums, from, course, &place, before, clip, form);
                    now[item] = next.hidden;
                    course.output[place.unit] = next.hidden;
                    if comptime!(form.cell.is_lstm()) {
                        spare[item] = next.cell;
                    }
                } else {
                    course.output[place.unit] = 0.0;
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
            course.hidden[at] = now[item];
            if comptime!(form.cell.is_lstm()) {
                course.cell[at] = spare[item];
            }
        }
        item += comptime!(tile.units);
    }
}

/// Steps `first + steps` down to `first` of the way back.
///
/// `weights [directions, gates * hidden, hidden]`, the transposes; what is carried are the gradients of the state after
/// these steps, and then those of the state before them.
#[cube(launch)]
pub fn backward(
    weights: &[f32],
    tape: &Tape,
    gradients: &mut Gradients,
    span: Span,
    first: u32,
    steps: u32,
    clip: f32,
    #[comptime] form: Form,
    #[comptime] tile: Tile,
) {
    let units = comptime!(form.hidden);
    let items = comptime!(tile.rows * form.hidden);
    let all = comptime!(form.columns());
    // Of a GRU with the reset gate before the product, the candidate's gradient goes back first.
    let upto = comptime!(if form.cell == Cell::GruBefore { 2 * form.hidden } else { form.columns() });
    let candidate = comptime!(if form.cell == Cell::GruBefore { 2 * form.hidden } else { 0 });
    let matrix = comptime!(Matrix::new(&form, true));
    let columns_a_unit = comptime!(tile.columns_a_unit(&form));
    let direction = CUBE_POS_Y as usize;
    let row_0 = CUBE_POS_X as usize * comptime!(tile.rows);
    let batch = span.batch as usize;
    let states = comptime!(form.directions * form.hidden) * batch;

    // The gradient of the hidden state is a sum of a part for each gate and one that passes the product by.
    let mut past = Shared::<[f32]>::new_slice(items);
    let mut sums = Shared::<[f32]>::new_slice(comptime!(tile.rows * form.columns()));
    let mut step_gates = Shared::<[f32]>::new_slice(comptime!(tile.rows * form.columns()));
    let mut cells = Shared::<[f32]>::new_slice(comptime!(cells(&tile, &form)));
    let mut shared = Shared::<[f32]>::new_slice(comptime!(tile.shared(&form)));
    let mut registers = Array::<f32>::new(comptime!(tile.registers(&form)));
    let origin = direction * comptime!(form.columns() * form.hidden);
    load(weights, origin, &mut registers, &mut shared, matrix, tile, columns_a_unit);

    let mut item = UNIT_POS as usize;
    while item < items {
        let (local, unit) = (item / units, item % units);
        let at = (direction * batch + row_0 + local) * units + unit;
        past[item] = 0.0;
        if row_0 + local < batch {
            past[item] = gradients.carried[at];
        }
        if comptime!(form.cell.is_lstm()) {
            cells[item] = 0.0;
            if row_0 + local < batch {
                cells[item] = gradients.carried[states + at];
            }
        }
        #[unroll]
        for index in 0..comptime!(form.cell.gates()) {
            sums[local * all + unit + comptime!(index * form.hidden)] = 0.0;
            step_gates[local * all + unit + comptime!(index * form.hidden)] = 0.0;
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
                let place = place(&span, &tape.lengths, step, direction, row_0 + local, unit, form);
                let mut after = Carried { hidden: past[item], cell: 0.0f32.runtime() };
                #[unroll]
                for index in 0..comptime!(form.cell.gates()) {
                    after.hidden += sums[local * all + unit + comptime!(index * form.hidden)];
                }
                if comptime!(form.cell.is_lstm()) {
                    after.cell = cells[item];
                }
                after.hidden += cell::of_output(tape, &place, form);
                let from = local * all + unit + candidate;
                let handed = cell::backward(tape, gradients, &mut step_gates, from, &place, &span, after, clip, form);
                past[item] = handed.hidden;
                if comptime!(form.cell.is_lstm()) {
                    cells[item] = handed.cell;
                }
            }
            item += comptime!(tile.units);
        }
        sync_cube();
        if comptime!(form.cell == Cell::GruBefore) {
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
                columns_a_unit,
            );
            sync_cube();
            let mut item = UNIT_POS as usize;
            while item < items {
                let (local, unit) = (item / units, item % units);
                if row_0 + local < batch {
                    let place = place(&span, &tape.lengths, step, direction, row_0 + local, unit, form);
                    let at = local * all + unit;
                    let d_product = sums[at + candidate];
                    past[item] += cell::reset_back(tape, gradients, &mut step_gates, at, &place, d_product, form);
                    // It has gone its way through the reset gate.
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
            columns_a_unit,
        );
        sync_cube();
    }

    let mut item = UNIT_POS as usize;
    while item < items {
        let (local, unit) = (item / units, item % units);
        if row_0 + local < batch {
            let at = (direction * batch + row_0 + local) * units + unit;
            let mut sum = past[item];
            #[unroll]
            for index in 0..comptime!(form.cell.gates()) {
                sum += sums[local * all + unit + comptime!(index * form.hidden)];
            }
            gradients.carried[at] = sum;
            if comptime!(form.cell.is_lstm()) {
                gradients.carried[states + at] = cells[item];
            }
        }
        item += comptime!(tile.units);
    }
}
