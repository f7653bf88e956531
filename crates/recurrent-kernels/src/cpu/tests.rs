//! The CPU kernels compared with themselves: on all instruction sets, with any number of threads, in chunks and from
//! checkpoints. `tests/fused` compares them with the reference implementation.
#![allow(unsafe_code, reason = "calls the functions of SIMD vectors")]

use rayon::ThreadPoolBuilder;

use super::engine::{backward, forward};
use super::isa::Isa;
use super::memory::Buffer;
use super::simd::{self, Simd};
use super::*;
use crate::{Direction, Nonlinearity};

const CELLS: [Equations; 6] = [
    Equations::Rnn(Nonlinearity::Tanh),
    Equations::Rnn(Nonlinearity::Relu),
    Equations::Lstm { clip: None },
    Equations::Lstm { clip: Some(0.3) },
    Equations::Gru { reset_after: true },
    Equations::Gru { reset_after: false },
];
const BOTH: [Direction; 2] = [Direction::Forward, Direction::Reverse];
const ALL: NeedsGrad = NeedsGrad { x: true, w_ih: true, w_hh: true, biases: true, initial_state: true };

/// A linear congruential generator with Knuth's constants; values are between -1/2 and 1/2.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    }

    fn values(&mut self, len: usize, scale: f32) -> Vec<f32> {
        (0..len).map(|_| self.next() * scale).collect()
    }

    fn below(&mut self, end: usize) -> usize {
        (((self.next() + 0.5) * end as f32) as usize).min(end - 1)
    }
}

/// The arguments of a layer and the gradients of its outputs.
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
            x: random.values(batch * time * input, 2.0),
            weights: directions
                .iter()
                .map(|_| {
                    [
                        random.values(input * columns, 0.5),
                        random.values(hidden * columns, scale),
                        random.values(columns, 0.5),
                        random.values(hidden, 0.5),
                    ]
                })
                .collect(),
            hidden: random.values(states, 1.0),
            cell: random.values(cells, 1.0),
            lengths: None,
            d_output: random.values(time * states, 1.0),
            d_hidden: random.values(states, 1.0),
            d_cell: random.values(cells, 1.0),
        }
    }

    fn with_args<T>(&self, f: impl FnOnce(&LayerArgs) -> T) -> T {
        let has_bias_hn = self.equations == Equations::Gru { reset_after: true };
        let directions: Vec<DirectionWeights> = self
            .directions
            .iter()
            .zip(&self.weights)
            .map(|(direction, [w_ih, w_hh, bias, bias_hn])| DirectionWeights {
                direction: *direction,
                w_ih,
                w_hh,
                bias: Some(bias),
                bias_hn: has_bias_hn.then_some(bias_hn),
            })
            .collect();
        f(&LayerArgs {
            equations: self.equations,
            sizes: self.sizes,
            layout: self.layout,
            x: &self.x,
            directions: &directions,
            initial_hidden: Some(&self.hidden),
            initial_cell: self.equations.has_cell().then_some(&self.cell),
            lengths: self.lengths.as_deref(),
        })
    }

    /// All results of a forward and a backward pass.
    fn run(&self, policy: SavePolicy, isa: Isa) -> Vec<Vec<f32>> {
        self.with_args(|args| {
            let ForwardOutput { output, hidden, cell, saved } = forward(args, policy, isa);
            let output_grads = OutputGrads {
                output: Some(&self.d_output),
                hidden: Some(&self.d_hidden),
                cell: self.equations.has_cell().then_some(&self.d_cell),
            };
            let gradients = backward(args, saved.expect("saved values"), &output_grads, ALL, isa);
            let mut all = vec![output, hidden, cell];
            all.extend([gradients.x, gradients.initial_hidden, gradients.initial_cell].into_iter().flatten());
            for weights in gradients.directions {
                all.extend([weights.w_ih, weights.w_hh, weights.bias, weights.bias_hn].into_iter().flatten());
            }
            all
        })
    }
}

impl Case {
    /// A forward and a backward pass through the public functions.
    fn pass(&self, policy: SavePolicy) {
        self.with_args(|args| {
            let Some(saved) = super::forward(args, policy).saved else { return };
            let output_grads = OutputGrads {
                output: Some(&self.d_output),
                hidden: Some(&self.d_hidden),
                cell: self.equations.has_cell().then_some(&self.d_cell),
            };
            super::backward(args, saved, &output_grads, ALL);
        });
    }
}

/// Cases of every cell, with sizes below and above the width of a vector and the height of a tile.
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

