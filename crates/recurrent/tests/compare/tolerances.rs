//! How exact a trace has to be: the one table of tolerances.

/// f64 norms against PyTorch's.
pub const GOLDEN: f64 = 1e-12;

/// f64 norms against those of finite differences.
pub const DIFFERENCES: f64 = 1e-8;

/// f32 norms on one device against those on another, as a share of them; and what gates come to.
#[cfg(any(feature = "ndarray", feature = "wgpu"))]
pub const DEVICES: f64 = 1e-3;
