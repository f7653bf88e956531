//! Layers with a differentiable zero at every hidden state.

use burn::module::Module;
use burn::tensor::{Gradients, Tensor};
use recurrent_models::{AnyRecurrent, Cell, Direction, Recurrent, State};

use super::trace::GradientTrace;

/// Measures the gradient of one loss at every hidden state.
///
/// - `x`: `[batch, time, input]`;
/// - `loss`: maps the output of the top layer, `[batch, time, directions * hidden]`, to a loss `[1]`.
///
/// The layers may be on a plain or an autodiff device. Gradients of their parameters are not computed, and dropout is
/// not applied.
///
/// # Panics
/// If `x` has no step or another number of features than the layers take.
pub fn gradient_trace<P: GradientProbe>(
    layers: &P,
    x: Tensor<3>,
    loss: impl FnOnce(Tensor<3>) -> Tensor<1>,
) -> GradientTrace {
    let probed = layers.clone().train().no_grad().probe(x);
    let gradients = loss(probed.output.clone()).backward();
    probed.trace(&gradients)
}

/// Layers that can run with probes at their hidden states.
pub trait GradientProbe: Module {
    /// Runs the layers over `x [batch, time, input]` from a zero state, step by step. The output is that of
    /// [`Recurrent::forward`] without dropout.
    ///
    /// # Panics
    /// If `x` has no step or another number of features than the layers take.
    fn probe(&self, x: Tensor<3>) -> ProbedOutput;
}

/// The output of a [probed](GradientProbe::probe) run.
#[derive(Debug, Clone)]
pub struct ProbedOutput {
    /// The output of the top layer, `[batch, time, directions * hidden]`.
    pub output: Tensor<3>,
    /// The zeros added to the hidden states, `[layer * directions + direction][step]`, `[batch, hidden]` each.
    zeros: Vec<Vec<Tensor<2>>>,
    directions: usize,
}

impl ProbedOutput {
    /// The gradient norms of a loss that was computed from [`output`](Self::output). Waits for the device.
    pub fn trace(&self, gradients: &Gradients) -> GradientTrace {
        let norms = self.zeros.iter().map(|steps| norms(steps, gradients)).collect();
        GradientTrace { norms, directions: self.directions }
    }
}

/// The gradient norm of each of `steps`, `[batch, hidden]` each.
///
/// Squares are summed in double precision: in single precision the square of a small gradient underflows to zero.
fn norms(steps: &[Tensor<2>], gradients: &Gradients) -> Vec<f64> {
    let gradient =
        |step: &Tensor<2>| step.grad(gradients).unwrap_or_else(|| Tensor::zeros_like(&step.clone().without_autodiff()));
    let all: Vec<f64> = Tensor::<2>::stack::<3>(steps.iter().map(gradient).collect(), 0).into_data().iter().collect();
    let elements = all.len() / steps.len();
    all.chunks_exact(elements).map(|step| step.iter().map(|value| value * value).sum::<f64>().sqrt()).collect()
}

impl<C: Cell> GradientProbe for Recurrent<C> {
    fn probe(&self, x: Tensor<3>) -> ProbedOutput {
        let [_, time, input] = x.dims();
        assert!(time > 0, "expected at least one time step, got x {:?}", x.dims());
        assert_eq!(input, self.input_size(), "expected {} input features, got {input}", self.input_size());
        let mut zeros = Vec::with_capacity(self.layers.len() * self.directions());
        let output = self.layers.iter().fold(x, |x, layer| {
            let (forward, steps) = probe_cell(&layer.forward, x.clone(), Direction::Forward);
            zeros.push(steps);
            match &layer.reverse {
                None => forward,
                Some(cell) => {
                    let (reverse, steps) = probe_cell(cell, x, Direction::Reverse);
                    zeros.push(steps);
                    Tensor::cat(vec![forward, reverse], 2)
                }
            }
        });
        ProbedOutput { output, zeros, directions: self.directions() }
    }
}

impl GradientProbe for AnyRecurrent {
    fn probe(&self, x: Tensor<3>) -> ProbedOutput {
        match self {
            Self::Rnn(layers) => layers.probe(x),
            Self::Lstm(layers) => layers.probe(x),
            Self::Gru(layers) => layers.probe(x),
        }
    }
}

/// One cell over `x [batch, time, input]`: its output, `[batch, time, hidden]`, and the zero of every step.
fn probe_cell<C: Cell>(cell: &C, x: Tensor<3>, direction: Direction) -> (Tensor<3>, Vec<Tensor<2>>) {
    let weights = cell.weights();
    let shape = [x.dims()[0], cell.sizes()[1]];
    let options = (x.device(), x.dtype());
    let mut steps = weights.project_steps(x);
    if direction == Direction::Reverse {
        steps.reverse();
    }
    let mut state = C::State::zeros(shape, (&options.0, options.1));
    let (mut outputs, mut zeros) = (Vec::with_capacity(steps.len()), Vec::with_capacity(steps.len()));
    for projected in steps {
        // A new tensor each step: clones of one zero would be the same leaf of the graph.
        let zero = Tensor::<2>::zeros(shape, (&options.0, options.1)).autodiff().require_grad();
        let mut parts = cell.advance(&weights, projected, state).into_parts();
        parts[0] = parts[0].clone() + zero.clone();
        state = C::State::from_parts(parts);
        outputs.push(state.hidden());
        zeros.push(zero);
    }
    if direction == Direction::Reverse {
        outputs.reverse();
        zeros.reverse();
    }
    (Tensor::stack(outputs, 1), zeros)
}
