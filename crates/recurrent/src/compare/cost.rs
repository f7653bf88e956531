//! What layers cost, counted: parameters, operations and memory a token, which is one step of one row.
//!
//! Of a layer with D inputs, H hidden units and G gates, forward:
//!
//! ```text
//! multiplications  G·H·(D + H) in products, and a few for each unit
//! additions        as many, for a sum begins with what it is added to: a bias, the input's part, or zero
//! functions        σ and tanh, one a gate and unit, and in an LSTM one more for the cell state
//! ```
//!
//! Back again there are the gradients of both weight matrices, G·H·(D + H), of the state before, G·H·H, and of the
//! layer's input, G·H·D; the last is not wanted of the bottom layer, whose input is data. So a training step costs
//! nearly three times a forward pass, whatever the cell: what sets cells apart is G, 1 for an RNN, 3 for a GRU, 4 for
//! an LSTM.
//!
//! ```
//! use recurrent::compare::cost::{Cost, hidden_at};
//! use recurrent::models::{AnyRecurrentConfig, CellKind};
//!
//! let config = |kind, hidden| AnyRecurrentConfig::new(kind, 10, hidden);
//! let lstm = Cost::of(&config(CellKind::Lstm, 64));
//! assert_eq!(lstm.parameters, 4 * 64 * (10 + 64 + 1));
//! assert_eq!(lstm.forward.multiplications, 4 * 64 * (10 + 64) + 3 * 64);
//!
//! // A GRU with as many parameters may be a little larger.
//! let hidden = hidden_at(lstm.parameters, |hidden| Cost::of(&config(CellKind::Gru, hidden)).parameters);
//! assert_eq!(hidden, 75);
//! ```

use std::ops::{Add, Mul};

use recurrent_models::{AnyRecurrentConfig, CellKind};
use serde::{Deserialize, Serialize};

/// Operations on single numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Operations {
    /// Multiplications.
    pub multiplications: usize,
    /// Additions and subtractions.
    pub additions: usize,
    /// Sigmoids and hyperbolic tangents, each of them some twenty multiplications and additions of its own.
    pub functions: usize,
}

impl Operations {
    /// Multiplications and additions together: floating-point operations as they are commonly counted.
    pub fn floating_point(&self) -> usize {
        self.multiplications + self.additions
    }
}

impl Add for Operations {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            multiplications: self.multiplications + other.multiplications,
            additions: self.additions + other.additions,
            functions: self.functions + other.functions,
        }
    }
}

impl Mul<usize> for Operations {
    type Output = Self;

    fn mul(self, times: usize) -> Self {
        Self {
            multiplications: self.multiplications * times,
            additions: self.additions * times,
            functions: self.functions * times,
        }
    }
}

/// What a stack of layers costs, a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cost {
    /// Parameters of all layers.
    pub parameters: usize,
    /// Operations forward.
    pub forward: Operations,
    /// Operations back again, to the gradients of all parameters. The optimiser's come once a step, and not a token.
    pub backward: Operations,
    /// Numbers that the fused operation keeps for the way back, unless gradient checkpointing is on: gates and states.
    /// A layer's input lies beside them, as the output of the layer below.
    pub kept: usize,
}

impl Cost {
    /// Counts what the layers of a configuration cost, with biases, and their cell's options as they are by default.
    pub fn of(config: &AnyRecurrentConfig) -> Self {
        let directions = if config.bidirectional { 2 } else { 1 };
        let sizes = CellCost::of(config.cell);
        let layer = |depth: usize| match depth {
            0 => sizes.layer(config.input_size, config.hidden_size, false),
            _ => sizes.layer(directions * config.hidden_size, config.hidden_size, true),
        };
        (0..config.num_layers).map(|depth| layer(depth) * directions).fold(Self::default(), Self::add)
    }

    /// Operations of a training step, forward and back.
    pub fn training(&self) -> Operations {
        self.forward + self.backward
    }

    /// The bytes of [`kept`](Self::kept), in single precision.
    pub fn kept_bytes(&self) -> usize {
        self.kept * size_of::<f32>()
    }
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            parameters: self.parameters + other.parameters,
            forward: self.forward + other.forward,
            backward: self.backward + other.backward,
            kept: self.kept + other.kept,
        }
    }
}

