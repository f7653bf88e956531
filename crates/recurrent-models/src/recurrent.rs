//! The recurrent layer: a stack of cells.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig};
use burn::tensor::{Device, Tensor};
use recurrent_kernels::{Scanned, State, check_lengths};

use crate::empty_batch::concat;
use crate::padding::clear_padding;
use crate::{Cell, RecurrentLayer};

/// A recurrent layer: a stack of one or more layers of a [`Cell`], in one direction or both, with dropout between them.
///
/// [`Lstm`](crate::Lstm), [`Gru`](crate::Gru) and [`Rnn`](crate::Rnn) are aliases; make one with
/// [`RecurrentConfig::init`](crate::RecurrentConfig::init), which also documents the initialization.
///
/// The parts are public, so that a layer can be [frozen](Module::no_grad) or replaced by itself:
///
/// ```
/// use burn::module::Module;
/// use burn::tensor::Device;
/// use recurrent_models::LstmConfig;
///
/// let device = Device::default().autodiff();
/// let mut lstm = LstmConfig::new(8, 16).with_num_layers(2).init(&device);
/// lstm.layers[0] = lstm.layers[0].clone().no_grad();
/// ```
///
/// # Empty sequences
/// A batch without rows is legal everywhere: outputs and states have a batch dimension of 0, and gradients of weights are
/// zero. A row of length 0 is legal in [`forward_with_lengths`](Self::forward_with_lengths): its outputs are zero and
/// its final state is its initial state. A sequence of no steps, `[batch, 0, input]`, panics.
#[derive(Module, Debug)]
pub struct Recurrent<C: Module + Cell> {
    /// The layers, from the bottom to the top.
    pub layers: Vec<RecurrentLayer<C>>,
    dropout: Dropout,
}

impl<C: Cell> Recurrent<C> {
    pub(crate) fn new(layers: Vec<RecurrentLayer<C>>, dropout: f64) -> Self {
        Self { layers, dropout: DropoutConfig::new(dropout).init() }
    }

    /// Runs the stack over a batch of sequences of one length.
    ///
    /// - `x`: `[batch, time, input]`;
    /// - `state`: the state before the first step, `[num_layers * directions, batch, hidden]`; zeros if `None`.
    ///
    /// Returns the outputs of the top layer at every step, `[batch, time, directions * hidden]`, and the final state of
    /// all layers, `[num_layers * directions, batch, hidden]`. The reverse direction's final state is the one after its
    /// own last step, which is the first of the sequence. [`State::last_layer`] picks the top layer's.
    ///
    /// # Panics
    /// If `x` has no step (`time` is 0) or not `input` features, or the state has another shape.
    #[must_use]
    pub fn forward(&self, x: Tensor<3>, state: Option<C::State<3>>) -> (Tensor<3>, C::State<3>) {
        self.scan(x, None, state)
    }

    /// [`forward`](Self::forward) for rows of different lengths, padded to one length.
    ///
    /// `lengths` has the number of valid steps of each row, `[batch]`. What lies past a row's end is never read, not even
    /// a NaN: the output there is zero, the final state is the one at the row's own end, and the reverse direction starts
    /// there.
    ///
    /// # Panics
    /// As [`forward`](Self::forward) does, and unless there is one length per row, none of them greater than `time`.
    #[must_use]
    pub fn forward_with_lengths(
        &self,
        x: Tensor<3>,
        lengths: &[usize],
        state: Option<C::State<3>>,
    ) -> (Tensor<3>, C::State<3>) {
        self.scan(x, Some(lengths), state)
    }

    fn scan(&self, x: Tensor<3>, lengths: Option<&[usize]>, state: Option<C::State<3>>) -> (Tensor<3>, C::State<3>) {
        let [batch, time, input] = x.dims();
        self.check_input(input);
        assert!(time > 0, "x [batch, time, input] must have at least one step, got {:?}", x.dims());
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
        (x, join_layers(finals))
    }

    /// Advances the stack by one step, `x [batch, input]`, with the weights of [`forward`](Self::forward) and the same
    /// results.
    ///
    /// Returns the top layer's output, `[batch, hidden]`, and the state for the next step.
    ///
    /// # Panics
    /// If the layer is bidirectional (the reverse direction starts at the end of a sequence), `x` has not `input`
    /// features, or the state has another shape.
    #[must_use]
    pub fn step(&self, x: Tensor<2>, state: Option<C::State<3>>) -> (Tensor<2>, C::State<3>) {
        self.check_unidirectional();
        let [batch, input] = x.dims();
        if batch == 0 {
            // Sequences know how to be empty; the products of a step do not on every backend.
            let (output, state) = self.scan(x.reshape([0, 1, input]), None, state);
            return (output.reshape([0, self.output_size()]), state);
        }
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

    /// A state of zeros for `batch` rows, `[num_layers * directions, batch, hidden]`, in the weights' precision.
    pub fn zero_state(&self, batch: usize, device: &Device) -> C::State<3> {
        let dtype = self.layers[0].forward.weights().w_hh.dtype();
        C::State::zeros([self.layers.len() * self.directions(), batch, self.hidden_size()], (device, dtype))
    }

    /// The number of stacked layers.
    pub fn num_layers(&self) -> usize {
        self.layers.len()
    }

    /// Features of the input.
    pub fn input_size(&self) -> usize {
        self.layers[0].forward.sizes()[0]
    }

    /// Hidden units per direction.
    pub fn hidden_size(&self) -> usize {
        self.layers[0].forward.sizes()[1]
    }

    /// Features of the output: hidden units times directions.
    pub fn output_size(&self) -> usize {
        self.hidden_size() * self.directions()
    }

    /// The number of directions, 1 or 2.
    pub fn directions(&self) -> usize {
        self.layers[0].directions()
    }

    pub(crate) fn check_unidirectional(&self) {
        assert_eq!(
            self.directions(),
            1,
            "a bidirectional layer cannot run step by step: its reverse direction starts at the end of the sequence"
        );
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
                "the initial state is [num_layers * directions, batch, hidden] = {expected:?}, got {:?}",
                part.dims()
            );
        }
        match layers {
            1 => vec![state],
            _ => {
                let layer = |depth| state.clone().map(|part| rows(part, depth * directions, directions));
                (0..layers).map(layer).collect()
            }
        }
    }
}

/// The rows `[count, batch, hidden]` of a state from `start` on.
fn rows(part: Tensor<3>, start: usize, count: usize) -> Tensor<3> {
    let [_, batch, hidden] = part.dims();
    match batch {
        // Burn takes a slice without elements out of the autodiff graph.
        0 => part.swap_dims(0, 1).reshape([0, count, hidden]).swap_dims(0, 1),
        _ => part.narrow(0, start, count),
    }
}

/// From the states of the layers, `[directions, batch, hidden]` each, to that of the stack,
/// `[num_layers * directions, batch, hidden]`.
fn join_layers<S: State<3>>(mut layers: Vec<S>) -> S {
    if layers.len() == 1 {
        return layers.remove(0);
    }
    S::join(layers, |parts| concat(parts, 0))
}
