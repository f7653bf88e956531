//! Gradient traces agree between devices.

use burn::module::Module;
use burn::tensor::{Device, Distribution, Tensor};
use recurrent::gradient_flow::gradient_trace;
use recurrent::models::{AnyRecurrentConfig, CellKind};

use crate::tolerances::DEVICES;

fn check(device: &Device) {
    let flex = Device::flex();
    flex.seed(6);
    for kind in CellKind::ALL {
        let layers = AnyRecurrentConfig::new(kind, 2, 5).with_num_layers(2).init(&flex);
        let moved = layers.clone().to_device(device);
        let x = Tensor::<3>::random([1, 12, 2], Distribution::Normal(0.0, 1.0), &flex);
        let x_there = x.clone().to_device(device);

        let loss = |output: Tensor<3>| output.narrow(1, 11, 1).sum();
        let (expected, found) = (gradient_trace(&layers, x, loss), gradient_trace(&moved, x_there, loss));
        for (expected, found) in expected.norms.iter().flatten().zip(found.norms.iter().flatten()) {
            assert!((expected - found).abs() <= DEVICES * expected, "{kind:?}: {found}, expected {expected}");
        }
    }
}

#[cfg(feature = "ndarray")]
#[test]
#[allow(deprecated, reason = "deprecated in favor of Flex, and supported here as long as Burn ships it")]
fn ndarray_traces_match_flex() {
    check(&Device::ndarray());
}

#[cfg(feature = "wgpu")]
#[test]
fn wgpu_traces_match_flex() {
    check(&Device::wgpu(burn::tensor::DeviceKind::DefaultDevice));
}
