//! Backends whose tensors are in host memory.

use burn::backend::Backend;
use burn::backend::tensor::FloatTensor;
use burn::tensor::Shape;

/// A backend whose single-precision tensors can be read in place.
pub trait HostBackend: Backend {
    /// The elements of a tensor, contiguous.
    type Elements: AsRef<[f32]>;

    /// Whether a tensor is contiguous in row-major order.
    fn is_contiguous(tensor: &FloatTensor<Self>) -> bool;

    /// A tensor's elements in row-major order; copied only if the tensor is not contiguous.
    fn elements(tensor: FloatTensor<Self>) -> Self::Elements;

    /// A tensor of elements in row-major order; nothing is copied.
    fn from_elements(elements: Vec<f32>, shape: Shape) -> FloatTensor<Self>;
}

#[cfg(feature = "flex")]
mod flex {
    use burn::backend::Flex;
    use burn::backend::flex::FlexTensor;
    use burn::tensor::{Shape, TensorData};

    use super::HostBackend;

    /// A contiguous tensor.
    pub struct Elements(FlexTensor);

    impl AsRef<[f32]> for Elements {
        fn as_ref(&self) -> &[f32] {
            self.0.as_slice().expect("a contiguous tensor in single precision")
        }
    }

    impl HostBackend for Flex {
        type Elements = Elements;

        fn is_contiguous(tensor: &FlexTensor) -> bool {
            tensor.is_contiguous()
        }

        fn elements(tensor: FlexTensor) -> Elements {
            Elements(if tensor.is_contiguous() { tensor } else { tensor.to_contiguous() })
        }

        fn from_elements(elements: Vec<f32>, shape: Shape) -> FlexTensor {
            FlexTensor::from_data(TensorData::new(elements, shape))
        }
    }
}

#[cfg(feature = "ndarray")]
#[allow(deprecated, reason = "deprecated in favor of Flex, and supported here for as long as Burn ships it")]
mod ndarray {
    use burn::backend::ndarray::NdArrayTensor;
    use burn::backend::{NdArray, TensorMetadata};
    use burn::tensor::{Shape, TensorData};

    use super::HostBackend;

    /// A contiguous tensor.
    pub struct Elements(NdArrayTensor);

    impl AsRef<[f32]> for Elements {
        fn as_ref(&self) -> &[f32] {
            match &self.0 {
                NdArrayTensor::F32(storage) => storage.view().to_slice().expect("a contiguous tensor"),
                other => panic!("expected dtype F32, got {:?}", other.dtype()),
            }
        }
    }

    impl HostBackend for NdArray {
        type Elements = Elements;

        fn is_contiguous(tensor: &NdArrayTensor) -> bool {
            matches!(tensor, NdArrayTensor::F32(storage) if storage.view().is_standard_layout())
        }

        fn elements(tensor: NdArrayTensor) -> Elements {
            match &tensor {
                NdArrayTensor::F32(storage) if !storage.view().is_standard_layout() => {
                    Elements(Self::from_elements(storage.view().iter().copied().collect(), tensor.shape()))
                }
                _ => Elements(tensor),
            }
        }

        fn from_elements(elements: Vec<f32>, shape: Shape) -> NdArrayTensor {
            NdArrayTensor::from_data(TensorData::new(elements, shape))
        }
    }
}
