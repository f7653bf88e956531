//! The recurrent layer: a stack of cells.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig};
use burn::tensor::{Device, Tensor};
use recurrent_kernels::{Scanned, State, check_lengths};

use crate::padding::clear_padding;
use crate::{Bidirectional, Cell};

/// A recurrent layer over a [`Cell`]: a stack of one or more layers, each in one direction or both, with dropout
/// between them. [`Lstm`](crate::Lstm), [`Gru`](crate::Gru) and [`Rnn`](crate::Rnn) are its names; make one with
/// [`RecurrentConfig::init`](crate::RecurrentConfig::init).
#[derive(Module, Debug)]
pub struct Recurrent<C: Module + Cell> {
    /// From the bottom to the top.
    pub layers: Vec<Bidirectional<C>>,
    dropout: Dropout,
}

impl<C: Cell> Recurrent<C> {
    pub(crate) fn new(layers: Vec<Bidirectional<C>>, dropout: f64) -> Self {
        Self { layers, dropout: DropoutConfig::new(dropout).init() }
    }

    /// Runs the stack over a batch of sequences.
    ///
    /// - `x`: `[batch, time, input]`;
    /// - `state`: the state before the first step, `[layers * directions, batch, hidden]`; zeros if `None`;
    /// - `lengths`: how many steps of each row are real; all of them if `None`. What lies past a row's end is never
    ///   looked at, the output there is zero, and the final state is the one at the row's own end.
    ///
    /// Gives every output of the top layer, `[batch, time, directions * hidden]`, and the final state of all layers.
    /// The reverse direction's final state is the one after the first step, its last.
    ///
    /// # Panics
    /// If `x` has no step or a wrong width, the state a wrong shape, or a length is beyond the sequence.
    pub fn forward(
        &self,
        x: Tensor<3>,
        state: Option<C::State<3>>,
        lengths: Option<&[usize]>,
    ) -> (Tensor<3>, C::State<3>) {
        let [batch, time, input] = x.dims();
        self.check_input(input);
        assert!(time > 0, "a sequence has at least one step, got x {:?}", x.dims());
        let mut x = match lengths {
            Some(lengths) => {
                check_lengths(lengths, batch, time);
                clear_padding(x, lengths)
            }
            None => x,
        };
        let mut states = state.map(|state| self.layer_states(state, batch)).into_iter().flatten();
        let mut finals = Vec::with_capacity(self.layers.len());
        for (depth, layer) in self.layers.iter().enumerate() {
            if depth > 0 {
                x = self.dropout.forward(x);
            }
            let Scanned { output, state } = layer.scan(x, states.next(), lengths);
            finals.push(state);
            x = output;
        }
        match finals.len() {
            1 => (x, finals.remove(0)),
            _ => (x, C::State::<3>::join(finals, |parts| Tensor::cat(parts, 0))),
        }
    }

    /// Advances the stack by one step, `x [batch, input]`, with the same weights and the same numbers as
    /// [`forward`](Self::forward).
    ///
    /// Gives the top layer's output, `[batch, hidden]`, and the state to pass to the next step.
    ///
    /// # Panics
    /// If the layer is bidirectional (the reverse direction has to see the end first), or a shape is wrong.
    pub fn step(&self, x: Tensor<2>, state: Option<C::State<3>>) -> (Tensor<2>, C::State<3>) {
        assert_eq!(
            self.directions(),
            1,
            "a bidirectional layer cannot go step by step: the reverse direction starts at the end"
        );
        let [batch, input] = x.dims();
        self.check_input(input);
        let state = state.unwrap_or_else(|| self.zero_state(batch, &x.device()));
        let mut finals = Vec::with_capacity(self.layers.len());
        let mut x = x;
        for (depth, (layer, state)) in self.layers.iter().zip(self.layer_states(state, batch)).enumerate() {
            if depth > 0 {
                x = self.dropout.forward(x);
            }
            let next: C::State<2> = layer.forward.step(x, state.map_into(|part| part.squeeze_dim(0)));
            x = next.hidden();
            finals.push(next);
        }
        (x, C::State::<2>::join(finals, |parts| Tensor::stack(parts, 0)))
    }

    /// A state of zeros for `batch` rows, `[layers * directions, batch, hidden]`, in the weights' precision.
    pub fn zero_state(&self, batch: usize, device: &Device) -> C::State<3> {
        let dtype = self.layers[0].forward.weights().w_hh.dtype();
        C::State::zeros([self.layers.len() * self.directions(), batch, self.hidden_size()], (device, dtype))
    }

    /// Input features.
    pub fn input_size(&self) -> usize {
        self.layers[0].forward.sizes()[0]
    }

    /// Hidden units a direction.
    pub fn hidden_size(&self) -> usize {
        self.layers[0].forward.sizes()[1]
    }

    /// Features of the output: hidden units times directions.
    pub fn output_size(&self) -> usize {
        self.hidden_size() * self.directions()
    }

    /// 1 or 2.
    pub fn directions(&self) -> usize {
        self.layers[0].directions()
    }

    fn check_input(&self, input: usize) {
        assert_eq!(input, self.input_size(), "the layer takes {} input features, got {input}", self.input_size());
    }

    /// Each layer's own part `[directions, batch, hidden]` of the state of all layers, from the bottom to the top.
    fn layer_states(&self, state: C::State<3>, batch: usize) -> Vec<C::State<3>> {
        let (layers, directions) = (self.layers.len(), self.directions());
        let expected = [layers * directions, batch, self.hidden_size()];
        for part in state.clone().into_parts() {
            assert_eq!(
                part.dims(),
                expected,
                "the initial state is [layers * directions, batch, hidden] = {expected:?}, got {:?}",
                part.dims()
            );
        }
        match layers {
            1 => vec![state],
            _ => {
                let layer = |depth| state.clone().map(|part| part.narrow(0, depth * directions, directions));
                (0..layers).map(layer).collect()
            }
        }
    }
}
