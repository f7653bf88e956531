//! Gradients against central differences, for every element of every parameter, input and state: in double precision,
//! where every layer runs the reference implementation, and in single precision, where it may run the fused one.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, FloatDType, Gradients, Tensor, TensorData};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use recurrent_models::cells::gru::GruCell;
use recurrent_models::cells::lstm::LstmCell;
use recurrent_models::cells::rnn::RnnCell;
use recurrent_models::{Cell, GruConfig, Recurrent, RecurrentConfig, State};

use crate::devices::{Difference, TestDevice};

const INPUT: usize = 2;
const HIDDEN: usize = 2;
const BATCH: usize = 2;
const TIME: usize = 3;
const LENGTHS: [usize; BATCH] = [3, 2];

/// All cells, two layers, bidirectional, with rows of different lengths.
pub fn check_all(on: &TestDevice) {
    for by in &on.differences {
        check::<RnnCell>(on, by, RecurrentConfig::new(INPUT, HIDDEN));
        check::<LstmCell>(on, by, RecurrentConfig::new(INPUT, HIDDEN));
        check::<GruCell>(on, by, RecurrentConfig::new(INPUT, HIDDEN));
        check::<GruCell>(on, by, GruConfig::new(INPUT, HIDDEN).with_reset_after(false));
    }
}

fn check<C: Cell>(on: &TestDevice, by: &Difference, config: RecurrentConfig<C>) {
    let device = on.device.clone().autodiff();
    let layer = config.with_num_layers(2).with_bidirectional(true).init(&device);
    let mut draw = Draw { random: StdRng::seed_from_u64(5), dtype: by.dtype };
    let problem = Problem {
        layer: layer.map(&mut draw),
        x: draw.tensor([BATCH, TIME, INPUT], &device),
        state: (0..C::State::<3>::PARTS).map(|_| draw.tensor([4, BATCH, HIDDEN], &device)).collect(),
        weights: draw.tensor([BATCH, TIME, 2 * HIDDEN], &device),
    };

    let tracked = Problem {
        x: problem.x.clone().require_grad(),
        state: problem.state.iter().map(|part| part.clone().require_grad()).collect(),
        ..problem.clone()
    };
    let grads = tracked.loss().backward();

    let mut analytic = Flatten { grads: &grads, values: Vec::new() };
    tracked.layer.visit(&mut analytic);
    let count = analytic.values.len();
    for (index, gradient) in analytic.values.into_iter().enumerate() {
        let nudged = |by: f64| Problem {
            layer: problem.layer.clone().map(&mut Nudge { skip: index, by, done: false }),
            ..problem.clone()
        };
        assert_difference(on, by, &format!("parameter {index} of {count}"), nudged, gradient);
    }
    for (index, gradient) in flat(tracked.x.grad(&grads)).into_iter().enumerate() {
        let nudged = |by: f64| Problem { x: nudge(problem.x.clone(), index, by), ..problem.clone() };
        assert_difference(on, by, &format!("input {index}"), nudged, gradient);
    }
    for (part, tensor) in tracked.state.iter().enumerate() {
        for (index, gradient) in flat(tensor.grad(&grads)).into_iter().enumerate() {
            let nudged = |by: f64| {
                let mut problem = problem.clone();
                problem.state[part] = nudge(problem.state[part].clone(), index, by);
                problem
            };
            assert_difference(on, by, &format!("state {part}, {index}"), nudged, gradient);
        }
    }
}

fn assert_difference<C: Cell>(
    on: &TestDevice,
    by: &Difference,
    what: &str,
    nudged: impl Fn(f64) -> Problem<C>,
    gradient: f64,
) {
    let at = |step: f64| flat(Some(nudged(step).loss()))[0];
    let difference = (at(by.step) - at(-by.step)) / (2.0 * by.step);
    assert!(
        (difference - gradient).abs() <= by.tolerance,
        "{} {:?} {} {what}: the gradient is {gradient}, the difference quotient {difference}",
        on.name,
        by.dtype,
        C::NAME
    );
}

/// A layer with everything that its loss depends on.
#[derive(Debug, Clone)]
struct Problem<C: Cell> {
    layer: Recurrent<C>,
    x: Tensor<3>,
    state: Vec<Tensor<3>>,
    /// Weights of the output in the loss; without them, errors of opposite signs would cancel.
    weights: Tensor<3>,
}

impl<C: Cell> Problem<C> {
    fn loss(&self) -> Tensor<1> {
        let state = C::State::from_parts(self.state.clone());
        let (output, last) = self.layer.forward_with_lengths(self.x.clone(), &LENGTHS, Some(state));
        let squares = last.into_parts().into_iter().map(|part| part.powi_scalar(2).sum());
        squares.fold((output * self.weights.clone()).sum(), |loss, square| loss + square)
    }
}

fn flat<const D: usize>(tensor: Option<Tensor<D>>) -> Vec<f64> {
    tensor.expect("a gradient").into_data().iter::<f64>().collect()
}

fn nudge<const D: usize>(tensor: Tensor<D>, index: usize, by: f64) -> Tensor<D> {
    let (device, dtype, shape) = (tensor.device(), tensor.dtype(), tensor.dims());
    let mut values: Vec<f64> = tensor.into_data().iter().collect();
    values[index] += by;
    Tensor::from_data(TensorData::new(values, shape), (&device, dtype))
}

/// Draws values, and replaces parameters by drawn ones. A device's own generator is shared by concurrent tests.
struct Draw {
    random: StdRng,
    dtype: FloatDType,
}

impl Draw {
    /// Uniform within ± 0.9.
    fn tensor<const D: usize>(&mut self, shape: [usize; D], device: &Device) -> Tensor<D> {
        let values: Vec<f64> = (0..shape.iter().product()).map(|_| self.random.random_range(-0.9..0.9)).collect();
        Tensor::from_data(TensorData::new(values, shape), (device, self.dtype.into()))
    }
}

impl ModuleMapper for Draw {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| self.tensor(tensor.dims(), &tensor.device()).require_grad())
    }
}

/// Collects the gradients of all parameters.
struct Flatten<'a> {
    grads: &'a Gradients,
    values: Vec<f64>,
}

impl ModuleVisitor for Flatten<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.values.extend(flat(param.val().grad(self.grads)));
    }
}

/// Adds `by` to the parameters' element at `skip`, counted in the order of [`Flatten`].
struct Nudge {
    skip: usize,
    by: f64,
    done: bool,
}

impl ModuleMapper for Nudge {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let elements: usize = param.val().dims().iter().product();
        if self.done || self.skip >= elements {
            self.skip = self.skip.saturating_sub(elements);
            return param;
        }
        self.done = true;
        param.map(|tensor| nudge(tensor, self.skip, self.by))
    }
}
