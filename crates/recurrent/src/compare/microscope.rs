//! The gradient microscope: how much of a loss each hidden state has to answer for.
//!
//! A layer goes step by step, and at every step a zero is added to its hidden state: hₜ := hₜ + εₜ. Nothing changes by
//! it, but εₜ is a leaf of the graph, and its gradient is that of hₜ by all ways at once, through the steps after it
//! and through the layers above. [`gradient_trace`] looks at a loss once; [`Probe`] and [`Probed`] are its two halves,
//! for a training step that has its own loss and its own gradients.
//!
//! ```
//! use burn::tensor::{Device, Distribution, Tensor};
//! use recurrent::compare::microscope::gradient_trace;
//! use recurrent::models::{LstmConfig, RnnConfig};
//!
//! let device = Device::default();
//! device.seed(1);
//! let x = Tensor::<3>::random([4, 60, 3], Distribution::Normal(0.0, 1.0), &device);
//! let last = |output: Tensor<3>| output.narrow(1, 59, 1).powi_scalar(2).sum();
//! let rnn = gradient_trace(&RnnConfig::new(3, 16).init(&device), x.clone(), last);
//! let lstm = gradient_trace(&LstmConfig::new(3, 16).with_forget_bias(4.0).init(&device), x, last);
//!
//! assert_eq!(rnn.norms[0].len(), 60);
//! assert!(rnn.decay(0) < lstm.decay(0));
//! assert_eq!(rnn.trend(0).expect("a gradient").to_string(), "vanishes");
//! ```

use std::fmt;

use burn::module::Module;
use burn::tensor::{Gradients, Tensor};
use recurrent_models::{AnyRecurrent, Cell, Direction, Recurrent, State};

/// By how much a gradient has to fall or rise over a sequence before it is said to vanish or explode.
const FAR: f64 = 1e3;

/// ‖∂L/∂hₜ‖ for every step, the Euclidean norm over all rows of the batch and all units.
#[derive(Debug, Clone, PartialEq)]
pub struct GradientTrace {
    /// `norms[row][step]`, the first step first. A layer has a row a direction, in the order of a [`State`]: with one
    /// direction a row is a layer, from the bottom to the top.
    pub norms: Vec<Vec<f64>>,
    /// 1 or 2. With two, every second row runs in reverse.
    pub directions: usize,
}

/// What becomes of a gradient on its way back through time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trend {
    /// It is a thousand times smaller at the sequence's start than at its end, or smaller still.
    Vanishes,
    /// It is of some use all along.
    Lasts,
    /// It is a thousand times larger at the sequence's start than at its end, or no number at all.
    Explodes,
}

impl fmt::Display for Trend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vanishes => "vanishes",
            Self::Lasts => "lasts",
            Self::Explodes => "explodes",
        })
    }
}

impl GradientTrace {
    /// A row's norms on the gradient's way back: `k` steps before the state that the row ends in, for k = 0, 1, ..
    ///
    /// # Panics
    /// If there is no such row.
    pub fn back(&self, row: usize) -> Vec<f64> {
        let reverse = self.directions == 2 && row % 2 == 1;
        let norms = self.norms[row].iter().copied();
        if reverse { norms.collect() } else { norms.rev().collect() }
    }

    /// The exponent of a row's decay: the slope of ln ‖∂L/∂h_{T−k}‖ against k by least squares, over the norms that are
    /// finite and not zero. Below zero a gradient vanishes, by the factor `exp(decay)` a step; above it explodes.
    ///
    /// It says what it should of a loss at the sequence's end. A loss at every step gives every state a gradient anew.
    /// `None` if fewer than two norms are left.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn decay(&self, row: usize) -> Option<f64> {
        let points = self.back(row).into_iter().enumerate().filter(|(_, norm)| norm.is_finite() && *norm > 0.0);
        slope(&points.map(|(k, norm)| (k as f64, norm.ln())).collect::<Vec<_>>())
    }

    /// How much of a row's gradient arrives at the other end of the sequence: ‖∂L/∂h₀‖ / ‖∂L/∂h_T‖.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn ratio(&self, row: usize) -> f64 {
        let back = self.back(row);
        back[back.len() - 1] / back[0]
    }

    /// What becomes of a row's gradient over the length of the sequence, by the line that [`decay`](Self::decay) is the
    /// slope of. A gradient that is zero from the first step back vanishes; `None` if there was none at the end to begin
    /// with, or nowhere to go.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn trend(&self, row: usize) -> Option<Trend> {
        let norms = &self.norms[row];
        if norms.iter().any(|norm| !norm.is_finite()) {
            return Some(Trend::Explodes);
        }
        let Some(decay) = self.decay(row) else {
            return (norms.len() > 1 && self.back(row)[0] > 0.0).then_some(Trend::Vanishes);
        };
        let whole = decay * (norms.len() - 1) as f64;
        Some(match FAR.ln() {
            far if whole <= -far => Trend::Vanishes,
            far if whole >= far => Trend::Explodes,
            _ => Trend::Lasts,
        })
    }
}

/// The slope of the line through points by least squares, if there are two or more.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let count = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0 / count, y + point.1 / count));
    let covariance: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    let variance: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    (points.len() > 1).then(|| covariance / variance)
}

