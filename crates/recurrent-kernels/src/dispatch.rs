//! The choice between the fused and the reference implementation, and the checks in front of both.

use burn::backend::DispatchDevice;
use burn::tensor::{DType, Tensor};

use crate::cell::Cell;
use crate::empty_batch::EmptyBatch;
#[cfg(any(feature = "cpu", feature = "gpu"))]
use crate::fused::{self, ScanConfig};
#[cfg(feature = "gpu")]
use crate::gpu::{self, Limits};
use crate::reference::{check_steps, empty_batch, scan_cell, scan_directions};
use crate::{Direction, Scan, Scanned, State, Weights, check_lengths};

/// Scans `x [batch, time, input]` with the cells of one or two directions, from `initial [directions, batch, hidden]` or
/// from zeros.
pub(crate) fn scan_layer<C: Cell>(
    x: Tensor<3>,
    cells: Vec<(Direction, C)>,
    initial: Option<C::State<3>>,
    lengths: Option<&[usize]>,
) -> Scanned<C::State<3>> {
    check(&x, &cells, initial.as_ref(), lengths);
    if x.dims()[0] == 0 {
        return scan_empty_batch(&x, &cells, initial);
    }
    #[cfg(any(feature = "cpu", feature = "gpu"))]
    if is_fused(&x) {
        #[cfg(feature = "gpu")]
        if let Some(limits) = Limits::of_device(&x.device()) {
            let [batch, time, _] = x.dims();
            let [_, columns] = cells[0].1.weights().w_hh.dims();
            limits.check([batch, time], cells.len() * columns);
        }
        let config = ScanConfig {
            equations: cells[0].1.equations(),
            lengths: lengths.map(Into::into),
            #[cfg(feature = "gpu")]
            schedule: gpu::forced_schedule(),
        };
        let directions =
            cells.iter().map(|(direction, cell)| (*direction, cell.weights().clone(), cell.bias_hn().cloned()));
        return fused::scan(x, directions.collect(), initial, config);
    }
    scan_directions(cells, initial, |(direction, cell), initial| {
        scan_cell(x.clone(), &cell, initial, &Scan { direction, lengths })
    })
}

fn scan_empty_batch<C: Cell>(
    x: &Tensor<3>,
    cells: &[(Direction, C)],
    initial: Option<C::State<3>>,
) -> Scanned<C::State<3>> {
    let [hidden, _] = cells[0].1.weights().w_hh.dims();
    let initial: Vec<_> = initial.into_iter().flat_map(State::<3>::into_parts).collect();
    let inputs = cells.iter().map(|(_, cell)| empty_batch(x, cell.weights()).and_all(cell.bias_hn()));
    let inputs = inputs.reduce(EmptyBatch::join).expect("at least one direction").and_all(&initial);
    let output = inputs.result([0, x.dims()[1], cells.len() * hidden]);
    let state = State::<3>::from_parts(vec![inputs.result([cells.len(), 0, hidden]); <C::State<3> as State<3>>::PARTS]);
    Scanned { output, state }
}

/// Whether a scan over `x` uses a fused implementation rather than the [reference](crate::reference): it does on the CPU
/// backends Flex and NdArray in single precision, and on CubeCL's (wgpu, Vulkan, Metal, CUDA) in single and half
/// precision, with autodiff and without, if this crate's feature of that name is enabled.
pub fn is_fused(x: &Tensor<3>) -> bool {
    has_fused_scan(x.device().as_dispatch(), x.dtype())
}

/// Whether a tensor is one that the CPU kernels read: on Flex or NdArray, in single precision.
#[cfg(feature = "cpu")]
pub(crate) fn is_on_cpu<const D: usize>(x: &Tensor<D>) -> bool {
    has_cpu_kernels(x.device().as_dispatch(), x.dtype())
}

#[cfg(feature = "cpu")]
#[allow(clippy::only_used_in_recursion, reason = "without a backend's feature the dtype is not read")]
fn has_cpu_kernels(device: &DispatchDevice, dtype: DType) -> bool {
    match device {
        #[cfg(feature = "flex")]
        DispatchDevice::Flex(_) => dtype == DType::F32,
        #[cfg(feature = "ndarray")]
        DispatchDevice::NdArray(_) => dtype == DType::F32,
        DispatchDevice::Autodiff(device) => has_cpu_kernels(device, dtype),
        #[allow(unreachable_patterns, reason = "the set of backends depends on the enabled features")]
        _ => false,
    }
}

/// The fused operation panics on a backend that it does not support, so this is checked first.
#[allow(unused_variables, reason = "without a backend's feature the dtype is not read")]
fn has_fused_scan(device: &DispatchDevice, dtype: DType) -> bool {
    match device {
        #[cfg(feature = "gpu")]
        DispatchDevice::Cube(device) => {
            matches!(dtype, DType::F32 | DType::F16 | DType::BF16) && Limits::of(&device.client()).supports_fused()
        }
        DispatchDevice::Autodiff(device) => has_fused_scan(device, dtype),
        #[cfg(feature = "cpu")]
        device => has_cpu_kernels(device, dtype),
        #[cfg(not(feature = "cpu"))]
        #[allow(unreachable_patterns, reason = "the set of backends depends on the enabled features")]
        _ => false,
    }
}

/// Panics unless all shapes fit each other and all tensors have one dtype.
fn check<C: Cell>(x: &Tensor<3>, cells: &[(Direction, C)], initial: Option<&C::State<3>>, lengths: Option<&[usize]>) {
    let [batch, time, input] = x.dims();
    check_steps(x);
    if let Some(lengths) = lengths {
        check_lengths(lengths, batch, time);
    }
    let [hidden, _] = cells[0].1.weights().w_hh.dims();
    let (gates, dtype) = (C::GATES, x.dtype());
    for (_, cell) in cells {
        let Weights { w_ih, w_hh, bias } = cell.weights();
        check_tensor(&format!("w_ih [input, {gates} * hidden]"), w_ih, [input, gates * hidden], dtype);
        check_tensor(&format!("w_hh [hidden, {gates} * hidden]"), w_hh, [hidden, gates * hidden], dtype);
        if let Some(bias) = bias {
            check_tensor(&format!("bias [{gates} * hidden]"), bias, [gates * hidden], dtype);
        }
        if let Some(bias_hn) = cell.bias_hn() {
            check_tensor("bias_hn [hidden]", bias_hn, [hidden], dtype);
        }
    }
    for part in initial.into_iter().flat_map(|state| state.clone().into_parts()) {
        let shape = [cells.len(), batch, hidden];
        check_tensor("initial state [directions, batch, hidden]", &part, shape, dtype);
    }
}

fn check_tensor<const D: usize>(name: &str, tensor: &Tensor<D>, shape: [usize; D], dtype: DType) {
    assert!(tensor.dims() == shape, "{name}: expected shape {shape:?}, got {:?}", tensor.dims());
    assert!(tensor.dtype() == dtype, "{name}: expected dtype {dtype:?} (that of x), got {:?}", tensor.dtype());
}
