//! A whole sequence: packing, the input's projection, the walk over time, and the weights' gradients after it.
#![allow(unsafe_code, reason = "hands parts of one buffer to tasks that each have rows of their own")]

use std::ops::Range;

use rayon::prelude::*;

use super::cells::{Backward, Forward, Grid};
use super::isa::Isa;
use super::memory::{Buffer, unwritten};
use super::panels::Panels;
use super::products::{Matrix, Threads, add_rows, multiply};
use super::walk::{self, BackwardWalk, ForwardWalk, NOWHERE, Projection, Share, Span};
use super::{
    Cotangents, Equations, Gradients, Keep, Layer, LayerGradients, Layout, Need, Outcome, Problem, Sizes, Tape,
};
use crate::Direction;

/// Inputs up to this width are multiplied by the kernels' own product; the large ones' way to pack both sides does not
/// pay for them.
const NARROW: usize = 32;
/// Numbers of projected input that stay in a processor's last cache until the walk takes them.
const PROJECTED_AT_ONCE: usize = 1 << 21;
/// Numbers kept for the way back that no cache holds from the way forward to the way back.
const NO_CACHE_HOLDS: usize = 1 << 23;
/// Numbers kept for the way back that stay in a cache until the weights' gradients are made of them.
const KEPT_AT_ONCE: usize = 3 << 19;
/// Rows of a large product that make it worth its packing.
const FEWEST_ROWS: usize = 256;
/// Numbers of weights whose gradients are so small that each task has its own, and they are added up in the end.
const SMALL_WEIGHTS: usize = 1 << 17;
/// Rows of a part of such a gradient, at least, and how many parts there are at most.
const ROWS_A_PART: usize = 256;
const MOST_PARTS: usize = 32;
/// Rows for each hidden unit that make a part of the weights' gradients worth adding to the other parts.
const ROWS_A_UNIT: usize = 16;
/// Rows that a task projects at a time.
const ROWS_A_TASK: usize = 64;

/// A direction's hidden state and its cell state, `[batch, hidden]` each, or their gradients.
type States<'a> = (&'a mut [f32], &'a mut [f32]);

/// What a walk leaves for the way back.
#[derive(Debug)]
pub struct Run {
    /// Whether it is more than a place for gates on their way.
    keep: bool,
    gates: Buffer,
    before: Buffer,
    cells: Buffer,
}

/// A call's fixed facts.
struct Call<'a> {
    problem: &'a Problem<'a>,
    isa: Isa,
    lanes: usize,
    /// A direction's rows of the batch, one share a task.
    shares: Vec<Share>,
}

impl Equations {
    /// Parts of `hidden` numbers in a row of the gates' grid.
    pub(super) fn parts(self) -> usize {
        match self {
            Self::Gru { .. } => 4,
            _ => self.gates(),
        }
    }

    /// The recurrent weights of each product of a step.
    pub(super) fn panels(self, w_hh: &[f32], hidden: usize, lanes: usize) -> Vec<Panels> {
        let columns = self.gates() * hidden;
        let pack = |gates: &[usize]| Panels::pack(w_hh, columns, hidden, gates, lanes);
        match self {
            Self::Rnn(_) => vec![pack(&[0])],
            Self::Lstm { .. } => vec![pack(&[0, 1, 2, 3])],
            Self::Gru { reset_after: true } => vec![pack(&[0, 1, 2])],
            Self::Gru { reset_after: false } => vec![pack(&[0, 1]), pack(&[2])],
        }
    }

    /// Their transposes, for the way back.
    fn panels_back(self, w_hh: &[f32], hidden: usize, lanes: usize) -> Vec<Panels> {
        let columns = self.gates() * hidden;
        let pack = |from: usize, to: usize| Panels::pack_transposed(w_hh, columns, (from * hidden, to * hidden), lanes);
        match self {
            Self::Gru { reset_after: false } => vec![pack(0, 2), pack(2, 3)],
            _ => vec![pack(0, self.gates())],
        }
    }
}

