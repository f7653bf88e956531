//! Tensors that lie in the host's memory.

use burn::backend::Backend;
use burn::backend::tensor::FloatTensor;
use burn::tensor::Shape;

/// A backend whose single-precision tensors can be read where they are.
pub trait Host: Backend {
    /// A tensor's numbers, one after the other.
    type Numbers: AsRef<[f32]>;

    /// Whether a tensor's numbers lie in memory in the order of its dimensions, without gaps.
    fn lies_in_order(tensor: &FloatTensor<Self>) -> bool;

    /// A tensor's numbers in the order of its dimensions; copied only if they do not lie like that.
    fn numbers(tensor: FloatTensor<Self>) -> Self::Numbers;

    /// A tensor of numbers that lie in the order of its dimensions; nothing is copied.
    fn tensor(numbers: Vec<f32>, shape: Shape) -> FloatTensor<Self>;
}

#[cfg(feature = "flex")]
mod flex {
    use burn::backend::Flex;
    use burn::backend::flex::FlexTensor;
    use burn::tensor::{Shape, TensorData};

    use super::Host;

    /// A tensor in order.
    pub struct Numbers(FlexTensor);

    impl AsRef<[f32]> for Numbers {
        fn as_ref(&self) -> &[f32] {
            self.0.as_slice().expect("single precision, in order")
        }
    }

    impl Host for Flex {
        type Numbers = Numbers;

        fn lies_in_order(tensor: &FlexTensor) -> bool {
            tensor.is_contiguous()
        }

        fn numbers(tensor: FlexTensor) -> Numbers {
            Numbers(if tensor.is_contiguous() { tensor } else { tensor.to_contiguous() })
        }

        fn tensor(numbers: Vec<f32>, shape: Shape) -> FlexTensor {
            FlexTensor::from_data(TensorData::new(numbers, shape))
        }
    }
}

#[cfg(feature = "ndarray")]
#[allow(deprecated, reason = "deprecated in favour of Flex, and supported here for as long as Burn ships it")]
mod ndarray {
    use burn::backend::ndarray::NdArrayTensor;
    use burn::backend::{NdArray, TensorMetadata};
    use burn::tensor::{Shape, TensorData};

    use super::Host;

    /// A tensor in order.
    pub struct Numbers(NdArrayTensor);

    impl AsRef<[f32]> for Numbers {
        fn as_ref(&self) -> &[f32] {
            match &self.0 {
                NdArrayTensor::F32(storage) => storage.view().to_slice().expect("in order"),
                other => panic!("expected single precision, got {:?}", other.dtype()),
            }
        }
    }

    impl Host for NdArray {
        type Numbers = Numbers;

        fn lies_in_order(tensor: &NdArrayTensor) -> bool {
            matches!(tensor, NdArrayTensor::F32(storage) if storage.view().is_standard_layout())
        }

        fn numbers(tensor: NdArrayTensor) -> Numbers {
            match &tensor {
                NdArrayTensor::F32(storage) if !storage.view().is_standard_layout() => {
                    Numbers(Self::tensor(storage.view().iter().copied().collect(), tensor.shape()))
                }
                _ => Numbers(tensor),
            }
        }

        fn tensor(numbers: Vec<f32>, shape: Shape) -> NdArrayTensor {
            NdArrayTensor::from_data(TensorData::new(numbers, shape))
        }
    }
}
