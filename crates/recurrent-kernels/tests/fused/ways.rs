//! Two ways to the same numbers.

use burn::tensor::{Device, FloatDType, Tensor};
use recurrent_kernels::{Direction, is_fused};

use crate::case::{Case, Cell, Change, Directions, Draw, Leaves, Ran, Track, Used};
use crate::devices::Tested;

/// Of double precision, how far single precision may be away.
const SINGLE_PRECISION: f32 = 2e-5;

const BATCHES: [usize; 4] = [1, 2, 5, 33];
const TIMES: [usize; 4] = [1, 2, 30, 200];
const INPUTS: [usize; 4] = [1, 3, 40, 131];
const HIDDEN: [usize; 8] = [1, 7, 16, 17, 50, 128, 130, 512];
/// Multiplications of a scan that the plain path needs no longer for than a test should take.
const AFFORDABLE: usize = 100_000_000;
/// Numbers that may come near a kink before one of them, sooner or later, comes so near that rounding decides on which
/// side of it a gradient is taken.
const NEAR_A_KINK: usize = 4_000;

/// Forward and every gradient, in a few hundred cases in which each size and each option comes many times.
pub fn fused_equals_plain(tested: &Tested) {
    let mut draw = Draw(7);
    let cases: Vec<Case> = (0..tested.cases).map(|seed| random(&mut draw, seed as u64)).collect();
    assert_covered("batch", &BATCHES, &cases, |case| case.batch);
    assert_covered("time", &TIMES, &cases, |case| case.time);
    assert_covered("input", &INPUTS, &cases, |case| case.input);
    assert_covered("hidden", &HIDDEN, &cases, |case| case.hidden);
    cases.iter().for_each(|case| compare(case, tested));
    small_ones(tested);
}

/// Forward and every gradient of the small cases, whatever of the outputs is used.
pub fn small_ones(tested: &Tested) {
    for case in Case::all_small() {
        for used in Used::ALL {
            compare(&Case { used, ..case.clone() }, tested);
        }
    }
}

/// Panics unless each size comes three times or more.
fn assert_covered(what: &str, sizes: &[usize], cases: &[Case], size: impl Fn(&Case) -> usize) {
    for expected in sizes {
        let times = cases.iter().filter(|case| size(case) == *expected).count();
        assert!(times >= 3, "{what} {expected} comes {times} times");
    }
}

fn random(draw: &mut Draw, seed: u64) -> Case {
    loop {
        let [batch, time] = [draw.one_of(&BATCHES), draw.one_of(&TIMES)];
        let mut lengths: Vec<usize> = (0..batch).map(|_| draw.below(time + 1)).collect();
        lengths[draw.below(batch)] = time;
        let case = Case {
            cell: draw.one_of(&Cell::ALL),
            directions: draw.one_of(&Directions::ALL),
            batch,
            time,
            input: draw.one_of(&INPUTS),
            hidden: draw.one_of(&HIDDEN),
            bias: draw.flip(),
            initial: draw.flip(),
            lengths: draw.flip().then_some(lengths),
            used: draw.one_of(&Used::ALL),
            seed,
        };
        let (numbers, width) = (batch * time * case.hidden, (case.input + case.hidden) * case.cell.gates());
        // The plain path is slow on long sequences, whatever their width.
        let affordable = numbers * width < AFFORDABLE && (time < 200 || draw.below(4) == 0);
        if affordable && !(case.cell.has_kink() && numbers > NEAR_A_KINK) {
            return case;
        }
    }
}

fn compare(case: &Case, tested: &Tested) {
    compare_with(case, tested, Case::run_plain);
}

/// Holds the fused operation against what `run` gives on the oracle's device.
pub fn compare_with(case: &Case, tested: &Tested, run: impl Fn(&Case, &Leaves) -> Ran) {
    let ours = case.leaves(&tested.device.clone().autodiff()).change(&mut Track);
    let theirs = case.leaves(&tested.oracle.clone().autodiff()).change(&mut Track);
    assert!(is_fused(&ours.x));
    assert_same(case, &everything(case, &ours, Case::run), &everything(case, &theirs, run), tested.tolerance);
}

/// A scan's outputs, by name, and all gradients.
pub type Numbers = Vec<(String, Tensor<1>)>;

