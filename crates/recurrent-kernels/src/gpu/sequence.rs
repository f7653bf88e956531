//! The kernel launches of a pass over a sequence.

use burn::backend::ops::FloatTensorOps;
use burn::backend::{DType, TensorMetadata};
use burn::tensor::Shape;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::kernel::{into_contiguous, slice};
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;
use burn_cubecl::{CubeBackend, cubecl};

use super::gru_reset_before;
use super::persistent::{self, CubeTile};
use super::pointwise::{
    BackwardBuffersLaunch, CellKind, ForwardBuffersLaunch, GradientBuffersLaunch, KernelConfig, SequenceShapeLaunch,
};
use super::schedule::{Limits, Schedule, steps_per_launch};
use super::stepwise;
use crate::Layout;

/// A forward or backward pass. All tensors are contiguous and in single precision.
pub struct SequencePass {
    pub kernel: KernelConfig,
    pub batch: usize,
    pub time: usize,
    /// The layout of all tensors with a row for each step of each row of the batch.
    pub layout: Layout,
    /// The cell state is clipped to ± this value, for a clipped LSTM.
    pub clip: f32,
    /// The number of valid steps of each row, `[batch]`; any tensor if all rows are full.
    pub lengths: CubeTensor,
    /// The schedule, if one is forced.
    pub schedule: Option<Schedule>,
}

/// The tensors of a forward pass.
pub struct ForwardTensors {
    /// `[directions, hidden, gates * hidden]`.
    pub weights: CubeTensor,
    /// `[directions, biases * hidden]`; any tensor if there are no biases.
    pub bias: CubeTensor,
    /// The projected input, then, if saved, the gate activations; `[rows, directions * gates * hidden]`.
    pub gates: CubeTensor,
    /// See [`CellKind::saves_extra`]; `[rows, directions * hidden]`, written if saved.
    pub extra: CubeTensor,
    /// `[rows, directions * hidden]`, written.
    pub output: CubeTensor,
    /// The hidden state before, then after the pass, `[directions, batch, hidden]`.
    pub hidden: CubeTensor,
    /// The cell state of an LSTM, likewise.
    pub cell: CubeTensor,
}

/// The tensors of a backward pass.
pub struct BackwardTensors {
    /// `[directions, gates * hidden, hidden]`, the transposes.
    pub weights: CubeTensor,
    /// The gate activations.
    pub gates: CubeTensor,
    /// See [`CellKind::saves_extra`].
    pub extra: CubeTensor,
    /// The output of the forward pass, `[rows, directions * hidden]`.
    pub output: CubeTensor,
    /// The initial hidden state, then the initial cell state, if given; any tensor if not.
    pub initial_state: CubeTensor,
    /// The gradient of the output, `[rows, directions * hidden]`.
    pub d_output: Option<CubeTensor>,
    /// The gradient of the final state, then of the initial one: hidden, then cell,
    /// `[parts, directions, batch, hidden]`.
    pub d_state: CubeTensor,
    /// The gradients of the gates' pre-activations, `[rows, directions * gates * hidden]`, written.
    pub d_gates: CubeTensor,
    /// See [`CellKind::has_candidate_factor`]; `[rows, directions * hidden]`, written.
    pub candidate_factor: CubeTensor,
    /// The hidden state before each step, `[rows, directions * hidden]`, written.
    pub prev_hidden: CubeTensor,
}

impl SequencePass {
    fn sequence_shape(&self) -> SequenceShapeLaunch {
        let (time_stride, batch_stride) = match self.layout {
            Layout::BatchFirst => (1, self.time),
            Layout::TimeFirst => (self.batch, 1),
        };
        let [time, batch, time_stride, batch_stride] = [self.time, self.batch, time_stride, batch_stride].map(to_u32);
        SequenceShapeLaunch::new(time, batch, time_stride, batch_stride)
    }

    fn tile(&self, client: &cubecl::client::Client, backward: bool) -> Option<CubeTile> {
        Limits::of(client).tile(&self.kernel, self.batch, backward, self.schedule)
    }

    /// The cubes of the persistent schedule: a few rows of one direction each.
    fn cubes(&self, tile: CubeTile) -> CubeCount {
        CubeCount::Static(to_u32(self.batch.div_ceil(tile.rows)), to_u32(self.kernel.directions), 1)
    }

    /// The cubes of the stepwise schedule: all hidden units of all rows.
    fn step_cubes(&self) -> CubeCount {
        let items = self.kernel.directions * self.batch * self.kernel.hidden;
        CubeCount::Static(to_u32(items).div_ceil(stepwise::CUBE_UNITS), 1, 1)
    }

    /// The cubes of half a step of a reset-before GRU.
    fn half_step_cubes(&self) -> (CubeCount, CubeDim) {
        let tiles = |count: usize| to_u32(count).div_ceil(gru_reset_before::TILE_SIDE);
        let count = CubeCount::Static(tiles(self.kernel.hidden), tiles(self.batch), to_u32(self.kernel.directions));
        (count, CubeDim::new_2d(gru_reset_before::TILE_SIDE, gru_reset_before::TILE_SIDE))
    }

