//! Comparisons of the fused with the reference implementation.

use burn::tensor::{Device, FloatDType, Tensor};
use recurrent_kernels::{Direction, is_fused};

use crate::case::{Case, Cell, Change, Directions, Inputs, Random, Results, Track, Used};
use crate::devices::Tested;

/// The tolerance between single and double precision.
const SINGLE_PRECISION: f32 = 2e-5;

const BATCHES: [usize; 4] = [1, 2, 5, 33];
const TIMES: [usize; 4] = [1, 2, 30, 200];
/// One case in so many has the longest time, since the reference is slow on long sequences.
const LONG: u64 = 11;
const INPUTS: [usize; 4] = [1, 3, 40, 131];
const HIDDEN: [usize; 8] = [1, 7, 16, 17, 50, 128, 130, 512];
/// The largest number of multiplications of a case, for the reference implementation to run in reasonable time.
const MAX_MULTIPLICATIONS: usize = 100_000_000;
/// The largest number of outputs of a cell with a discontinuous gradient. With more of them, one is likely to be so close to
/// the discontinuity that rounding decides on which side it is.
const MAX_KINK_OUTPUTS: usize = 4_000;

/// Compares the results and every gradient, in random cases that cover each size and option several times.
pub fn fused_equals_reference(tested: &Tested) {
    let mut random = Random(7);
    let cases: Vec<Case> = (0..tested.cases).map(|seed| random_case(&mut random, seed as u64)).collect();
    assert_covered("batch", &BATCHES, &cases, |case| case.batch);
    assert_covered("time", &TIMES, &cases, |case| case.time);
    assert_covered("input", &INPUTS, &cases, |case| case.input);
    assert_covered("hidden", &HIDDEN, &cases, |case| case.hidden);
    cases.iter().for_each(|case| compare(case, tested));
    small_cases(tested);
}

/// Compares the results and every gradient of the small cases, for each choice of outputs that the loss depends on.
pub fn small_cases(tested: &Tested) {
    for case in Case::all_small() {
        for used in Used::ALL {
            compare(&Case { used, ..case.clone() }, tested);
        }
    }
}

/// Panics unless each size occurs at least three times.
fn assert_covered(what: &str, sizes: &[usize], cases: &[Case], size: impl Fn(&Case) -> usize) {
    for expected in sizes {
        let times = cases.iter().filter(|case| size(case) == *expected).count();
        assert!(times >= 3, "{what} {expected} occurs {times} times");
    }
}

fn random_case(random: &mut Random, seed: u64) -> Case {
    loop {
        let [times @ .., long] = TIMES;
        let time = if seed % LONG == LONG - 1 { long } else { random.one_of(&times) };
        let batch = random.one_of(&BATCHES);
        let mut lengths: Vec<usize> = (0..batch).map(|_| random.below(time + 1)).collect();
        lengths[random.below(batch)] = time;
        let case = Case {
            cell: random.one_of(&Cell::ALL),
            directions: random.one_of(&Directions::ALL),
            batch,
            time,
            input: random.one_of(&INPUTS),
            // Dealt in turn, so that few cases have all of them.
            hidden: HIDDEN[seed as usize % HIDDEN.len()],
            bias: random.coin(),
            initial: random.coin(),
            lengths: random.coin().then_some(lengths),
            used: random.one_of(&Used::ALL),
            seed,
        };
        let (outputs, width) = (batch * time * case.hidden, (case.input + case.hidden) * case.cell.gates());
        if outputs * width < MAX_MULTIPLICATIONS && !(case.cell.has_kink() && outputs > MAX_KINK_OUTPUTS) {
            return case;
        }
    }
}

fn compare(case: &Case, tested: &Tested) {
    compare_with(case, tested, Case::run_reference);
}

/// Compares the fused implementation with the results of `run` on the reference device.
pub fn compare_with(case: &Case, tested: &Tested, run: impl Fn(&Case, &Inputs) -> Results) {
    let actual = case.inputs(&tested.device.clone().autodiff()).change(&mut Track);
    let expected = case.inputs(&tested.reference_device.clone().autodiff()).change(&mut Track);
    assert!(is_fused(&actual.x));
    assert_same(case, &everything(case, &actual, Case::run), &everything(case, &expected, run), tested.tolerance);
}

