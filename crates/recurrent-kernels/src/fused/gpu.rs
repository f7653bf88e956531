//! The operation on CubeCL's backends, computed by the [GPU kernels](crate::gpu) and Burn's matrix products.

use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{DType, TensorMetadata};
use burn::tensor::{FloatDType, Shape};
use burn_cubecl::CubeBackend;
use burn_cubecl::cubecl::prelude::CubeElement;
use burn_cubecl::kernel::{into_contiguous, slice};
use burn_cubecl::tensor::CubeTensor;

use super::operands::{DirectionOperands, INPUT_SLOTS, Inputs, Operands, Outputs, ScanConfig, ScanShape};
use super::scan_backend::ScanBackend;
use crate::autograd::{NeedsGrad, SavePolicy};
use crate::gpu::{BackwardTensors, CellKind, ForwardTensors, KernelConfig, SequencePass, empty};
use crate::layout::{in_layout, layout_of};
use crate::{Direction, Equations, Layout};

/// What a forward pass on a GPU saves; `None` if the backward pass runs it again.
#[derive(Debug, Clone)]
pub struct GpuSaved<T>(pub Option<SavedTensors<T>>);

/// The tensors that a forward pass saves.
#[derive(Debug, Clone)]
pub struct SavedTensors<T> {
    /// The output of the scan.
    pub output: T,
    /// The gate activations, `[rows, directions * gates * hidden]`; `None` for a vanilla RNN, whose gate is its output.
    pub gates: Option<T>,
    /// See [`CellKind::saves_extra`]; `[rows, directions * hidden]`.
    pub extra: Option<T>,
}

impl<T> SavedTensors<T> {
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> SavedTensors<U> {
        SavedTensors { output: f(self.output), gates: self.gates.map(&mut f), extra: self.extra.map(f) }
    }
}

/// The widths of the saved gates and of the saved extra values, `None` for those that are not saved.
pub fn saved_features(equations: Equations, shape: &ScanShape) -> [Option<usize>; 2] {
    let cell = CellKind::of(equations);
    let width = shape.directions * shape.hidden;
    [(!cell.is_rnn()).then_some(cell.gates() * width), cell.saves_extra().then_some(width)]
}

impl ScanBackend for CubeBackend {
    type Saved = GpuSaved<CubeTensor>;

    fn scan(inputs: &Inputs<Self>, config: &ScanConfig, policy: SavePolicy) -> (Outputs<Self>, Option<Self::Saved>) {
        let scan = GpuScan::new(inputs, config, layout_of::<Self>(&inputs.x, CubeTensor::is_contiguous));
        let (outputs, saved) = scan.forward(policy == SavePolicy::Everything);
        let saved = match policy {
            SavePolicy::Nothing => None,
            SavePolicy::Everything => Some(GpuSaved(Some(saved))),
            SavePolicy::Checkpoints => Some(GpuSaved(None)),
        };
        (outputs, saved)
    }

    fn scan_backward(
        inputs: &Inputs<Self>,
        config: &ScanConfig,
        GpuSaved(saved): Self::Saved,
        output_grads: [Option<FloatTensor<Self>>; 3],
        needs: NeedsGrad,
    ) -> [Option<FloatTensor<Self>>; INPUT_SLOTS] {
        let layout = match &saved {
            Some(saved) => layout_of::<Self>(&saved.output, CubeTensor::is_contiguous),
            None => layout_of::<Self>(&inputs.x, CubeTensor::is_contiguous),
        };
        let scan = GpuScan::new(inputs, config, layout);
        let saved = saved.unwrap_or_else(|| scan.forward(true).1);
        scan.backward(saved, output_grads, needs).into_slots().map(Option::flatten)
    }
}

/// The arguments of one scan.
struct GpuScan<'a> {
    inputs: &'a Inputs<CubeBackend>,
    config: &'a ScanConfig,
    shape: ScanShape,
    layout: Layout,
    cell: CellKind,
}

impl<'a> GpuScan<'a> {
    fn new(inputs: &'a Inputs<CubeBackend>, config: &'a ScanConfig, layout: Layout) -> Self {
        let shape = ScanShape::of::<CubeBackend>(inputs);
        Self { inputs, config, shape, layout, cell: CellKind::of(config.equations) }
    }

    fn rows(&self) -> usize {
        self.shape.batch * self.shape.time
    }

    /// Features of the output.
    fn width(&self) -> usize {
        self.shape.directions * self.shape.hidden
    }

