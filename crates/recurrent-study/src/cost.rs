//! The cost of recurrent layers, counted: parameters, operations and memory per token (one time step of one row).
//!
//! A forward pass of a layer with D inputs, H hidden units and G gates takes
//!
//! ```text
//! multiplications  G·H·(D + H) in matrix products, and a few per unit
//! additions        as many: an accumulation starts from the bias, the input projection or zero
//! nonlinearities   sigmoid and tanh, one per gate and unit, and one more in an LSTM for the cell state
//! ```
//!
//! A backward pass computes the gradients of both weight matrices, G·H·(D + H), of the previous state, G·H·H, and of
//! the layer's input, G·H·D, which the bottom layer does not need. A training step therefore costs nearly three forward
//! passes for every cell. The cells differ in G: 1 for an RNN, 3 for a GRU, 4 for an LSTM.
//!
//! ```
//! use recurrent::models::{AnyRecurrentConfig, CellKind};
//! use recurrent_study::cost::{Cost, closest_hidden_size};
//!
//! let config = |cell, hidden_size| AnyRecurrentConfig::new(cell, 10, hidden_size);
//! let lstm = Cost::of(&config(CellKind::Lstm, 64));
//! assert_eq!(lstm.num_parameters, 4 * 64 * (10 + 64 + 1));
//! assert_eq!(lstm.forward.multiplications, 4 * 64 * (10 + 64) + 3 * 64);
//!
//! // A GRU with as many parameters has a larger hidden size.
//! let count = |hidden_size| Cost::of(&config(CellKind::Gru, hidden_size)).num_parameters;
//! assert_eq!(closest_hidden_size(lstm.num_parameters, count), 75);
//! ```

use std::ops::{Add, Mul};

use recurrent::models::{AnyRecurrentConfig, CellKind};
use serde::{Deserialize, Serialize};

/// Scalar operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Operations {
    /// Multiplications.
    pub multiplications: usize,
    /// Additions and subtractions.
    pub additions: usize,
    /// Evaluations of sigmoid and tanh, each about twenty multiplications and additions.
    pub nonlinearities: usize,
}

impl Operations {
    /// Floating-point operations as commonly counted: multiplications and additions.
    pub fn flops(&self) -> usize {
        self.multiplications + self.additions
    }
}

impl Add for Operations {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            multiplications: self.multiplications + other.multiplications,
            additions: self.additions + other.additions,
            nonlinearities: self.nonlinearities + other.nonlinearities,
        }
    }
}

impl Mul<usize> for Operations {
    type Output = Self;

    fn mul(self, times: usize) -> Self {
        Self {
            multiplications: self.multiplications * times,
            additions: self.additions * times,
            nonlinearities: self.nonlinearities * times,
        }
    }
}

/// The cost of a stack of layers per token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cost {
    /// The number of parameters of all layers.
    pub num_parameters: usize,
    /// Operations of the forward pass.
    pub forward: Operations,
    /// Operations of the backward pass, to the gradients of all parameters. The optimizer runs once per step, not per
    /// token, and is not counted.
    pub backward: Operations,
    /// Values that the fused operation saves for the backward pass without gradient checkpointing: gates and states. The
    /// layer's input is not counted: it is the output of the layer below.
    pub saved_values: usize,
}

impl Cost {
    /// The cost of the layers of a config, with biases and default cell options.
    pub fn of(config: &AnyRecurrentConfig) -> Self {
        let directions = if config.bidirectional { 2 } else { 1 };
        let sizes = CellCost::of(config.cell);
        let layer = |depth: usize| match depth {
            0 => sizes.layer(config.input_size, config.hidden_size, false),
            _ => sizes.layer(directions * config.hidden_size, config.hidden_size, true),
        };
        (0..config.num_layers).map(|depth| layer(depth) * directions).fold(Self::default(), Self::add)
    }

    /// Operations of the forward and the backward pass.
    pub fn training(&self) -> Operations {
        self.forward + self.backward
    }

    /// The bytes of [`saved_values`](Self::saved_values) in single precision.
    pub fn saved_bytes(&self) -> usize {
        self.saved_values * size_of::<f32>()
    }
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            num_parameters: self.num_parameters + other.num_parameters,
            forward: self.forward + other.forward,
            backward: self.backward + other.backward,
            saved_values: self.saved_values + other.saved_values,
        }
    }
}

impl Mul<usize> for Cost {
    type Output = Self;

    fn mul(self, times: usize) -> Self {
        Self {
            num_parameters: self.num_parameters * times,
            forward: self.forward * times,
            backward: self.backward * times,
            saved_values: self.saved_values * times,
        }
    }
}