impl Layout {
    /// A row's place among all rows of `steps` steps: the strides of step and batch row, in rows.
    fn strides(self, batch: usize, steps: usize) -> (usize, usize) {
        match self {
            Self::BatchFirst => (1, steps),
            Self::TimeFirst => (batch, 1),
        }
    }

    /// The rows at `numbers`, `width` numbers each, `apart` numbers from one to the next.
    fn grid(self, numbers: *mut f32, batch: usize, steps: usize, apart: usize) -> Grid {
        let (time, row) = self.strides(batch, steps);
        Grid { numbers, time: time * apart, batch: row * apart }
    }
}

impl<'a> Call<'a> {
    fn new(problem: &'a Problem<'a>, isa: Isa) -> Self {
        let batch = problem.sizes.batch;
        let tasks = rayon::current_num_threads().div_ceil(problem.layers.len()).clamp(1, batch.max(1));
        let mut rows: Vec<usize> = (0..batch).collect();
        if let Some(lengths) = problem.lengths {
            rows.sort_by_key(|row| std::cmp::Reverse(lengths[*row]));
        }
        let share = |task: usize| {
            let rows: Vec<usize> = match problem.lengths {
                // Long rows and short ones for everybody.
                Some(_) => rows.iter().copied().skip(task).step_by(tasks).collect(),
                None => (batch * task / tasks..batch * (task + 1) / tasks).collect(),
            };
            let lengths = problem.lengths.map(|lengths| rows.iter().map(|row| lengths[*row]).collect());
            Share { rows, lengths }
        };
        Self { problem, isa, lanes: walk::lanes(isa), shares: (0..tasks).map(share).collect() }
    }

    /// The stretch that is walked as the `index`-th when all of them but the last have `steps` steps.
    fn span(&self, layer: &Layer, index: usize, steps: usize) -> Span {
        let time = self.problem.sizes.time;
        let first = index * steps;
        let steps = steps.min(time - first);
        let start = match layer.direction {
            Direction::Forward => first,
            Direction::Reverse => time - first - steps,
        };
        Span { direction: layer.direction, start, steps }
    }

    /// In which order a stretch's rows lie: as in the problem if it is all of it, by time otherwise.
    fn layout(&self, steps: usize) -> Layout {
        if steps == self.problem.sizes.time { self.problem.layout } else { Layout::TimeFirst }
    }

    /// The input of a stretch, its rows one after the other; put together in `scratch` where they are not neighbours.
    fn input<'b>(&self, span: Span, scratch: &'b mut Buffer) -> &'b [f32]
    where
        'a: 'b,
    {
        let Sizes { batch, time, input, .. } = self.problem.sizes;
        let x = self.problem.x;
        if span.steps == time {
            return x;
        }
        if self.problem.layout == Layout::TimeFirst || batch == 1 {
            return &x[span.start * batch * input..(span.start + span.steps) * batch * input];
        }
        for (step, to) in scratch.chunks_exact_mut(batch * input).enumerate().take(span.steps) {
            for (row, to) in to.chunks_exact_mut(input).enumerate() {
                let from = (row * time + span.start + step) * input;
                to.copy_from_slice(&x[from..from + input]);
            }
        }
        &scratch[..span.steps * batch * input]
    }

    /// Room for [`input`](Self::input) to put rows together.
    fn input_scratch(&self, steps: usize) -> Buffer {
        let Sizes { batch, time, input, .. } = self.problem.sizes;
        let needed = steps < time && self.problem.layout == Layout::BatchFirst && batch > 1;
        Buffer::scratch(if needed { steps * batch * input } else { 0 })
    }

    /// Whether the kernels' own product projects the input.
    ///
    /// With a single row it does so that one step gives the very bits that a sequence gives.
    fn projects_itself(&self) -> bool {
        self.problem.sizes.input <= NARROW || self.problem.sizes.batch == 1
    }

    /// The input's part of the gates for `rows` rows of `x`.
    fn project(&self, layer: &Layer, panels: Option<&Panels>, x: &[f32], rows: usize, gates: &mut [f32]) {
        let Sizes { input, hidden, .. } = self.problem.sizes;
        let columns = self.problem.equations.gates() * hidden;
        let width = self.problem.equations.parts() * hidden;
        assert!(rows * input <= x.len() && rows * width <= gates.len());
        let Some(panels) = panels else {
            let to = Matrix::new(gates, rows, columns, width);
            return multiply(
                to,
                Matrix::new(x, rows, input, input),
                Matrix::new(layer.w_ih, input, columns, columns),
                false,
                Threads::All,
            );
        };
        let projection = Projection { x: x.as_ptr(), panels, columns, gates: gates.as_mut_ptr(), width };
        // SAFETY: all rows are inside the slices, and each call has rows of its own.
        let project = |first: usize| unsafe {
            walk::project(self.isa, &projection, first, ROWS_A_TASK.min(rows - first));
        };
        (0..rows).into_par_iter().step_by(ROWS_A_TASK).for_each(project);
    }
}