    /// Columns of the weights of one direction.
    fn columns(&self) -> usize {
        self.cell.gates() * self.shape.hidden
    }

    fn dtype(&self) -> DType {
        self.inputs.x.dtype
    }

    /// The kernel launches of a pass: `save` what the backward pass needs; in a backward pass, whether there is an
    /// `output_grad`.
    fn pass(&self, save: bool, output_grad: bool) -> SequencePass {
        let ScanShape { batch, time, hidden, directions, .. } = self.shape;
        SequencePass {
            kernel: KernelConfig {
                cell: self.cell,
                hidden,
                directions,
                reverse: self.inputs.directions[0].direction == Direction::Reverse,
                bias: self.has_bias(),
                ragged: self.config.lengths.is_some(),
                save,
                initial_state: self.inputs.initial_hidden.is_some(),
                output_grad,
            },
            batch,
            time,
            layout: self.layout,
            clip: match self.config.equations {
                Equations::Lstm { clip: Some(clip) } => clip,
                _ => 0.0,
            },
            lengths: self.lengths(),
            schedule: self.config.schedule,
        }
    }

    fn has_bias(&self) -> bool {
        self.inputs.directions.iter().any(|weights| weights.bias.is_some() || weights.bias_hn.is_some())
    }

    /// The lengths on the device; without lengths, a placeholder that no kernel reads.
    fn lengths(&self) -> CubeTensor {
        let x = &self.inputs.x;
        let Some(lengths) = &self.config.lengths else {
            return x.clone();
        };
        let lengths: Vec<u32> = lengths.iter().map(|length| *length as u32).collect();
        let handle = x.client.create_from_slice(u32::as_bytes(&lengths));
        let shape = Shape::new([lengths.len()]);
        CubeTensor::new_contiguous(x.client.clone(), x.device.clone(), shape, handle, DType::U32)
    }

    /// A sequence `[batch, time, features]` as a matrix `[rows, features]`, the rows in the layout's order.
    fn as_rows(&self, sequence: CubeTensor) -> CubeTensor {
        let features = sequence.shape()[2];
        let sequence = into_contiguous(in_layout::<CubeBackend>(sequence, self.layout));
        reshape(sequence, [self.rows(), features])
    }

    /// The inverse of [`as_rows`](Self::as_rows).
    fn as_sequence(&self, rows: CubeTensor) -> CubeTensor {
        let ScanShape { batch, time, .. } = self.shape;
        let features = rows.shape()[1];
        let shape = match self.layout {
            Layout::BatchFirst => [batch, time, features],
            Layout::TimeFirst => [time, batch, features],
        };
        in_layout::<CubeBackend>(reshape(rows, shape), self.layout)
    }

    /// The input weights of all directions, concatenated: `[input, directions * gates * hidden]`.
    fn input_weights(&self) -> CubeTensor {
        let weights = self.inputs.directions.iter().map(|weights| weights.w_ih.clone());
        concat(weights.collect(), 1)
    }

    /// The recurrent weights of all directions in single precision, `[directions, hidden, gates * hidden]`.
    fn recurrent_weights(&self) -> CubeTensor {
        let shape = [1, self.shape.hidden, self.columns()];
        let weights = self.inputs.directions.iter().map(|weights| reshape(to_f32(weights.w_hh.clone()), shape));
        into_contiguous(concat(weights.collect(), 0))
    }

    /// All biases in single precision, `[directions, biases * hidden]`, zeros for those that are absent; without any bias, a
    /// placeholder that no kernel reads.
    fn biases(&self) -> CubeTensor {
        if !self.has_bias() {
            return self.inputs.x.clone();
        }
        let hidden = self.shape.hidden;
        let or_zeros = |bias: &Option<CubeTensor>, len: usize| match bias {
            Some(bias) => to_f32(bias.clone()),
            None => self.zeros([len]),
        };
        let of_direction = |weights: &DirectionOperands<CubeTensor>| {
            let bias = or_zeros(&weights.bias, self.columns());
            let parts = match self.cell {
                CellKind::GruAfter => vec![bias, or_zeros(&weights.bias_hn, hidden)],
                _ => vec![bias],
            };
            reshape(concat(parts, 0), [1, self.cell.biases() * hidden])
        };
        into_contiguous(concat(self.inputs.directions.iter().map(of_direction).collect(), 0))
    }

