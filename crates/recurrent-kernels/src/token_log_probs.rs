//! The logarithms of probabilities that a loss over a vocabulary needs.

use burn::tensor::{Int, Tensor};

use crate::reference;

/// Logarithms of probabilities over a vocabulary, p = softmax(logits).
#[derive(Debug, Clone)]
#[must_use]
pub struct TokenLogProbs {
    /// ln p(target) of each row, `[rows]`: the negative cross-entropy, in nats.
    pub target: Tensor<1>,
    /// The mean of ln p over the vocabulary of each row, `[rows]`: the negative cross-entropy with the uniform distribution,
    /// which label smoothing mixes in (Szegedy et al. 2016, section 7).
    pub mean: Tensor<1>,
}

/// The logarithms of probabilities of `targets [rows]`, token ids, and their mean over the vocabulary, from `logits
/// [rows, vocab]`.
///
/// On a CPU in single precision it is one pass over the logits, and one more in the backward pass; a loss made of tensor
/// operations needs many, which cost more than the layers if the vocabulary is large. Elsewhere it is made of tensor
/// operations ([`reference::token_log_probs`]).
///
/// # Panics
/// If there is not one target per row, or a target is not a token of the vocabulary (on a GPU that is not checked).
pub fn token_log_probs(logits: Tensor<2>, targets: Tensor<1, Int>) -> TokenLogProbs {
    let [rows, vocab] = logits.dims();
    assert_eq!(targets.dims(), [rows], "token_log_probs takes one target for each of {rows} rows of logits");
    assert!(vocab > 0, "token_log_probs takes logits of at least one token");
    #[cfg(feature = "cpu")]
    if rows > 0 && crate::dispatch::is_on_cpu(&logits) {
        return fused::token_log_probs(logits, targets);
    }
    reference::token_log_probs(logits, targets)
}

/// The CPU kernel as one differentiable operation.
#[cfg(feature = "cpu")]
mod fused {
    #![allow(deprecated, reason = "NdArray is deprecated in favor of Flex, and supported for as long as Burn ships it")]
    #![allow(unused_variables, reason = "without a backend's feature nothing is dispatched")]

    use std::sync::Arc;

    use burn::backend::autodiff::NodeId;
    use burn::backend::autodiff::checkpoint::base::Checkpointer;
    use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
    use burn::backend::autodiff::grads::Gradients;
    use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
    use burn::backend::tensor::FloatTensor;
    use burn::backend::{Autodiff, Backend, Dispatch, TensorMetadata, backend_extension};
    use burn::tensor::{Int, Shape, Tensor};

    use super::TokenLogProbs;
    use crate::cpu::LogProbs;
    use crate::host::HostBackend;

    pub fn token_log_probs(logits: Tensor<2>, targets: Tensor<1, Int>) -> TokenLogProbs {
        let [rows, vocab] = logits.dims();
        let check = |id: i64| {
            assert!((0..vocab as i64).contains(&id), "target {id} is not one of {vocab} tokens");
            id as u32
        };
        let targets: Arc<[u32]> = targets.into_data().iter::<i64>().map(check).collect();
        let values = Tensor::<2>::from_dispatch(Dispatch::log_probs(logits.into_dispatch(), targets));
        let column = |index: usize| values.clone().narrow(1, index, 1).reshape([rows]);
        TokenLogProbs { target: column(0), mean: column(1) }
    }

    /// The pass over the logits as one differentiable operation.
    #[backend_extension(Flex: cfg(feature = "flex"), NdArray: cfg(feature = "ndarray"), Autodiff)]
    pub trait FusedLogProbs: Backend {
        /// `logits [rows, vocab]` → `[rows, 2]`: ln p(target), and the mean of ln p.
        fn log_probs(logits: FloatTensor<Self>, targets: Arc<[u32]>) -> FloatTensor<Self>;
    }

    impl<B: HostBackend> FusedLogProbs for B {
        fn log_probs(logits: FloatTensor<B>, targets: Arc<[u32]>) -> FloatTensor<B> {
            forward::<B>(logits, &targets).0
        }
    }

    fn forward<B: HostBackend>(logits: FloatTensor<B>, targets: &[u32]) -> (FloatTensor<B>, LogProbs) {
        let mut found = LogProbs::forward(B::elements(logits).as_ref(), targets);
        let values = std::mem::take(&mut found.values);
        (B::from_elements(values, Shape::new([targets.len(), 2])), found)
    }

    impl<B: HostBackend, C: CheckpointStrategy> FusedLogProbs for Autodiff<B, C> {
        fn log_probs(logits: FloatTensor<Self>, targets: Arc<[u32]>) -> FloatTensor<Self> {
            match LogProbsBackward.prepare::<C>([logits.node()]).compute_bound().stateful() {
                OpsKind::Tracked(mut prep) => {
                    let node = prep.checkpoint(&logits);
                    let (values, saved) = forward::<B>(logits.into_primitive(), &targets);
                    prep.finish(State { logits: node, targets, saved: Arc::new(saved) }, values)
                }
                OpsKind::UnTracked(prep) => prep.finish(forward::<B>(logits.into_primitive(), &targets).0),
            }
        }
    }

    #[derive(Debug)]
    struct LogProbsBackward;

    #[derive(Debug, Clone)]
    struct State {
        logits: NodeId,
        targets: Arc<[u32]>,
        saved: Arc<LogProbs>,
    }

    impl<B: HostBackend> Backward<B, 1> for LogProbsBackward {
        type State = State;

        fn backward(self, ops: Ops<State, 1>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
            let State { logits, targets, saved } = ops.state;
            let of_values = B::elements(grads.consume::<B>(&ops.node));
            let logits = checkpointer.retrieve_node_output::<FloatTensor<B>>(logits);
            let shape = logits.shape();
            if let [Some(parent)] = ops.parents {
                let gradient = saved.backward(B::elements(logits).as_ref(), &targets, of_values.as_ref());
                grads.register::<B>(parent.id, B::from_elements(gradient, shape));
            }
        }
    }
}
