//! The operation on CubeCL's backends, by the [kernels](crate::gpu).

use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{DType, TensorMetadata};
use burn::tensor::{FloatDType, Shape};
use burn_cubecl::CubeBackend;
use burn_cubecl::cubecl::prelude::CubeElement;
use burn_cubecl::kernel::{into_contiguous, slice};
use burn_cubecl::tensor::CubeTensor;

use super::ScanBackend;
use super::layout::{arranged, layout_of};
use super::operands::{Inputs, LayerOperands, Operands, Outputs, Plan, SLOTS, Shapes};
use crate::Direction;
use crate::gpu::{Backward, Cell, Form, Forward, Pass, empty};
use crate::pass::{Equations, Keep, Layout, Need};

/// What a forward pass on a GPU keeps; nothing if it is to be run again.
#[derive(Debug, Clone)]
pub struct Kept<T>(pub Option<KeptTensors<T>>);

/// The tensors that a forward pass keeps.
#[derive(Debug, Clone)]
pub struct KeptTensors<T> {
    /// The output, as it was given.
    pub output: T,
    /// The activated gates, `[rows, directions * gates * hidden]`, but for a vanilla RNN, whose only one is its output.
    pub gates: Option<T>,
    /// One more number a unit, of the [cells that need it](Cell::keeps_extra); `[rows, directions * hidden]`.
    pub extra: Option<T>,
}

impl<T> KeptTensors<T> {
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> KeptTensors<U> {
        KeptTensors { output: f(self.output), gates: self.gates.map(&mut f), extra: self.extra.map(f) }
    }
}

/// The features of what is kept besides the output: those of the gates, and those of one more number a unit.
pub fn kept_features(equations: Equations, shapes: &Shapes) -> [Option<usize>; 2] {
    let cell = Cell::of(equations);
    let width = shapes.directions * shapes.hidden;
    [(!cell.is_rnn()).then_some(cell.gates() * width), cell.keeps_extra().then_some(width)]
}

impl ScanBackend for CubeBackend {
    type Kept = Kept<CubeTensor>;

    fn scan(inputs: &Inputs<Self>, plan: &Plan, keep: Keep) -> (Outputs<Self>, Option<Self::Kept>) {
        let call = Call::new(inputs, plan, layout_of::<Self>(&inputs.x, CubeTensor::is_contiguous));
        let (outputs, kept) = call.forward(keep == Keep::Everything);
        let kept = match keep {
            Keep::Nothing => None,
            Keep::Everything => Some(Kept(Some(kept))),
            Keep::Checkpoints => Some(Kept(None)),
        };
        (outputs, kept)
    }

    fn scan_backward(
        inputs: &Inputs<Self>,
        plan: &Plan,
        Kept(kept): Self::Kept,
        outputs: [Option<FloatTensor<Self>>; 3],
        need: Need,
    ) -> [Option<FloatTensor<Self>>; SLOTS] {
        let layout = match &kept {
            Some(kept) => layout_of::<Self>(&kept.output, CubeTensor::is_contiguous),
            None => layout_of::<Self>(&inputs.x, CubeTensor::is_contiguous),
        };
        let call = Call::new(inputs, plan, layout);
        let kept = kept.unwrap_or_else(|| call.forward(true).1);
        call.backward(kept, outputs, need).into_slots().map(Option::flatten)
    }
}

/// A scan's fixed facts.
struct Call<'a> {
    inputs: &'a Inputs<CubeBackend>,
    plan: &'a Plan,
    shapes: Shapes,
    layout: Layout,
    cell: Cell,
}

impl<'a> Call<'a> {
    fn new(inputs: &'a Inputs<CubeBackend>, plan: &'a Plan, layout: Layout) -> Self {
        let shapes = Shapes::of::<CubeBackend>(inputs);
        Self { inputs, plan, shapes, layout, cell: Cell::of(plan.equations) }
    }

    fn rows(&self) -> usize {
        self.shapes.batch * self.shapes.time
    }

    /// Hidden units of all directions.
    fn width(&self) -> usize {
        self.shapes.directions * self.shapes.hidden
    }

    /// Columns of a direction's weights.
    fn columns(&self) -> usize {
        self.cell.gates() * self.shapes.hidden
    }

