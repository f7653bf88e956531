//! Streaming: one layer, one row, one step at a time.
#![allow(unsafe_code, reason = "passes pointers to its own buffers to the kernels")]

use super::isa::Isa;
use super::layer_args::DirectionWeights;
use super::memory::Buffer;
use super::panels::Panels;
use super::pointwise::{ForwardStep, SequenceView};
use super::thread_pool::ThreadPool;
use super::time_loop::{self, SingleStep};
use crate::Equations;

/// Number of weights from which two cores are faster than one: a core's second-level cache no longer holds them well.
const MIN_PARALLEL_WEIGHTS: usize = 1 << 17;
/// More threads than these do not make a step faster.
const MAX_THREADS: usize = 4;

/// One layer that runs step by step over a single row, for streaming.
///
/// The weights are packed once, and a step allocates no memory. The results are bit for bit those of
/// [`forward`](super::forward) over the whole sequence with a batch of one row. A large layer is split among up to four
/// threads, at most as many as rayon's pool has; they spin between steps that follow each other closely and park
/// otherwise.
#[derive(Debug)]
pub struct Stepper {
    equations: Equations,
    isa: Isa,
    input_size: usize,
    hidden_size: usize,
    input_panels: Vec<Panels>,
    panels: Vec<Panels>,
    bias: Buffer,
    bias_hn: Buffer,
    gates: Buffer,
    hidden: Buffer,
    next_hidden: Buffer,
    cell: Buffer,
    /// r ⊙ h of a reset-before GRU.
    reset_hidden: Buffer,
    thread_pool: ThreadPool,
}

impl Stepper {
    /// Packs the weights of a layer with `hidden` units. The state is zero.
    ///
    /// # Panics
    /// If `hidden` is 0, or the sizes of the weights do not fit the equations.
    pub fn new(equations: Equations, weights: &DirectionWeights, hidden: usize) -> Self {
        assert!(hidden > 0, "a layer must have at least one hidden unit");
        let columns = equations.gates().saturating_mul(hidden);
        let input_size = weights.w_ih.len() / columns;
        weights.check(equations, input_size, hidden);
        let parallel = weights.w_ih.len() + weights.w_hh.len() >= MIN_PARALLEL_WEIGHTS;
        let threads = if parallel { rayon::current_num_threads() } else { 1 };
        let isa = Isa::selected();
        let lanes = isa.lanes();
        Self {
            equations,
            isa,
            input_size,
            hidden_size: hidden,
            input_panels: equations.pack(weights.w_ih, hidden, lanes),
            panels: equations.pack(weights.w_hh, hidden, lanes),
            bias: Buffer::copy(weights.bias, columns),
            bias_hn: Buffer::copy(weights.bias_hn, hidden),
            gates: Buffer::copy(None, equations.gate_blocks() * hidden),
            hidden: Buffer::copy(None, hidden),
            next_hidden: Buffer::copy(None, hidden),
            cell: Buffer::copy(None, if equations.has_cell() { hidden } else { 0 }),
            reset_hidden: Buffer::copy(None, hidden),
            thread_pool: ThreadPool::new(threads.clamp(1, MAX_THREADS)),
        }
    }

    /// Number of input features.
    pub fn input_size(&self) -> usize {
        self.input_size
    }

    /// Number of hidden units.
    pub fn hidden_size(&self) -> usize {
        self.hidden_size
    }

    /// The hidden state, `[hidden]`.
    pub fn hidden(&self) -> &[f32] {
        &self.hidden
    }

    /// The hidden state, to set it.
    pub fn hidden_mut(&mut self) -> &mut [f32] {
        &mut self.hidden
    }

    /// The cell state `[hidden]` of an LSTM; empty for other cells.
    pub fn cell(&self) -> &[f32] {
        &self.cell
    }

    /// The cell state, to set it.
    pub fn cell_mut(&mut self) -> &mut [f32] {
        &mut self.cell
    }

    /// Runs one step with the input `x [input]` and returns the output `[hidden]`.
    ///
    /// # Panics
    /// If `x` has another size.
    pub fn step(&mut self, x: &[f32]) -> &[f32] {
        assert_eq!(x.len(), self.input_size, "x must have {} input features, got {}", self.input_size, x.len());
        let view = |data: *mut f32| SequenceView { data, time_stride: 0, batch_stride: 0 };
        let step = ForwardStep {
            gates: view(self.gates.as_mut_ptr()),
            // The output is the next hidden state, which is written in any case.
            output: view(self.next_hidden.as_mut_ptr()),
            saved_hidden: SequenceView::NULL,
            saved_cell: SequenceView::NULL,
            save: false,
            bias: self.bias.as_ptr(),
            bias_hn: self.bias_hn.as_ptr(),
            hidden: self.hidden.as_ptr(),
            next_hidden: self.next_hidden.as_mut_ptr(),
            cell: self.cell.as_mut_ptr(),
            reset_hidden: self.reset_hidden.as_mut_ptr(),
        };
        let single_step = SingleStep {
            equations: self.equations,
            units: self.hidden_size,
            step,
            x: x.as_ptr(),
            input_panels: &self.input_panels,
            panels: &self.panels,
        };
        let (isa, parts) = (self.isa, self.thread_pool.size());
        for (stage, panels) in self.panels.iter().map(Panels::len).enumerate() {
            // SAFETY: input, gates and states have one row, this call borrows them exclusively, and the parts have
            // disjoint panels.
            let task = |part: usize| unsafe {
                time_loop::step(isa, &single_step, stage, panels * part / parts, panels * (part + 1) / parts);
            };
            if parts == 1 { task(0) } else { self.thread_pool.run(&task) }
        }
        std::mem::swap(&mut self.hidden, &mut self.next_hidden);
        &self.hidden
    }
}
