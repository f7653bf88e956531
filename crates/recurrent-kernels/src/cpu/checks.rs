//! The checks at the boundary: the passes read and write through pointers, and rely on the sizes that are asserted here.

use super::gradients::OutputGrads;
use super::layer_args::{DirectionWeights, LayerArgs, Sizes};
use crate::{Direction, Equations, Layout};

/// What the values that a forward pass saves depend on, apart from the values of the arguments.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Problem {
    equations: Equations,
    sizes: Sizes,
    layout: Layout,
    directions: Vec<Direction>,
    lengths: Option<Vec<usize>>,
}

impl LayerArgs<'_> {
    /// The problem that these arguments state.
    pub(super) fn problem(&self) -> Problem {
        Problem {
            equations: self.equations,
            sizes: self.sizes,
            layout: self.layout,
            directions: self.directions.iter().map(|weights| weights.direction).collect(),
            lengths: self.lengths.map(<[usize]>::to_vec),
        }
    }

    /// Panics unless every slice has the size that the others imply.
    pub(super) fn check(&self) {
        let Sizes { batch, time, input, hidden } = self.sizes;
        for (name, size) in [("batch", batch), ("time", time), ("input", input), ("hidden", hidden)] {
            assert!(size > 0, "{name} must be at least 1");
        }
        let directions = self.directions.len();
        assert!(matches!(directions, 1 | 2), "a layer must have one or two directions, got {directions}");
        assert_len("x", "[batch, time, input]", self.x, &[batch, time, input]);
        if let Equations::Lstm { clip: Some(clip) } = self.equations {
            assert!(clip > 0.0, "the clip of the cell state must be positive, got {clip}");
        }
        for weights in self.directions {
            weights.check(self.equations, input, hidden);
        }
        // The largest buffer: its size must not overflow.
        let _ = elements(&[batch, time, directions, self.equations.gate_blocks(), hidden]);
        self.check_states("initial", self.initial_hidden, self.initial_cell);
        if let Some(lengths) = self.lengths {
            assert_eq!(lengths.len(), batch, "there must be one length per row of the batch");
            let longest = lengths.iter().copied().max().unwrap_or_default();
            assert!(longest <= time, "a length of {longest} exceeds the sequence of {time} steps");
        }
    }

    /// Panics unless gradients of the outputs have the sizes of the outputs.
    pub(super) fn check_output_grads(&self, grads: &OutputGrads) {
        let Sizes { batch, time, hidden, .. } = self.sizes;
        if let Some(output) = grads.output {
            let shape = [batch, time, self.directions.len(), hidden];
            assert_len("gradient of the output", "[batch, time, directions * hidden]", output, &shape);
        }
        self.check_states("gradient of the final", grads.hidden, grads.cell);
    }

    fn check_states(&self, which: &str, hidden: Option<&[f32]>, cell: Option<&[f32]>) {
        let shape = [self.directions.len(), self.sizes.batch, self.sizes.hidden];
        for (kind, state) in [("hidden", hidden), ("cell", cell)] {
            if let Some(state) = state {
                assert_len(&format!("{which} {kind} state"), "[directions, batch, hidden]", state, &shape);
            }
        }
        assert!(cell.is_none() || self.equations.has_cell(), "{which} cell state: only an LSTM has one");
    }
}

impl DirectionWeights<'_> {
    /// Panics unless the weights have the sizes of a layer.
    pub(super) fn check(&self, equations: Equations, input: usize, hidden: usize) {
        let gates = equations.gates();
        assert_len("w_ih", "[input, gates * hidden]", self.w_ih, &[input, gates, hidden]);
        assert_len("w_hh", "[hidden, gates * hidden]", self.w_hh, &[hidden, gates, hidden]);
        if let Some(bias) = self.bias {
            assert_len("bias", "[gates * hidden]", bias, &[gates, hidden]);
        }
        if let Some(bias_hn) = self.bias_hn {
            assert_eq!(equations, Equations::Gru { reset_after: true }, "bias_hn: only a reset-after GRU has one");
            assert_len("bias_hn", "[hidden]", bias_hn, &[hidden]);
        }
    }
}

#[track_caller]
fn assert_len(name: &str, shape: &str, data: &[f32], sizes: &[usize]) {
    let (found, expected) = (data.len(), elements(sizes));
    assert!(found == expected, "{name} must be {shape} with {expected} elements, got {found}");
}

/// The number of elements of a shape. Panics if no memory can hold as many.
#[track_caller]
fn elements(sizes: &[usize]) -> usize {
    let product = sizes.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
    match product {
        Some(product) if product <= isize::MAX as usize / size_of::<f32>() => product,
        _ => panic!("the sizes {sizes:?} are too large"),
    }
}