pub fn everything(case: &Case, leaves: &Leaves, run: impl Fn(&Case, &Leaves) -> Ran) -> Numbers {
    let ran = run(case, leaves);
    let mut numbers = ran.numbers();
    let grads = case.loss(&ran).backward();
    numbers.extend(leaves.gradients(&grads));
    numbers
}

pub fn assert_same(case: &Case, ours: &Numbers, theirs: &Numbers, tolerance: f32) {
    assert_eq!(ours.len(), theirs.len());
    for ((name, ours), (_, theirs)) in ours.iter().zip(theirs) {
        let floats = |tensor: &Tensor<1>| tensor.to_data().iter::<f32>().collect::<Vec<f32>>();
        assert_close(&format!("{case:?}: {name}"), &floats(ours), &floats(theirs), tolerance);
    }
}

/// Panics unless both are the same within the tolerance; what is no number has to be the same no number.
fn assert_close(what: &str, ours: &[f32], theirs: &[f32], tolerance: f32) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let largest = theirs.iter().filter(|number| number.is_finite()).fold(1.0, |max: f32, number| max.max(number.abs()));
    for (index, (a, b)) in ours.iter().zip(theirs).enumerate() {
        let same = a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= tolerance * largest;
        assert!(same, "{what}: element {index} is {a}, expected {b} within {tolerance} of {largest}");
    }
}

/// The numbers of a scan that is not tracked are those of one that is.
pub fn untracked(Tested { device, .. }: &Tested) {
    for case in Case::all_small() {
        let expected = case.run(&case.leaves(&device.clone().autodiff()).change(&mut Track)).numbers();
        for device in [device.clone(), device.clone().autodiff()] {
            assert_equal(&case, case.run(&case.leaves(&device)).numbers(), &expected);
        }
    }
}

fn assert_equal(case: &Case, ours: Numbers, theirs: &Numbers) {
    for ((name, ours), (_, theirs)) in ours.into_iter().zip(theirs) {
        assert_eq!(ours.to_data(), theirs.to_data(), "{case:?}: {name}");
    }
}

/// What is computed a second time is what was computed the first time.
pub fn checkpointed(Tested { device, tolerance, .. }: &Tested) {
    let plenty = Case { batch: 5, time: 30, hidden: 17, lengths: None, ..Case::default() };
    let plenty = Cell::ALL.map(|cell| Case { cell, ..plenty.clone() });
    for case in Case::all_small().chain(plenty) {
        let run = |device: Device| everything(&case, &case.leaves(&device).change(&mut Track), Case::run);
        assert_same(
            &case,
            &run(device.clone().autodiff().gradient_checkpointing()),
            &run(device.clone().autodiff()),
            *tolerance,
        );
    }
}

/// A sequence whose memory is `[time, batch, features]` is taken as it is, and so are the output and the gradient.
pub fn time_first(Tested { device, tolerance, .. }: &Tested) {
    let device = device.clone().autodiff();
    for case in Case::all_small() {
        let expected = everything(&case, &case.leaves(&device).change(&mut Track), Case::run);
        let mut leaves = case.leaves(&device).change(&mut Track);
        let x = Tensor::<3>::from_data(leaves.x.swap_dims(0, 1).to_data(), &device).require_grad();
        leaves.x = x.clone().swap_dims(0, 1);
        let ran = case.run(&leaves);
        let grads = case.loss(&ran).backward();
        let mut numbers = ran.numbers();
        leaves.x = x.clone();
        numbers.extend(leaves.gradients(&grads));
        let gradient = x.grad(&grads).expect("a gradient").swap_dims(0, 1);
        numbers[1 + case.cell.parts()].1 = gradient.flatten(0, 2);
        assert_same(&case, &numbers, &expected, *tolerance);
        #[cfg(feature = "flex")]
        if let Ok(output) = ran.output.inner().swap_dims(0, 1).try_into_primitive::<burn::backend::Flex>() {
            assert!(output.is_contiguous(), "{case:?}: the output was copied");
        }
    }
}

/// Weights that are views of others, as tied ones are.
pub fn transposed_weights(Tested { device, .. }: &Tested) {
    let device = device.clone().autodiff();
    for case in Case::all_small() {
        let leaves = case.leaves(&device);
        let expected = case.run(&leaves).numbers();
        let view =
            |weights: &Tensor<2>| Tensor::<2>::from_data(weights.clone().transpose().to_data(), &device).transpose();
        let mut views = leaves.clone();
        for layer in &mut views.layers {
            (layer.w_ih, layer.w_hh) = (view(&layer.w_ih), view(&layer.w_hh));
        }
        assert_equal(&case, case.run(&views).numbers(), &expected);
    }
}