/// Looks at the gradients of one loss.
///
/// - `x`: `[batch, time, input]`;
/// - `loss`: makes the loss `[1]` of the top layer's output, `[batch, time, directions * hidden]`.
///
/// The layers may be on a plain device or on one with autodiff. Their own gradients are left out, and so is dropout.
///
/// # Panics
/// If `x` has no step or a wrong width.
pub fn gradient_trace<P: Probe>(layers: &P, x: Tensor<3>, loss: impl FnOnce(Tensor<3>) -> Tensor<1>) -> GradientTrace {
    let probed = layers.clone().train().no_grad().probe(x);
    let gradients = loss(probed.output.clone()).backward();
    probed.trace(&gradients)
}

/// Layers whose hidden states can be looked at.
pub trait Probe: Module {
    /// Runs the layers over `x [batch, time, input]` from a state of zeros, step by step and with the same numbers as
    /// [`Recurrent::forward`], but for dropout, which is left out.
    ///
    /// # Panics
    /// If `x` has no step or a wrong width.
    fn probe(&self, x: Tensor<3>) -> Probed;
}

/// What a run under the microscope gives.
#[derive(Debug, Clone)]
pub struct Probed {
    /// Every output of the top layer, `[batch, time, directions * hidden]`.
    pub output: Tensor<3>,
    /// The zeros that were added to the hidden states, `[row][step]`, `[batch, hidden]` each.
    zeros: Vec<Vec<Tensor<2>>>,
    directions: usize,
}

impl Probed {
    /// Takes the norms from the gradients of a loss that was made of the output. Reads them back from the device.
    pub fn trace(&self, gradients: &Gradients) -> GradientTrace {
        let norms = self.zeros.iter().map(|steps| norms(steps, gradients)).collect();
        GradientTrace { norms, directions: self.directions }
    }
}

/// The norms of the gradients of `steps`, `[batch, hidden]` each.
///
/// They are added up in double precision: the square of a gradient that is small, but is one, is zero in single
/// precision.
fn norms(steps: &[Tensor<2>], gradients: &Gradients) -> Vec<f64> {
    let gradient =
        |step: &Tensor<2>| step.grad(gradients).unwrap_or_else(|| Tensor::zeros_like(&step.clone().without_autodiff()));
    let all: Vec<f64> = Tensor::<2>::stack::<3>(steps.iter().map(gradient).collect(), 0).into_data().iter().collect();
    let numbers = all.len() / steps.len();
    all.chunks_exact(numbers).map(|step| step.iter().map(|number| number * number).sum::<f64>().sqrt()).collect()
}

impl<C: Cell> Probe for Recurrent<C> {
    fn probe(&self, x: Tensor<3>) -> Probed {
        let [_, time, input] = x.dims();
        assert!(time > 0, "a sequence has at least one step, got x {:?}", x.dims());
        assert_eq!(input, self.input_size(), "the layer takes {} input features, got {input}", self.input_size());
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
        Probed { output, zeros, directions: self.directions() }
    }
}

impl Probe for AnyRecurrent {
    fn probe(&self, x: Tensor<3>) -> Probed {
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
        // A clone of one zero would be the same leaf.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(norms: &[f64]) -> GradientTrace {
        GradientTrace { norms: vec![norms.to_vec()], directions: 1 }
    }

    #[test]
    fn the_decay_is_the_exponent_a_step_back() {
        let halved: Vec<f64> = (0..30).map(|step| 0.5f64.powi(29 - step)).collect();
        assert!((trace(&halved).decay(0).unwrap() - 0.5f64.ln()).abs() < 1e-12);
        assert_eq!(trace(&halved).trend(0), Some(Trend::Vanishes));
        assert_eq!(trace(&halved).ratio(0), 0.5f64.powi(29));
        let doubled: Vec<f64> = halved.iter().map(|norm| 1.0 / norm).collect();
        assert!((trace(&doubled).decay(0).unwrap() - 2f64.ln()).abs() < 1e-12);
        assert_eq!(trace(&doubled).trend(0), Some(Trend::Explodes));
        assert_eq!(trace(&[0.9, 1.1, 1.0]).trend(0), Some(Trend::Lasts));
    }

    #[test]
    fn the_reverse_direction_goes_back_the_other_way() {
        let norms = vec![vec![0.25, 0.5, 1.0], vec![1.0, 0.5, 0.25]];
        let trace = GradientTrace { norms, directions: 2 };
        assert_eq!(trace.decay(0), trace.decay(1));
        assert_eq!(trace.back(1), [1.0, 0.5, 0.25]);
    }

    #[test]
    fn zeros_and_what_is_no_number_do_not_count() {
        assert_eq!(trace(&[0.0, f64::INFINITY, 0.25, 0.5, 1.0]).decay(0), trace(&[0.25, 0.5, 1.0]).decay(0));
        assert_eq!(trace(&[f64::NAN, 1.0, 1.0]).trend(0), Some(Trend::Explodes));
        assert_eq!(trace(&[0.0, 0.0, 1.0]).decay(0), None);
        assert_eq!(trace(&[0.0, 0.0, 1.0]).trend(0), Some(Trend::Vanishes));
        assert_eq!([&[0.0, 0.0][..], &[1.0, 0.0], &[1.0]].map(|norms| trace(norms).trend(0)), [None; 3]);
    }
}
