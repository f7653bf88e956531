//! The operation under Burn's lazy execution: a step of the stream that is run when its time comes.
//!
//! The operation's shapes follow from its inputs', so all that is known before it runs is known here.

use burn::backend::fusion::custom::{CustomOpIr, HandleContainer, Operation, OperationIr, StreamId, TensorIr};
use burn::backend::fusion::{ExecutionError, Fusion, FusionBackend, FusionRuntime};
use burn::backend::tensor::FloatTensor;
use burn::backend::{DType, TensorMetadata};
use burn::tensor::Shape;
use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;

use super::ScanBackend;
use super::gpu::{Kept, KeptTensors, kept_features};
use super::operands::{Inputs, Operands, Outputs, Plan, SLOTS, Shapes};
use crate::pass::{Keep, Need};

type Lazy = Fusion<CubeBackend>;
type Runtime = <CubeBackend as FusionBackend>::FusionRuntime;
type Handles = HandleContainer<<Runtime as FusionRuntime>::FusionHandle>;
type Tensor = FloatTensor<Lazy>;

impl ScanBackend for Lazy {
    type Kept = Kept<Tensor>;

    fn scan(inputs: &Inputs<Self>, plan: &Plan, keep: Keep) -> (Outputs<Self>, Option<Self::Kept>) {
        let shapes = Shapes::of::<Self>(inputs);
        let Shapes { batch, time, hidden, directions, .. } = shapes;
        let dtype = inputs.x.dtype();
        let state = Shape::new([directions, batch, hidden]);
        let cell = if plan.equations.has_cell() { state.clone() } else { Shape::new([1]) };
        let mut outputs = vec![(Shape::new([batch, time, directions * hidden]), dtype), (state, dtype), (cell, dtype)];
        let kept = match keep {
            Keep::Everything => kept_features(plan.equations, &shapes),
            Keep::Checkpoints | Keep::Nothing => [None, None],
        };
        outputs.extend(kept.iter().flatten().map(|features| (Shape::new([batch * time, *features]), DType::F32)));

        let mut list = Vec::new();
        let operands = inputs.clone().map(|tensor| listed(tensor, &mut list));
        let plan = plan.clone();
        let tensors = register(&inputs.x, "recurrent_scan", list, outputs, move |handles| {
            let (outputs, kept) = CubeBackend::scan(&operands.as_ref().map(|ir| fetched(ir, handles)), &plan, keep);
            let kept = kept.and_then(|Kept(kept)| kept).map_or([None, None], |kept| [kept.gates, kept.extra]);
            outputs.into_iter().chain(kept.into_iter().flatten()).collect()
        });
        let mut tensors = tensors.into_iter();
        let mut next = || tensors.next().expect("an output a shape");
        let outputs = [next(), next(), next()];
        let kept = match keep {
            Keep::Nothing => None,
            Keep::Checkpoints => Some(Kept(None)),
            Keep::Everything => {
                let [gates, extra] = kept.map(|features| features.map(|_| next()));
                Some(Kept(Some(KeptTensors { output: outputs[0].clone(), gates, extra })))
            }
        };
        (outputs, kept)
    }

    fn scan_backward(
        inputs: &Inputs<Self>,
        plan: &Plan,
        Kept(kept): Self::Kept,
        gradients: [Option<Tensor>; 3],
        need: Need,
    ) -> [Option<Tensor>; SLOTS] {
        let wanted = wanted(inputs, need);
        let shapes = inputs.as_ref().into_slots();
        let shapes = shapes.into_iter().zip(wanted).filter(|(_, wanted)| *wanted);
        let outputs = shapes.map(|(tensor, _)| {
            let tensor = tensor.expect("only what is there is wanted");
            (tensor.shape(), tensor.dtype())
        });
        let outputs: Vec<(Shape, DType)> = outputs.collect();

        let mut list = Vec::new();
        let operands = inputs.clone().map(|tensor| listed(tensor, &mut list));
        let kept = kept.map(|kept| kept.map(|tensor| listed(tensor, &mut list)));
        let gradients = gradients.map(|gradient| gradient.map(|tensor| listed(tensor, &mut list)));
        let plan = plan.clone();
        let tensors = register(&inputs.x, "recurrent_scan_backward", list, outputs, move |handles| {
            let operands = operands.as_ref().map(|ir| fetched(ir, handles));
            let kept = Kept(kept.clone().map(|kept| kept.map(|ir| fetched(&ir, handles))));
            let gradients = gradients.each_ref().map(|ir| ir.as_ref().map(|ir| fetched(ir, handles)));
            CubeBackend::scan_backward(&operands, &plan, kept, gradients, need).into_iter().flatten().collect()
        });
        let mut tensors = tensors.into_iter();
        wanted.map(|wanted| wanted.then(|| tensors.next().expect("a gradient for all that is wanted")))
    }
}

/// Which inputs' gradients come out, in the order of the slots.
fn wanted(inputs: &Inputs<Lazy>, need: Need) -> [bool; SLOTS] {
    let layers = inputs.layers.iter().map(|layer| super::LayerOperands {
        direction: layer.direction,
        w_ih: need.input_weights,
        w_hh: need.recurrent_weights,
        bias: layer.bias.as_ref().map(|_| need.biases),
        bias_hn: layer.bias_hn.as_ref().map(|_| need.biases),
    });
    let state = |part: &Option<Tensor>| part.as_ref().map(|_| need.state);
    let wanted =
        Operands { x: need.x, layers: layers.collect(), hidden: state(&inputs.hidden), cell: state(&inputs.cell) };
    wanted.into_slots().map(|wanted| wanted.unwrap_or(false))
}

/// Notes a tensor among those that an operation takes.
fn listed(tensor: Tensor, list: &mut Vec<TensorIr>) -> TensorIr {
    let ir = tensor.into_ir();
    list.push(ir.clone());
    ir
}

fn fetched(ir: &TensorIr, handles: &mut Handles) -> CubeTensor {
    handles.get_float_tensor::<CubeBackend>(ir)
}

/// Puts an operation into the stream of the tensor `like`, and gives what will come out of it.
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

/// An operation that waits in a stream.
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
