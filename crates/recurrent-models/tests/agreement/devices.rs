//! The devices under test and the tolerances of each.

use burn::tensor::{Device, FloatDType, Tensor};
use recurrent_models::CellKind;

/// A device and its tolerances.
pub struct TestDevice {
    pub name: &'static str,
    pub device: Device,
    /// f32 values against PyTorch's: |ours − theirs| ≤ tolerance · max(1, |theirs|).
    pub golden: f32,
    /// f32 values against the same values computed another way, in the same form.
    pub itself: f32,
    /// The precisions in which gradients are compared with finite differences.
    pub differences: Vec<Difference>,
    /// Random cases per property.
    pub cases: u32,
    /// The cells whose networks are tried where the cell matters little: one on a GPU, which compiles kernels for each.
    pub cells: &'static [CellKind],
}

/// The step of a finite difference, and its tolerance: the error is about step² from curvature, and about the precision of
/// the device's functions divided by the step from rounding.
pub struct Difference {
    pub dtype: FloatDType,
    pub step: f64,
    pub tolerance: f64,
}

/// In single precision, in which the fused operation computes.
const SINGLE: Difference = Difference { dtype: FloatDType::F32, step: 1e-2, tolerance: 1e-3 };

pub fn flex() -> TestDevice {
    TestDevice {
        name: "flex",
        device: Device::flex(),
        golden: 1e-5,
        itself: 1e-5,
        differences: vec![SINGLE, Difference { dtype: FloatDType::F64, step: 1e-5, tolerance: 1e-8 }],
        cases: 24,
        cells: &CellKind::ALL,
    }
}

#[cfg(feature = "ndarray")]
#[allow(deprecated, reason = "deprecated in favour of Flex, and supported here for as long as Burn ships it")]
pub fn ndarray() -> TestDevice {
    TestDevice {
        name: "ndarray",
        device: Device::ndarray(),
        golden: 1e-5,
        itself: 1e-5,
        // Its sigmoid and tanh of an f64 are as exact as an f32's.
        differences: vec![SINGLE, Difference { dtype: FloatDType::F64, step: 3e-3, tolerance: 5e-4 }],
        cases: 12,
        cells: &CellKind::ALL,
    }
}

/// A GPU's tanh and exp may differ from the CPU's in the last few bits at every step.
#[cfg(feature = "wgpu")]
pub fn wgpu() -> TestDevice {
    TestDevice {
        name: "wgpu",
        device: Device::wgpu(burn::tensor::DeviceKind::DefaultDevice),
        golden: 1e-4,
        itself: 1e-4,
        differences: Vec::new(),
        cases: 4,
        cells: &[CellKind::Lstm],
    }
}

#[cfg(feature = "cuda")]
pub fn cuda() -> TestDevice {
    TestDevice {
        name: "cuda",
        device: Device::cuda(0),
        golden: 1e-4,
        itself: 1e-4,
        differences: Vec::new(),
        cases: 4,
        cells: &[CellKind::Lstm],
    }
}

/// Panics unless both are equal within the tolerance, element by element, with the element that differs most.
#[track_caller]
pub fn assert_close<const D: usize>(what: &str, ours: Tensor<D>, theirs: Tensor<D>, tolerance: f32) {
    assert_eq!(ours.dims(), theirs.dims(), "{what}: shapes");
    let ours: Vec<f32> = ours.into_data().iter::<f32>().collect();
    let theirs: Vec<f32> = theirs.into_data().iter::<f32>().collect();
    let error = |(index, (a, b)): (usize, (&f32, &f32))| {
        let error = (a - b).abs() / b.abs().max(1.0);
        (index, if error.is_nan() { f32::INFINITY } else { error })
    };
    let worst = ours.iter().zip(&theirs).enumerate().map(error);
    let Some((index, error)) = worst.max_by(|a, b| a.1.total_cmp(&b.1)) else {
        return;
    };
    assert!(
        error <= tolerance,
        "{what}: element {index} is {}, expected {} within {tolerance}",
        ours[index],
        theirs[index]
    );
}
