//! The launches of a pass over a sequence.

use burn::backend::ops::FloatTensorOps;
use burn::backend::{DType, TensorMetadata};
use burn::tensor::Shape;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::kernel::{into_contiguous, slice};
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;
use burn_cubecl::{CubeBackend, cubecl};

use super::cell::{Cell, CourseLaunch, Form, GradientsLaunch, SpanLaunch, TapeLaunch};
use super::reset_first;
use super::resident::{self, Tile};
use super::schedule::{Limits, Schedule, steps_a_launch};
use super::stepwise;
use crate::Layout;

/// What forward and backward passes have in common. All tensors are in single precision and in order.
pub struct Pass {
    pub form: Form,
    pub batch: usize,
    pub time: usize,
    /// Of all tensors with a row for each step of each row of the batch.
    pub layout: Layout,
    /// Where the cell state is held.
    pub clip: f32,
    /// Steps of each row of the batch, `[batch]`, if they differ; any tensor if not.
    pub lengths: CubeTensor,
    pub schedule: Option<Schedule>,
}

/// The tensors of a forward pass.
pub struct Forward {
    /// `[directions, hidden, gates * hidden]`.
    pub weights: CubeTensor,
    /// `[directions, biases * hidden]`, if there are any; any tensor if not.
    pub bias: CubeTensor,
    /// `[rows, directions * gates * hidden]`: the projected input, and then the activated gates if they are kept.
    pub gates: CubeTensor,
    /// `[rows, directions * hidden]`, written if it is kept.
    pub extra: CubeTensor,
    /// `[rows, directions * hidden]`, written.
    pub output: CubeTensor,
    /// `[directions, batch, hidden]`: the state before, and then after.
    pub hidden: CubeTensor,
    /// The same, of an LSTM.
    pub cell: CubeTensor,
}

/// The tensors of a backward pass.
pub struct Backward {
    /// `[directions, gates * hidden, hidden]`, the transposes.
    pub weights: CubeTensor,
    /// As the forward pass left them.
    pub gates: CubeTensor,
    pub extra: CubeTensor,
    pub output: CubeTensor,
    /// The state before the first step, hidden and then cell, if it was given.
    pub initial: CubeTensor,
    /// The gradient of the output, `[rows, directions * hidden]`.
    pub d_output: Option<CubeTensor>,
    /// The gradients of the state after the last step, hidden and then cell, and then those of the state before the
    /// first, `[parts, directions, batch, hidden]`.
    pub carried: CubeTensor,
    /// Of the gates before their activation, `[rows, directions * gates * hidden]`, written.
    pub d_gates: CubeTensor,
    /// `[rows, directions * hidden]`, written if the [cell has one](Cell::has_side).
    pub side: CubeTensor,
    /// The hidden state before each step, `[rows, directions * hidden]`, written.
    pub before: CubeTensor,
}

impl Pass {
    fn span(&self) -> SpanLaunch {
        let (time_stride, batch_stride) = match self.layout {
            Layout::BatchFirst => (1, self.time),
            Layout::TimeFirst => (self.batch, 1),
        };
        let [time, batch, time_stride, batch_stride] = [self.time, self.batch, time_stride, batch_stride].map(small);
        SpanLaunch::new(time, batch, time_stride, batch_stride)
    }

    fn tile(&self, client: &cubecl::client::Client, back: bool) -> Option<Tile> {
        Limits::of(client).tile(&self.form, self.batch, back, self.schedule)
    }

    /// The cubes of the resident schedule: a few rows of one direction each.
    fn cubes(&self, tile: Tile) -> CubeCount {
        CubeCount::Static(small(self.batch.div_ceil(tile.rows)), small(self.form.directions), 1)
    }

    /// The cubes of the stepwise schedule: all hidden units of all rows.
    fn step_cubes(&self) -> CubeCount {
        let items = self.form.directions * self.batch * self.form.hidden;
        CubeCount::Static(small(items).div_ceil(stepwise::UNITS), 1, 1)
    }

    /// The cubes of a step's half, of a GRU with the reset gate before the product.
    fn half_cubes(&self) -> (CubeCount, CubeDim) {
        let tiles = |count: usize| small(count).div_ceil(reset_first::SIDE);
        let count = CubeCount::Static(tiles(self.form.hidden), tiles(self.batch), small(self.form.directions));
        (count, CubeDim::new_2d(reset_first::SIDE, reset_first::SIDE))
    }

