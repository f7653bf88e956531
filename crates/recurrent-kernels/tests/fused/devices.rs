//! The devices under test, and how exact each has to be: the one table of tolerances.

use burn::tensor::Device;

/// A device, and what is asked of it.
pub struct Tested {
    pub device: Device,
    /// Where the plain path runs that the fused one is held against.
    pub oracle: Device,
    /// How far two ways may be apart, as a share of the largest number of a tensor, or of 1 where all are smaller. Their
    /// sums have other orders, and the functions of the gates differ in their last bits.
    pub tolerance: f32,
    /// Random cases.
    pub cases: usize,
}

#[cfg(feature = "flex")]
pub fn flex() -> Tested {
    Tested { device: Device::flex(), oracle: Device::flex(), tolerance: 2e-5, cases: 300 }
}

#[cfg(feature = "ndarray")]
#[allow(deprecated, reason = "NdArray is, in favour of Flex; it is supported for as long as Burn ships it")]
pub fn ndarray() -> Tested {
    Tested { device: Device::ndarray(), oracle: Device::ndarray(), tolerance: 2e-5, cases: 300 }
}

/// Any GPU by WGSL, or a CPU in its place.
#[cfg(feature = "wgpu")]
pub fn wgpu() -> Tested {
    gpu(Device::wgpu(burn::tensor::DeviceKind::DefaultDevice))
}

/// Any GPU with a Vulkan driver, by SPIR-V. This and those below are no part of the tests that run everywhere:
/// `cargo test -p recurrent-kernels --no-default-features --features flex,vulkan --test fused` asks for it.
#[cfg(feature = "vulkan")]
pub fn vulkan() -> Tested {
    gpu(Device::vulkan(burn::tensor::DeviceKind::DefaultDevice))
}

/// Apple's.
#[cfg(feature = "metal")]
pub fn metal() -> Tested {
    gpu(Device::metal(burn::tensor::DeviceKind::DefaultDevice))
}

/// NVIDIA's.
#[cfg(feature = "cuda")]
pub fn cuda() -> Tested {
    gpu(Device::cuda(0))
}

/// The plain path launches so many kernels on a GPU that most cases are held against another device's, and each case
/// compiles kernels of its own, so that there are fewer.
#[cfg(feature = "gpu")]
fn gpu(device: Device) -> Tested {
    Tested { device, oracle: Device::flex(), tolerance: 1e-4, cases: 100 }
}