    fn dtype(&self) -> DType {
        self.inputs.x.dtype
    }

    /// A pass that keeps what the way back needs, or not; back, of an output with a gradient or without.
    fn pass(&self, keep: bool, output: bool) -> Pass {
        let Shapes { batch, time, hidden, directions, .. } = self.shapes;
        let layers = &self.inputs.layers;
        Pass {
            form: Form {
                cell: self.cell,
                hidden,
                directions,
                reverse: layers[0].direction == Direction::Reverse,
                bias: self.has_bias(),
                ragged: self.plan.lengths.is_some(),
                keep,
                initial: self.inputs.hidden.is_some(),
                output,
            },
            batch,
            time,
            layout: self.layout,
            clip: match self.plan.equations {
                Equations::Lstm { clip: Some(clip) } => clip,
                _ => 0.0,
            },
            lengths: self.lengths(),
            schedule: self.plan.schedule,
        }
    }

    fn has_bias(&self) -> bool {
        self.inputs.layers.iter().any(|layer| layer.bias.is_some() || layer.bias_hn.is_some())
    }

    /// The lengths on the device, or a tensor in their place.
    fn lengths(&self) -> CubeTensor {
        let x = &self.inputs.x;
        let Some(lengths) = &self.plan.lengths else {
            return x.clone();
        };
        let lengths: Vec<u32> = lengths.iter().map(|length| *length as u32).collect();
        let handle = x.client.create_from_slice(u32::as_bytes(&lengths));
        let shape = Shape::new([lengths.len()]);
        CubeTensor::new_contiguous(x.client.clone(), x.device.clone(), shape, handle, DType::U32)
    }

    /// The rows of a sequence `[batch, time, features]`, one below the other in the layout's order.
    fn as_rows(&self, sequence: CubeTensor) -> CubeTensor {
        let features = sequence.shape()[2];
        let sequence = into_contiguous(arranged::<CubeBackend>(sequence, self.layout));
        reshape(sequence, [self.rows(), features])
    }

    /// A sequence `[batch, time, features]` of rows that lie one below the other in the layout's order.
    fn as_sequence(&self, rows: CubeTensor) -> CubeTensor {
        let Shapes { batch, time, .. } = self.shapes;
        let features = rows.shape()[1];
        let shape = match self.layout {
            Layout::BatchFirst => [batch, time, features],
            Layout::TimeFirst => [time, batch, features],
        };
        arranged::<CubeBackend>(reshape(rows, shape), self.layout)
    }

    /// The input weights of all directions side by side, `[input, directions * gates * hidden]`.
    fn input_weights(&self) -> CubeTensor {
        let weights = self.inputs.layers.iter().map(|layer| layer.w_ih.clone());
        beside(weights.collect(), 1)
    }

    /// The recurrent weights of all directions in single precision, `[directions, hidden, gates * hidden]`.
    fn recurrent_weights(&self) -> CubeTensor {
        let shape = [1, self.shapes.hidden, self.columns()];
        let weights = self.inputs.layers.iter().map(|layer| reshape(single(layer.w_hh.clone()), shape));
        into_contiguous(beside(weights.collect(), 0))
    }

    /// All biases in single precision, `[directions, biases * hidden]`; those that are not there are zeros.
    fn biases(&self) -> CubeTensor {
        if !self.has_bias() {
            return self.inputs.x.clone();
        }
        let hidden = self.shapes.hidden;
        let or_zeros = |bias: &Option<CubeTensor>, len: usize| match bias {
            Some(bias) => single(bias.clone()),
            None => self.zeros([len]),
        };
        let of = |layer: &LayerOperands<CubeTensor>| {
            let bias = or_zeros(&layer.bias, self.columns());
            let parts = match self.cell {
                Cell::GruAfter => vec![bias, or_zeros(&layer.bias_hn, hidden)],
                _ => vec![bias],
            };
            reshape(beside(parts, 0), [1, self.cell.biases() * hidden])
        };
        into_contiguous(beside(self.inputs.layers.iter().map(of).collect(), 0))
    }

    fn zeros<const D: usize>(&self, shape: [usize; D]) -> CubeTensor {
        CubeBackend::float_zeros(Shape::new(shape), &self.inputs.x.device, FloatDType::F32)
    }