/// The hidden size whose number of parameters is closest to `num_parameters`; the smaller one of a tie.
///
/// `count` maps a hidden size to the number of parameters of the network, and must be increasing.
pub fn closest_hidden_size(num_parameters: usize, count: impl Fn(usize) -> usize) -> usize {
    let mut above = 1;
    while count(above) < num_parameters {
        above *= 2;
    }
    // Bisection between a size with too few parameters and one with enough.
    let mut below = above / 2;
    while above - below > 1 {
        let middle = below + (above - below) / 2;
        if count(middle) < num_parameters { below = middle } else { above = middle }
    }
    if below > 0 && num_parameters - count(below) <= count(above) - num_parameters { below } else { above }
}

/// The constants of a cell that its cost depends on.
struct CellCost {
    gates: usize,
    /// Biases per unit: one per gate, and the GRU's recurrent bias of the candidate.
    biases: usize,
    /// Values saved per unit.
    saved: usize,
    /// Operations of the forward pass per unit, without matrix products.
    forward: Operations,
    /// Operations of the fused backward pass per unit, without matrix products and biases.
    backward: Operations,
}

impl CellCost {
    fn of(cell: CellKind) -> Self {
        let operations =
            |multiplications, additions, nonlinearities| Operations { multiplications, additions, nonlinearities };
        match cell {
            CellKind::Rnn => Self {
                gates: 1,
                biases: 1,
                // h and the previous h.
                saved: 2,
                // tanh.
                forward: operations(0, 0, 1),
                // Derivative of tanh: d · (1 − h · h).
                backward: operations(2, 1, 0),
            },
            CellKind::Lstm => Self {
                gates: 4,
                biases: 4,
                // i, f, g, o, and the previous c and h.
                saved: 6,
                // f · c + i · g and o · tanh(c').
                forward: operations(3, 1, 5),
                // c' and tanh(c') are recomputed. Then the gradient of c' through o and tanh, of the four gates, each a
                // product and the derivative of its nonlinearity, and of c.
                backward: operations(2 + (1 + 2) + 4 * (1 + 2) + 1, 1 + (1 + 1) + 4, 1),
            },
            CellKind::Gru => Self {
                gates: 3,
                biases: 4,
                // r, z, n, W_hn h + b_hn, and the previous h.
                saved: 5,
                // r · (..) + .. and n + z · (h − n).
                forward: operations(2, 3, 3),
                // d · z, which is also a part of the gradient of the previous h; the gradients of n, of z with h − n, and
                // of r, each with the derivative of its nonlinearity; the gradient of W_hn h + b_hn.
                backward: operations(1 + 2 + (1 + 2) + (1 + 2) + 1, 1 + (1 + 1) + (1 + 1) + 1, 0),
            },
        }
    }

