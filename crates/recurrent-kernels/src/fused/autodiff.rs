//! The operation's gradients.
//!
//! One node of Burn's graph has one output, and a scan has three. So the scan is a node of its own that nobody sees,
//! the *root*, with the inputs as parents, and each output is a node with the root as its parent. In the backward pass
//! an output's node lays its gradient into a [`Slot`] and gives the root a single zero, so that the root knows that it
//! is needed; the root, which comes after all of its outputs, takes what lies in the slots. An output that nobody uses
//! leaves its slot empty, and no gradient of zeros is ever made for it.

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

use super::operands::{Inputs, Operands, Plan, SLOTS};
use super::{FusedScan, ScanBackend};
use crate::pass::{Keep, Need};

impl<B: ScanBackend, C: CheckpointStrategy> FusedScan for Autodiff<B, C> {
    fn fused_scan(inputs: Inputs<Self>, plan: Plan) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let zero = zero::<B>(inputs.x.primitive());
        let absent = Self::from_inner(zero.clone());
        let nodes = inputs.as_ref().into_slots().map(|tensor| tensor.unwrap_or(&absent).node());
        match ScanBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let saved = inputs.as_ref().map(|tensor| prep.checkpoint(tensor));
                let inputs = inputs.map(|tensor| tensor.into_primitive());
                let (outputs, kept) = B::scan(&inputs, &plan, keep::<C>());
                let gradients: [Slot<FloatTensor<B>>; 3] = Default::default();
                let kept = Arc::new(Mutex::new(kept));
                let state = State { saved, plan, kept, gradients: gradients.clone() };
                let root = prep.finish(Arc::new(state), zero);
                let mut gradients = gradients.into_iter();
                let output = |tensor| {
                    let gradient = gradients.next().expect("a slot an output");
                    match HandOver.prepare::<C>([root.node()]).compute_bound().stateful() {
                        OpsKind::Tracked(prep) => prep.finish(gradient, tensor),
                        OpsKind::UnTracked(prep) => prep.finish(tensor),
                    }
                };
                outputs.map(output).into()
            }
            OpsKind::UnTracked(_) => {
                let (outputs, _) = B::scan(&inputs.map(|tensor| tensor.into_primitive()), &plan, Keep::Nothing);
                outputs.map(Self::from_inner).into()
            }
        }
    }
}

/// Where a value waits for the one who takes it.
type Slot<T> = Arc<Mutex<Option<T>>>;

fn take<T>(slot: &Slot<T>) -> Option<T> {
    slot.lock().expect("nobody panics while holding a slot").take()
}

/// Whoever asks Burn to compute again rather than to keep gets the same here.
fn keep<C: CheckpointStrategy>() -> Keep {
    let balanced = TypeId::of::<C>() == TypeId::of::<BalancedCheckpointing>();
    if balanced { Keep::Checkpoints } else { Keep::Everything }
}

fn zero<B: Backend>(like: &FloatTensor<B>) -> FloatTensor<B> {
    B::float_zeros(Shape::new([1]), &like.device(), like.dtype().into())
}

/// The root's way back.
#[derive(Debug)]
struct ScanBackward;

#[derive(Debug)]
struct State<B: ScanBackend> {
    saved: Operands<NodeId>,
    plan: Plan,
    kept: Slot<B::Kept>,
    /// Of the outputs, in their order.
    gradients: [Slot<FloatTensor<B>>; 3],
}

impl<B: ScanBackend> Backward<B, SLOTS> for ScanBackward {
    type State = Arc<State<B>>;

    fn backward(self, ops: Ops<Arc<State<B>>, SLOTS>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        grads.consume::<B>(&ops.node); // the outputs' zeros
        let State { saved, plan, kept, gradients } = &*ops.state;
        let inputs = saved.as_ref().map(|node| checkpointer.retrieve_node_output::<FloatTensor<B>>(*node));
        let kept = take(kept).expect("what a scan keeps serves one backward pass");
        let gradients = B::scan_backward(&inputs, plan, kept, gradients.each_ref().map(take), need(&ops.parents));
        for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
            if let Some(parent) = parent {
                grads.register::<B>(parent.id, gradient.expect("a gradient for each tracked input"));
            }
        }
    }
}

/// What is wanted of a scan with these parents, those being there that are tracked.
fn need<T>(parents: &[Option<T>; SLOTS]) -> Need {
    let [x, first @ .., hidden, cell] = parents.each_ref().map(Option::is_some);
    let layer = |index: usize| first[index] || first[index + 4];
    Need {
        x,
        input_weights: layer(0),
        recurrent_weights: layer(1),
        biases: layer(2) || layer(3),
        state: hidden || cell,
    }
}

/// An output's way back to the root.
#[derive(Debug)]
struct HandOver;

impl<B: Backend> Backward<B, 1> for HandOver {
    type State = Slot<FloatTensor<B>>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let [root] = ops.parents;
        grads.register::<B>(root.expect("a tracked root").id, zero::<B>(&gradient));
        *ops.state.lock().expect("nobody panics while holding a slot") = Some(gradient);
    }
}

#[cfg(test)]
mod tests {
    use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;

    use super::*;

    #[test]
    fn checkpointing_keeps_checkpoints() {
        assert_eq!(keep::<BalancedCheckpointing>(), Keep::Checkpoints);
        assert_eq!(keep::<NoCheckpointing>(), Keep::Everything);
    }

    #[test]
    fn what_is_needed_follows_from_who_is_tracked() {
        let none = Need { x: false, input_weights: false, recurrent_weights: false, biases: false, state: false };
        let only = |slot: usize| need(&std::array::from_fn(|index| (index == slot).then_some(())));
        assert_eq!(only(0), Need { x: true, ..none });
        assert_eq!([1, 5].map(only), [Need { input_weights: true, ..none }; 2]);
        assert_eq!([2, 6].map(only), [Need { recurrent_weights: true, ..none }; 2]);
        assert_eq!([3, 4, 7, 8].map(only), [Need { biases: true, ..none }; 4]);
        assert_eq!([9, 10].map(only), [Need { state: true, ..none }; 2]);
    }
}
