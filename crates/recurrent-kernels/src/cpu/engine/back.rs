//! The way back.
#![allow(unsafe_code, reason = "hands parts of one buffer to tasks that each have rows of their own")]

use std::ops::Range;

use rayon::prelude::*;

use super::forth::Way;
use super::kept::{Checkpoints, Kept, Run, segment, stretch};
use super::{Call, Shared, States, states, states_from, states_or_none};
use crate::cpu::cells::{Backward, Grid};
use crate::cpu::isa::Isa;
use crate::cpu::memory::{Buffer, unwritten};
use crate::cpu::panels::Panels;
use crate::cpu::products::{Matrix, Threads, add_rows, multiply};
use crate::cpu::walk::{self, BackwardWalk, Span};
use crate::cpu::{Cotangents, Equations, Gradients, Layer, LayerGradients, Need, Problem, Sizes, Tape};

/// Numbers of weights whose gradients are so small that each task has its own, and they are added up in the end.
const SMALL_WEIGHTS: usize = 1 << 17;
/// Rows of a part of such a gradient, about, and how many parts there are at most.
const ROWS_A_PART: usize = 256;
const MOST_PARTS: usize = 32;

/// [`backward`](crate::cpu::backward) with the instruction set named.
pub fn backward(problem: &Problem, tape: Tape, cotangents: &Cotangents, need: Need, isa: Isa) -> Gradients {
    let call = Call::new(problem, isa);
    let Sizes { batch, time, input, hidden: h } = problem.sizes;
    let equations = problem.equations;
    let directions = problem.layers.len();
    let state = batch * h;
    let mut d_hidden = states_from(cotangents.hidden, directions * state);
    let mut d_cell = if equations.has_cell() { states_from(cotangents.cell, directions * state) } else { Vec::new() };
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
            back.products(back.walked(span, run, call.input(span, &mut x)), &mut gradients, last, to);
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

/// The gradients of `w_ih`, `w_hh`, `bias` and `bias_hn`, each empty if it is not wanted.
type Sums<'a> = [&'a mut [f32]; 4];

impl LayerGradients {
    fn sums(&mut self) -> Sums<'_> {
        [&mut self.w_ih, &mut self.w_hh, &mut self.bias, &mut self.bias_hn]
            .map(|gradient| gradient.as_deref_mut().unwrap_or_default())
    }
}

/// Cuts one buffer into gradients of so many numbers.
fn cut(mut numbers: &mut [f32], sizes: [usize; 4]) -> Sums<'_> {
    sizes.map(|size| numbers.split_off_mut(..size).expect("as many numbers as all of them have"))
}

/// Rows that a walk back went over, one below the other.
#[derive(Clone, Copy)]
struct Walked<'a> {
    rows: usize,
    /// The gradients of the pre-activations; of a GRU with the reset gate before the product, r ⊙ h after them.
    gates: &'a [f32],
    /// The hidden state before each step.
    before: &'a [f32],
    /// The input.
    x: &'a [f32],
}

impl<'a> Walked<'a> {
    /// Some of the rows.
    fn part(self, rows: Range<usize>) -> Self {
        let of = |numbers: &'a [f32]| {
            let width = numbers.len() / self.rows;
            &numbers[rows.start * width..rows.end * width]
        };
        Self { rows: rows.len(), gates: of(self.gates), before: of(self.before), x: of(self.x) }
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

    /// How many numbers each of the gradients has.
    fn sizes(&self) -> [usize; 4] {
        let Sizes { input, hidden, .. } = self.call.problem.sizes;
        let (columns, need) = (self.equations().gates() * hidden, self.need);
        let if_wanted = |wanted: bool, size: usize| if wanted { size } else { 0 };
        [
            if_wanted(need.input_weights, input * columns),
            if_wanted(need.recurrent_weights, hidden * columns),
            if_wanted(need.biases && self.layer.bias.is_some(), columns),
            if_wanted(need.biases && self.layer.bias_hn.is_some(), hidden),
        ]
    }

