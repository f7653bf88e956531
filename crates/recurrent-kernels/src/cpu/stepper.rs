//! One layer, one row, one step at a time.
#![allow(unsafe_code, reason = "hands its own memory to the walk")]

use super::cells::{Forward, Grid};
use super::isa::Isa;
use super::memory::Buffer;
use super::panels::Panels;
use super::team::Team;
use super::walk::{self, NOWHERE, StepWalk};
use super::{Equations, Layer};

/// Weights that a core's second cache no longer holds well: from here on, two cores are faster than one.
const WORTH_SHARING: usize = 1 << 17;
/// Threads that still gain from a smaller part each.
const MOST_THREADS: usize = 4;

/// One layer that goes step by step over a single row: streaming.
///
/// The weights are packed once, and a step takes no memory from the system. It gives, bit for bit, what
/// [`forward`](super::forward) gives for the whole sequence as a batch of one row. The hidden units of a large layer are
/// shared among a few threads, as many as rayon's pool has; they wait with their eyes open between steps that follow one
/// another closely, and sleep otherwise.
#[derive(Debug)]
pub struct Stepper {
    equations: Equations,
    isa: Isa,
    input: usize,
    hidden_size: usize,
    input_panels: Vec<Panels>,
    panels: Vec<Panels>,
    bias: Buffer,
    bias_hn: Buffer,
    gates: Buffer,
    hidden: Buffer,
    next: Buffer,
    cell: Buffer,
    /// r ⊙ h, of a GRU with the reset gate before the product.
    reset: Buffer,
    team: Team,
}

impl Stepper {
    /// Packs a layer's weights; the state is zero.
    ///
    /// # Panics
    /// If the layer has no hidden unit or the weights are of other sizes than its equations ask for.
    pub fn new(equations: Equations, layer: &Layer, hidden: usize) -> Self {
        let columns = equations.gates() * hidden;
        assert!(hidden > 0, "a layer has at least one hidden unit");
        assert_eq!(layer.w_hh.len(), hidden * columns, "w_hh is [hidden, gates * hidden]");
        assert_eq!(layer.w_ih.len() % columns, 0, "w_ih is [input, gates * hidden]");
        let shared = layer.w_ih.len() + layer.w_hh.len() >= WORTH_SHARING;
        let threads = if shared { rayon::current_num_threads() } else { 1 };
        let isa = Isa::chosen();
        let lanes = walk::lanes(isa);
        Self {
            equations,
            isa,
            input: layer.w_ih.len() / columns,
            hidden_size: hidden,
            input_panels: equations.panels(layer.w_ih, hidden, lanes),
            panels: equations.panels(layer.w_hh, hidden, lanes),
            bias: Buffer::copy(layer.bias, columns),
            bias_hn: Buffer::copy(layer.bias_hn, hidden),
            gates: Buffer::copy(None, equations.parts() * hidden),
            hidden: Buffer::copy(None, hidden),
            next: Buffer::copy(None, hidden),
            cell: Buffer::copy(None, if equations.has_cell() { hidden } else { 0 }),
            reset: Buffer::copy(None, hidden),
            team: Team::new(threads.clamp(1, MOST_THREADS)),
        }
    }

    /// Input features.
    pub fn input_size(&self) -> usize {
        self.input
    }

    /// Hidden units.
    pub fn hidden_size(&self) -> usize {
        self.hidden_size
    }

    /// The hidden state, `[hidden]`.
    pub fn hidden(&self) -> &[f32] {
        &self.hidden
    }

    /// The hidden state, to be set.
    pub fn hidden_mut(&mut self) -> &mut [f32] {
        &mut self.hidden
    }

    /// The cell state, `[hidden]`, of an LSTM; empty otherwise.
    pub fn cell(&self) -> &[f32] {
        &self.cell
    }

    /// The cell state, to be set.
    pub fn cell_mut(&mut self) -> &mut [f32] {
        &mut self.cell
    }

    /// Takes one step with the input `x [input]`, and gives the output `[hidden]`.
    ///
    /// # Panics
    /// If `x` has another size.
    pub fn step(&mut self, x: &[f32]) -> &[f32] {
        assert_eq!(x.len(), self.input, "the layer takes {} input features, got {}", self.input, x.len());
        let grid = |numbers: *mut f32| Grid { numbers, time: 0, batch: 0 };
        let step = Forward {
            gates: grid(self.gates.as_mut_ptr()),
            // The output is the next hidden state, which is written in any case.
            output: grid(self.next.as_mut_ptr()),
            before: NOWHERE,
            cells: NOWHERE,
            keep: false,
            bias: self.bias.as_ptr(),
            bias_hn: self.bias_hn.as_ptr(),
            now: self.hidden.as_ptr(),
            next: self.next.as_mut_ptr(),
            cell: self.cell.as_mut_ptr(),
            reset: self.reset.as_mut_ptr(),
        };
        let walk = StepWalk {
            equations: self.equations,
            units: self.hidden_size,
            step,
            x: x.as_ptr(),
            input_panels: &self.input_panels,
            panels: &self.panels,
        };
        let (isa, parts) = (self.isa, self.team.size());
        for (stage, panels) in self.panels.iter().map(Panels::len).enumerate() {
            // SAFETY: one row of input, gates and states is there, this call has it alone, and no two parts have a panel
            // in common.
            let task = |part: usize| unsafe {
                walk::step(isa, &walk, stage, panels * part / parts, panels * (part + 1) / parts);
            };
            if parts == 1 { task(0) } else { self.team.run(&task) }
        }
        std::mem::swap(&mut self.hidden, &mut self.next);
        &self.hidden
    }
}
