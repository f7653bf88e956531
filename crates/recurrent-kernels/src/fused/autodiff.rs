//! The gradients of a fused scan.
//!
//! A node of Burn's autodiff graph has one output, but a scan has three. So the scan itself is an internal node, the
//! *root*, whose parents are the inputs, and each output is a node whose parent is the root. In the backward pass the node
//! of an output stores its gradient in a [`Pending`] value and registers a zero for the root, which marks the root as
//! needed; the root, which runs after all of its outputs, takes the stored gradients. An output that the loss does not
//! depend on stores nothing, so no gradient of zeros is created for it.

use std::any::TypeId;
use std::sync::{Arc, Mutex};

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::{BalancedCheckpointing, CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, AutodiffBackend, Backend, TensorMetadata};
use burn::tensor::Shape;

use super::extension::FusedScan;
use super::operands::{INPUT_SLOTS, Inputs, Operands, ScanConfig};
use super::scan_backend::ScanBackend;
use crate::autograd::{NeedsGrad, SavePolicy};

impl<B: ScanBackend, C: CheckpointStrategy> FusedScan for Autodiff<B, C> {
    fn fused_scan(
        inputs: Inputs<Self>,
        config: ScanConfig,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let zero = zero::<B>(inputs.x.primitive());
        let absent = Self::from_inner(zero.clone());
        let nodes = inputs.as_ref().into_slots().map(|tensor| tensor.unwrap_or(&absent).node());
        match ScanBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let input_nodes = inputs.as_ref().map(|tensor| prep.checkpoint(tensor));
                let inputs = inputs.map(|tensor| tensor.into_primitive());
                let (outputs, saved) = B::scan(&inputs, &config, save_policy::<C>());
                let output_grads: [Pending<FloatTensor<B>>; 3] = Default::default();
                let saved = Arc::new(Mutex::new(saved));
                let state = RootState { input_nodes, config, saved, output_grads: output_grads.clone() };
                let root = prep.finish(Arc::new(state), zero);
                let mut output_grads = output_grads.into_iter();
                let output = |tensor| {
                    let gradient = output_grads.next().expect("one pending gradient per output");
                    match OutputBackward.prepare::<C>([root.node()]).compute_bound().stateful() {
                        OpsKind::Tracked(prep) => prep.finish(gradient, tensor),
                        OpsKind::UnTracked(prep) => prep.finish(tensor),
                    }
                };
                outputs.map(output).into()
            }
            OpsKind::UnTracked(_) => {
                let inputs = inputs.map(|tensor| tensor.into_primitive());
                let (outputs, _) = B::scan(&inputs, &config, SavePolicy::Nothing);
                outputs.map(Self::from_inner).into()
            }
        }
    }
}

/// A value that one node of the graph stores for another.
type Pending<T> = Arc<Mutex<Option<T>>>;

fn take<T>(pending: &Pending<T>) -> Option<T> {
    pending.lock().expect("no thread panics while it holds the lock").take()
}

/// Follows Burn's checkpointing strategy.
fn save_policy<C: CheckpointStrategy>() -> SavePolicy {
    let balanced = TypeId::of::<C>() == TypeId::of::<BalancedCheckpointing>();
    if balanced { SavePolicy::Checkpoints } else { SavePolicy::Everything }
}

fn zero<B: Backend>(like: &FloatTensor<B>) -> FloatTensor<B> {
    B::float_zeros(Shape::new([1]), &like.device(), like.dtype().into())
}

/// The backward pass of the root.
#[derive(Debug)]
struct ScanBackward;

#[derive(Debug)]
struct RootState<B: ScanBackend> {
    input_nodes: Operands<NodeId>,
    config: ScanConfig,
    saved: Pending<B::Saved>,
    /// The gradients of the outputs, in their order.
    output_grads: [Pending<FloatTensor<B>>; 3],
}

impl<B: ScanBackend> Backward<B, INPUT_SLOTS> for ScanBackward {
    type State = Arc<RootState<B>>;

    fn backward(
        self,
        ops: Ops<Arc<RootState<B>>, INPUT_SLOTS>,
        grads: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        grads.consume::<B>(&ops.node); // the zeros that the outputs registered
        let RootState { input_nodes, config, saved, output_grads } = &*ops.state;
        let inputs = input_nodes.as_ref().map(|node| checkpointer.retrieve_node_output::<FloatTensor<B>>(*node));
        let saved = take(saved).expect("the saved values serve one backward pass");
        let output_grads = output_grads.each_ref().map(take);
        let gradients = B::scan_backward(&inputs, config, saved, output_grads, needs_grad(&ops.parents));
        for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
            if let Some(parent) = parent {
                grads.register::<B>(parent.id, gradient.expect("a gradient for each tracked input"));
            }
        }
    }
}

/// The gradients needed by these parents, of which only the tracked ones are there.
fn needs_grad<T>(parents: &[Option<T>; INPUT_SLOTS]) -> NeedsGrad {
    let [x, weights @ .., hidden, cell] = parents.each_ref().map(Option::is_some);
    let in_any_direction = |index: usize| weights[index] || weights[index + 4];
    NeedsGrad {
        x,
        w_ih: in_any_direction(0),
        w_hh: in_any_direction(1),
        biases: in_any_direction(2) || in_any_direction(3),
        initial_state: hidden || cell,
    }
}

/// The backward pass of an output: hands its gradient to the root.
#[derive(Debug)]
struct OutputBackward;

impl<B: Backend> Backward<B, 1> for OutputBackward {
    type State = Pending<FloatTensor<B>>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let [root] = ops.parents;
        grads.register::<B>(root.expect("a tracked root").id, zero::<B>(&gradient));
        *ops.state.lock().expect("no thread panics while it holds the lock") = Some(gradient);
    }
}

#[cfg(test)]
mod tests {
    use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;

    use super::*;

    #[test]
    fn save_policy_follows_the_checkpointing_strategy() {
        assert_eq!(save_policy::<BalancedCheckpointing>(), SavePolicy::Checkpoints);
        assert_eq!(save_policy::<NoCheckpointing>(), SavePolicy::Everything);
    }

    #[test]
    fn tracked_inputs_need_gradients() {
        let none = NeedsGrad { x: false, w_ih: false, w_hh: false, biases: false, initial_state: false };
        let only = |slot: usize| needs_grad(&std::array::from_fn(|index| (index == slot).then_some(())));
        assert_eq!(only(0), NeedsGrad { x: true, ..none });
        assert_eq!([1, 5].map(only), [NeedsGrad { w_ih: true, ..none }; 2]);
        assert_eq!([2, 6].map(only), [NeedsGrad { w_hh: true, ..none }; 2]);
        assert_eq!([3, 4, 7, 8].map(only), [NeedsGrad { biases: true, ..none }; 4]);
        assert_eq!([9, 10].map(only), [NeedsGrad { initial_state: true, ..none }; 2]);
    }
}