/// What a direction needs in every stretch of the way forward.
struct Way<'a> {
    layer: &'a Layer<'a>,
    input_panels: Option<Panels>,
    panels: Vec<Panels>,
    bias: Buffer,
    bias_hn: Buffer,
}

impl<'a> Way<'a> {
    fn new(call: &Call, layer: &'a Layer<'a>) -> Self {
        let Sizes { hidden, .. } = call.problem.sizes;
        let equations = call.problem.equations;
        let columns = equations.gates() * hidden;
        Self {
            layer,
            input_panels: call.projects_itself().then(|| Panels::pack(layer.w_ih, columns, columns, &[0], call.lanes)),
            panels: equations.panels(layer.w_hh, hidden, call.lanes),
            bias: Buffer::copy(layer.bias, columns),
            bias_hn: Buffer::copy(layer.bias_hn, hidden),
        }
    }

    /// Walks over a stretch. `hidden` and `cell` are the states before it and then after it; the output goes to `output`
    /// unless nobody wants it.
    fn run(
        &self,
        call: &Call,
        span: Span,
        input: &mut Buffer,
        run: &mut Run,
        (hidden, cell): States,
        output: Option<Grid>,
    ) {
        let Sizes { batch, hidden: h, .. } = call.problem.sizes;
        let equations = call.problem.equations;
        let layout = call.layout(span.steps);
        let x = call.input(span, input);
        call.project(self.layer, self.input_panels.as_ref(), x, batch * span.steps, &mut run.gates);
        let width = equations.parts() * h;
        let grid = |buffer: &mut Buffer, width: usize| {
            if buffer.is_empty() { NOWHERE } else { layout.grid(buffer.as_mut_ptr(), batch, span.steps, width) }
        };
        let mut unseen = Buffer::scratch(if output.is_none() { batch * h } else { 0 });
        let step = Forward {
            gates: grid(&mut run.gates, width),
            output: output.unwrap_or(Grid { numbers: unseen.as_mut_ptr(), time: 0, batch: h }),
            before: grid(&mut run.before, h),
            cells: grid(&mut run.cells, h),
            keep: run.keep,
            bias: self.bias.as_ptr(),
            bias_hn: self.bias_hn.as_ptr(),
            now: std::ptr::null(),
            next: std::ptr::null_mut(),
            cell: std::ptr::null_mut(),
            reset: std::ptr::null_mut(),
        };
        let walk = ForwardWalk {
            equations,
            units: h,
            span,
            step,
            panels: &self.panels,
            hidden: hidden.as_mut_ptr(),
            cell: cell.as_mut_ptr(),
        };
        // SAFETY: the grids have a row for each step of the stretch and each row of the batch, the states one for each
        // row of the batch, and the shares have no row in common.
        call.shares.par_iter().with_max_len(1).for_each(|share| unsafe { walk::forward(call.isa, &walk, share) });
    }
}

impl Run {
    /// Room for a stretch of `steps` steps; without `keep`, for its gates alone.
    fn new(problem: &Problem, steps: usize, keep: bool) -> Self {
        let Sizes { batch, hidden, .. } = problem.sizes;
        let rows = if keep { batch * steps } else { 0 };
        Self {
            keep,
            gates: Buffer::scratch(batch * steps * problem.equations.parts() * hidden),
            before: Buffer::scratch(rows * hidden),
            cells: Buffer::scratch(if problem.equations.has_cell() { rows * hidden } else { 0 }),
        }
    }
}

