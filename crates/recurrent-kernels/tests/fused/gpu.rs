//! What is asked of a GPU besides: both schedules, whatever the device would choose, long sequences, half precision.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::{DType, FloatDType, Tensor};
use recurrent_kernels::gpu::{Adapter, Limits, Schedule, with_schedule};
use recurrent_kernels::{LstmState, Scan, Weights, is_fused, lstm_scan};

use crate::case::{Case, Cell, Change, Directions};
use crate::devices::Tested;
use crate::ways;

/// Random cases of a schedule: each compiles kernels of its own.
const CASES: usize = 100;
/// Of single precision, how far half precision may be away: a few of its roundings, of 2⁻¹¹ and of 2⁻⁸ each.
const HALF_PRECISIONS: [(FloatDType, DType, f32); 2] =
    [(FloatDType::F16, DType::F16, 5e-3), (FloatDType::BF16, DType::BF16, 4e-2)];

/// The resident schedule wherever the state fits, however large the weights are.
pub fn resident_equals_plain(tested: &Tested) {
    with_schedule(Schedule::Resident, || ways::fused_equals_plain(&Tested { cases: CASES, ..again(tested) }));
}

pub fn stepwise_equals_plain(tested: &Tested) {
    with_schedule(Schedule::Stepwise, || ways::fused_equals_plain(&Tested { cases: CASES, ..again(tested) }));
}

/// Against the plain path of the same device, whose name comes with it.
pub fn own_plain_path(tested: &Tested) {
    note(&format!("the GPU under test: {}", Adapter::of(&tested.device).expect("a GPU")));
    ways::small_ones(&Tested { oracle: tested.device.clone(), ..again(tested) });
}

/// A sequence so long that the resident schedule cuts it, more than once; and for the plain path it is too long.
pub fn cuts_change_nothing(tested: &Tested) {
    let long = Case { batch: 2, time: 20_000, input: 1, hidden: 3, bias: true, ..Case::default() };
    for directions in Directions::ALL {
        let case = Case { cell: Cell::Lstm { cell_clip: None }, directions, ..long.clone() };
        with_schedule(Schedule::Resident, || ways::compare_with(&case, tested, Case::run));
    }
}

/// In half precision, where the device has it: the state and all sums are single, so the numbers are as far from those
/// of single precision as half precision's own rounding of inputs, weights and outputs takes them.
pub fn half_precision(tested: &Tested) {
    /// Into another precision and back, or there to stay.
    struct Rounded(Vec<FloatDType>);
    impl Change for Rounded {
        fn change<const D: usize>(&mut self, tensor: Tensor<D>) -> Tensor<D> {
            self.0.iter().fold(tensor, |tensor, dtype| tensor.cast(*dtype)).detach().require_grad()
        }
    }
    let device = tested.device.clone().autodiff();
    for (half, dtype, tolerance) in HALF_PRECISIONS {
        if !device.supports_dtype(half) {
            note(&format!("{:?} has no {half:?}", tested.device));
            continue;
        }
        for case in Case::all_small().filter(|case| !case.cell.has_kink()) {
            let rounded = |dtypes| case.leaves(&device).change(&mut Rounded(dtypes));
            let [half, single] = [rounded(vec![half]), rounded(vec![half, FloatDType::F32])];
            assert!(is_fused(&half.x));
            let [half, single] = [half, single].map(|leaves| ways::everything(&case, &leaves, Case::run));
            assert!(half.iter().all(|(_, numbers)| numbers.dtype() == dtype), "{case:?}");
            ways::assert_same(&case, &half, &single, tolerance);
        }
    }
}

/// More than a buffer of the device holds: refused at the door, and nothing is lost but the call.
pub fn too_large(tested: &Tested) {
    let limits = Limits::of_device(&tested.device).expect("a GPU");
    let (time, hidden) = (256, 512);
    let fits = (limits.buffer_bytes / (4 * 4 * hidden * time)) as usize;
    let [time, hidden] = [time, hidden].map(|size| size as usize);
    let weights = |rows| Tensor::<2>::zeros([rows, 4 * hidden], &tested.device);
    let weights = Weights { w_ih: weights(1), w_hh: weights(hidden), bias: None };
    let x = Tensor::<3>::zeros([fits + 1, time, 1], &tested.device);
    let scan = || drop(lstm_scan(x, weights, None, None::<LstmState<2>>, &Scan::default()));
    let said = catch_unwind(AssertUnwindSafe(scan)).expect_err("too large");
    let said = said.downcast_ref::<String>().expect("words");
    assert!(said.contains(&format!("take at most {fits} rows a batch")), "{said}");
}

/// Says what the harness does not keep to itself.
fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn again(tested: &Tested) -> Tested {
    Tested { device: tested.device.clone(), oracle: tested.oracle.clone(), ..*tested }
}
