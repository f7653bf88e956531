//! Sums of embeddings.

use burn::tensor::{Int, Tensor};

use crate::reference;

/// The sums of the rows of `table [rows, width]` that `indices [bags, count]` name, `[bags, width]`: PyTorch's
/// `EmbeddingBag` with `mode="sum"`, for bags of equal size.
///
/// On a CPU in single precision the rows are added where they are, and so are the gradients; tensor operations
/// ([`reference::embedding_bag`], elsewhere) copy each row before they add it, in both directions.
///
/// # Panics
/// If a bag or a row has no elements, or an index is not that of a row (on a GPU that is not checked).
pub fn embedding_bag(table: Tensor<2>, indices: Tensor<2, Int>) -> Tensor<2> {
    let ([_, width], [_, count]) = (table.dims(), indices.dims());
    assert!(width > 0 && count > 0, "embedding_bag takes bags of at least one index into rows of at least one element");
    #[cfg(feature = "cpu")]
    if indices.dims()[0] > 0 && crate::dispatch::is_on_cpu(&table) {
        return fused::embedding_bag(table, indices);
    }
    reference::embedding_bag(table, indices)
}

/// The CPU kernel as one differentiable operation.
#[cfg(feature = "cpu")]
mod fused {
    #![allow(deprecated, reason = "NdArray is deprecated in favor of Flex, and supported for as long as Burn ships it")]
    #![allow(unused_variables, reason = "without a backend's feature nothing is dispatched")]

    use std::sync::Arc;

    use burn::backend::autodiff::checkpoint::base::Checkpointer;
    use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
    use burn::backend::autodiff::grads::Gradients;
    use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
    use burn::backend::tensor::FloatTensor;
    use burn::backend::{Autodiff, Backend, Dispatch, backend_extension};
    use burn::tensor::{Int, Shape, Tensor};

    use crate::cpu::Bags;
    use crate::host::HostBackend;

    pub fn embedding_bag(table: Tensor<2>, indices: Tensor<2, Int>) -> Tensor<2> {
        let ([rows, width], [_, count]) = (table.dims(), indices.dims());
        let check = |index: i64| {
            assert!((0..rows as i64).contains(&index), "index {index} is not that of one of {rows} rows");
            index as u32
        };
        let indices = indices.into_data().iter::<i64>().map(check).collect();
        let bags = Arc::new(Bags { indices, count, rows, width });
        Tensor::from_dispatch(Dispatch::embedding_bag(table.into_dispatch(), bags))
    }

    /// The sums as one differentiable operation.
    #[backend_extension(Flex: cfg(feature = "flex"), NdArray: cfg(feature = "ndarray"), Autodiff)]
    pub trait FusedEmbeddingBag: Backend {
        /// `table [rows, width]` → `[bags, width]`.
        fn embedding_bag(table: FloatTensor<Self>, bags: Arc<Bags>) -> FloatTensor<Self>;
    }

    impl<B: HostBackend> FusedEmbeddingBag for B {
        fn embedding_bag(table: FloatTensor<B>, bags: Arc<Bags>) -> FloatTensor<B> {
            let shape = Shape::new([bags.len(), bags.width]);
            B::from_elements(bags.sum(B::elements(table).as_ref()), shape)
        }
    }

    impl<B: HostBackend, C: CheckpointStrategy> FusedEmbeddingBag for Autodiff<B, C> {
        fn embedding_bag(table: FloatTensor<Self>, bags: Arc<Bags>) -> FloatTensor<Self> {
            match EmbeddingBagBackward.prepare::<C>([table.node()]).compute_bound().stateful() {
                OpsKind::Tracked(prep) => {
                    let sums = B::embedding_bag(table.into_primitive(), bags.clone());
                    prep.finish(bags, sums)
                }
                OpsKind::UnTracked(prep) => prep.finish(B::embedding_bag(table.into_primitive(), bags)),
            }
        }
    }

    #[derive(Debug)]
    struct EmbeddingBagBackward;

    impl<B: HostBackend> Backward<B, 1> for EmbeddingBagBackward {
        type State = Arc<Bags>;

        fn backward(self, ops: Ops<Arc<Bags>, 1>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
            let of_sums = B::elements(grads.consume::<B>(&ops.node));
            if let [Some(parent)] = ops.parents {
                let bags = ops.state;
                let gradient = bags.backward(of_sums.as_ref());
                grads.register::<B>(parent.id, B::from_elements(gradient, Shape::new([bags.rows, bags.width])));
            }
        }
    }
}