    fn zeros<const D: usize>(&self, shape: [usize; D]) -> CubeTensor {
        CubeBackend::float_zeros(Shape::new(shape), &self.inputs.x.device, FloatDType::F32)
    }

    /// The shape of a state tensor.
    fn state_shape(&self) -> [usize; 3] {
        [self.shape.directions, self.shape.batch, self.shape.hidden]
    }

    /// A copy of a state tensor that kernels may overwrite; zeros if there is none.
    fn copy_state(&self, state: Option<&CubeTensor>) -> CubeTensor {
        match state {
            Some(state) => into_contiguous(to_f32(state.clone())).copy(),
            None => self.zeros(self.state_shape()),
        }
    }

    /// Copies of the hidden state and, of an LSTM, the cell state, `[parts, directions, batch, hidden]`.
    fn copy_states(&self, hidden: Option<&CubeTensor>, cell: Option<&CubeTensor>) -> CubeTensor {
        let [directions, batch, units] = self.state_shape();
        let part = |state| reshape(self.copy_state(state), [1, directions, batch, units]);
        match self.cell.is_lstm() {
            true => into_contiguous(concat(vec![part(hidden), part(cell)], 0)),
            false => part(hidden),
        }
    }

    /// The forward pass. The saved tensors are complete only with `save`.
    fn forward(&self, save: bool) -> (Outputs<CubeBackend>, SavedTensors<CubeTensor>) {
        let ScanShape { batch, hidden, directions, .. } = self.shape;
        let [gate_features, extra_features] = saved_features(self.config.equations, &self.shape);
        let x = self.as_rows(self.inputs.x.clone());
        let gates = CubeBackend::float_matmul(x, self.input_weights());
        let gates = into_contiguous(to_f32(gates));
        let output = empty(&gates, [self.rows(), self.width()]);
        let tensors = ForwardTensors {
            weights: self.recurrent_weights(),
            bias: self.biases(),
            extra: match extra_features.filter(|_| save) {
                Some(features) => empty(&gates, [self.rows(), features]),
                None => empty(&gates, [1]),
            },
            gates,
            output,
            hidden: self.copy_state(self.inputs.initial_hidden.as_ref()),
            cell: match self.cell.is_lstm() {
                true => self.copy_state(self.inputs.initial_cell.as_ref()),
                false => empty(&self.inputs.x, [1]),
            },
        };
        self.pass(save, false).forward(&tensors);

        let ForwardTensors { gates, extra, output, hidden: final_hidden, cell, .. } = tensors;
        let state = |state| cast(reshape(state, [directions, batch, hidden]), self.dtype());
        let cell = if self.cell.is_lstm() { state(cell) } else { cast(cell, self.dtype()) };
        let output = cast(self.as_sequence(output), self.dtype());
        let saved = SavedTensors {
            output: output.clone(),
            gates: gate_features.map(|_| gates),
            extra: extra_features.map(|_| extra),
        };
        ([output, state(final_hidden), cell], saved)
    }

    /// The backward pass.
    fn backward(
        &self,
        saved: SavedTensors<CubeTensor>,
        [d_output, d_hidden, d_cell]: [Option<CubeTensor>; 3],
        needs: NeedsGrad,
    ) -> Operands<Option<CubeTensor>> {
        let ScanShape { batch, hidden, directions, .. } = self.shape;
        let Operands { initial_hidden, initial_cell, .. } = self.inputs;
        let output = to_f32(self.as_rows(saved.output));
        let (gates, extra) = (saved.gates.unwrap_or_else(|| output.clone()), saved.extra);
        let weights = into_contiguous(CubeBackend::float_transpose(self.recurrent_weights()));
        let per_unit = [self.rows(), self.width()];
        let tensors = BackwardTensors {
            weights,
            gates,
            extra: extra.unwrap_or_else(|| output.clone()),
            initial_state: match initial_hidden {
                Some(hidden) => self.copy_states(Some(hidden), initial_cell.as_ref()),
                None => output.clone(),
            },
            d_output: d_output.map(|d_output| to_f32(self.as_rows(d_output))),
            d_state: self.copy_states(d_hidden.as_ref(), d_cell.as_ref()),
            d_gates: empty(&output, [self.rows(), directions * self.columns()]),
            candidate_factor: empty(&output, if self.cell.has_candidate_factor() { per_unit } else { [1, 1] }),
            prev_hidden: empty(&output, per_unit),
            output,
        };
        let d_initial = self.pass(false, tensors.d_output.is_some()).backward(&tensors);

        let d_gates = cast(tensors.d_gates.clone(), self.dtype());
        let part = |index: usize| {
            let part = slice(d_initial.clone(), &[index..index + 1, 0..directions, 0..batch, 0..hidden]);
            cast(reshape(into_contiguous(part), [directions, batch, hidden]), self.dtype())
        };
        let weight_grads = (0..directions).map(|direction| self.weight_grads(direction, &tensors, &d_gates, needs));
        Operands {
            x: needs.x.then(|| {
                let weights = CubeBackend::float_transpose(self.input_weights());
                self.as_sequence(into_contiguous(CubeBackend::float_matmul(d_gates.clone(), weights)))
            }),
            directions: weight_grads.collect(),
            initial_hidden: initial_hidden.as_ref().map(|_| needs.initial_state.then(|| part(0))),
            initial_cell: initial_cell.as_ref().map(|_| needs.initial_state.then(|| part(1))),
        }
    }