/// Lets tasks write to a grid each.
#[derive(Clone, Copy)]
struct Shared(*mut f32);

// SAFETY: the tasks that it is given to write to places of their own.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    fn at(self, offset: usize) -> *mut f32 {
        self.0.wrapping_add(offset)
    }
}

/// [`forward`](super::forward) with the instruction set named.
pub fn forward(problem: &Problem, keep: Keep, isa: Isa) -> Outcome {
    let call = Call::new(problem, isa);
    let Sizes { batch, time, hidden: h, .. } = problem.sizes;
    let equations = problem.equations;
    let directions = problem.layers.len();
    let state = batch * h;
    let steps = match keep {
        Keep::Everything => stretch(problem),
        Keep::Checkpoints => segment(time),
        Keep::Nothing => {
            let row = equations.parts() * h;
            (PROJECTED_AT_ONCE / (batch * row).max(1)).max(FEWEST_ROWS / batch.max(1)).clamp(1, time)
        }
    };
    let stretches = time.div_ceil(steps);
    let copy = |from: Option<&[f32]>, wanted: bool| match from {
        _ if !wanted => Vec::new(),
        Some(from) => from.to_vec(),
        None => vec![0.0; directions * state],
    };
    let mut hidden = copy(problem.hidden, true);
    let mut cell = copy(problem.cell, equations.has_cell());
    let mut output = unwritten(batch * time * directions * h);
    let to = Shared(output.as_mut_ptr());
    let checkpoints = if keep == Keep::Checkpoints { stretches * state } else { 0 };
    let one = |((direction, layer), (hidden, cell)): ((usize, &Layer), States)| {
        let way = Way::new(&call, layer);
        let mut input = call.input_scratch(steps);
        let mut saved = Checkpoints {
            hidden: Buffer::scratch(checkpoints),
            cell: Buffer::scratch(if equations.has_cell() { checkpoints } else { 0 }),
        };
        let mut walk = |index: usize, run: &mut Run| {
            if keep == Keep::Checkpoints {
                saved.put(index, hidden, cell);
            }
            let span = call.span(layer, index, steps);
            let grid = problem.layout.grid(to.at(direction * h), batch, time, directions * h);
            let grid = Grid { numbers: grid.row(span.start, 0), ..grid };
            way.run(&call, span, &mut input, run, (&mut *hidden, &mut *cell), Some(grid));
        };
        if keep == Keep::Everything {
            let runs = (0..stretches).map(|index| {
                let mut run = Run::new(problem, call.span(layer, index, steps).steps, true);
                walk(index, &mut run);
                run
            });
            return Some(Kept::Runs(runs.collect()));
        }
        let mut run = Run::new(problem, steps, false);
        (0..stretches).for_each(|index| walk(index, &mut run));
        (keep == Keep::Checkpoints).then_some(Kept::Checkpoints(saved))
    };
    let kept: Vec<Option<Kept>> = problem
        .layers
        .par_iter()
        .enumerate()
        .zip(states(&mut hidden, state).into_par_iter().zip(states_or_none(&mut cell, state, directions)))
        .with_max_len(1)
        .map(one)
        .collect();
    let tape = kept.into_iter().collect::<Option<Vec<Kept>>>().map(|directions| Tape { directions });
    Outcome { output, hidden, cell, tape }
}

/// The steps that a training pass goes over before it turns to the next ones. A sequence of which more is kept than a
/// cache holds goes in stretches, so that the weights' gradients need not fetch it once more. Large weights take all steps
/// at once all the same: to add up their gradients part by part would cost more.
pub(super) fn stretch(problem: &Problem) -> usize {
    let Sizes { batch, time, hidden, .. } = problem.sizes;
    let kept = problem.equations.parts() + 1 + usize::from(problem.equations.has_cell());
    let step = batch * kept * hidden;
    if time * step <= NO_CACHE_HOLDS {
        return time;
    }
    let most = (KEPT_AT_ONCE / step).max(ROWS_A_UNIT * hidden / batch).clamp(1, time);
    // All of about the same length.
    time.div_ceil(time.div_ceil(most))
}