    /// The cost of one layer in one direction, with or without the gradient of its input.
    fn layer(&self, input: usize, hidden: usize, input_gradient: bool) -> Cost {
        let product = |count: usize| Operations { multiplications: count, additions: count, nonlinearities: 0 };
        let weights = self.gates * hidden * (input + hidden);
        let previous_state = self.gates * hidden * hidden;
        let layer_input = if input_gradient { self.gates * hidden * input } else { 0 };
        let biases = Operations { additions: self.biases * hidden, ..Operations::default() };
        Cost {
            num_parameters: weights + self.biases * hidden,
            forward: product(weights) + self.forward * hidden,
            backward: product(weights + previous_state + layer_input) + biases + self.backward * hidden,
            saved_values: self.saved * hidden,
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Module;
    use burn::tensor::Device;

    use super::*;
    use crate::seed_lock::lock_seed;

    fn cost(cell: CellKind) -> Cost {
        Cost::of(&AnyRecurrentConfig::new(cell, 2, 3))
    }

    fn operations(multiplications: usize, additions: usize, nonlinearities: usize) -> Operations {
        Operations { multiplications, additions, nonlinearities }
    }

    /// 2 inputs and 3 units; the counts are per unit.
    #[test]
    fn forward_operations_match_a_manual_count() {
        // b + w x₁ + w x₂ + w h₁ + w h₂ + w h₃: 5 multiplications, 5 additions; its tanh.
        assert_eq!(cost(CellKind::Rnn).forward, operations(3 * 5, 3 * 5, 3));
        // Four such sums; f c, i g, o tanh(c'); f c + i g; three σ, two tanh.
        assert_eq!(cost(CellKind::Lstm).forward, operations(3 * (4 * 5 + 3), 3 * (4 * 5 + 1), 3 * 5));
        // Two such sums for r and z. For n, b + w x₁ + w x₂ has 2 of each, b + w h₁ + w h₂ + w h₃ has 3 of each, and
        // r times it and the addition are 1 of each. n + z (h − n) has 1 multiplication and 2 additions. Two σ, a tanh.
        let (multiplications, additions) = (2 * 5 + 2 + 3 + 1 + 1, 2 * 5 + 2 + 3 + 1 + 2);
        assert_eq!(cost(CellKind::Gru).forward, operations(3 * multiplications, 3 * additions, 3 * 3));
    }

    #[test]
    fn backward_operations_match_a_manual_count() {
        // RNN. For each of the 3 units, δ = d (1 − h h): 2 multiplications, 1 addition. W_ih gets δ x₁ and δ x₂, W_hh
        // δ h₁, δ h₂ and δ h₃, and b gets δ: 5 multiplications, 6 additions. Each previous h gets three w δ: 3 of each.
        assert_eq!(cost(CellKind::Rnn).backward, operations(3 * (2 + 5 + 3), 3 * (1 + 6 + 3), 0));
        // LSTM, each unit. c' = f c + i g: 2 and 1. t = tanh(c'). dc' = dc + d o (1 − t t): 3 and 2. The gates' δ are
        // dc' g i (1 − i), dc' c f (1 − f), dc' i (1 − g g), d t o (1 − o): 3 and 1 each. dc = dc' f: 1. Each of the
        // four has 5 weights and a bias, as above, and the previous h gets twelve w δ.
        let (multiplications, additions) = (2 + 3 + 4 * 3 + 1 + 4 * 5 + 12, 1 + 2 + 4 + 4 * 6 + 12);
        assert_eq!(cost(CellKind::Lstm).backward, operations(3 * multiplications, 3 * additions, 3));
        // GRU, each unit. p = d z: 1. δn = (d − p) (1 − n n): 2 and 2. δz = d (h − n) z (1 − z): 3 and 2. With
        // u = W_hn h + b_hn, δr = δn u r (1 − r): 3 and 1. δu = δn r: 1. Weights of the input by 2 for each of the
        // three gates, of the state by 3, four biases; the previous h gets nine w δ and p.
        let (multiplications, additions) = (1 + 2 + 3 + 3 + 1 + 3 * 5 + 9, 2 + 2 + 1 + 3 * 5 + 4 + 9 + 1);
        assert_eq!(cost(CellKind::Gru).backward, operations(3 * multiplications, 3 * additions, 0));
    }

    #[test]
    fn upper_layer_computes_the_gradient_of_its_input() {
        for (cell, gates) in CellKind::ALL.into_iter().zip([1, 4, 3]) {
            let two = Cost::of(&AnyRecurrentConfig::new(cell, 3, 3).with_num_layers(2));
            let one = Cost::of(&AnyRecurrentConfig::new(cell, 3, 3));
            let input_gradient = gates * 3 * 3;
            assert_eq!(two.backward, one.backward * 2 + operations(input_gradient, input_gradient, 0), "{cell:?}");
            assert_eq!((two.forward, two.saved_values), (one.forward * 2, one.saved_values * 2), "{cell:?}");
        }
    }

    #[test]
    fn counted_parameters_are_those_of_the_layers() {
        let _seed = lock_seed();
        let device = Device::flex();
        for cell in CellKind::ALL {
            for (layers, bidirectional) in [(1, false), (1, true), (3, false), (3, true)] {
                let config =
                    AnyRecurrentConfig::new(cell, 2, 5).with_num_layers(layers).with_bidirectional(bidirectional);
                assert_eq!(Cost::of(&config).num_parameters, config.init(&device).num_params(), "{config:?}");
            }
        }
    }

    #[test]
    fn saved_values_per_unit_are_two_six_and_five() {
        assert_eq!(CellKind::ALL.map(|cell| cost(cell).saved_values), [2 * 3, 6 * 3, 5 * 3]);
        assert_eq!(cost(CellKind::Lstm).saved_bytes(), 6 * 3 * 4);
    }

    #[test]
    fn closest_hidden_size_has_the_closest_count() {
        let square = |hidden: usize| hidden * hidden;
        assert_eq!(
            [0, 1, 2, 3, 4, 6, 7, 99, 100, 101].map(|n| closest_hidden_size(n, square)),
            [1, 1, 1, 2, 2, 2, 3, 10, 10, 10]
        );
        for cell in CellKind::ALL {
            let count = |hidden| Cost::of(&AnyRecurrentConfig::new(cell, 4, hidden).with_num_layers(2)).num_parameters;
            assert_eq!(closest_hidden_size(count(37), count), 37);
        }
    }
}