    /// The launches of the persistent schedule: the first step and the number of steps of each.
    fn persistent_launches(&self, tile: &CubeTile) -> Vec<(u32, u32)> {
        let max_steps = steps_per_launch(&self.kernel, tile, self.batch);
        let launch = |first: usize| (to_u32(first), to_u32(max_steps.min(self.time - first)));
        (0..self.time).step_by(max_steps).map(launch).collect()
    }

    /// An uninitialized tensor for one step, `[directions, batch, gates * hidden]`.
    fn step_tensor(&self, like: &CubeTensor, gates: usize) -> CubeTensor {
        empty(like, [self.kernel.directions, self.batch, gates * self.kernel.hidden])
    }

    /// The forward pass.
    pub fn forward(&self, tensors: &ForwardTensors) {
        match self.tile(&tensors.weights.client, false) {
            Some(tile) => self.forward_persistent(tensors, tile),
            None if self.kernel.cell == CellKind::GruBefore => self.forward_gru_reset_before(tensors),
            None => self.forward_stepwise(tensors),
        }
    }

    fn forward_persistent(&self, tensors: &ForwardTensors, tile: CubeTile) {
        for (first, steps) in self.persistent_launches(&tile) {
            persistent::forward::launch(
                &tensors.weights.client,
                self.cubes(tile),
                CubeDim::new_1d(to_u32(tile.units)),
                argument(&tensors.weights),
                self.forward_buffers(tensors),
                self.sequence_shape(),
                first,
                steps,
                self.clip,
                self.kernel,
                tile,
            );
        }
    }

    fn forward_stepwise(&self, tensors: &ForwardTensors) {
        for step in 0..self.time {
            stepwise::forward::launch(
                &tensors.weights.client,
                self.step_cubes(),
                CubeDim::new_1d(stepwise::CUBE_UNITS),
                argument(&matmul(&tensors.hidden, &tensors.weights)),
                self.forward_buffers(tensors),
                self.sequence_shape(),
                to_u32(step),
                self.clip,
                self.kernel,
            );
        }
    }

    fn forward_gru_reset_before(&self, tensors: &ForwardTensors) {
        let client = &tensors.weights.client;
        let (count, dim) = self.half_step_cubes();
        let reset_hidden = self.step_tensor(&tensors.weights, 1);
        for step in 0..self.time {
            gru_reset_before::gates::launch(
                client,
                count.clone(),
                dim,
                argument(&tensors.weights),
                self.forward_buffers(tensors),
                argument(&reset_hidden),
                self.sequence_shape(),
                to_u32(step),
                self.kernel,
            );
            gru_reset_before::candidate::launch(
                client,
                count.clone(),
                dim,
                argument(&tensors.weights),
                self.forward_buffers(tensors),
                argument(&reset_hidden),
                self.sequence_shape(),
                to_u32(step),
                self.kernel,
            );
        }
    }

    fn forward_buffers(&self, tensors: &ForwardTensors) -> ForwardBuffersLaunch {
        let ForwardTensors { bias, gates, extra, output, hidden, cell, .. } = tensors;
        let [bias, gates, extra, output, hidden, cell] = [bias, gates, extra, output, hidden, cell].map(argument);
        ForwardBuffersLaunch::new(bias, argument(&self.lengths), gates, extra, output, hidden, cell)
    }

    /// The backward pass. Returns the gradient of the initial state, shaped as [`BackwardTensors::d_state`].
    pub fn backward(&self, tensors: &BackwardTensors) -> CubeTensor {
        match self.tile(&tensors.weights.client, true) {
            Some(tile) => self.backward_persistent(tensors, tile),
            None if self.kernel.cell == CellKind::GruBefore => self.backward_gru_reset_before(tensors),
            None => self.backward_stepwise(tensors),
        }
    }

    fn backward_persistent(&self, tensors: &BackwardTensors, tile: CubeTile) -> CubeTensor {
        for (first, steps) in self.persistent_launches(&tile).into_iter().rev() {
            persistent::backward::launch(
                &tensors.weights.client,
                self.cubes(tile),
                CubeDim::new_1d(to_u32(tile.units)),
                argument(&tensors.weights),
                self.backward_buffers(tensors),
                tensors.gradient_buffers(),
                self.sequence_shape(),
                first,
                steps,
                self.clip,
                self.kernel,
                tile,
            );
        }
        tensors.d_state.clone()
    }

    fn backward_stepwise(&self, tensors: &BackwardTensors) -> CubeTensor {
        let step_gates = self.step_tensor(&tensors.weights, self.kernel.cell.gates());
        let mut product = self.zero_product(tensors);
        for step in (0..self.time).rev() {
            self.launch_backward_step(tensors, &product, &step_gates, step);
            product = matmul(&step_gates, &tensors.weights);
        }
        self.initial_state_grad(tensors, product)
    }