/// The steps between two checkpoints: what is kept and what is computed again are then about as large.
fn segment(time: usize) -> usize {
    time.isqrt().max(1)
}

/// A state a direction.
fn states(numbers: &mut [f32], size: usize) -> Vec<&mut [f32]> {
    numbers.chunks_exact_mut(size.max(1)).collect()
}

/// A state a direction, or as many empty slices.
fn states_or_none(numbers: &mut [f32], size: usize, directions: usize) -> Vec<&mut [f32]> {
    if numbers.is_empty() { (0..directions).map(|_| &mut [][..]).collect() } else { states(numbers, size) }
}

/// What a direction keeps for the way back.
#[derive(Debug)]
pub enum Kept {
    /// All of it, stretch by stretch.
    Runs(Vec<Run>),
    /// The states before each stretch.
    Checkpoints(Checkpoints),
}

/// The states before each stretch, one after the other.
#[derive(Debug)]
pub struct Checkpoints {
    hidden: Buffer,
    cell: Buffer,
}

impl Checkpoints {
    fn put(&mut self, index: usize, hidden: &[f32], cell: &[f32]) {
        self.hidden[index * hidden.len()..(index + 1) * hidden.len()].copy_from_slice(hidden);
        self.cell[index * cell.len()..(index + 1) * cell.len()].copy_from_slice(cell);
    }

    fn get(&self, index: usize, hidden: &mut [f32], cell: &mut [f32]) {
        let (h, c) = (hidden.len(), cell.len());
        hidden.copy_from_slice(&self.hidden[index * h..(index + 1) * h]);
        cell.copy_from_slice(&self.cell[index * c..(index + 1) * c]);
    }
}

impl Kept {
    /// Where the first of them lies.
    #[cfg(test)]
    pub fn address(&self) -> *const f32 {
        match self {
            Self::Runs(runs) => runs[0].gates.as_ptr(),
            Self::Checkpoints(saved) => saved.hidden.as_ptr(),
        }
    }

    /// Numbers that are kept.
    pub fn numbers(&self) -> usize {
        match self {
            Self::Runs(runs) => runs.iter().map(|run| run.gates.len() + run.before.len() + run.cells.len()).sum(),
            Self::Checkpoints(saved) => saved.hidden.len() + saved.cell.len(),
        }
    }
}

