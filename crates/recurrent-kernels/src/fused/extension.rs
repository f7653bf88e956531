//! The operation as Burn's dispatch knows it: from a tensor of any backend to the backend's own.
#![allow(deprecated, reason = "NdArray is, in favour of Flex, and supported here for as long as Burn ships it")]

use burn::backend::tensor::FloatTensor;
use burn::backend::{
    Backend, BackendTensor, DispatchAutodiffContext, DispatchTensor, DispatchTensorKind, ExtensionType,
    backend_extension,
};

use super::ScanBackend;
use super::operands::{Inputs, Operands, Plan};
use crate::pass::Keep;

/// A scan of any cell, in one direction or in both, as one differentiable operation.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "gpu"),
    Autodiff,
)]
pub trait FusedScan: Backend {
    /// Gives [`Outputs`](super::operands::Outputs), one by one.
    fn fused_scan(
        #[extension_type] inputs: Inputs<Self>,
        plan: Plan,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

impl<B: ScanBackend> FusedScan for B {
    fn fused_scan(inputs: Inputs<B>, plan: Plan) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
        let (outputs, _) = B::scan(&inputs, &plan, Keep::Nothing);
        outputs.into()
    }
}

// What the derive would write, had it vectors and options.
impl<B: Backend> ExtensionType<B> for Operands<FloatTensor<B>> {
    type Target = Operands<DispatchTensor>;

    fn map_to_dispatch<F>(self, map_kind: F, autodiff: DispatchAutodiffContext) -> Self::Target
    where
        F: Fn(BackendTensor<B>) -> DispatchTensorKind,
    {
        self.map(|tensor| DispatchTensor { kind: map_kind(BackendTensor::Float(tensor)), autodiff })
    }

    fn map_from_dispatch<F>(target: Self::Target, unwrap_kind: F) -> Self
    where
        F: Fn(DispatchTensor) -> BackendTensor<B>,
    {
        target.map(|tensor| unwrap_kind(tensor).float())
    }

    fn routing_tensor(target: &Self::Target) -> Option<&DispatchTensor> {
        Some(&target.x)
    }

    fn routing_float_tensor(target: &Self::Target) -> Option<&DispatchTensor> {
        Some(&target.x)
    }

    fn autodiff_context(target: &Self::Target) -> DispatchAutodiffContext {
        let tensors = target.as_ref().into_slots().into_iter().flatten();
        tensors.fold(DispatchAutodiffContext::Disabled, |context, tensor| context.merge(tensor.autodiff))
    }
}