fn assert_close(actual: &[Vec<f32>], expected: &[Vec<f32>], context: &str) {
    assert_eq!(actual.len(), expected.len());
    for (index, (actual, expected)) in actual.iter().zip(expected).enumerate() {
        assert_eq!(actual.len(), expected.len(), "tensor {index}, {context}");
        let scale = expected.iter().fold(1.0f32, |most, value| most.max(value.abs()));
        for (at, (actual, expected)) in actual.iter().zip(expected).enumerate() {
            assert!(
                (actual - expected).abs() <= 2e-5 * scale,
                "tensor {index} at {at}: {actual}, expected {expected}, {context}"
            );
        }
    }
}

#[test]
fn all_instruction_sets_agree() {
    for case in cases() {
        let expected = case.run(SavePolicy::Everything, Isa::Portable);
        for isa in Isa::available() {
            let context = format!("{isa:?} {:?} {:?}", case.equations, case.sizes);
            assert_close(&case.run(SavePolicy::Everything, isa), &expected, &context);
        }
    }
}

#[test]
fn checkpoints_give_the_same_gradients() {
    let large = Sizes { batch: 5, time: 9, input: 140, hidden: 180 };
    let large = CELLS.map(|equations| Case::new(equations, large, &BOTH, &mut Random(14)));
    for case in cases().into_iter().chain(large) {
        let context = format!("{:?} {:?}", case.equations, case.sizes);
        let expected = case.run(SavePolicy::Everything, Isa::selected());
        assert_close(&case.run(SavePolicy::Checkpoints, Isa::selected()), &expected, &context);
    }
}