    /// Of a state's tensor.
    fn state_shape(&self) -> [usize; 3] {
        [self.shapes.directions, self.shapes.batch, self.shapes.hidden]
    }

    /// A state's tensor in memory of its own, for a kernel to write to; zeros if there is none.
    fn fresh_state(&self, state: Option<&CubeTensor>) -> CubeTensor {
        match state {
            Some(state) => into_contiguous(single(state.clone())).copy(),
            None => self.zeros(self.state_shape()),
        }
    }

    /// Hidden and, of an LSTM, cell one after the other, `[parts, directions, batch, hidden]`, in memory of their own.
    fn joined_state(&self, hidden: Option<&CubeTensor>, cell: Option<&CubeTensor>) -> CubeTensor {
        let [directions, batch, units] = self.state_shape();
        let part = |state| reshape(self.fresh_state(state), [1, directions, batch, units]);
        match self.cell.is_lstm() {
            true => into_contiguous(beside(vec![part(hidden), part(cell)], 0)),
            false => part(hidden),
        }
    }

    /// Runs forward. What is kept is complete only if it was asked for.
    fn forward(&self, keep: bool) -> (Outputs<CubeBackend>, KeptTensors<CubeTensor>) {
        let Shapes { batch, hidden, directions, .. } = self.shapes;
        let [_, extra] = kept_features(self.plan.equations, &self.shapes);
        let x = self.as_rows(self.inputs.x.clone());
        let gates = CubeBackend::float_matmul(x, self.input_weights());
        let gates = into_contiguous(single(gates));
        let output = empty(&gates, [self.rows(), self.width()]);
        let tensors = Forward {
            weights: self.recurrent_weights(),
            bias: self.biases(),
            extra: match extra.filter(|_| keep) {
                Some(features) => empty(&gates, [self.rows(), features]),
                None => empty(&gates, [1]),
            },
            gates,
            output,
            hidden: self.fresh_state(self.inputs.hidden.as_ref()),
            cell: match self.cell.is_lstm() {
                true => self.fresh_state(self.inputs.cell.as_ref()),
                false => empty(&self.inputs.x, [1]),
            },
        };
        self.pass(keep, false).forward(&tensors);

        let Forward { gates, extra, output, hidden: last, cell, .. } = tensors;
        let state = |state| cast(reshape(state, [directions, batch, hidden]), self.dtype());
        let cell = if self.cell.is_lstm() { state(cell) } else { cast(cell, self.dtype()) };
        let output = cast(self.as_sequence(output), self.dtype());
        let [has_gates, has_extra] =
            kept_features(self.plan.equations, &self.shapes).map(|features| features.is_some());
        let kept = KeptTensors {
            output: output.clone(),
            gates: has_gates.then_some(gates),
            extra: has_extra.then_some(extra),
        };
        ([output, state(last), cell], kept)
    }

    /// Runs back.
    fn backward(
        &self,
        kept: KeptTensors<CubeTensor>,
        [d_output, d_hidden, d_cell]: [Option<CubeTensor>; 3],
        need: Need,
    ) -> Operands<Option<CubeTensor>> {
        let Shapes { batch, hidden, directions, .. } = self.shapes;
        let Operands { hidden: initial_hidden, cell: initial_cell, .. } = self.inputs;
        let output = single(self.as_rows(kept.output));
        let (gates, extra) = (kept.gates.unwrap_or_else(|| output.clone()), kept.extra);
        let weights = into_contiguous(CubeBackend::float_transpose(self.recurrent_weights()));
        let per_unit = [self.rows(), self.width()];
        let tensors = Backward {
            weights,
            gates,
            extra: extra.unwrap_or_else(|| output.clone()),
            initial: match initial_hidden {
                Some(hidden) => self.joined_state(Some(hidden), initial_cell.as_ref()),
                None => output.clone(),
            },
            d_output: d_output.map(|d_output| single(self.as_rows(d_output))),
            carried: self.joined_state(d_hidden.as_ref(), d_cell.as_ref()),
            d_gates: empty(&output, [self.rows(), directions * self.columns()]),
            side: empty(&output, if self.cell.has_side() { per_unit } else { [1, 1] }),
            before: empty(&output, per_unit),
            output,
        };
        let d_initial = self.pass(false, tensors.d_output.is_some()).backward(&tensors);

        let d_gates = cast(tensors.d_gates.clone(), self.dtype());
        let part = |index: usize| {
            let part = slice(d_initial.clone(), &[index..index + 1, 0..directions, 0..batch, 0..hidden]);
            cast(reshape(into_contiguous(part), [directions, batch, hidden]), self.dtype())
        };
        let layers = (0..directions).map(|direction| self.layer_gradients(direction, &tensors, &d_gates, need));
        Operands {
            x: need.x.then(|| {
                let weights = CubeBackend::float_transpose(self.input_weights());
                self.as_sequence(into_contiguous(CubeBackend::float_matmul(d_gates.clone(), weights)))
            }),
            layers: layers.collect(),
            hidden: initial_hidden.as_ref().map(|_| need.state.then(|| part(0))),
            cell: initial_cell.as_ref().map(|_| need.state.then(|| part(1))),
        }
    }

