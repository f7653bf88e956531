//! The engine against itself: on every instruction set and any number of threads. What it computes at all is held
//! against the plain path where both can be called, in `recurrent-models`.
#![allow(unsafe_code, reason = "calls the kernels' functions on lanes")]

use rayon::ThreadPoolBuilder;

use super::engine::{backward, forward};
use super::isa::Isa;
use super::lanes::{self, Lanes};
use super::memory::Buffer;
use super::*;
use crate::Nonlinearity;

const CELLS: [Equations; 6] = [
    Equations::Rnn(Nonlinearity::Tanh),
    Equations::Rnn(Nonlinearity::Relu),
    Equations::Lstm { clip: None },
    Equations::Lstm { clip: Some(0.3) },
    Equations::Gru { reset_after: true },
    Equations::Gru { reset_after: false },
];
const BOTH: [Direction; 2] = [Direction::Forward, Direction::Reverse];
const ALL: Need = Need { x: true, input_weights: true, recurrent_weights: true, biases: true, state: true };

/// Numbers from a linear congruential generator (Knuth's constants), between -1/2 and 1/2.
struct Random(u64);

impl Random {
    fn number(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    }

    fn numbers(&mut self, len: usize, scale: f32) -> Vec<f32> {
        (0..len).map(|_| self.number() * scale).collect()
    }

    fn below(&mut self, end: usize) -> usize {
        (((self.number() + 0.5) * end as f32) as usize).min(end - 1)
    }
}

/// All numbers of a problem, and of the gradients that come into its way back.
struct Case {
    equations: Equations,
    sizes: Sizes,
    layout: Layout,
    directions: Vec<Direction>,
    x: Vec<f32>,
    weights: Vec<[Vec<f32>; 4]>,
    hidden: Vec<f32>,
    cell: Vec<f32>,
    lengths: Option<Vec<usize>>,
    d_output: Vec<f32>,
    d_hidden: Vec<f32>,
    d_cell: Vec<f32>,
}

impl Case {
    fn new(equations: Equations, sizes: Sizes, directions: &[Direction], random: &mut Random) -> Self {
        let Sizes { batch, time, input, hidden } = sizes;
        let columns = equations.gates() * hidden;
        let states = directions.len() * batch * hidden;
        let cells = if equations.has_cell() { states } else { 0 };
        let scale = 3.0 / (hidden as f32).sqrt();
        Self {
            equations,
            sizes,
            layout: Layout::BatchFirst,
            directions: directions.to_vec(),
            x: random.numbers(batch * time * input, 2.0),
            weights: directions
                .iter()
                .map(|_| {
                    [
                        random.numbers(input * columns, 0.5),
                        random.numbers(hidden * columns, scale),
                        random.numbers(columns, 0.5),
                        random.numbers(hidden, 0.5),
                    ]
                })
                .collect(),
            hidden: random.numbers(states, 1.0),
            cell: random.numbers(cells, 1.0),
            lengths: None,
            d_output: random.numbers(time * states, 1.0),
            d_hidden: random.numbers(states, 1.0),
            d_cell: random.numbers(cells, 1.0),
        }
    }

    fn with_problem<T>(&self, f: impl FnOnce(&Problem) -> T) -> T {
        let inner_bias = self.equations == Equations::Gru { reset_after: true };
        let layers: Vec<Layer> = self
            .directions
            .iter()
            .zip(&self.weights)
            .map(|(direction, [w_ih, w_hh, bias, bias_hn])| Layer {
                direction: *direction,
                w_ih,
                w_hh,
                bias: Some(bias),
                bias_hn: inner_bias.then_some(bias_hn),
            })
            .collect();
        f(&Problem {
            equations: self.equations,
            sizes: self.sizes,
            layout: self.layout,
            x: &self.x,
            layers: &layers,
            hidden: Some(&self.hidden),
            cell: self.equations.has_cell().then_some(&self.cell),
            lengths: self.lengths.as_deref(),
        })
    }

