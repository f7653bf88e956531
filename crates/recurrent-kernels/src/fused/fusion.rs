//! The operation in Burn's lazy execution: it is registered in a stream and executed later.
//!
//! The shapes of its outputs follow from those of its inputs, so they are known when it is registered.

use burn::backend::fusion::custom::{CustomOpIr, HandleContainer, Operation, OperationIr, StreamId, TensorIr};
use burn::backend::fusion::{ExecutionError, Fusion, FusionBackend, FusionRuntime};
use burn::backend::tensor::FloatTensor;
use burn::backend::{DType, TensorMetadata};
use burn::tensor::Shape;
use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;

use super::gpu::{GpuSaved, SavedTensors, saved_features};
use super::operands::{DirectionOperands, INPUT_SLOTS, Inputs, Operands, Outputs, ScanConfig, ScanShape};
use super::scan_backend::ScanBackend;
use crate::autograd::{NeedsGrad, SavePolicy};

type LazyBackend = Fusion<CubeBackend>;
type Runtime = <CubeBackend as FusionBackend>::FusionRuntime;
type Handles = HandleContainer<<Runtime as FusionRuntime>::FusionHandle>;
type Tensor = FloatTensor<LazyBackend>;

impl ScanBackend for LazyBackend {
    type Saved = GpuSaved<Tensor>;

    fn scan(inputs: &Inputs<Self>, config: &ScanConfig, policy: SavePolicy) -> (Outputs<Self>, Option<Self::Saved>) {
        let shape = ScanShape::of::<Self>(inputs);
        let ScanShape { batch, time, hidden, directions, .. } = shape;
        let dtype = inputs.x.dtype();
        let state = Shape::new([directions, batch, hidden]);
        let cell = if config.equations.has_cell() { state.clone() } else { Shape::new([1]) };
        let mut outputs = vec![(Shape::new([batch, time, directions * hidden]), dtype), (state, dtype), (cell, dtype)];
        let saved = match policy {
            SavePolicy::Everything => saved_features(config.equations, &shape),
            SavePolicy::Checkpoints | SavePolicy::Nothing => [None, None],
        };
        outputs.extend(saved.iter().flatten().map(|features| (Shape::new([batch * time, *features]), DType::F32)));

        let mut ir_inputs = Vec::new();
        let operands = inputs.clone().map(|tensor| add_input(tensor, &mut ir_inputs));
        let config = config.clone();
        let tensors = register(&inputs.x, "recurrent_scan", ir_inputs, outputs, move |handles| {
            let operands = operands.as_ref().map(|ir| resolve(ir, handles));
            let (outputs, saved) = CubeBackend::scan(&operands, &config, policy);
            let saved =
                saved.and_then(|GpuSaved(saved)| saved).map_or([None, None], |saved| [saved.gates, saved.extra]);
            outputs.into_iter().chain(saved.into_iter().flatten()).collect()
        });
        let mut tensors = tensors.into_iter();
        let mut next = || tensors.next().expect("one output per shape");
        let outputs = [next(), next(), next()];
        let saved = match policy {
            SavePolicy::Nothing => None,
            SavePolicy::Checkpoints => Some(GpuSaved(None)),
            SavePolicy::Everything => {
                let [gates, extra] = saved.map(|features| features.map(|_| next()));
                Some(GpuSaved(Some(SavedTensors { output: outputs[0].clone(), gates, extra })))
            }
        };
        (outputs, saved)
    }