    /// The stretches of the resident schedule, each a launch: first step, and how many.
    fn stretches(&self, tile: &Tile) -> Vec<(u32, u32)> {
        let longest = steps_a_launch(&self.form, tile, self.batch);
        let stretch = |first: usize| (small(first), small(longest.min(self.time - first)));
        (0..self.time).step_by(longest).map(stretch).collect()
    }

    /// A step's tensor, `[directions, batch, gates * hidden]`, not yet written.
    fn step_tensor(&self, like: &CubeTensor, gates: usize) -> CubeTensor {
        empty(like, [self.form.directions, self.batch, gates * self.form.hidden])
    }

    /// Runs forward.
    pub fn forward(&self, tensors: &Forward) {
        match self.tile(&tensors.weights.client, false) {
            Some(tile) => self.forward_resident(tensors, tile),
            None if self.form.cell == Cell::GruBefore => self.forward_reset_first(tensors),
            None => self.forward_stepwise(tensors),
        }
    }

    fn forward_resident(&self, tensors: &Forward, tile: Tile) {
        for (first, steps) in self.stretches(&tile) {
            resident::forward::launch(
                &tensors.weights.client,
                self.cubes(tile),
                CubeDim::new_1d(small(tile.units)),
                argument(&tensors.weights),
                self.course(tensors),
                self.span(),
                first,
                steps,
                self.clip,
                self.form,
                tile,
            );
        }
    }

    fn forward_stepwise(&self, tensors: &Forward) {
        for step in 0..self.time {
            stepwise::forward::launch(
                &tensors.weights.client,
                self.step_cubes(),
                CubeDim::new_1d(stepwise::UNITS),
                argument(&multiply(&tensors.hidden, &tensors.weights)),
                self.course(tensors),
                self.span(),
                small(step),
                self.clip,
                self.form,
            );
        }
    }

    fn forward_reset_first(&self, tensors: &Forward) {
        let client = &tensors.weights.client;
        let (count, dim) = self.half_cubes();
        let reset = self.step_tensor(&tensors.weights, 1);
        for step in 0..self.time {
            reset_first::gates::launch(
                client,
                count.clone(),
                dim,
                argument(&tensors.weights),
                self.course(tensors),
                argument(&reset),
                self.span(),
                small(step),
                self.form,
            );
            reset_first::candidate::launch(
                client,
                count.clone(),
                dim,
                argument(&tensors.weights),
                self.course(tensors),
                argument(&reset),
                self.span(),
                small(step),
                self.form,
            );
        }
    }

    fn course(&self, tensors: &Forward) -> CourseLaunch {
        let Forward { bias, gates, extra, output, hidden, cell, .. } = tensors;
        let [bias, gates, extra, output, hidden, cell] = [bias, gates, extra, output, hidden, cell].map(argument);
        CourseLaunch::new(bias, argument(&self.lengths), gates, extra, output, hidden, cell)
    }

    /// Runs back, and gives the gradients of the state before the first step, as [`Backward::carried`] has them.
    pub fn backward(&self, tensors: &Backward) -> CubeTensor {
        match self.tile(&tensors.weights.client, true) {
            Some(tile) => self.backward_resident(tensors, tile),
            None if self.form.cell == Cell::GruBefore => self.backward_reset_first(tensors),
            None => self.backward_stepwise(tensors),
        }
    }

    fn backward_resident(&self, tensors: &Backward, tile: Tile) -> CubeTensor {
        for (first, steps) in self.stretches(&tile).into_iter().rev() {
            resident::backward::launch(
                &tensors.weights.client,
                self.cubes(tile),
                CubeDim::new_1d(small(tile.units)),
                argument(&tensors.weights),
                self.tape(tensors),
                tensors.gradients(),
                self.span(),
                first,
                steps,
                self.clip,
                self.form,
                tile,
            );
        }
        tensors.carried.clone()
    }

    fn backward_stepwise(&self, tensors: &Backward) -> CubeTensor {
        let step_gates = self.step_tensor(&tensors.weights, self.form.cell.gates());
        let mut product = self.no_product(tensors);
        for step in (0..self.time).rev() {
            self.step_back(tensors, &product, &step_gates, step);
            product = multiply(&step_gates, &tensors.weights);
        }
        self.handed(tensors, product)
    }