/// Sequences so long that a training pass processes them in chunks.
#[test]
fn chunks_give_the_same_gradients() {
    let mut random = Random(13);
    for equations in CELLS {
        let time = if matches!(equations, Equations::Rnn(_)) { 3600 } else { 1500 };
        let sizes = Sizes { batch: 40, time, input: 3, hidden: 30 };
        let mut case = Case::new(equations, sizes, &BOTH, &mut random);
        // Keeps gradients from exploding.
        case.weights.iter_mut().flat_map(|weights| &mut weights[1]).for_each(|weight| *weight *= 0.3);
        for (lengths, layout) in [
            (None, Layout::BatchFirst),
            (None, Layout::TimeFirst),
            (Some((0..40).map(|_| random.below(time + 1)).collect()), Layout::BatchFirst),
        ] {
            (case.lengths, case.layout) = (lengths, layout);
            let chunks = case.with_args(|args| time.div_ceil(engine::chunk_steps(args)));
            assert!(chunks > 1, "{equations:?}");
            let context = format!("{equations:?} {layout:?} in {chunks} chunks");
            let expected = case.run(SavePolicy::Checkpoints, Isa::selected());
            assert_close(&case.run(SavePolicy::Everything, Isa::selected()), &expected, &context);
        }
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let mut random = Random(8);
    // Small weights, whose gradients are computed in parts, and large ones.
    let sizes = [(70, 130), (140, 180)].map(|(input, hidden)| Sizes { batch: 37, time: 20, input, hidden });
    for (equations, sizes) in CELLS.into_iter().flat_map(|cell| sizes.map(|sizes| (cell, sizes))) {
        let mut case = Case::new(equations, sizes, &BOTH, &mut random);
        for lengths in [None, Some((0..37).map(|_| random.below(21)).collect())] {
            case.lengths = lengths;
            for isa in Isa::available() {
                let run = |threads| {
                    let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("a thread pool");
                    pool.install(|| case.run(SavePolicy::Everything, isa))
                };
                let single = run(1);
                for threads in [2, 3, 5] {
                    assert!(run(threads) == single, "{equations:?} on {isa:?} with {threads} threads");
                }
            }
        }
    }
}

#[test]
fn single_steps_equal_the_sequence_bit_for_bit() {
    let mut random = Random(9);
    for equations in CELLS {
        // The largest one runs on several threads.
        for (input, hidden) in [(1, 1), (3, 17), (40, 50), (64, 256)] {
            let sizes = Sizes { batch: 1, time: 30, input, hidden };
            let case = Case::new(equations, sizes, &BOTH[..1], &mut random);
            for threads in [1, 2, 3] {
                let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("a thread pool");
                pool.install(|| {
                    case.with_args(|args| {
                        let sequence = super::forward(args, SavePolicy::Nothing);
                        let mut stepper = Stepper::new(equations, &args.directions[0], hidden);
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
fn saved_elements_are_as_documented() {
    let mut random = Random(10);
    for (equations, per_unit) in CELLS.into_iter().zip([2, 2, 6, 6, 5, 5]) {
        let saved_elements = |policy: SavePolicy, time: usize| {
            let sizes = Sizes { batch: 3, time, input: 2, hidden: 50 };
            Case::new(equations, sizes, &BOTH[..1], &mut Random(random.0)).with_args(|args| {
                let saved = forward(args, policy, Isa::selected()).saved.expect("saved values");
                saved.elements()
            })
        };
        assert_eq!(saved_elements(SavePolicy::Everything, 64), per_unit * 50 * 3 * 64, "{equations:?}");
        // Memory grows with the square root of time.
        assert_eq!(
            2 * saved_elements(SavePolicy::Checkpoints, 64),
            saved_elements(SavePolicy::Checkpoints, 256),
            "{equations:?}"
        );
        random.next();
    }
}

#[test]
fn a_nan_does_not_reach_other_rows_or_earlier_steps() {
    let mut random = Random(11);
    for equations in CELLS {
        let sizes = Sizes { batch: 9, time: 6, input: 3, hidden: 20 };
        let mut case = Case::new(equations, sizes, &BOTH[..1], &mut random);
        case.x[(4 * 6 + 2) * 3] = f32::NAN;
        for isa in Isa::available() {
            let output = case.with_args(|args| forward(args, SavePolicy::Nothing, isa).output);
            for (token, output) in output.chunks_exact(20).enumerate() {
                let affected = token / 6 == 4 && token % 6 >= 2;
                assert_eq!(output.iter().any(|value| value.is_nan()), affected, "{equations:?} {isa:?} token {token}");
                assert_eq!(output.iter().all(|value| value.is_nan()), affected, "{equations:?} {isa:?} token {token}");
            }
        }
    }
}

#[test]
fn large_buffers_are_reused() {
    let mut random = Random(12);
    let sizes = Sizes { batch: 4, time: 50, input: 5, hidden: 40 };
    let case = Case::new(Equations::Lstm { clip: None }, sizes, &BOTH[..1], &mut random);
    let address = || {
        case.with_args(|args| {
            let saved = forward(args, SavePolicy::Everything, Isa::selected()).saved.expect("saved values");
            saved.addresses()
        })
    };
    // Tests running in parallel use the cache too, so this may take several attempts.
    assert!((0..50).any(|_| address() == address()), "every step allocated new buffers");
}

#[test]
fn buffers_can_be_released_while_in_use() {
    release_buffers();
    let mut buffer = Buffer::scratch(3);
    buffer.fill(1.0);
    release_buffers();
    assert_eq!(*buffer, [1.0; 3]);
}

/// The panic of a call, if there was one.
fn panic_of<T>(call: impl FnOnce() -> T) -> Option<String> {
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(call()))).err()?;
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    Some(text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default())
}

/// A call with a slice that is too short or too long, of a sequence, weights, states, lengths or gradients.
#[test]
fn slices_of_another_size_are_refused() {
    let sizes = Sizes { batch: 3, time: 4, input: 2, hidden: 5 };
    type Change = fn(&mut Case, fn(&mut Vec<f32>));
    let changes: [(&str, Change); 10] = [
        ("x must be", |case, change| change(&mut case.x)),
        ("w_ih must be", |case, change| change(&mut case.weights[1][0])),
        ("w_hh must be", |case, change| change(&mut case.weights[1][1])),
        ("bias must be", |case, change| change(&mut case.weights[1][2])),
        ("bias_hn must be", |case, change| change(&mut case.weights[1][3])),
        ("initial hidden state must be", |case, change| change(&mut case.hidden)),
        ("initial cell state must be", |case, change| change(&mut case.cell)),
        ("gradient of the output must be", |case, change| change(&mut case.d_output)),
        ("gradient of the final hidden state must be", |case, change| change(&mut case.d_hidden)),
        ("gradient of the final cell state must be", |case, change| change(&mut case.d_cell)),
    ];
    let resizes: [fn(&mut Vec<f32>); 3] =
        [|data| data.clear(), |data| data.truncate(data.len().saturating_sub(1)), |data| data.push(0.0)];
    for equations in CELLS {
        for (message, change) in changes {
            let applies = match message {
                "bias_hn must be" => equations == Equations::Gru { reset_after: true },
                _ => equations.has_cell() || !message.contains("cell state"),
            };
            for resize in resizes {
                let mut case = Case::new(equations, sizes, &BOTH, &mut Random(15));
                change(&mut case, resize);
                let panic = panic_of(|| case.pass(SavePolicy::Everything));
                let refused = panic.as_ref().is_some_and(|panic| panic.contains(message));
                assert_eq!(refused, applies, "{message}, {equations:?}: {panic:?}");
            }
        }
    }
}

#[test]
fn sizes_without_memory_and_lengths_beyond_the_end_are_refused() {
    let sizes = Sizes { batch: 3, time: 4, input: 2, hidden: 5 };
    let refused = |sizes: Sizes, lengths: Option<Vec<usize>>, message: &str| {
        let mut case = Case::new(CELLS[2], Sizes { batch: 3, time: 4, input: 2, hidden: 5 }, &BOTH, &mut Random(16));
        (case.sizes, case.lengths) = (sizes, lengths);
        let panic = panic_of(|| case.pass(SavePolicy::Nothing)).expect("a panic");
        assert!(panic.contains(message), "{panic}");
    };
    refused(Sizes { batch: 0, ..sizes }, None, "batch must be at least 1");
    refused(Sizes { time: 0, ..sizes }, None, "time must be at least 1");
    // In 64 bits 2^62 rows of 4 steps have 0 elements.
    refused(Sizes { batch: 1 << (usize::BITS - 2), ..sizes }, None, "are too large");
    refused(Sizes { hidden: 1 << (usize::BITS - 2), ..sizes }, None, "are too large");
    refused(sizes, Some(vec![1, 2]), "one length per row");
    refused(sizes, Some(vec![1, 5, 2]), "a length of 5 exceeds the sequence of 4 steps");
}

#[test]
fn saved_values_of_another_problem_are_refused() {
    let case = |equations, sizes, directions: &[Direction]| Case::new(equations, sizes, directions, &mut Random(17));
    let sizes = Sizes { batch: 3, time: 4, input: 2, hidden: 5 };
    let lstm = Equations::Lstm { clip: None };
    let mut others = vec![
        case(Equations::Lstm { clip: Some(1.0) }, sizes, &BOTH),
        case(Equations::Gru { reset_after: true }, sizes, &BOTH),
        case(lstm, Sizes { time: 3, ..sizes }, &BOTH),
        case(lstm, Sizes { hidden: 4, ..sizes }, &BOTH),
        case(lstm, sizes, &BOTH[..1]),
        case(lstm, sizes, &BOTH),
        case(lstm, sizes, &BOTH),
    ];
    others[5].layout = Layout::TimeFirst;
    others[6].lengths = Some(vec![4, 4, 3]);
    for policy in [SavePolicy::Everything, SavePolicy::Checkpoints] {
        for other in &others {
            let saved = other.with_args(|args| super::forward(args, policy).saved).expect("saved values");
            let call = |args: &LayerArgs| super::backward(args, saved, &OutputGrads::default(), ALL);
            let panic = panic_of(|| case(lstm, sizes, &BOTH).with_args(call)).expect("a panic");
            assert!(panic.contains("another problem"), "{panic}");
        }
    }
}

/// Applies a SIMD function to every element.
fn apply(isa: Isa, function: Function, x: &[f32]) -> Vec<f32> {
    #[inline(always)]
    unsafe fn all<S: Simd>(function: Function, x: &[f32], y: &mut [f32]) {
        for (x, y) in x.chunks(S::LANES).zip(y.chunks_mut(S::LANES)) {
            // SAFETY: the loads and stores access as many lanes as there are elements.
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
    // SAFETY: the machine has the instruction set; without its `target_feature` the code is slow, but correct.
    unsafe {
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => all::<simd::Avx512>(function, x, &mut y),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => all::<simd::Avx2>(function, x, &mut y),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => all::<simd::Neon>(function, x, &mut y),
            Isa::Portable => all::<simd::Portable>(function, x, &mut y),
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
fn activations_are_accurate_to_a_few_ulps() {
    let x: Vec<f32> = (-20_000..=20_000).map(|at| at as f32 * 1e-3).collect();
    for isa in Isa::available() {
        for (function, exact, max_ulps) in [
            (Function::Exp, (|x: f64| x.exp()) as fn(f64) -> f64, 2.0),
            (Function::Sigmoid, |x: f64| 1.0 / (1.0 + (-x).exp()), 4.0),
            (Function::Tanh, f64::tanh, 8.0),
        ] {
            for (x, actual) in x.iter().zip(apply(isa, function, &x)) {
                let expected = exact(f64::from(*x));
                let ulp = f64::from(f32::EPSILON) * expected.abs().max(f64::from(f32::MIN_POSITIVE)) / 2.0;
                let error = (f64::from(actual) - expected).abs() / ulp;
                assert!(
                    error <= 2.0 * max_ulps,
                    "{function:?}({x}) on {isa:?}: {actual}, expected {expected}, {error} ulps"
                );
            }
        }
        let ends = [f32::NEG_INFINITY, f32::INFINITY, f32::NAN];
        let [sigmoid, tanh] = [Function::Sigmoid, Function::Tanh].map(|function| apply(isa, function, &ends));
        assert!(sigmoid[0] == 0.0 && sigmoid[1] == 1.0 && sigmoid[2].is_nan(), "{isa:?}: {sigmoid:?}");
        assert!((tanh[0] + 1.0).abs() < 1e-6 && (tanh[1] - 1.0).abs() < 1e-6 && tanh[2].is_nan(), "{isa:?}: {tanh:?}");
    }
}
