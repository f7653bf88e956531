//! Gate activations agree between devices.

use burn::module::Module;
use burn::tensor::{Device, Distribution, Tensor};
use recurrent::models::{AnyRecurrentConfig, CellKind};
use recurrent_study::gates::GateProbe;

use crate::random_numbers;

/// The largest difference of an f32 activation between two devices.
const TOLERANCE: f32 = 1e-3;

fn check(device: &Device) {
    let _held = random_numbers();
    let flex = Device::flex();
    flex.seed(6);
    for cell in CellKind::ALL {
        let layers = AnyRecurrentConfig::new(cell, 2, 5).with_num_layers(2).init(&flex);
        let x = Tensor::<3>::random([1, 12, 2], Distribution::Normal(0.0, 1.0), &flex);
        let expected = layers.gate_activations(x.clone(), 1);
        let found = layers.clone().to_device(device).gate_activations(x.to_device(device), 1);
        let all = |values: Vec<Vec<Vec<f32>>>| values.into_iter().flatten().flatten();
        for (expected, found) in all(expected.values).zip(all(found.values)) {
            assert!((expected - found).abs() <= TOLERANCE, "{cell:?}: {found}, expected {expected}");
        }
    }
}

#[cfg(feature = "ndarray")]
#[test]
#[allow(deprecated, reason = "deprecated in favor of Flex, and supported here as long as Burn ships it")]
fn ndarray_activations_match_flex() {
    check(&Device::ndarray());
}

#[cfg(feature = "wgpu")]
#[test]
fn wgpu_activations_match_flex() {
    check(&Device::wgpu(burn::tensor::DeviceKind::DefaultDevice));
}