    /// The gradients of the weights of one direction.
    fn weight_grads(
        &self,
        direction: usize,
        tensors: &BackwardTensors,
        d_gates: &CubeTensor,
        needs: NeedsGrad,
    ) -> DirectionOperands<Option<CubeTensor>> {
        let (hidden, gates) = (self.shape.hidden, self.columns());
        let weights = &self.inputs.directions[direction];
        // Some columns of this direction, in a matrix with `width` columns per direction.
        let columns = |tensor: &CubeTensor, width: usize, from: usize, to: usize| {
            let first = direction * width;
            let all = tensor.shape()[1];
            match (first + from, first + to) {
                (0, to) if to == all => tensor.clone(),
                (from, to) => slice(tensor.clone(), &[0..self.rows(), from..to]),
            }
        };
        let transposed_matmul =
            |left: CubeTensor, right: CubeTensor| CubeBackend::float_matmul(CubeBackend::float_transpose(left), right);
        let w_ih = needs.w_ih.then(|| {
            let x = self.as_rows(self.inputs.x.clone());
            transposed_matmul(x, columns(d_gates, gates, 0, gates))
        });
        let w_hh = needs.w_hh.then(|| {
            let rows = |tensor: &CubeTensor| cast(columns(tensor, hidden, 0, hidden), self.dtype());
            let prev_hidden = rows(&tensors.prev_hidden);
            let of_gates = |from: usize, to: usize| columns(d_gates, gates, from * hidden, to * hidden);
            match self.cell {
                CellKind::GruAfter => {
                    let candidate = transposed_matmul(prev_hidden.clone(), rows(&tensors.candidate_factor));
                    concat(vec![transposed_matmul(prev_hidden, of_gates(0, 2)), candidate], 1)
                }
                CellKind::GruBefore => {
                    let candidate = transposed_matmul(rows(&tensors.candidate_factor), of_gates(2, 3));
                    concat(vec![transposed_matmul(prev_hidden, of_gates(0, 2)), candidate], 1)
                }
                _ => transposed_matmul(prev_hidden, of_gates(0, self.cell.gates())),
            }
        });
        let sum_rows = |tensor: &CubeTensor, width: usize| {
            let sum = CubeBackend::float_sum_dim(columns(tensor, width, 0, width), 0);
            cast(reshape(sum, [width]), self.dtype())
        };
        let bias = weights.bias.as_ref().map(|_| needs.biases.then(|| sum_rows(&tensors.d_gates, gates)));
        let bias_hn =
            weights.bias_hn.as_ref().map(|_| needs.biases.then(|| sum_rows(&tensors.candidate_factor, hidden)));
        DirectionOperands { direction: weights.direction, w_ih, w_hh, bias, bias_hn }
    }
}

/// Concatenates tensors along a dimension.
fn concat(mut tensors: Vec<CubeTensor>, dim: usize) -> CubeTensor {
    if tensors.len() == 1 { tensors.remove(0) } else { CubeBackend::float_cat(tensors, dim) }
}

fn reshape<const D: usize>(tensor: CubeTensor, shape: [usize; D]) -> CubeTensor {
    CubeBackend::float_reshape(tensor, Shape::new(shape))
}

/// Casts to single precision.
fn to_f32(tensor: CubeTensor) -> CubeTensor {
    cast(tensor, DType::F32)
}

fn cast(tensor: CubeTensor, dtype: DType) -> CubeTensor {
    if tensor.dtype == dtype { tensor } else { CubeBackend::float_cast(tensor, dtype.into()) }
}