    /// Everything that comes out of a way forward and back.
    fn run(&self, keep: Keep, isa: Isa) -> Vec<Vec<f32>> {
        self.with_problem(|problem| {
            let Outcome { output, hidden, cell, tape } = forward(problem, keep, isa);
            let cotangents = Cotangents {
                output: Some(&self.d_output),
                hidden: Some(&self.d_hidden),
                cell: self.equations.has_cell().then_some(&self.d_cell),
            };
            let gradients = backward(problem, tape.expect("kept"), &cotangents, ALL, isa);
            let mut all = vec![output, hidden, cell];
            all.extend([gradients.x, gradients.hidden, gradients.cell].into_iter().flatten());
            for layer in gradients.layers {
                all.extend([layer.w_ih, layer.w_hh, layer.bias, layer.bias_hn].into_iter().flatten());
            }
            all
        })
    }
}

/// Cases of every cell over sizes on both sides of a vector's width and a tile's height.
fn cases() -> Vec<Case> {
    let mut random = Random(5);
    let mut cases = Vec::new();
    for equations in CELLS {
        for (hidden, batch, time) in
            [(1, 1, 1), (7, 2, 3), (16, 5, 2), (17, 13, 5), (50, 3, 4), (65, 33, 2), (130, 7, 3)]
        {
            let sizes = Sizes { batch, time, input: [1, 3, 40][random.below(3)], hidden };
            let directions = [&BOTH[..1], &BOTH[1..], &BOTH][random.below(3)];
            let mut case = Case::new(equations, sizes, directions, &mut random);
            case.layout = [Layout::BatchFirst, Layout::TimeFirst][random.below(2)];
            case.lengths = (random.below(2) == 0).then(|| (0..batch).map(|_| random.below(time + 1)).collect());
            cases.push(case);
        }
    }
    cases
}

fn assert_close(got: &[Vec<f32>], expected: &[Vec<f32>], what: &str) {
    assert_eq!(got.len(), expected.len());
    for (part, (got, expected)) in got.iter().zip(expected).enumerate() {
        assert_eq!(got.len(), expected.len(), "part {part}, {what}");
        let scale = expected.iter().fold(1.0f32, |most, value| most.max(value.abs()));
        for (at, (got, expected)) in got.iter().zip(expected).enumerate() {
            assert!((got - expected).abs() <= 2e-5 * scale, "part {part} at {at}: {got}, expected {expected}, {what}");
        }
    }
}

#[test]
fn all_instruction_sets_agree() {
    for case in cases() {
        let expected = case.run(Keep::Everything, Isa::Portable);
        for isa in Isa::available() {
            let what = format!("{isa:?} {:?} {:?}", case.equations, case.sizes);
            assert_close(&case.run(Keep::Everything, isa), &expected, &what);
        }
    }
}

#[test]
fn checkpoints_give_the_same_gradients() {
    let large = Sizes { batch: 5, time: 9, input: 140, hidden: 180 };
    let large = CELLS.map(|equations| Case::new(equations, large, &BOTH, &mut Random(14)));
    for case in cases().into_iter().chain(large) {
        let what = format!("{:?} {:?}", case.equations, case.sizes);
        let expected = case.run(Keep::Everything, Isa::chosen());
        assert_close(&case.run(Keep::Checkpoints, Isa::chosen()), &expected, &what);
    }
}

/// Sequences so long that a training pass goes over them in stretches.
#[test]
fn stretches_give_the_same_gradients_too() {
    let mut random = Random(13);
    for equations in CELLS {
        let time = if matches!(equations, Equations::Rnn(_)) { 3600 } else { 1500 };
        let sizes = Sizes { batch: 40, time, input: 3, hidden: 30 };
        let mut case = Case::new(equations, sizes, &BOTH, &mut random);
        // So that no gradient explodes.
        case.weights.iter_mut().flat_map(|weights| &mut weights[1]).for_each(|number| *number *= 0.3);
        for (lengths, layout) in [
            (None, Layout::BatchFirst),
            (None, Layout::TimeFirst),
            (Some((0..40).map(|_| random.below(time + 1)).collect()), Layout::BatchFirst),
        ] {
            (case.lengths, case.layout) = (lengths, layout);
            let stretches = case.with_problem(|problem| time.div_ceil(engine::stretch(problem)));
            assert!(stretches > 1, "{equations:?}");
            let what = format!("{equations:?} {layout:?} in {stretches} stretches");
            let expected = case.run(Keep::Checkpoints, Isa::chosen());
            assert_close(&case.run(Keep::Everything, Isa::chosen()), &expected, &what);
        }
    }
}