/// Tensors by name, flattened.
pub type NamedTensors = Vec<(String, Tensor<1>)>;

/// The results and all gradients.
pub fn everything(case: &Case, inputs: &Inputs, run: impl Fn(&Case, &Inputs) -> Results) -> NamedTensors {
    let results = run(case, inputs);
    let mut tensors = results.flattened();
    let grads = case.loss(&results).backward();
    tensors.extend(inputs.gradients(&grads));
    tensors
}

pub fn assert_same(case: &Case, actual: &NamedTensors, expected: &NamedTensors, tolerance: f32) {
    assert_eq!(actual.len(), expected.len());
    for ((name, actual), (_, expected)) in actual.iter().zip(expected) {
        let floats = |tensor: &Tensor<1>| tensor.to_data().iter::<f32>().collect::<Vec<f32>>();
        assert_close(&format!("{case:?}: {name}"), &floats(actual), &floats(expected), tolerance);
    }
}

/// Panics unless both are equal within the tolerance. NaNs and infinities must be equal.
fn assert_close(context: &str, actual: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(actual.len(), expected.len(), "{context}");
    let largest = expected.iter().filter(|value| value.is_finite()).fold(1.0, |max: f32, value| max.max(value.abs()));
    for (index, (a, b)) in actual.iter().zip(expected).enumerate() {
        let same = a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= tolerance * largest;
        assert!(same, "{context}: element {index} is {a}, expected {b} within {tolerance} of {largest}");
    }
}

/// The results are the same with and without autodiff.
pub fn untracked(Tested { device, .. }: &Tested) {
    for case in Case::all_small() {
        let expected = case.run(&case.inputs(&device.clone().autodiff()).change(&mut Track)).flattened();
        for device in [device.clone(), device.clone().autodiff()] {
            assert_equal(&case, case.run(&case.inputs(&device)).flattened(), &expected);
        }
    }
}

fn assert_equal(case: &Case, actual: NamedTensors, expected: &NamedTensors) {
    for ((name, actual), (_, expected)) in actual.into_iter().zip(expected) {
        assert_eq!(actual.to_data(), expected.to_data(), "{case:?}: {name}");
    }
}

/// The gradients are the same with gradient checkpointing.
pub fn checkpointed(Tested { device, tolerance, .. }: &Tested) {
    let larger = Case { batch: 5, time: 30, hidden: 17, lengths: None, ..Case::default() };
    let larger = Cell::ALL.map(|cell| Case { cell, ..larger.clone() });
    for case in Case::all_small().chain(larger) {
        let run = |device: Device| everything(&case, &case.inputs(&device).change(&mut Track), Case::run);
        assert_same(
            &case,
            &run(device.clone().autodiff().gradient_checkpointing()),
            &run(device.clone().autodiff()),
            *tolerance,
        );
    }
}

/// A sequence with the memory layout `[time, batch, features]` is not copied, and neither are its output and gradient.
pub fn time_first(Tested { device, tolerance, .. }: &Tested) {
    let device = device.clone().autodiff();
    for case in Case::all_small() {
        let expected = everything(&case, &case.inputs(&device).change(&mut Track), Case::run);
        let mut inputs = case.inputs(&device).change(&mut Track);
        let x = Tensor::<3>::from_data(inputs.x.swap_dims(0, 1).to_data(), &device).require_grad();
        inputs.x = x.clone().swap_dims(0, 1);
        let results = case.run(&inputs);
        let grads = case.loss(&results).backward();
        let mut tensors = results.flattened();
        inputs.x = x.clone();
        tensors.extend(inputs.gradients(&grads));
        let gradient = x.grad(&grads).expect("a gradient").swap_dims(0, 1);
        tensors[1 + case.cell.parts()].1 = gradient.flatten(0, 2);
        assert_same(&case, &tensors, &expected, *tolerance);
        #[cfg(feature = "flex")]
        if let Ok(output) = results.output.inner().swap_dims(0, 1).try_into_primitive::<burn::backend::Flex>() {
            assert!(output.is_contiguous(), "{case:?}: the output was copied");
        }
    }
}

