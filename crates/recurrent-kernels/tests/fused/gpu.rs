//! What is asked of a GPU besides: both schedules, whatever the device would choose, long sequences, half precision.

use burn::tensor::{DType, FloatDType, Tensor};
use recurrent_kernels::gpu::{Schedule, with_schedule};
use recurrent_kernels::is_fused;

use crate::case::{Case, Cell, Change, Directions};
use crate::devices::Tested;
use crate::ways;

/// Random cases of a schedule: each compiles kernels of its own.
const CASES: usize = 100;
/// Of single precision, how far half precision may be away: a few of its roundings, of 2⁻¹¹ each.
const HALF_PRECISION: f32 = 5e-3;

/// The resident schedule wherever the state fits, however large the weights are.
pub fn resident_equals_plain(tested: &Tested) {
    with_schedule(Schedule::Resident, || ways::fused_equals_plain(&Tested { cases: CASES, ..again(tested) }));
}

pub fn stepwise_equals_plain(tested: &Tested) {
    with_schedule(Schedule::Stepwise, || ways::fused_equals_plain(&Tested { cases: CASES, ..again(tested) }));
}

/// Against the plain path of the same device.
pub fn own_plain_path(tested: &Tested) {
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
    if !device.supports_dtype(FloatDType::F16) {
        eprintln!("{:?} has no half precision", tested.device);
        return;
    }
    for case in Case::all_small().filter(|case| !case.cell.has_kink()) {
        let half = case.leaves(&device).change(&mut Rounded(vec![FloatDType::F16]));
        let single = case.leaves(&device).change(&mut Rounded(vec![FloatDType::F16, FloatDType::F32]));
        assert!(is_fused(&half.x));
        let [half, single] = [half, single].map(|leaves| ways::everything(&case, &leaves, Case::run));
        assert!(half.iter().all(|(_, numbers)| numbers.dtype() == DType::F16), "{case:?}");
        ways::assert_same(&case, &half, &single, HALF_PRECISION);
    }
}

fn again(tested: &Tested) -> Tested {
    Tested { device: tested.device.clone(), oracle: tested.oracle.clone(), ..*tested }
}
