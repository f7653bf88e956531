//! Different ways to compute the same outputs, on random shapes.

use burn::tensor::{Device, Distribution, Tensor};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use recurrent_models::cells::gru::GruCell;
use recurrent_models::cells::lstm::LstmCell;
use recurrent_models::cells::rnn::RnnCell;
use recurrent_models::{Cell, GruConfig, Recurrent, RecurrentConfig, State};

use crate::devices::{TestDevice, assert_close};

/// A random layer and batch.
#[derive(Debug, Clone)]
struct Shape {
    input: usize,
    hidden: usize,
    layers: usize,
    batch: usize,
    time: usize,
    /// Where to cut the sequence, as a fraction of its length.
    cut: f64,
    /// The length of each row, as a fraction of the sequence's length.
    fractions: Vec<f64>,
    seed: u64,
}

impl Shape {
    fn lengths(&self) -> Vec<usize> {
        let length = |fraction: &f64| (fraction * self.time as f64).round() as usize;
        self.fractions[..self.batch].iter().map(length).collect()
    }
}

fn shapes() -> impl Strategy<Value = Shape> {
    let sizes = (1usize..4, 1usize..6, 1usize..4, 1usize..5, 1usize..9);
    (sizes, 0.0..1.0, proptest::collection::vec(0.0..=1.0, 4), any::<u64>()).prop_map(
        |((input, hidden, layers, batch, time), cut, fractions, seed)| Shape {
            input,
            hidden,
            layers,
            batch,
            time,
            cut,
            fractions,
            seed,
        },
    )
}

/// Runs `check` for every cell on random shapes.
macro_rules! for_every_cell {
    ($on:expr, $check:ident) => {{
        let config = Config { cases: $on.cases, failure_persistence: None, ..Config::default() };
        TestRunner::new(config)
            .run(&shapes(), |shape| {
                $on.device.seed(shape.seed);
                $check::<RnnCell>($on, &shape, RecurrentConfig::new(shape.input, shape.hidden));
                $check::<LstmCell>($on, &shape, RecurrentConfig::new(shape.input, shape.hidden));
                $check::<GruCell>($on, &shape, RecurrentConfig::new(shape.input, shape.hidden));
                let before = GruConfig::new(shape.input, shape.hidden).with_reset_after(false);
                $check::<GruCell>($on, &shape, before);
                Ok(())
            })
            .unwrap();
    }};
}

pub fn step_equals_forward(on: &TestDevice) {
    fn check<C: Cell>(on: &TestDevice, shape: &Shape, config: RecurrentConfig<C>) {
        let layer = config.with_num_layers(shape.layers).init(&on.device);
        let x = sequence(shape, &on.device);
        let (whole, last) = layer.forward(x.clone(), None);
        let mut state = None;
        let mut outputs = Vec::new();
        for t in 0..shape.time {
            let (output, next) = layer.step(x.clone().narrow(1, t, 1).squeeze_dim(1), state);
            outputs.push(output);
            state = Some(next);
        }
        assert_close("steps", Tensor::stack(outputs, 1), whole, on.itself);
        assert_same_state(on, state.expect("a step"), last);
    }
    for_every_cell!(on, check);
}

pub fn chunks_equal_whole(on: &TestDevice) {
    fn check<C: Cell>(on: &TestDevice, shape: &Shape, config: RecurrentConfig<C>) {
        let layer = config.with_num_layers(shape.layers).init(&on.device);
        let x = sequence(shape, &on.device);
        let (whole, last) = layer.forward(x.clone(), None);
        let cut = ((shape.cut * shape.time as f64) as usize).max(1).min(shape.time);
        let (mut outputs, mut state) = layer.forward(x.clone().narrow(1, 0, cut), None);
        if cut < shape.time {
            let (rest, next) = layer.forward(x.narrow(1, cut, shape.time - cut), Some(state));
            outputs = Tensor::cat(vec![outputs, rest], 1);
            state = next;
        }
        assert_close("chunks", outputs, whole, on.itself);
        assert_same_state(on, state, last);
    }
    for_every_cell!(on, check);
}

/// Each row cut to its length has the outputs that it has in a padded batch, and a NaN in the padding reaches neither an
/// output nor a gradient.
pub fn padding_is_never_read(on: &TestDevice) {
    fn check<C: Cell>(on: &TestDevice, shape: &Shape, config: RecurrentConfig<C>) {
        let device = on.device.clone().autodiff();
        let layer = config.with_num_layers(shape.layers).with_bidirectional(true).init(&device);
        let lengths = shape.lengths();
        let mut x = sequence(shape, &device);
        for (row, length) in lengths.iter().enumerate().filter(|(_, length)| **length < shape.time) {
            let padding = Tensor::full([1, shape.time - length, shape.input], f32::NAN, &device);
            x = x.slice_assign([row..row + 1, *length..shape.time, 0..shape.input], padding);
        }
        let x = x.require_grad();
        let (output, state) = layer.forward_with_lengths(x.clone(), &lengths, None);
        for (row, length) in lengths.iter().enumerate() {
            let ours = output.clone().narrow(0, row, 1);
            let past = shape.time - length;
            if past > 0 {
                let padded = ours.clone().narrow(1, *length, past);
                assert_close("output past the end", padded.clone(), padded.zeros_like(), 0.0);
            }
            if *length > 0 {
                let alone = x.clone().narrow(0, row, 1).narrow(1, 0, *length);
                let (expected, last) = layer.forward(alone, None);
                assert_close("row", ours.narrow(1, 0, *length), expected, on.itself);
                assert_same_state(on, state.clone().map(|part| part.narrow(1, row, 1)), last);
            }
        }
        if lengths.iter().all(|length| *length == 0) {
            return; // nothing depends on x
        }
        let hidden = state.hidden().sum();
        let gradient = x.grad(&(output.sum() + hidden).backward()).expect("a gradient");
        assert!(gradient.into_data().iter::<f32>().all(f32::is_finite), "a NaN leaked from the padding");
    }
    for_every_cell!(on, check);
}

/// The reverse direction on a reversed sequence is the forward direction: with the weights of the two directions swapped,
/// a reversed input has the reversed output with its halves swapped.
pub fn reversed_twice(on: &TestDevice) {
    fn check<C: Cell>(on: &TestDevice, shape: &Shape, config: RecurrentConfig<C>) {
        let layer = config.with_bidirectional(true).init(&on.device);
        let x = sequence(shape, &on.device);
        let (output, _) = layer.forward(x.clone(), None);
        let (reversed, _) = exchange_directions(layer).forward(x.flip([1]), None);
        let halves = reversed.flip([1]).chunk(2, 2);
        let exchanged = Tensor::cat(vec![halves[1].clone(), halves[0].clone()], 2);
        assert_close("reversed twice", exchanged, output, on.itself);
    }
    for_every_cell!(on, check);
}

fn exchange_directions<C: Cell>(mut layer: Recurrent<C>) -> Recurrent<C> {
    for cells in &mut layer.layers {
        if let Some(reverse) = &mut cells.reverse {
            std::mem::swap(&mut cells.forward, reverse);
        }
    }
    layer
}

fn sequence(shape: &Shape, device: &Device) -> Tensor<3> {
    Tensor::random([shape.batch, shape.time, shape.input], Distribution::Normal(0.0, 1.0), device)
}

#[track_caller]
fn assert_same_state<S: State<3>>(on: &TestDevice, ours: S, expected: S) {
    for (ours, expected) in ours.into_parts().into_iter().zip(expected.into_parts()) {
        assert_close("state", ours, expected, on.itself);
    }
}