    /// Gradients to which nothing was added yet; those of the weights are written first.
    fn zero_gradients(&self) -> LayerGradients {
        let [w_ih, w_hh, bias, bias_hn] = self.sizes();
        let weights = |size: usize| (size > 0).then(|| unwritten(size));
        let biases = |size: usize| (size > 0).then(|| vec![0.0; size]);
        LayerGradients { w_ih: weights(w_ih), w_hh: weights(w_hh), bias: biases(bias), bias_hn: biases(bias_hn) }
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

    /// The rows of a stretch that was walked back over, and their input.
    fn walked<'b>(&self, span: Span, run: &'b Run, x: &'b [f32]) -> Walked<'b> {
        let Sizes { batch, input, hidden, .. } = self.call.problem.sizes;
        let rows = batch * span.steps;
        let (gates, before) = (&run.gates[..rows * self.width()], &run.before[..rows * hidden]);
        Walked { rows, gates, before, x: &x[..rows * input] }
    }

    /// The products after a walk back: adds their part to the weights' gradients, or writes it if it is the first, and
    /// writes the gradient of their input, if it is wanted, to `dx`.
    ///
    /// Small weights have a gradient in each of several parts of the rows, in one round of all threads. The parts do not
    /// depend on the number of threads, and so the sums do not.
    fn products(&self, walked: Walked, gradients: &mut LayerGradients, first: bool, dx: &mut [f32]) {
        let Sizes { input, hidden, .. } = self.call.problem.sizes;
        if (input + hidden) * self.equations().gates() * hidden > SMALL_WEIGHTS {
            self.weights(walked, gradients.sums(), first, Threads::All);
            if self.need.x {
                self.input(walked, dx, Threads::All);
            }
            return;
        }
        let parts = (walked.rows / ROWS_A_PART).clamp(1, MOST_PARTS).next_power_of_two();
        let part = walked.rows.div_ceil(parts);
        let sizes = self.sizes();
        let one = |first_row: usize, dx: &mut [f32]| {
            let mut sums = Buffer::scratch(sizes.iter().sum());
            sums[sizes[0] + sizes[1]..].fill(0.0);
            let end = walked.rows.min(first_row + part);
            for from in (first_row..end).step_by(2 * ROWS_A_PART) {
                let block = walked.part(from..end.min(from + 2 * ROWS_A_PART));
                self.weights(block, cut(&mut sums, sizes), from == first_row, Threads::One);
                if self.need.x {
                    self.input(block, &mut dx[(from - first_row) * input..], Threads::One);
                }
            }
            sums
        };
        let starts = (0..walked.rows).into_par_iter().step_by(part);
        let parts: Vec<Buffer> = if self.need.x {
            let dx = dx[..walked.rows * input].par_chunks_mut(part * input);
            starts.zip(dx).with_max_len(1).map(|(row, dx)| one(row, dx)).collect()
        } else {
            starts.with_max_len(1).map(|row| one(row, &mut [])).collect()
        };
        for (index, mut part) in parts.into_iter().enumerate() {
            for (sum, part) in gradients.sums().into_iter().zip(cut(&mut part, sizes)) {
                if first && index == 0 {
                    sum.copy_from_slice(part);
                } else {
                    sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += *part);
                }
            }
        }
    }

    /// Adds the part of some rows to the weights' gradients; the first writes them.
    fn weights(&self, walked: Walked, [w_ih, w_hh, bias, bias_hn]: Sums, first: bool, threads: Threads) {
        let Sizes { input, hidden: h, .. } = self.call.problem.sizes;
        let Walked { rows, gates, before, x } = walked;
        let width = self.width();
        let columns = self.equations().gates() * h;
        let part = |from: usize, columns: usize| Matrix::new(&gates[from * h..], rows, columns, width);
        if !w_ih.is_empty() {
            let to = Matrix::new(w_ih, input, columns, columns);
            multiply(to, Matrix::new(x, rows, input, input).t(), part(0, columns), !first, threads);
        }
        if !w_hh.is_empty() {
            let before = Matrix::new(before, rows, h, h).t();
            let parts = match self.equations() {
                Equations::Gru { reset_after } => {
                    let candidate = if reset_after { (before, part(3, h)) } else { (part(3, h).t(), part(2, h)) };
                    vec![(0, before, part(0, 2 * h)), (2 * h, candidate.0, candidate.1)]
                }
                _ => vec![(0, before, part(0, columns))],
            };
            for (column, left, right) in parts {
                let to = Matrix::new(&mut w_hh[column..], h, right.columns, columns);
                multiply(to, left, right, !first, threads);
            }
        }
        if !bias.is_empty() || !bias_hn.is_empty() {
            let mut sums = vec![0.0; width];
            add_rows(gates, width, &mut sums, threads);
            bias.iter_mut().zip(&sums).for_each(|(to, sum)| *to += sum);
            bias_hn.iter_mut().zip(&sums[width - h..]).for_each(|(to, sum)| *to += sum);
        }
    }

    /// The gradient of some rows' input, in the order of the rows.
    fn input(&self, Walked { rows, gates, .. }: Walked, dx: &mut [f32], threads: Threads) {
        let Sizes { input, hidden, .. } = self.call.problem.sizes;
        let columns = self.equations().gates() * hidden;
        let d = Matrix::new(gates, rows, columns, self.width());
        let w_ih = Matrix::new(self.layer.w_ih, input, columns, columns).t();
        multiply(Matrix::new(dx, rows, input, input), d, w_ih, false, threads);
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
