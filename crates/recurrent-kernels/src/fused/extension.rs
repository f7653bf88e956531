//! The operation as Burn's dispatch sees it: from tensors of any backend to those of the backend at hand.
#![allow(deprecated, reason = "NdArray is deprecated in favor of Flex, and supported for as long as Burn ships it")]
#![allow(unused_variables, reason = "without a backend's feature nothing is dispatched")]

use burn::backend::tensor::FloatTensor;
use burn::backend::{
    Backend, BackendTensor, DispatchAutodiffContext, DispatchTensor, DispatchTensorKind, ExtensionType,
    backend_extension,
};

use super::operands::{Inputs, Operands, ScanConfig};
use super::scan_backend::ScanBackend;
use crate::autograd::SavePolicy;

/// A scan of any cell, in one direction or both, as one differentiable operation.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "gpu"),
    Autodiff,
)]
pub trait FusedScan: Backend {
    /// Returns [`Outputs`](super::operands::Outputs) as a tuple.
    fn fused_scan(
        #[extension_type] inputs: Inputs<Self>,
        config: ScanConfig,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

impl<B: ScanBackend> FusedScan for B {
    fn fused_scan(inputs: Inputs<B>, config: ScanConfig) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
        let (outputs, _) = B::scan(&inputs, &config, SavePolicy::Nothing);
        outputs.into()
    }
}

// Burn's derive supports neither vectors nor options.
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