impl Mul<usize> for Cost {
    type Output = Self;

    fn mul(self, times: usize) -> Self {
        Self {
            parameters: self.parameters * times,
            forward: self.forward * times,
            backward: self.backward * times,
            kept: self.kept * times,
        }
    }
}

/// The hidden size with which a network comes closest to a number of parameters; the smaller of two that are as close.
///
/// `count` says how many parameters the network has with a hidden size, and has to grow with it.
pub fn hidden_at(parameters: usize, count: impl Fn(usize) -> usize) -> usize {
    let mut above = 1;
    while count(above) < parameters {
        above *= 2;
    }
    // Between a size that has too few and one that has enough.
    let mut below = above / 2;
    while above - below > 1 {
        let middle = below + (above - below) / 2;
        if count(middle) < parameters { below = middle } else { above = middle }
    }
    if below > 0 && parameters - count(below) <= count(above) - parameters { below } else { above }
}

/// What tells the cost of one cell from another's.
struct CellCost {
    gates: usize,
    /// Biases a unit: one a gate, and the GRU's inside the reset.
    biases: usize,
    /// Numbers kept a unit.
    kept: usize,
    /// A unit's operations forward, products aside.
    forward: Operations,
    /// A unit's operations back, products and biases aside, as the fused operation does them.
    backward: Operations,
}

impl CellCost {
    fn of(kind: CellKind) -> Self {
        let operations = |multiplications, additions, functions| Operations { multiplications, additions, functions };
        match kind {
            CellKind::Rnn => Self {
                gates: 1,
                biases: 1,
                // h and h before.
                kept: 2,
                // tanh.
                forward: operations(0, 0, 1),
                // Through tanh: d · (1 − h · h).
                backward: operations(2, 1, 0),
            },
            CellKind::Lstm => Self {
                gates: 4,
                biases: 4,
                // i, f, g, o, and c and h before.
                kept: 6,
                // f · c + i · g and o · tanh(c').
                forward: operations(3, 1, 5),
                // c' and tanh(c') again, the gradient of c' through o and tanh, of the four gates, each a product and
                // the way through its function, and of c.
                backward: operations(2 + (1 + 2) + 4 * (1 + 2) + 1, 1 + (1 + 1) + 4, 1),
            },
            CellKind::Gru => Self {
                gates: 3,
                biases: 4,
                // r, z, n, W_hn h + b_hn, and h before.
                kept: 5,
                // r · (..) + .. and n + z · (h − n).
                forward: operations(2, 3, 3),
                // d · z, which h before gets too; of n, of z with h − n, and of r, each with the way through its
                // function; of what lies inside the reset.
                backward: operations(1 + 2 + (1 + 2) + (1 + 2) + 1, 1 + (1 + 1) + (1 + 1) + 1, 0),
            },
        }
    }