/// [`backward`](super::backward) with the instruction set named.
pub fn backward(problem: &Problem, tape: Tape, cotangents: &Cotangents, need: Need, isa: Isa) -> Gradients {
    let call = Call::new(problem, isa);
    let Sizes { batch, time, input, hidden: h } = problem.sizes;
    let equations = problem.equations;
    let directions = problem.layers.len();
    let state = batch * h;
    let copy = |from: Option<&[f32]>, wanted: bool| match from {
        _ if !wanted => Vec::new(),
        Some(from) => from.to_vec(),
        None => vec![0.0; directions * state],
    };
    let mut d_hidden = copy(cotangents.hidden, true);
    let mut d_cell = copy(cotangents.cell, equations.has_cell());
    let one = |(((direction, layer), kept), (d_hidden, d_cell)): (((usize, &Layer), Kept), States)| {
        let d_output = cotangents.output.map(|numbers| {
            // Nobody writes to it.
            problem.layout.grid(numbers.as_ptr().cast_mut().wrapping_add(direction * h), batch, time, directions * h)
        });
        let back = Back {
            call: &call,
            layer,
            panels: equations.panels_back(layer.w_hh, h, call.lanes),
            d_output: Shared(d_output.map_or(std::ptr::null_mut(), |grid| grid.numbers)),
            d_output_grid: d_output.map(|grid| (grid.time, grid.batch)),
            need,
        };
        let mut gradients = back.zero_gradients();
        let mut dx = need.x.then(|| unwritten(batch * time * input));
        let steps = if matches!(kept, Kept::Runs(_)) { stretch(problem) } else { segment(time) };
        let whole = steps == time;
        let mut x = call.input_scratch(steps);
        let mut dx_part = Buffer::scratch(if need.x && !whole { batch * steps * input } else { 0 });
        let mut source = Source::new(&call, layer, kept, steps);
        for index in (0..time.div_ceil(steps)).rev() {
            let span = call.span(layer, index, steps);
            let run = source.run(&call, span, &mut x, index);
            back.run(span, run, (&mut *d_hidden, &mut *d_cell), need.state || index > 0);
            let last = (index + 1) * steps >= time;
            let to = match &mut dx {
                Some(dx) if whole => &mut dx[..],
                _ => &mut dx_part[..],
            };
            back.products(batch * span.steps, run, call.input(span, &mut x), &mut gradients, last, to);
            match &mut dx {
                Some(dx) if !whole => back.scatter(span, &dx_part, dx),
                _ => {}
            }
        }
        (gradients, dx)
    };
    let (layers, dx): (Vec<LayerGradients>, Vec<Option<Vec<f32>>>) = problem
        .layers
        .par_iter()
        .enumerate()
        .zip(tape.directions)
        .zip(states(&mut d_hidden, state).into_par_iter().zip(states_or_none(&mut d_cell, state, directions)))
        .with_max_len(1)
        .map(one)
        .unzip();
    let x = dx.into_iter().flatten().reduce(|mut sum, other| {
        sum.par_chunks_mut(1 << 14).zip(other.par_chunks(1 << 14)).for_each(|(sum, other)| {
            sum.iter_mut().zip(other).for_each(|(sum, other)| *sum += other);
        });
        sum
    });
    let has_cell = equations.has_cell();
    Gradients { x, layers, hidden: need.state.then_some(d_hidden), cell: (need.state && has_cell).then_some(d_cell) }
}

/// Where the way back has what was kept of a stretch.
enum Source<'a> {
    /// It is there.
    Runs(Vec<Run>),
    /// It is computed again.
    Again(Box<Again<'a>>),
}

/// What it takes to walk again over a stretch.
struct Again<'a> {
    way: Way<'a>,
    saved: Checkpoints,
    /// Of the stretch that was walked last.
    run: Run,
    hidden: Vec<f32>,
    cell: Vec<f32>,
}

impl<'a> Source<'a> {
    fn new(call: &Call, layer: &'a Layer<'a>, kept: Kept, steps: usize) -> Self {
        match kept {
            Kept::Runs(runs) => Self::Runs(runs),
            Kept::Checkpoints(saved) => {
                let state = call.problem.sizes.batch * call.problem.sizes.hidden;
                let has_cell = call.problem.equations.has_cell();
                Self::Again(Box::new(Again {
                    way: Way::new(call, layer),
                    saved,
                    run: Run::new(call.problem, steps, true),
                    hidden: unwritten(state),
                    cell: unwritten(if has_cell { state } else { 0 }),
                }))
            }
        }
    }

    /// What was kept of the `index`-th stretch. `input` is room for its input, if its rows have to be put together.
    fn run(&mut self, call: &Call, span: Span, input: &mut Buffer, index: usize) -> &mut Run {
        match self {
            Self::Runs(runs) => &mut runs[index],
            Self::Again(again) => {
                let Again { way, saved, run, hidden, cell } = &mut **again;
                saved.get(index, hidden, cell);
                way.run(call, span, input, run, (hidden, cell), None);
                run
            }
        }
    }
}

impl LayerGradients {
    /// Adds a part, or takes it as it is if it is the first.
    fn add(&mut self, part: &Self, first: bool) {
        let pairs = [
            (&mut self.w_ih, &part.w_ih),
            (&mut self.w_hh, &part.w_hh),
            (&mut self.bias, &part.bias),
            (&mut self.bias_hn, &part.bias_hn),
        ];
        for (sum, part) in pairs {
            match (sum, part) {
                (Some(sum), Some(part)) if first => sum.copy_from_slice(part),
                (Some(sum), Some(part)) => sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part),
                _ => {}
            }
        }
    }
}