#[test]
fn the_number_of_threads_does_not_change_a_bit() {
    let mut random = Random(8);
    // Weights whose gradients are made in parts, and such as are made at once.
    let sizes = [(70, 130), (140, 180)].map(|(input, hidden)| Sizes { batch: 37, time: 20, input, hidden });
    for (equations, sizes) in CELLS.into_iter().flat_map(|cell| sizes.map(|sizes| (cell, sizes))) {
        let mut case = Case::new(equations, sizes, &BOTH, &mut random);
        for lengths in [None, Some((0..37).map(|_| random.below(21)).collect())] {
            case.lengths = lengths;
            for isa in Isa::available() {
                let run = |threads| {
                    let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads");
                    pool.install(|| case.run(Keep::Everything, isa))
                };
                let alone = run(1);
                for threads in [2, 3, 5] {
                    assert!(run(threads) == alone, "{equations:?} on {isa:?} with {threads} threads");
                }
            }
        }
    }
}

#[test]
fn single_steps_give_the_bits_of_the_sequence() {
    let mut random = Random(9);
    for equations in CELLS {
        // The largest one is shared among threads.
        for (input, hidden) in [(1, 1), (3, 17), (40, 50), (64, 256)] {
            let sizes = Sizes { batch: 1, time: 30, input, hidden };
            let case = Case::new(equations, sizes, &BOTH[..1], &mut random);
            for threads in [1, 2, 3] {
                let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads");
                pool.install(|| {
                    case.with_problem(|problem| {
                        let sequence = super::forward(problem, Keep::Nothing);
                        let mut stepper = Stepper::new(equations, &problem.layers[0], hidden);
                        stepper.hidden_mut().copy_from_slice(&case.hidden);
                        stepper.cell_mut().copy_from_slice(&case.cell);
                        let steps: Vec<f32> =
                            case.x.chunks_exact(input).flat_map(|x| stepper.step(x).to_vec()).collect();
                        assert!(steps == sequence.output, "{equations:?} {sizes:?} with {threads} threads");
                        assert_eq!(stepper.hidden(), sequence.hidden);
                        assert_eq!(stepper.cell(), sequence.cell);
                    });
                });
            }
        }
    }
}

#[test]
fn what_is_kept_is_as_little_as_promised() {
    let mut random = Random(10);
    for (equations, most) in CELLS.into_iter().zip([2, 2, 6, 6, 5, 5]) {
        let kept = |keep: Keep, time: usize| {
            let sizes = Sizes { batch: 3, time, input: 2, hidden: 50 };
            Case::new(equations, sizes, &BOTH[..1], &mut Random(random.0)).with_problem(|problem| {
                let tape = forward(problem, keep, Isa::chosen()).tape.expect("kept");
                tape.numbers()
            })
        };
        assert_eq!(kept(Keep::Everything, 64), most * 50 * 3 * 64, "{equations:?}");
        // Four times the steps, twice the memory.
        assert_eq!(2 * kept(Keep::Checkpoints, 64), kept(Keep::Checkpoints, 256), "{equations:?}");
        random.number();
    }
}

#[test]
fn a_nan_stays_in_its_row_and_after_its_step() {
    let mut random = Random(11);
    for equations in CELLS {
        let sizes = Sizes { batch: 9, time: 6, input: 3, hidden: 20 };
        let mut case = Case::new(equations, sizes, &BOTH[..1], &mut random);
        case.x[(4 * 6 + 2) * 3] = f32::NAN;
        for isa in Isa::available() {
            let output = case.with_problem(|problem| forward(problem, Keep::Nothing, isa).output);
            for (token, output) in output.chunks_exact(20).enumerate() {
                let hit = token / 6 == 4 && token % 6 >= 2;
                assert_eq!(output.iter().any(|value| value.is_nan()), hit, "{equations:?} {isa:?} token {token}");
                assert_eq!(output.iter().all(|value| value.is_nan()), hit, "{equations:?} {isa:?} token {token}");
            }
        }
    }
}

