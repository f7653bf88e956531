//! The allocations of a step, and the memory of a training pass.
#![cfg(feature = "cpu")]
#![allow(unsafe_code, reason = "a counting allocator")]

use std::alloc::{GlobalAlloc, Layout as Memory, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use recurrent_kernels::cpu::{
    DirectionWeights, Equations, LayerArgs, Layout, NeedsGrad, OutputGrads, SavePolicy, Sizes, Stepper, backward,
    forward,
};
use recurrent_kernels::{Direction, Nonlinearity};

struct CountingAllocator;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
/// Bytes that are allocated now, and their maximum.
static ALLOCATED: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all calls are forwarded to the system's allocator.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, memory: Memory) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        let allocated = ALLOCATED.fetch_add(memory.size(), Ordering::Relaxed) + memory.size();
        PEAK.fetch_max(allocated, Ordering::Relaxed);
        // SAFETY: the contract of this function is that of the system's allocator.
        unsafe { System.alloc(memory) }
    }

    unsafe fn dealloc(&self, at: *mut u8, memory: Memory) {
        ALLOCATED.fetch_sub(memory.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(at, memory) }
    }
}

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const CELLS: [Equations; 4] = [
    Equations::Rnn(Nonlinearity::Tanh),
    Equations::Lstm { clip: None },
    Equations::Gru { reset_after: true },
    Equations::Gru { reset_after: false },
];

/// A single test, since allocations of tests running in parallel would be counted too.
#[test]
fn steps_allocate_nothing_and_training_allocates_its_results() {
    for equations in CELLS {
        // The larger one runs on several threads.
        for (input, hidden) in [(8, 50), (64, 256)] {
            let columns = equations.gates() * hidden;
            let (w_ih, w_hh) = (vec![0.01; input * columns], vec![0.01; hidden * columns]);
            let weights =
                DirectionWeights { direction: Direction::Forward, w_ih: &w_ih, w_hh: &w_hh, bias: None, bias_hn: None };
            let mut stepper = Stepper::new(equations, &weights, hidden);
            let x = vec![0.5; input];
            // Starting threads allocate memory too.
            for _ in 0..1000 {
                stepper.step(&x);
            }
            let mut allocations = || {
                let before = ALLOCATIONS.load(Ordering::Relaxed);
                for _ in 0..1000 {
                    stepper.step(&x);
                }
                ALLOCATIONS.load(Ordering::Relaxed) - before
            };
            // The test harness may allocate now and then; a step that allocates does so every time.
            let fewest = (0..5).map(|_| allocations()).min();
            assert_eq!(fewest, Some(0), "{equations:?}, {hidden} units");
        }
    }

    let sizes = Sizes { batch: 16, time: 100, input: 40, hidden: 64 };
    for equations in CELLS {
        let columns = equations.gates() * sizes.hidden;
        let (w_ih, w_hh) = (vec![0.01; sizes.input * columns], vec![0.01; sizes.hidden * columns]);
        let directions =
            [DirectionWeights { direction: Direction::Forward, w_ih: &w_ih, w_hh: &w_hh, bias: None, bias_hn: None }];
        let x = vec![0.5; sizes.batch * sizes.time * sizes.input];
        let args = LayerArgs {
            equations,
            sizes,
            layout: Layout::BatchFirst,
            x: &x,
            directions: &directions,
            initial_hidden: None,
            initial_cell: None,
            lengths: None,
        };
        let d_output = vec![1.0; sizes.batch * sizes.time * sizes.hidden];
        let needs = NeedsGrad { x: true, w_ih: true, w_hh: true, biases: true, initial_state: false };
        let step = || {
            let before = ALLOCATED.load(Ordering::Relaxed);
            PEAK.store(before, Ordering::Relaxed);
            let result = forward(&args, SavePolicy::Everything);
            let output_grads = OutputGrads { output: Some(&d_output), ..OutputGrads::default() };
            let gradients = backward(&args, result.saved.expect("saved values"), &output_grads, needs);
            assert!(gradients.x.is_some());
            PEAK.load(Ordering::Relaxed) - before
        };
        step();
        let results = 4 * (d_output.len() + x.len() + w_ih.len() + w_hh.len() + 4 * sizes.batch * sizes.hidden);
        // The saved values, at least two elements per unit and step, reuse the buffers of the previous step; large products
        // temporarily allocate memory to pack their operands.
        let saved = 4 * 2 * d_output.len();
        // The first product of a thread allocates its packing buffer, which is kept.
        let peak = (0..5).map(|_| step()).min().expect("five steps");
        assert!(peak < results + saved / 2, "{equations:?} allocates {peak} bytes, its results have {results}");
    }
}