/// Weights may be views of other tensors, as tied weights are.
pub fn transposed_weights(Tested { device, .. }: &Tested) {
    let device = device.clone().autodiff();
    for case in Case::all_small() {
        let inputs = case.inputs(&device);
        let expected = case.run(&inputs).flattened();
        let view =
            |weights: &Tensor<2>| Tensor::<2>::from_data(weights.clone().transpose().to_data(), &device).transpose();
        let mut views = inputs.clone();
        for own in &mut views.directions {
            (own.w_ih, own.w_hh) = (view(&own.w_ih), view(&own.w_hh));
        }
        assert_equal(&case, case.run(&views).flattened(), &expected);
    }
}

/// A NaN or an infinity in one row propagates as in the reference. In gradients, NaN and infinity count as equal: a product
/// of infinity and a slope of tanh that is zero or almost zero may be either.
pub fn non_finite(Tested { device, reference_device, tolerance, .. }: &Tested) {
    for case in Case::all_small() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let with_bad_value = |device: &Device| {
                let device = device.clone().autodiff();
                let mut inputs = case.inputs(&device);
                let one = Tensor::full([1, 1, 1], bad, &device);
                inputs.x = inputs.x.slice_assign([0..1, 3..4, 0..1], one);
                inputs.change(&mut Track)
            };
            let unify = |(name, tensor): (String, Tensor<1>)| match name.starts_with("gradient") {
                true => (name, tensor.clone().mask_fill(tensor.is_finite().bool_not(), f32::NAN)),
                false => (name, tensor),
            };
            let actual = everything(&case, &with_bad_value(device), Case::run).into_iter().map(unify).collect();
            let expected = everything(&case, &with_bad_value(reference_device), Case::run_reference)
                .into_iter()
                .map(unify)
                .collect();
            assert_same(&case, &actual, &expected, *tolerance);
        }
    }
}

/// Any single input may be tracked alone.
pub fn partly_tracked(Tested { device, .. }: &Tested) {
    /// Tracks the input with this index.
    struct TrackOne(usize);
    impl Change for TrackOne {
        fn change<const D: usize>(&mut self, tensor: Tensor<D>) -> Tensor<D> {
            let selected = self.0 == 0;
            self.0 = self.0.wrapping_sub(1);
            if selected { tensor.require_grad() } else { tensor }
        }
    }
    let device = device.clone().autodiff();
    for case in Case::all_small() {
        let whole = case.inputs(&device).change(&mut Track);
        let grads = case.loss(&case.run(&whole)).backward();
        let expected = whole.gradients(&grads);
        for (index, (name, expected)) in expected.into_iter().enumerate() {
            let inputs = case.inputs(&device).change(&mut TrackOne(index));
            let grads = case.loss(&case.run(&inputs)).backward();
            for (other, (_, gradient)) in inputs.gradients(&grads).into_iter().enumerate() {
                let expected = if other == index { expected.clone() } else { gradient.zeros_like() };
                assert_equal(&case, vec![(name.clone(), gradient)], &vec![(String::new(), expected)]);
            }
        }
    }
}

/// Two scans with the same weights, the second over the output of the first and from its state.
pub fn shared_weights(Tested { device, tolerance, .. }: &Tested) {
    let device = device.clone().autodiff();
    for cell in Cell::ALL {
        let case = Case { input: 5, ..Case::small(cell, Directions::One(Direction::Forward)) };
        let twice = |run: fn(&Case, &Inputs) -> Results| {
            let inputs = case.inputs(&device).change(&mut Track);
            let first = run(&case, &inputs);
            let second = Inputs { x: first.output, directions: inputs.directions.clone(), initial: Some(first.state) };
            let results = run(&case, &second);
            let grads = case.loss(&results).backward();
            [results.flattened(), inputs.gradients(&grads)].concat()
        };
        assert_same(&case, &twice(Case::run), &twice(Case::run_reference), *tolerance);
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
        let inputs = case.inputs(device).change(&mut Double);
        assert!(!is_fused(&inputs.x));
        let expected = case.run(&case.inputs(device)).flattened();
        for ((name, actual), (_, expected)) in case.run(&inputs).flattened().into_iter().zip(expected) {
            assert_eq!(actual.dtype(), burn::tensor::DType::F64);
            let floats = |tensor: Tensor<1>| tensor.into_data().iter::<f32>().collect::<Vec<f32>>();
            assert_close(&format!("{case:?}: {name}"), &floats(actual), &floats(expected), SINGLE_PRECISION);
        }
    }
}
