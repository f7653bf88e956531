//! The tolerances of all tests of gradient traces.

/// f64 norms against PyTorch's.
pub const GOLDEN: f64 = 1e-12;

/// f64 norms against those of finite differences.
pub const DIFFERENCES: f64 = 1e-8;

/// f32 norms on one device against those on another, relative.
#[cfg(any(feature = "ndarray", feature = "wgpu"))]
pub const DEVICES: f64 = 1e-3;