/// A NaN or an infinity in one row gets as far as it gets on the plain path. Of a gradient, what is infinite on one may
/// be a NaN on the other: a product of infinity and the slope of tanh far out, which is zero or close to it.
pub fn not_numbers(Tested { device, oracle, tolerance, .. }: &Tested) {
    for case in Case::all_small() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let spoilt = |device: &Device| {
                let device = device.clone().autodiff();
                let mut leaves = case.leaves(&device);
                let one = Tensor::full([1, 1, 1], bad, &device);
                leaves.x = leaves.x.slice_assign([0..1, 3..4, 0..1], one);
                leaves.change(&mut Track)
            };
            let finite = |(name, numbers): (String, Tensor<1>)| match name.starts_with("gradient") {
                true => (name, numbers.clone().mask_fill(numbers.is_finite().bool_not(), f32::NAN)),
                false => (name, numbers),
            };
            let ours = everything(&case, &spoilt(device), Case::run).into_iter().map(finite).collect();
            let theirs = everything(&case, &spoilt(oracle), Case::run_plain).into_iter().map(finite).collect();
            assert_same(&case, &ours, &theirs, *tolerance);
        }
    }
}

/// Each input alone may be tracked.
pub fn partly_tracked(Tested { device, .. }: &Tested) {
    /// Tracks the one at an index.
    struct TrackOne(usize);
    impl Change for TrackOne {
        fn change<const D: usize>(&mut self, tensor: Tensor<D>) -> Tensor<D> {
            let own = self.0 == 0;
            self.0 = self.0.wrapping_sub(1);
            if own { tensor.require_grad() } else { tensor }
        }
    }
    let device = device.clone().autodiff();
    for case in Case::all_small() {
        let whole = case.leaves(&device).change(&mut Track);
        let grads = case.loss(&case.run(&whole)).backward();
        let expected = whole.gradients(&grads);
        for (index, (name, expected)) in expected.into_iter().enumerate() {
            let leaves = case.leaves(&device).change(&mut TrackOne(index));
            let grads = case.loss(&case.run(&leaves)).backward();
            for (other, (_, gradient)) in leaves.gradients(&grads).into_iter().enumerate() {
                let expected = if other == index { expected.clone() } else { gradient.zeros_like() };
                assert_equal(&case, vec![(name.clone(), gradient)], &vec![(String::new(), expected)]);
            }
        }
    }
}

/// Two scans, one over the other's output and from its state, with one set of weights.
pub fn shared_weights(Tested { device, tolerance, .. }: &Tested) {
    let device = device.clone().autodiff();
    for cell in Cell::ALL {
        let case = Case { input: 5, ..Case::small(cell, Directions::One(Direction::Forward)) };
        let twice = |run: fn(&Case, &Leaves) -> Ran| {
            let leaves = case.leaves(&device).change(&mut Track);
            let first = run(&case, &leaves);
            let second = Leaves { x: first.output, layers: leaves.layers.clone(), initial: Some(first.state) };
            let ran = run(&case, &second);
            let grads = case.loss(&ran).backward();
            [ran.numbers(), leaves.gradients(&grads)].concat()
        };
        assert_same(&case, &twice(Case::run), &twice(Case::run_plain), *tolerance);
    }
}

pub fn double_precision(Tested { device, .. }: &Tested) {
    struct Double;
    impl Change for Double {
        fn change<const D: usize>(&mut self, tensor: Tensor<D>) -> Tensor<D> {
            tensor.cast(FloatDType::F64)
        }
    }
    for case in Case::all_small() {
        let leaves = case.leaves(device).change(&mut Double);
        assert!(!is_fused(&leaves.x));
        let theirs = case.run(&case.leaves(device)).numbers();
        for ((name, ours), (_, theirs)) in case.run(&leaves).numbers().into_iter().zip(theirs) {
            assert_eq!(ours.dtype(), burn::tensor::DType::F64);
            let floats = |tensor: Tensor<1>| tensor.into_data().iter::<f32>().collect::<Vec<f32>>();
            assert_close(&format!("{case:?}: {name}"), &floats(ours), &floats(theirs), SINGLE_PRECISION);
        }
    }
}
