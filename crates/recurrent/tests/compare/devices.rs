//! The same trace on every device.

use burn::module::Module;
use burn::tensor::{Device, Distribution, Tensor};
use recurrent::compare::gates::GateProbe;
use recurrent::compare::microscope::gradient_trace;
use recurrent::models::{AnyRecurrentConfig, CellKind};

use crate::tolerances::DEVICES;

fn check(device: &Device) {
    let flex = Device::flex();
    flex.seed(6);
    for kind in CellKind::ALL {
        let layers = AnyRecurrentConfig::new(kind, 2, 5).with_num_layers(2).init(&flex);
        let moved = layers.clone().to_device(device);
        let x = Tensor::<3>::random([1, 12, 2], Distribution::Normal(0.0, 1.0), &flex);
        let there = x.clone().to_device(device);

        let loss = |output: Tensor<3>| output.narrow(1, 11, 1).sum();
        let (expected, found) = (gradient_trace(&layers, x.clone(), loss), gradient_trace(&moved, there.clone(), loss));
        for (expected, found) in expected.norms.iter().flatten().zip(found.norms.iter().flatten()) {
            assert!((expected - found).abs() <= DEVICES * expected, "{kind:?}: {found}, expected {expected}");
        }

        let (expected, found) = (layers.gate_trace(x, 1), moved.gate_trace(there, 1));
        let all = |values: Vec<Vec<Vec<f32>>>| values.into_iter().flatten().flatten();
        for (expected, found) in all(expected.values).zip(all(found.values)) {
            assert!(f64::from((expected - found).abs()) <= DEVICES, "{kind:?}: {found}, expected {expected}");
        }
    }
}

#[cfg(feature = "ndarray")]
#[test]
#[allow(deprecated, reason = "deprecated in favour of Flex, and supported here for as long as Burn ships it")]
fn traces_on_ndarray_are_those_on_flex() {
    check(&Device::ndarray());
}

#[cfg(feature = "wgpu")]
#[test]
fn traces_on_wgpu_are_those_on_flex() {
    check(&Device::wgpu(burn::tensor::DeviceKind::DefaultDevice));
}
