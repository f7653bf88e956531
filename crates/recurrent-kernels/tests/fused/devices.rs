//! The devices under test and their tolerances.

use burn::tensor::Device;

/// A device under test.
pub struct Tested {
    pub device: Device,
    /// The device that runs the reference implementation.
    pub reference_device: Device,
    /// The tolerance between the implementations, relative to the largest element of a tensor, or to 1 if all are smaller.
    /// Their sums are in different orders, and their activation functions differ in the last bits.
    pub tolerance: f32,
    /// The number of random cases.
    pub cases: usize,
}

#[cfg(feature = "flex")]
pub fn flex() -> Tested {
    Tested { device: Device::flex(), reference_device: Device::flex(), tolerance: 2e-5, cases: 300 }
}

#[cfg(feature = "ndarray")]
#[allow(deprecated, reason = "NdArray is deprecated in favor of Flex, and supported for as long as Burn ships it")]
pub fn ndarray() -> Tested {
    Tested { device: Device::ndarray(), reference_device: Device::ndarray(), tolerance: 2e-5, cases: 300 }
}

/// Any GPU through WGSL, or a software renderer.
#[cfg(feature = "wgpu")]
pub fn wgpu() -> Tested {
    gpu(Device::wgpu(burn::tensor::DeviceKind::DefaultDevice))
}

/// Any GPU with a Vulkan driver, through SPIR-V. This and the devices below are not part of the usual tests:
/// `cargo test -p recurrent-kernels --no-default-features --features flex,vulkan --test fused` runs this one.
#[cfg(feature = "vulkan")]
pub fn vulkan() -> Tested {
    gpu(Device::vulkan(burn::tensor::DeviceKind::DefaultDevice))
}

/// Apple GPUs.
#[cfg(feature = "metal")]
pub fn metal() -> Tested {
    gpu(Device::metal(burn::tensor::DeviceKind::DefaultDevice))
}

/// NVIDIA GPUs.
#[cfg(feature = "cuda")]
pub fn cuda() -> Tested {
    gpu(Device::cuda(0))
}

/// The reference launches so many kernels on a GPU that most cases use it on another device. There are fewer cases, since
/// each compiles kernels of its own.
#[cfg(feature = "gpu")]
fn gpu(device: Device) -> Tested {
    Tested { device, reference_device: Device::flex(), tolerance: 1e-4, cases: 48 }
}