    /// The gradients of a direction's weights.
    fn layer_gradients(
        &self,
        direction: usize,
        tensors: &Backward,
        d_gates: &CubeTensor,
        need: Need,
    ) -> LayerOperands<Option<CubeTensor>> {
        let (hidden, gates) = (self.shapes.hidden, self.columns());
        let layer = &self.inputs.layers[direction];
        // Those of this direction, and some of its gates.
        let columns = |tensor: &CubeTensor, width: usize, from: usize, to: usize| {
            let first = direction * width;
            let all = tensor.shape()[1];
            match (first + from, first + to) {
                (0, to) if to == all => tensor.clone(),
                (from, to) => slice(tensor.clone(), &[0..self.rows(), from..to]),
            }
        };
        let times =
            |left: CubeTensor, right: CubeTensor| CubeBackend::float_matmul(CubeBackend::float_transpose(left), right);
        let w_ih =
            need.input_weights.then(|| times(self.as_rows(self.inputs.x.clone()), columns(d_gates, gates, 0, gates)));
        let w_hh = need.recurrent_weights.then(|| {
            let rows = |tensor: &CubeTensor| cast(columns(tensor, hidden, 0, hidden), self.dtype());
            let before = rows(&tensors.before);
            let of_gates = |from: usize, to: usize| columns(d_gates, gates, from * hidden, to * hidden);
            match self.cell {
                Cell::GruAfter => {
                    let candidate = times(before.clone(), rows(&tensors.side));
                    beside(vec![times(before, of_gates(0, 2)), candidate], 1)
                }
                Cell::GruBefore => {
                    let candidate = times(rows(&tensors.side), of_gates(2, 3));
                    beside(vec![times(before, of_gates(0, 2)), candidate], 1)
                }
                _ => times(before, of_gates(0, self.cell.gates())),
            }
        });
        let sum = |tensor: &CubeTensor, width: usize| {
            let sum = CubeBackend::float_sum_dim(columns(tensor, width, 0, width), 0);
            cast(reshape(sum, [width]), self.dtype())
        };
        LayerOperands {
            direction: layer.direction,
            w_ih,
            w_hh,
            bias: layer.bias.as_ref().map(|_| need.biases.then(|| sum(&tensors.d_gates, gates))),
            bias_hn: layer.bias_hn.as_ref().map(|_| need.biases.then(|| sum(&tensors.side, hidden))),
        }
    }
}

/// The tensors side by side along a dimension.
fn beside(mut tensors: Vec<CubeTensor>, dim: usize) -> CubeTensor {
    if tensors.len() == 1 { tensors.remove(0) } else { CubeBackend::float_cat(tensors, dim) }
}

fn reshape<const D: usize>(tensor: CubeTensor, shape: [usize; D]) -> CubeTensor {
    CubeBackend::float_reshape(tensor, Shape::new(shape))
}

/// In single precision.
fn single(tensor: CubeTensor) -> CubeTensor {
    cast(tensor, DType::F32)
}

fn cast(tensor: CubeTensor, dtype: DType) -> CubeTensor {
    if tensor.dtype == dtype { tensor } else { CubeBackend::float_cast(tensor, dtype.into()) }
}