/// What a direction needs in every stretch of the way back.
struct Back<'a> {
    call: &'a Call<'a>,
    layer: &'a Layer<'a>,
    panels: Vec<Panels>,
    d_output: Shared,
    /// The strides of step and batch row, if there is a gradient of the output.
    d_output_grid: Option<(usize, usize)>,
    need: Need,
}

impl Back<'_> {
    fn equations(&self) -> Equations {
        self.call.problem.equations
    }

    /// Numbers of a row of the gates' grid.
    fn width(&self) -> usize {
        self.equations().parts() * self.call.problem.sizes.hidden
    }

    fn zero_gradients(&self) -> LayerGradients {
        let Sizes { input, hidden, .. } = self.call.problem.sizes;
        let columns = self.equations().gates() * hidden;
        let zeros = |wanted: bool, len: usize| wanted.then(|| vec![0.0; len]);
        LayerGradients {
            w_ih: self.need.input_weights.then(|| unwritten(input * columns)),
            w_hh: self.need.recurrent_weights.then(|| unwritten(hidden * columns)),
            bias: zeros(self.need.biases && self.layer.bias.is_some(), columns),
            bias_hn: zeros(self.need.biases && self.layer.bias_hn.is_some(), hidden),
        }
    }

    /// Walks back over a stretch: then the gates' grid has the gradients of the pre-activations.
    fn run(&self, span: Span, run: &mut Run, (d_hidden, d_cell): States, need_state: bool) {
        let Sizes { batch, hidden: h, .. } = self.call.problem.sizes;
        let layout = self.call.layout(span.steps);
        let grid = |buffer: &mut Buffer, width: usize| layout.grid(buffer.as_mut_ptr(), batch, span.steps, width);
        let step = Backward {
            gates: grid(&mut run.gates, self.width()),
            before: grid(&mut run.before, h),
            cells: grid(&mut run.cells, h),
            d_output: self.d_output_grid.map(|(time, batch)| Grid {
                numbers: self.d_output.at(span.start * time),
                time,
                batch,
            }),
            d_gates: std::ptr::null_mut(),
            carry: std::ptr::null_mut(),
            d_cell: std::ptr::null_mut(),
            d_candidate: std::ptr::null_mut(),
        };
        let walk = BackwardWalk {
            equations: self.equations(),
            units: h,
            span,
            step,
            panels: &self.panels,
            d_hidden: d_hidden.as_mut_ptr(),
            d_cell: d_cell.as_mut_ptr(),
            need_state,
            width: self.width(),
        };
        let isa = self.call.isa;
        // SAFETY: as in `Way::run`.
        self.call.shares.par_iter().with_max_len(1).for_each(|share| unsafe { walk::backward(isa, &walk, share) });
    }

    /// The products after a walk back over `rows` rows: adds their part to the weights' gradients, or writes it if it is
    /// the first, and writes the gradient of their input, if it is wanted, to `dx`.
    ///
    /// Small weights have a gradient in each of several parts of the rows, in one round of all threads. The parts do not
    /// depend on the number of threads, and so the sums do not.
    fn products(&self, rows: usize, run: &Run, x: &[f32], gradients: &mut LayerGradients, first: bool, dx: &mut [f32]) {
        let Sizes { input, hidden, .. } = self.call.problem.sizes;
        if (input + hidden) * self.equations().gates() * hidden > SMALL_WEIGHTS {
            self.weights(0..rows, run, x, gradients, first, Threads::All);
            if self.need.x {
                self.input(0..rows, run, dx, Threads::All);
            }
            return;
        }
        let parts = (rows / ROWS_A_PART).clamp(1, MOST_PARTS);
        let part = rows.div_ceil(parts.next_power_of_two());
        let one = |first_row: usize, dx: &mut [f32]| {
            let mut gradients = self.zero_gradients();
            let end = rows.min(first_row + part);
            for from in (first_row..end).step_by(2 * ROWS_A_PART) {
                let block = from..end.min(from + 2 * ROWS_A_PART);
                self.weights(block.clone(), run, x, &mut gradients, from == first_row, Threads::One);
                if self.need.x {
                    self.input(block, run, &mut dx[(from - first_row) * input..], Threads::One);
                }
            }
            gradients
        };
        let starts = (0..rows).into_par_iter().step_by(part);
        let parts: Vec<LayerGradients> = match self.need.x {
            true => starts
                .zip(dx[..rows * input].par_chunks_mut(part * input))
                .with_max_len(1)
                .map(|(row, dx)| one(row, dx))
                .collect(),
            false => starts.with_max_len(1).map(|row| one(row, &mut [])).collect(),
        };
        for (index, part) in parts.iter().enumerate() {
            gradients.add(part, first && index == 0);
        }
    }

    /// Adds the part of some rows to the weights' gradients; the first writes them.
    fn weights(
        &self,
        rows: Range<usize>,
        run: &Run,
        x: &[f32],
        gradients: &mut LayerGradients,
        first: bool,
        threads: Threads,
    ) {
        let Sizes { input, hidden: h, .. } = self.call.problem.sizes;
        let (count, width) = (rows.len(), self.width());
        let columns = self.equations().gates() * h;
        let gates = &run.gates[rows.start * width..rows.end * width];
        let d = |from: usize, columns: usize| Matrix::new(&gates[from * h..], count, columns, width);
        if let Some(w_ih) = &mut gradients.w_ih {
            let to = Matrix::new(w_ih.as_mut_slice(), input, columns, columns);
            let x = Matrix::new(&x[rows.start * input..rows.end * input], count, input, input);
            multiply(to, x.t(), d(0, columns), !first, threads);
        }
        if let Some(w_hh) = &mut gradients.w_hh {
            let before = Matrix::new(&run.before[rows.start * h..rows.end * h], count, h, h).t();
            let parts = match self.equations() {
                Equations::Gru { reset_after } => {
                    let candidate = if reset_after { (before, d(3, h)) } else { (d(3, h).t(), d(2, h)) };
                    vec![(0, before, d(0, 2 * h)), (2 * h, candidate.0, candidate.1)]
                }
                _ => vec![(0, before, d(0, columns))],
            };
            for (column, left, right) in parts {
                let to = Matrix::new(&mut w_hh[column..], h, right.columns, columns);
                multiply(to, left, right, !first, threads);
            }
        }
        if gradients.bias.is_some() || gradients.bias_hn.is_some() {
            let mut sums = vec![0.0; width];
            add_rows(gates, width, &mut sums, threads);
            let add = |to: &mut Option<Vec<f32>>, sums: &[f32]| {
                to.iter_mut().flatten().zip(sums).for_each(|(to, sum)| *to += sum);
            };
            add(&mut gradients.bias, &sums);
            add(&mut gradients.bias_hn, &sums[width - h..]);
        }
    }

    /// The gradient of some rows' input, in the order of the rows.
    fn input(&self, rows: Range<usize>, run: &Run, dx: &mut [f32], threads: Threads) {
        let Sizes { input, hidden: h, .. } = self.call.problem.sizes;
        let (count, width) = (rows.len(), self.width());
        let columns = self.equations().gates() * h;
        let d = Matrix::new(&run.gates[rows.start * width..rows.end * width], count, columns, width);
        let w_ih = Matrix::new(self.layer.w_ih, input, columns, columns).t();
        multiply(Matrix::new(dx, count, input, input), d, w_ih, false, threads);
    }

    /// Puts a stretch's part, which lies by time, into the whole gradient of the input.
    fn scatter(&self, span: Span, part: &[f32], dx: &mut [f32]) {
        let Sizes { batch, time, input, .. } = self.call.problem.sizes;
        let layout = self.call.problem.layout;
        let (step, row) = layout.strides(batch, time);
        let (part_step, part_row) = self.call.layout(span.steps).strides(batch, span.steps);
        for t in 0..span.steps {
            for r in 0..batch {
                let from = (t * part_step + r * part_row) * input;
                let to = ((span.start + t) * step + r * row) * input;
                dx[to..to + input].copy_from_slice(&part[from..from + input]);
            }
        }
    }
}