    fn backward_gru_reset_before(&self, tensors: &BackwardTensors) -> CubeTensor {
        let KernelConfig { hidden, directions, .. } = self.kernel;
        let client = &tensors.weights.client;
        let (count, dim) = self.half_step_cubes();
        let d_candidate = self.step_tensor(&tensors.weights, 1);
        let d_gates = self.step_tensor(&tensors.weights, 2);
        self.launch_backward_step(tensors, &self.zero_product(tensors), &d_candidate, self.time - 1);
        for step in (0..self.time).rev() {
            gru_reset_before::gates_backward::launch(
                client,
                count.clone(),
                dim,
                argument(&tensors.weights),
                argument(&d_candidate),
                self.backward_buffers(tensors),
                argument(&d_gates),
                tensors.gradient_buffers(),
                self.sequence_shape(),
                to_u32(step),
                self.kernel,
            );
            if step > 0 {
                gru_reset_before::candidate_backward::launch(
                    client,
                    count.clone(),
                    dim,
                    argument(&tensors.weights),
                    argument(&d_gates),
                    self.backward_buffers(tensors),
                    argument(&d_candidate),
                    tensors.gradient_buffers(),
                    self.sequence_shape(),
                    to_u32(step - 1),
                    self.kernel,
                );
            }
        }
        let gate_weights = slice(tensors.weights.clone(), &[0..directions, 0..2 * hidden, 0..hidden]);
        self.initial_state_grad(tensors, matmul(&d_gates, &into_contiguous(gate_weights)))
    }

    /// A backward step of the stepwise schedule, after the `product` of the step that follows in time.
    fn launch_backward_step(
        &self,
        tensors: &BackwardTensors,
        product: &CubeTensor,
        step_gates: &CubeTensor,
        step: usize,
    ) {
        stepwise::backward::launch(
            &tensors.weights.client,
            self.step_cubes(),
            CubeDim::new_1d(stepwise::CUBE_UNITS),
            argument(product),
            self.backward_buffers(tensors),
            argument(step_gates),
            tensors.gradient_buffers(),
            self.sequence_shape(),
            to_u32(step),
            self.clip,
            self.kernel,
        );
    }

    fn backward_buffers(&self, tensors: &BackwardTensors) -> BackwardBuffersLaunch {
        let BackwardTensors { gates, extra, output, initial_state, d_output, .. } = tensors;
        // Without a gradient of the output, any tensor: the kernel does not read it.
        let d_output = argument(d_output.as_ref().unwrap_or(output));
        let [gates, extra, output, initial_state] = [gates, extra, output, initial_state].map(argument);
        BackwardBuffersLaunch::new(argument(&self.lengths), gates, extra, output, initial_state, d_output)
    }

    /// No gradient passes through the recurrent weights to the last step.
    fn zero_product(&self, tensors: &BackwardTensors) -> CubeTensor {
        let shape = Shape::new([self.kernel.directions, self.batch, self.kernel.hidden]);
        CubeBackend::float_zeros(shape, &tensors.weights.device, DType::F32.into())
    }

    /// The gradient of the initial state: the part that passed through the recurrent weights and the part that bypassed them.
    fn initial_state_grad(&self, tensors: &BackwardTensors, product: CubeTensor) -> CubeTensor {
        let KernelConfig { hidden, directions, .. } = self.kernel;
        let part =
            |index: usize| slice(tensors.d_state.clone(), &[index..index + 1, 0..directions, 0..self.batch, 0..hidden]);
        let product = CubeBackend::float_reshape(product, Shape::new([1, directions, self.batch, hidden]));
        let sum = CubeBackend::float_add(part(0), product);
        match tensors.d_state.shape()[0] {
            1 => sum,
            _ => CubeBackend::float_cat(vec![sum, part(1)], 0),
        }
    }
}

impl BackwardTensors {
    fn gradient_buffers(&self) -> GradientBuffersLaunch {
        let Self { d_gates, candidate_factor, prev_hidden, d_state, .. } = self;
        let [gates, factor, hidden, state] = [d_gates, candidate_factor, prev_hidden, d_state].map(argument);
        GradientBuffersLaunch::new(gates, factor, hidden, state)
    }
}

/// An uninitialized tensor in single precision on the same device.
pub fn empty<const D: usize>(like: &CubeTensor, shape: [usize; D]) -> CubeTensor {
    empty_device_contiguous_dtype(like.client.clone(), like.device.clone(), Shape::new(shape), DType::F32)
}

/// A batched matrix product, contiguous.
fn matmul(left: &CubeTensor, right: &CubeTensor) -> CubeTensor {
    into_contiguous(CubeBackend::float_matmul(left.clone(), right.clone()))
}

fn argument(tensor: &CubeTensor) -> BufferArg {
    tensor.clone().into_buffer_arg()
}

fn to_u32(size: usize) -> u32 {
    u32::try_from(size).expect("the limits were checked, so sizes fit in 32 bits")
}