    /// One layer in one direction, with or without the gradient of its input.
    fn layer(&self, input: usize, hidden: usize, input_gradient: bool) -> Cost {
        let product = |numbers: usize| Operations { multiplications: numbers, additions: numbers, functions: 0 };
        let weights = self.gates * hidden * (input + hidden);
        let past = self.gates * hidden * hidden;
        let below = if input_gradient { self.gates * hidden * input } else { 0 };
        let biases = Operations { additions: self.biases * hidden, ..Operations::default() };
        Cost {
            parameters: weights + self.biases * hidden,
            forward: product(weights) + self.forward * hidden,
            backward: product(weights + past + below) + biases + self.backward * hidden,
            kept: self.kept * hidden,
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Module;
    use burn::tensor::Device;

    use super::*;

    fn cost(kind: CellKind) -> Cost {
        Cost::of(&AnyRecurrentConfig::new(kind, 2, 3))
    }

    fn operations(multiplications: usize, additions: usize, functions: usize) -> Operations {
        Operations { multiplications, additions, functions }
    }

    /// 2 inputs and 3 units, counted by hand for each of the 3 units.
    #[test]
    fn operations_forward_are_those_counted_by_hand() {
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
    fn operations_back_are_those_counted_by_hand() {
        // RNN. For each of the 3 units, δ = d (1 − h h): 2 multiplications, 1 addition. W_ih gets δ x₁ and δ x₂, W_hh
        // δ h₁, δ h₂ and δ h₃, and b gets δ: 5 multiplications, 6 additions. Each h before gets three w δ: 3 of each.
        assert_eq!(cost(CellKind::Rnn).backward, operations(3 * (2 + 5 + 3), 3 * (1 + 6 + 3), 0));
        // LSTM, each unit. c' = f c + i g: 2 and 1. t = tanh(c'). dc' = dc + d o (1 − t t): 3 and 2. The gates' δ are
        // dc' g i (1 − i), dc' c f (1 − f), dc' i (1 − g g), d t o (1 − o): 3 and 1 each. dc = dc' f: 1. Each of the
        // four has 5 weights and a bias, as above, and h before gets twelve w δ.
        let (multiplications, additions) = (2 + 3 + 4 * 3 + 1 + 4 * 5 + 12, 1 + 2 + 4 + 4 * 6 + 12);
        assert_eq!(cost(CellKind::Lstm).backward, operations(3 * multiplications, 3 * additions, 3));
        // GRU, each unit. p = d z: 1. δn = (d − p) (1 − n n): 2 and 2. δz = d (h − n) z (1 − z): 3 and 2. With
        // u = W_hn h + b_hn, δr = δn u r (1 − r): 3 and 1. δu = δn r: 1. Weights of the input by 2 for each of the
        // three gates, of the state by 3, four biases; h before gets nine w δ and p.
        let (multiplications, additions) = (1 + 2 + 3 + 3 + 1 + 3 * 5 + 9, 2 + 2 + 1 + 3 * 5 + 4 + 9 + 1);
        assert_eq!(cost(CellKind::Gru).backward, operations(3 * multiplications, 3 * additions, 0));
    }

    #[test]
    fn a_layer_above_passes_the_gradient_of_its_input_on() {
        for (kind, gates) in CellKind::ALL.into_iter().zip([1, 4, 3]) {
            let two = Cost::of(&AnyRecurrentConfig::new(kind, 3, 3).with_num_layers(2));
            let one = Cost::of(&AnyRecurrentConfig::new(kind, 3, 3));
            let passed = gates * 3 * 3;
            assert_eq!(two.backward, one.backward * 2 + operations(passed, passed, 0), "{kind:?}");
            assert_eq!((two.forward, two.kept), (one.forward * 2, one.kept * 2), "{kind:?}");
        }
    }

    #[test]
    fn parameters_are_those_of_the_layers() {
        let device = Device::flex();
        for kind in CellKind::ALL {
            for (layers, bidirectional) in [(1, false), (1, true), (3, false), (3, true)] {
                let config =
                    AnyRecurrentConfig::new(kind, 2, 5).with_num_layers(layers).with_bidirectional(bidirectional);
                assert_eq!(Cost::of(&config).parameters, config.init(&device).num_params(), "{config:?}");
            }
        }
    }

    #[test]
    fn kept_numbers_are_six_five_and_two_a_unit() {
        assert_eq!(CellKind::ALL.map(|kind| cost(kind).kept), [2 * 3, 6 * 3, 5 * 3]);
        assert_eq!(cost(CellKind::Lstm).kept_bytes(), 6 * 3 * 4);
    }

    #[test]
    fn the_hidden_size_is_the_one_that_comes_closest() {
        let square = |hidden: usize| hidden * hidden;
        assert_eq!(
            [0, 1, 2, 3, 4, 6, 7, 99, 100, 101].map(|n| hidden_at(n, square)),
            [1, 1, 1, 2, 2, 2, 3, 10, 10, 10]
        );
        for kind in CellKind::ALL {
            let count = |hidden| Cost::of(&AnyRecurrentConfig::new(kind, 4, hidden).with_num_layers(2)).parameters;
            assert_eq!(hidden_at(count(37), count), 37);
        }
    }
}