    fn backward_reset_first(&self, tensors: &Backward) -> CubeTensor {
        let Form { hidden, directions, .. } = self.form;
        let client = &tensors.weights.client;
        let (count, dim) = self.half_cubes();
        let d_candidate = self.step_tensor(&tensors.weights, 1);
        let d_gates = self.step_tensor(&tensors.weights, 2);
        self.step_back(tensors, &self.no_product(tensors), &d_candidate, self.time - 1);
        for step in (0..self.time).rev() {
            reset_first::gates_back::launch(
                client,
                count.clone(),
                dim,
                argument(&tensors.weights),
                argument(&d_candidate),
                self.tape(tensors),
                argument(&d_gates),
                tensors.gradients(),
                self.span(),
                small(step),
                self.form,
            );
            if step > 0 {
                reset_first::candidate_back::launch(
                    client,
                    count.clone(),
                    dim,
                    argument(&tensors.weights),
                    argument(&d_gates),
                    self.tape(tensors),
                    argument(&d_candidate),
                    tensors.gradients(),
                    self.span(),
                    small(step - 1),
                    self.form,
                );
            }
        }
        let of_gates = slice(tensors.weights.clone(), &[0..directions, 0..2 * hidden, 0..hidden]);
        self.handed(tensors, multiply(&d_gates, &into_contiguous(of_gates)))
    }

    /// One step back of the stepwise schedule, after the `product` of the step that follows in time.
    fn step_back(&self, tensors: &Backward, product: &CubeTensor, step_gates: &CubeTensor, step: usize) {
        stepwise::backward::launch(
            &tensors.weights.client,
            self.step_cubes(),
            CubeDim::new_1d(stepwise::UNITS),
            argument(product),
            self.tape(tensors),
            argument(step_gates),
            tensors.gradients(),
            self.span(),
            small(step),
            self.clip,
            self.form,
        );
    }

    fn tape(&self, tensors: &Backward) -> TapeLaunch {
        let Backward { gates, extra, output, initial, d_output, .. } = tensors;
        // Some tensor, where nobody reads it.
        let d_output = argument(d_output.as_ref().unwrap_or(output));
        let [gates, extra, output, initial] = [gates, extra, output, initial].map(argument);
        TapeLaunch::new(argument(&self.lengths), gates, extra, output, initial, d_output)
    }

    /// Nothing comes through the recurrent weights to the last step.
    fn no_product(&self, tensors: &Backward) -> CubeTensor {
        let shape = Shape::new([self.form.directions, self.batch, self.form.hidden]);
        CubeBackend::float_zeros(shape, &tensors.weights.device, DType::F32.into())
    }

    /// The gradients of the state before the first step: what came through the weights and what passed them by.
    fn handed(&self, tensors: &Backward, product: CubeTensor) -> CubeTensor {
        let Form { hidden, directions, .. } = self.form;
        let part =
            |index: usize| slice(tensors.carried.clone(), &[index..index + 1, 0..directions, 0..self.batch, 0..hidden]);
        let product = CubeBackend::float_reshape(product, Shape::new([1, directions, self.batch, hidden]));
        let sum = CubeBackend::float_add(part(0), product);
        match tensors.carried.shape()[0] {
            1 => sum,
            _ => CubeBackend::float_cat(vec![sum, part(1)], 0),
        }
    }
}

impl Backward {
    fn gradients(&self) -> GradientsLaunch {
        let [gates, side, before, carried] = [&self.d_gates, &self.side, &self.before, &self.carried].map(argument);
        GradientsLaunch::new(gates, side, before, carried)
    }
}

/// A tensor in single precision on the same device, not yet written.
pub fn empty<const D: usize>(like: &CubeTensor, shape: [usize; D]) -> CubeTensor {
    empty_device_contiguous_dtype(like.client.clone(), like.device.clone(), Shape::new(shape), DType::F32)
}

/// The product of each of several pairs of matrices, in order.
fn multiply(left: &CubeTensor, right: &CubeTensor) -> CubeTensor {
    into_contiguous(CubeBackend::float_matmul(left.clone(), right.clone()))
}

fn argument(tensor: &CubeTensor) -> BufferArg {
    tensor.clone().into_buffer_arg()
}

fn small(number: usize) -> u32 {
    u32::try_from(number).expect("a size that fits in 32 bits, as the door has checked")
}