    fn scan_backward(
        inputs: &Inputs<Self>,
        config: &ScanConfig,
        GpuSaved(saved): Self::Saved,
        output_grads: [Option<Tensor>; 3],
        needs: NeedsGrad,
    ) -> [Option<Tensor>; INPUT_SLOTS] {
        let requested = requested_grads(inputs, needs);
        let tensors = inputs.as_ref().into_slots();
        let tensors = tensors.into_iter().zip(requested).filter(|(_, requested)| *requested);
        let outputs = tensors.map(|(tensor, _)| {
            let tensor = tensor.expect("gradients are requested only for inputs that are there");
            (tensor.shape(), tensor.dtype())
        });
        let outputs: Vec<(Shape, DType)> = outputs.collect();

        let mut ir_inputs = Vec::new();
        let operands = inputs.clone().map(|tensor| add_input(tensor, &mut ir_inputs));
        let saved = saved.map(|saved| saved.map(|tensor| add_input(tensor, &mut ir_inputs)));
        let output_grads = output_grads.map(|gradient| gradient.map(|tensor| add_input(tensor, &mut ir_inputs)));
        let config = config.clone();
        let tensors = register(&inputs.x, "recurrent_scan_backward", ir_inputs, outputs, move |handles| {
            let operands = operands.as_ref().map(|ir| resolve(ir, handles));
            let saved = GpuSaved(saved.clone().map(|saved| saved.map(|ir| resolve(&ir, handles))));
            let output_grads = output_grads.each_ref().map(|ir| ir.as_ref().map(|ir| resolve(ir, handles)));
            let gradients = CubeBackend::scan_backward(&operands, &config, saved, output_grads, needs);
            gradients.into_iter().flatten().collect()
        });
        let mut tensors = tensors.into_iter();
        requested.map(|requested| requested.then(|| tensors.next().expect("a gradient for each request")))
    }
}

/// The inputs whose gradients are computed, in the order of the slots.
fn requested_grads(inputs: &Inputs<LazyBackend>, needs: NeedsGrad) -> [bool; INPUT_SLOTS] {
    let directions = inputs.directions.iter().map(|weights| DirectionOperands {
        direction: weights.direction,
        w_ih: needs.w_ih,
        w_hh: needs.w_hh,
        bias: weights.bias.as_ref().map(|_| needs.biases),
        bias_hn: weights.bias_hn.as_ref().map(|_| needs.biases),
    });
    let state = |part: &Option<Tensor>| part.as_ref().map(|_| needs.initial_state);
    let requested = Operands {
        x: needs.x,
        directions: directions.collect(),
        initial_hidden: state(&inputs.initial_hidden),
        initial_cell: state(&inputs.initial_cell),
    };
    requested.into_slots().map(|requested| requested.unwrap_or(false))
}

/// Adds a tensor to the inputs of an operation.
fn add_input(tensor: Tensor, ir_inputs: &mut Vec<TensorIr>) -> TensorIr {
    let ir = tensor.into_ir();
    ir_inputs.push(ir.clone());
    ir
}

fn resolve(ir: &TensorIr, handles: &mut Handles) -> CubeTensor {
    handles.get_float_tensor::<CubeBackend>(ir)
}

/// Registers an operation in the stream of the tensor `like` and returns its future outputs.
fn register(
    like: &Tensor,
    name: &str,
    inputs: Vec<TensorIr>,
    outputs: Vec<(Shape, DType)>,
    run: impl Fn(&mut Handles) -> Vec<CubeTensor> + Send + Sync + 'static,
) -> Vec<Tensor> {
    let client = like.client.clone();
    let output = |(shape, dtype)| TensorIr::uninit(client.create_empty_handle(), shape, dtype);
    let outputs: Vec<TensorIr> = outputs.into_iter().map(output).collect();
    let description = CustomOpIr { id: name.into(), inputs, outputs, scalars: Vec::new() };
    let operation = Deferred { description: description.clone(), run };
    client.register(StreamId::current(), OperationIr::Custom(description), operation)
}

/// An operation waiting in a stream.
struct Deferred<F> {
    description: CustomOpIr,
    run: F,
}

impl<F> std::fmt::Debug for Deferred<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.description.fmt(f)
    }
}

impl<F: Fn(&mut Handles) -> Vec<CubeTensor> + Send + Sync> Operation<Runtime> for Deferred<F> {
    fn execute(&self, handles: &mut Handles) -> Result<(), ExecutionError> {
        let tensors = (self.run)(handles);
        for (output, tensor) in self.description.outputs.iter().zip(tensors) {
            handles.register_float_tensor::<CubeBackend>(&output.id, tensor);
        }
        Ok(())
    }
}