#[test]
fn the_large_buffers_come_back() {
    let mut random = Random(12);
    let sizes = Sizes { batch: 4, time: 50, input: 5, hidden: 40 };
    let case = Case::new(Equations::Lstm { clip: None }, sizes, &BOTH[..1], &mut random);
    let address = || {
        case.with_problem(|problem| {
            let tape = forward(problem, Keep::Everything, Isa::chosen()).tape.expect("kept");
            tape.directions.iter().map(engine::Kept::address).collect::<Vec<_>>()
        })
    };
    // Other tests run beside this one and take buffers too; some time the shelf is left alone.
    assert!((0..50).any(|_| address() == address()), "each step took new memory");
}

#[test]
fn buffers_can_be_given_back() {
    release_buffers();
    let mut buffer = Buffer::scratch(3);
    buffer.fill(1.0);
    release_buffers();
    assert_eq!(*buffer, [1.0; 3]);
}

/// Applies a function of lanes to every number.
fn apply(isa: Isa, function: Function, x: &[f32]) -> Vec<f32> {
    #[inline(always)]
    unsafe fn all<S: Lanes>(function: Function, x: &[f32], y: &mut [f32]) {
        for (x, y) in x.chunks(S::L).zip(y.chunks_mut(S::L)) {
            // SAFETY: as many lanes as there are numbers.
            unsafe {
                let x = S::load_first(x.as_ptr(), x.len());
                let value = match function {
                    Function::Exp => S::exp(x),
                    Function::Sigmoid => S::sigmoid(x),
                    Function::Tanh => S::tanh(x),
                };
                S::store_first(y.as_mut_ptr(), value, y.len());
            }
        }
    }
    let mut y = vec![0.0; x.len()];
    // SAFETY: the instruction set is one that the machine has; without its `target_feature` it is merely slow.
    unsafe {
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => all::<lanes::Avx512>(function, x, &mut y),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => all::<lanes::Avx2>(function, x, &mut y),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => all::<lanes::Neon>(function, x, &mut y),
            Isa::Portable => all::<lanes::Portable>(function, x, &mut y),
        }
    }
    y
}

#[derive(Debug, Clone, Copy)]
enum Function {
    Exp,
    Sigmoid,
    Tanh,
}

#[test]
fn activations_are_exact_to_a_few_units_in_the_last_place() {
    let x: Vec<f32> = (-20_000..=20_000).map(|at| at as f32 * 1e-3).collect();
    for isa in Isa::available() {
        for (function, exact, most) in [
            (Function::Exp, (|x: f64| x.exp()) as fn(f64) -> f64, 2.0),
            (Function::Sigmoid, |x: f64| 1.0 / (1.0 + (-x).exp()), 4.0),
            (Function::Tanh, f64::tanh, 8.0),
        ] {
            for (x, got) in x.iter().zip(apply(isa, function, &x)) {
                let expected = exact(f64::from(*x));
                let unit = f64::from(f32::EPSILON) * expected.abs().max(f64::from(f32::MIN_POSITIVE)) / 2.0;
                let error = (f64::from(got) - expected).abs() / unit;
                assert!(error <= 2.0 * most, "{function:?}({x}) on {isa:?}: {got}, expected {expected}, {error} units");
            }
        }
        let ends = [f32::NEG_INFINITY, f32::INFINITY, f32::NAN];
        let [sigmoid, tanh] = [Function::Sigmoid, Function::Tanh].map(|function| apply(isa, function, &ends));
        assert!(sigmoid[0] == 0.0 && sigmoid[1] == 1.0 && sigmoid[2].is_nan(), "{isa:?}: {sigmoid:?}");
        assert!((tanh[0] + 1.0).abs() < 1e-6 && (tanh[1] - 1.0).abs() < 1e-6 && tanh[2].is_nan(), "{isa:?}: {tanh:?}");
    }
}
