//! The tests of GPUs only: both schedules, long sequences, large batches, half precision.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::{DType, FloatDType, Tensor};
use recurrent_kernels::gpu::{Adapter, Limits, Schedule, with_schedule};
use recurrent_kernels::{LstmState, Scan, Weights, is_fused, lstm_scan};

use crate::case::{Case, Cell, Change, Directions};
use crate::devices::Tested;
use crate::implementations;

/// The tolerance of half precision: a few roundings, of 2⁻¹¹ and of 2⁻⁸ each.
const HALF_PRECISIONS: [(FloatDType, DType, f32); 2] =
    [(FloatDType::F16, DType::F16, 5e-3), (FloatDType::BF16, DType::BF16, 4e-2)];

/// The persistent schedule wherever the state fits, however large the weights are.
pub fn persistent_equals_reference(tested: &Tested) {
    with_schedule(Schedule::Persistent, || implementations::fused_equals_reference(tested));
}

pub fn stepwise_equals_reference(tested: &Tested) {
    with_schedule(Schedule::Stepwise, || implementations::fused_equals_reference(tested));
}

/// Compares with the reference implementation on the same device, and prints the device's name.
pub fn same_device(tested: &Tested) {
    print(&format!("the GPU under test: {}", Adapter::of(&tested.device).expect("a GPU")));
    let device = tested.device.clone();
    implementations::small_cases(&Tested { reference_device: device.clone(), device, ..*tested });
}

/// A sequence so long that the persistent schedule takes several launches. It is compared with the other device's fused
/// implementation, since it is too long for the reference.
pub fn several_launches(tested: &Tested) {
    let long = Case { batch: 2, time: 20_000, input: 1, hidden: 3, bias: true, ..Case::default() };
    for directions in Directions::ALL {
        let case = Case { cell: Cell::Lstm { cell_clip: None }, directions, ..long.clone() };
        with_schedule(Schedule::Persistent, || implementations::compare_with(&case, tested, Case::run));
    }
}

/// Half precision, where the device has it. State and sums are in single precision, so the results differ from those of
/// single precision only by the rounding of inputs, weights and outputs.
pub fn half_precision(tested: &Tested) {
    /// Casts to the given precisions in turn.
    struct Rounded(Vec<FloatDType>);
    impl Change for Rounded {
        fn change<const D: usize>(&mut self, tensor: Tensor<D>) -> Tensor<D> {
            self.0.iter().fold(tensor, |tensor, dtype| tensor.cast(*dtype)).detach().require_grad()
        }
    }
    let device = tested.device.clone().autodiff();
    for (half, dtype, tolerance) in HALF_PRECISIONS {
        if !device.supports_dtype(half) {
            print(&format!("{:?} has no {half:?}", tested.device));
            continue;
        }
        for case in Case::all_small().filter(|case| !case.cell.has_kink()) {
            let rounded = |dtypes| case.inputs(&device).change(&mut Rounded(dtypes));
            let [half, single] = [rounded(vec![half]), rounded(vec![half, FloatDType::F32])];
            assert!(is_fused(&half.x));
            let [half, single] = [half, single].map(|inputs| implementations::everything(&case, &inputs, Case::run));
            assert!(half.iter().all(|(_, tensor)| tensor.dtype() == dtype), "{case:?}");
            implementations::assert_same(&case, &half, &single, tolerance);
        }
    }
}

/// A batch that exceeds a buffer of the device is rejected before anything is launched.
pub fn too_large(tested: &Tested) {
    let limits = Limits::of_device(&tested.device).expect("a GPU");
    let (time, hidden) = (256, 512);
    let fits = (limits.buffer_bytes / (4 * 4 * hidden * time)) as usize;
    let [time, hidden] = [time, hidden].map(|size| size as usize);
    let weights = |rows| Tensor::<2>::zeros([rows, 4 * hidden], &tested.device);
    let weights = Weights { w_ih: weights(1), w_hh: weights(hidden), bias: None };
    let x = Tensor::<3>::zeros([fits + 1, time, 1], &tested.device);
    let scan = || drop(lstm_scan(x, weights, None, None::<LstmState<2>>, &Scan::default()));
    let panic = catch_unwind(AssertUnwindSafe(scan)).expect_err("a panic");
    let message = panic.downcast_ref::<String>().expect("a message");
    assert!(message.contains(&format!("reduce the batch size to at most {fits}")), "{message}");
}

/// Prints a line that the test harness does not capture.
fn print(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
