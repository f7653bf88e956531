//! What a step takes from the system: a count of all allocations, and of the bytes that are held.
#![cfg(feature = "cpu")]
#![allow(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout as Memory, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use recurrent_kernels::cpu::{
    Cotangents, Equations, Keep, Layer, Layout, Need, Problem, Sizes, Stepper, backward, forward,
};
use recurrent_kernels::{Direction, Nonlinearity};

struct Counting;

static CALLS: AtomicUsize = AtomicUsize::new(0);
/// Bytes that are held now, and the most that were.
static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, memory: Memory) -> *mut u8 {
        CALLS.fetch_add(1, Ordering::Relaxed);
        let held = HELD.fetch_add(memory.size(), Ordering::Relaxed) + memory.size();
        MOST.fetch_max(held, Ordering::Relaxed);
        // SAFETY: the caller's contract is this function's own.
        unsafe { System.alloc(memory) }
    }

    unsafe fn dealloc(&self, at: *mut u8, memory: Memory) {
        HELD.fetch_sub(memory.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(at, memory) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const CELLS: [Equations; 4] = [
    Equations::Rnn(Nonlinearity::Tanh),
    Equations::Lstm { clip: None },
    Equations::Gru { reset_after: true },
    Equations::Gru { reset_after: false },
];

/// One test, since others beside it would be counted too.
#[test]
fn steps_take_nothing_and_training_takes_what_it_gives() {
    for equations in CELLS {
        // The larger one is shared among threads.
        for (input, hidden) in [(8, 50), (64, 256)] {
            let columns = equations.gates() * hidden;
            let (w_ih, w_hh) = (vec![0.01; input * columns], vec![0.01; hidden * columns]);
            let layer = Layer { direction: Direction::Forward, w_ih: &w_ih, w_hh: &w_hh, bias: None, bias_hn: None };
            let mut stepper = Stepper::new(equations, &layer, hidden);
            let x = vec![0.5; input];
            // A thread that starts takes memory too.
            for _ in 0..1000 {
                stepper.step(&x);
            }
            let mut taken = || {
                let before = CALLS.load(Ordering::Relaxed);
                for _ in 0..1000 {
                    stepper.step(&x);
                }
                CALLS.load(Ordering::Relaxed) - before
            };
            // The test's own harness may take some meanwhile, but not over and over; a step that does, always does.
            let fewest = (0..5).map(|_| taken()).min();
            assert_eq!(fewest, Some(0), "{equations:?}, {hidden} units");
        }
    }

    let sizes = Sizes { batch: 16, time: 100, input: 40, hidden: 64 };
    for equations in CELLS {
        let columns = equations.gates() * sizes.hidden;
        let (w_ih, w_hh) = (vec![0.01; sizes.input * columns], vec![0.01; sizes.hidden * columns]);
        let layers = [Layer { direction: Direction::Forward, w_ih: &w_ih, w_hh: &w_hh, bias: None, bias_hn: None }];
        let x = vec![0.5; sizes.batch * sizes.time * sizes.input];
        let problem = Problem {
            equations,
            sizes,
            layout: Layout::BatchFirst,
            x: &x,
            layers: &layers,
            hidden: None,
            cell: None,
            lengths: None,
        };
        let d_output = vec![1.0; sizes.batch * sizes.time * sizes.hidden];
        let need = Need { x: true, input_weights: true, recurrent_weights: true, biases: true, state: false };
        let step = || {
            let before = HELD.load(Ordering::Relaxed);
            MOST.store(before, Ordering::Relaxed);
            let outcome = forward(&problem, Keep::Everything);
            let cotangents = Cotangents { output: Some(&d_output), ..Cotangents::default() };
            let gradients = backward(&problem, outcome.tape.expect("kept"), &cotangents, need);
            assert!(gradients.x.is_some());
            MOST.load(Ordering::Relaxed) - before
        };
        step();
        let given = 4 * (d_output.len() + x.len() + w_ih.len() + w_hh.len() + 4 * sizes.batch * sizes.hidden);
        // What is kept for the way back, two numbers a unit and step if not more, was taken by the step before; the large
        // products take memory for a while, to pack their sides.
        let kept = 4 * 2 * d_output.len();
        // A thread that makes its first product takes a place to pack in, once and for all.
        let taken = (0..5).map(|_| step()).min().expect("five steps");
        assert!(taken < given + kept / 2, "{equations:?} takes {taken} bytes, and gives {given}");
    }
}
