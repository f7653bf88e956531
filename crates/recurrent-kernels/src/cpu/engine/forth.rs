//! The way forward.
#![allow(unsafe_code, reason = "hands parts of one buffer to tasks that each have rows of their own")]

use rayon::prelude::*;

use super::kept::{Checkpoints, Kept, Run, segment, stretch};
use super::{Call, Shared, States, states, states_from, states_or_none};
use crate::cpu::cells::{Forward, Grid};
use crate::cpu::isa::Isa;
use crate::cpu::memory::{Buffer, unwritten};
use crate::cpu::panels::Panels;
use crate::cpu::walk::{self, ForwardWalk, NOWHERE, Span};
use crate::cpu::{Keep, Layer, Outcome, Problem, Sizes, Tape};

/// Numbers of projected input that stay in a processor's last cache until the walk takes them.
const PROJECTED_AT_ONCE: usize = 1 << 21;
/// Rows of a large product that make it worth its packing.
const FEWEST_ROWS: usize = 256;

/// What a direction needs in every stretch of the way forward.
pub(super) struct Way<'a> {
    layer: &'a Layer<'a>,
    input_panels: Option<Panels>,
    panels: Vec<Panels>,
    bias: Buffer,
    bias_hn: Buffer,
}

impl<'a> Way<'a> {
    pub(super) fn new(call: &Call, layer: &'a Layer<'a>) -> Self {
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
    pub(super) fn run(
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

/// [`forward`](crate::cpu::forward) with the instruction set named.
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
    let mut hidden = states_from(problem.hidden, directions * state);
    let mut cell = if equations.has_cell() { states_from(problem.cell, directions * state) } else { Vec::new() };
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
