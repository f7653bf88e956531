//! What the scans of all cells have in common: the checks at the door, and the choice of a way.

use burn::backend::DispatchDevice;
use burn::tensor::{DType, Tensor};

#[cfg(any(feature = "cpu", feature = "gpu"))]
use crate::Equations;
#[cfg(any(feature = "cpu", feature = "gpu"))]
use crate::fused::{self, Plan};
#[cfg(feature = "gpu")]
use crate::gpu::Limits;
use crate::{Direction, Scan, Scanned, State, Weights, check_lengths, plain};

/// A cell with the weights of one direction.
pub(crate) trait Kernel {
    /// What is carried from step to step.
    type State<const D: usize>: State<D>;

    /// How many times `hidden` the weight matrices are wide.
    const GATES: usize;

    /// The equations, as the fused operation knows them.
    #[cfg(any(feature = "cpu", feature = "gpu"))]
    fn equations(&self) -> Equations;

    /// The weights.
    fn weights(&self) -> &Weights;

    /// The candidate's recurrent bias `[hidden]`, if there is one.
    fn bias_hn(&self) -> Option<&Tensor<1>> {
        None
    }

    /// One step of the equations, from the projected input `[batch, gates * hidden]`.
    fn step(&self, projected: Tensor<2>, state: Self::State<2>) -> Self::State<2>;
}

/// One direction: `x [batch, time, input]`, `initial [batch, hidden]`.
pub(crate) fn scan_direction<K: Kernel>(
    x: Tensor<3>,
    kernel: K,
    initial: Option<K::State<2>>,
    scan: &Scan,
) -> Scanned<K::State<2>> {
    let initial = initial.map(|state| state.map_into(|part| part.unsqueeze_dim(0)));
    let Scanned { output, state } = scan_directions(x, vec![(scan.direction, kernel)], initial, scan.lengths);
    Scanned { output, state: State::<3>::map_into(state, |part| part.squeeze_dim(0)) }
}

/// The forward direction, or both: `x [batch, time, input]`, `initial [directions, batch, hidden]`.
pub(crate) fn scan_layer<K: Kernel>(
    x: Tensor<3>,
    kernels: Vec<K>,
    initial: Option<K::State<3>>,
    lengths: Option<&[usize]>,
) -> Scanned<K::State<3>> {
    assert!(matches!(kernels.len(), 1 | 2), "a layer has one direction or two, got {}", kernels.len());
    let directions = [Direction::Forward, Direction::Reverse].into_iter().zip(kernels);
    scan_directions(x, directions.collect(), initial, lengths)
}

fn scan_directions<K: Kernel>(
    x: Tensor<3>,
    kernels: Vec<(Direction, K)>,
    initial: Option<K::State<3>>,
    lengths: Option<&[usize]>,
) -> Scanned<K::State<3>> {
    check(&x, &kernels, initial.as_ref(), lengths);
    #[cfg(any(feature = "cpu", feature = "gpu"))]
    if is_fused(&x) {
        #[cfg(feature = "gpu")]
        if let Some(limits) = Limits::of_device(&x.device()) {
            let [batch, time, _] = x.dims();
            let [_, columns] = kernels[0].1.weights().w_hh.dims();
            limits.check([batch, time], kernels.len() * columns);
        }
        let plan = Plan {
            equations: kernels[0].1.equations(),
            lengths: lengths.map(Into::into),
            #[cfg(feature = "gpu")]
            schedule: crate::gpu::forced(),
        };
        let layers =
            kernels.iter().map(|(direction, kernel)| (*direction, kernel.weights().clone(), kernel.bias_hn().cloned()));
        return fused::scan(x, layers.collect(), initial, plan);
    }
    plain::scan_each(kernels, initial, |(direction, kernel), initial| {
        plain::scan(x.clone(), &kernel, initial, &Scan { direction, lengths })
    })
}

/// Whether a scan over `x` is one operation, and not the [plain loop](plain): it is on the CPU backends Flex and NdArray
/// in single precision, and on CubeCL's (wgpu, Vulkan, Metal, CUDA) in single and half precision, with autodiff and
/// without, where this crate's feature of that name is on.
pub fn is_fused(x: &Tensor<3>) -> bool {
    has_scan(x.device().as_dispatch(), x.dtype())
}

/// A backend that the fused operation does not know would panic, so this is asked before the call.
#[allow(unused_variables, reason = "without backends nobody asks for the dtype")]
fn has_scan(device: &DispatchDevice, dtype: DType) -> bool {
    match device {
        #[cfg(feature = "flex")]
        DispatchDevice::Flex(_) => dtype == DType::F32,
        #[cfg(feature = "ndarray")]
        DispatchDevice::NdArray(_) => dtype == DType::F32,
        #[cfg(feature = "gpu")]
        DispatchDevice::Cube(device) => {
            matches!(dtype, DType::F32 | DType::F16 | DType::BF16) && Limits::of(&device.client()).suffice()
        }
        DispatchDevice::Autodiff(device) => has_scan(device, dtype),
        #[allow(unreachable_patterns, reason = "which backends there are is chosen by features")]
        _ => false,
    }
}

/// Panics unless all shapes fit each other and all tensors have one dtype.
fn check<K: Kernel>(
    x: &Tensor<3>,
    kernels: &[(Direction, K)],
    initial: Option<&K::State<3>>,
    lengths: Option<&[usize]>,
) {
    let [batch, time, input] = x.dims();
    assert!(time > 0, "a sequence has at least one step, got x {:?}", x.dims());
    if let Some(lengths) = lengths {
        check_lengths(lengths, batch, time);
    }
    let [hidden, _] = kernels[0].1.weights().w_hh.dims();
    let (gates, dtype) = (K::GATES, x.dtype());
    for (_, kernel) in kernels {
        let Weights { w_ih, w_hh, bias } = kernel.weights();
        check_tensor(&format!("w_ih [input, {gates} * hidden]"), w_ih, [input, gates * hidden], dtype);
        check_tensor(&format!("w_hh [hidden, {gates} * hidden]"), w_hh, [hidden, gates * hidden], dtype);
        if let Some(bias) = bias {
            check_tensor(&format!("bias [{gates} * hidden]"), bias, [gates * hidden], dtype);
        }
        if let Some(bias_hn) = kernel.bias_hn() {
            check_tensor("bias_hn [hidden]", bias_hn, [hidden], dtype);
        }
    }
    for part in initial.into_iter().flat_map(|state| state.clone().into_parts()) {
        let shape = [kernels.len(), batch, hidden];
        check_tensor("the initial state [directions, batch, hidden]", &part, shape, dtype);
    }
}

fn check_tensor<const D: usize>(what: &str, tensor: &Tensor<D>, shape: [usize; D], dtype: DType) {
    assert!(tensor.dims() == shape, "{what}: expected {shape:?}, got {:?}", tensor.dims());
    assert!(tensor.dtype() == dtype, "{what}: expected {dtype:?} as x has, got {:?}", tensor.dtype());
}
