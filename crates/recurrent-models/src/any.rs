//! The three layers behind one type.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use recurrent_kernels::{GruState, LstmState, RnnState, State};
use serde::{Deserialize, Serialize};

use crate::choice::impl_choice;
use crate::padding::repeated_rows;
use crate::{Cell, Gru, Lstm, Recurrent, RecurrentConfig, Rnn, SummaryRow};

/// Which recurrent layer, for programs that choose at run time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CellKind {
    /// [`Rnn`].
    Rnn,
    /// [`Lstm`].
    #[default]
    Lstm,
    /// [`Gru`].
    Gru,
}

impl_choice!(CellKind, "model": Rnn = "rnn", Lstm = "lstm", Gru = "gru");

impl CellKind {
    /// A layer of this kind with its cell's default options, one layer deep and in one direction.
    pub fn init(self, input_size: usize, hidden_size: usize, device: &Device) -> AnyRecurrent {
        AnyRecurrentConfig::new(self, input_size, hidden_size).init(device)
    }
}

/// The configuration of an [`AnyRecurrent`]: what a [`RecurrentConfig`] asks for whatever the cell is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnyRecurrentConfig {
    /// Which layer.
    pub kind: CellKind,
    /// Input features.
    pub input_size: usize,
    /// Hidden units a direction.
    pub hidden_size: usize,
    /// Layers, each on top of the one before.
    pub num_layers: usize,
    /// Whether each layer also runs from the end to the start; its output is then twice as wide.
    pub bidirectional: bool,
    /// The probability with which an output of a layer below the top is set to zero in training.
    pub dropout: f64,
}

impl AnyRecurrentConfig {
    /// One layer in one direction, without dropout.
    pub fn new(kind: CellKind, input_size: usize, hidden_size: usize) -> Self {
        Self { kind, input_size, hidden_size, num_layers: 1, bidirectional: false, dropout: 0.0 }
    }

    /// Sets the number of layers.
    pub fn with_num_layers(mut self, num_layers: usize) -> Self {
        self.num_layers = num_layers;
        self
    }

    /// Sets whether layers run in both directions.
    pub fn with_bidirectional(mut self, bidirectional: bool) -> Self {
        self.bidirectional = bidirectional;
        self
    }

    /// Sets the dropout between layers.
    pub fn with_dropout(mut self, dropout: f64) -> Self {
        self.dropout = dropout;
        self
    }

    /// Makes the layer with fresh weights and its cell's default options.
    ///
    /// # Panics
    /// As [`RecurrentConfig::init`] does.
    pub fn init(&self, device: &Device) -> AnyRecurrent {
        match self.kind {
            CellKind::Rnn => AnyRecurrent::Rnn(self.of().init(device)),
            CellKind::Lstm => AnyRecurrent::Lstm(self.of().init(device)),
            CellKind::Gru => AnyRecurrent::Gru(self.of().init(device)),
        }
    }

    fn of<C: Cell>(&self) -> RecurrentConfig<C> {
        RecurrentConfig::new(self.input_size, self.hidden_size)
            .with_num_layers(self.num_layers)
            .with_bidirectional(self.bidirectional)
            .with_dropout(self.dropout)
    }
}

/// The same expression for whichever layer or state it is.
macro_rules! for_any {
    ($any:expr, $inner:ident => $body:expr) => {
        match $any {
            Self::Rnn($inner) => $body,
            Self::Lstm($inner) => $body,
            Self::Gru($inner) => $body,
        }
    };
}

/// A recurrent layer whose cell was chosen at run time.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant, reason = "a network holds a handful of these")]
pub enum AnyRecurrent {
    /// A vanilla RNN.
    Rnn(Rnn),
    /// An LSTM.
    Lstm(Lstm),
    /// A GRU.
    Gru(Gru),
}

/// The state of an [`AnyRecurrent`], `[layers * directions, batch, hidden]` each.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "a layer has one at a time")]
pub enum AnyState {
    /// A vanilla RNN's.
    Rnn(RnnState),
    /// An LSTM's.
    Lstm(LstmState),
    /// A GRU's.
    Gru(GruState),
}

impl AnyState {
    /// Builds the state of a layer from its tensors, in the order of [`into_parts`](Self::into_parts).
    ///
    /// # Panics
    /// If a tensor is missing.
    pub fn from_parts(kind: CellKind, parts: Vec<Tensor<3>>) -> Self {
        match kind {
            CellKind::Rnn => Self::Rnn(State::from_parts(parts)),
            CellKind::Lstm => Self::Lstm(State::from_parts(parts)),
            CellKind::Gru => Self::Gru(State::from_parts(parts)),
        }
    }

    /// Takes the state apart, `[layers * directions, batch, hidden]` each; the hidden state comes first.
    pub fn into_parts(self) -> Vec<Tensor<3>> {
        for_any!(self, state => state.into_parts())
    }

    /// The state's tensors, as [`into_parts`](Self::into_parts) gives them.
    pub fn parts(&self) -> Vec<Tensor<3>> {
        self.clone().into_parts()
    }

    /// Applies `f` to each tensor.
    pub fn map(self, f: impl FnMut(Tensor<3>) -> Tensor<3>) -> Self {
        for_any!(self, state => state.map(f).into())
    }

    /// Whose state it is.
    pub fn kind(&self) -> CellKind {
        match self {
            Self::Rnn(_) => CellKind::Rnn,
            Self::Lstm(_) => CellKind::Lstm,
            Self::Gru(_) => CellKind::Gru,
        }
    }

    /// The hidden state, `[layers * directions, batch, hidden]`.
    pub fn hidden(&self) -> Tensor<3> {
        for_any!(self, state => state.hidden())
    }

    /// Rows of the batch.
    pub fn batch(&self) -> usize {
        self.hidden().dims()[1]
    }

    /// The state of the rows at `indices [rows]`, in their order; a row may come more than once, and another not at
    /// all.
    pub fn select_rows(&self, indices: Tensor<1, Int>) -> Self {
        self.clone().map(|part| part.select(1, indices.clone()))
    }

    /// Each row `times` times, the copies side by side: rows `a, b` become `a, a, b, b`.
    pub fn repeat_rows(&self, times: usize) -> Self {
        self.select_rows(repeated_rows(self.batch(), times, &self.hidden().device()))
    }

    /// Cuts the state out of the autodiff graph; see [`State::detach`].
    pub fn detach(self) -> Self {
        for_any!(self, state => state.detach().into())
    }
}

macro_rules! impl_any_state {
    ($kind:ident, $state:ident) => {
        impl From<$state> for AnyState {
            fn from(state: $state) -> Self {
                Self::$kind(state)
            }
        }

        impl From<AnyState> for $state {
            /// # Panics
            /// If the state is another cell's.
            fn from(state: AnyState) -> Self {
                match state {
                    AnyState::$kind(state) => state,
                    other => panic!("expected the state of a {}, got {other:?}", stringify!($kind)),
                }
            }
        }
    };
}
impl_any_state!(Rnn, RnnState);
impl_any_state!(Lstm, LstmState);
impl_any_state!(Gru, GruState);

impl AnyRecurrent {
    /// Which layer it is.
    pub fn kind(&self) -> CellKind {
        match self {
            Self::Rnn(_) => CellKind::Rnn,
            Self::Lstm(_) => CellKind::Lstm,
            Self::Gru(_) => CellKind::Gru,
        }
    }

    /// [`Recurrent::forward`]: `x [batch, time, input]` → `[batch, time, directions * hidden]` and the final state.
    pub fn forward(&self, x: Tensor<3>, state: Option<AnyState>, lengths: Option<&[usize]>) -> (Tensor<3>, AnyState) {
        for_any!(self, layer => any(layer.forward(x, state.map(Into::into), lengths)))
    }

    /// [`Recurrent::step`]: `x [batch, input]` → `[batch, hidden]` and the next state.
    pub fn step(&self, x: Tensor<2>, state: Option<AnyState>) -> (Tensor<2>, AnyState) {
        for_any!(self, layer => any(layer.step(x, state.map(Into::into))))
    }

    /// A state of zeros for `batch` rows, `[layers * directions, batch, hidden]`, in the weights' precision.
    pub fn zero_state(&self, batch: usize, device: &Device) -> AnyState {
        for_any!(self, layer => layer.zero_state(batch, device).into())
    }

    /// Layers, each on top of the one before.
    pub fn num_layers(&self) -> usize {
        for_any!(self, layer => layer.layers.len())
    }

    /// 1 or 2.
    pub fn directions(&self) -> usize {
        for_any!(self, layer => layer.directions())
    }

    /// Input features.
    pub fn input_size(&self) -> usize {
        for_any!(self, layer => layer.input_size())
    }

    /// Hidden units a direction.
    pub fn hidden_size(&self) -> usize {
        for_any!(self, layer => layer.hidden_size())
    }

    /// Features of the output: hidden units times directions.
    pub fn output_size(&self) -> usize {
        for_any!(self, layer => layer.output_size())
    }

    /// A summary's rows, one a layer of the stack, for sequences of `time` steps.
    pub(crate) fn rows(&self, name: &str, time: usize) -> Vec<SummaryRow> {
        for_any!(self, layer => rows(layer, name, time))
    }
}

fn rows<C: Cell>(stack: &Recurrent<C>, name: &str, time: usize) -> Vec<SummaryRow> {
    let kind = if stack.directions() == 1 { C::NAME.into() } else { format!("Bidirectional {}", C::NAME) };
    let output = [time, stack.output_size()];
    let name = |depth: usize| match stack.layers.len() {
        1 => format!("{name} ({kind})"),
        _ => format!("{name}_{} ({kind})", depth + 1),
    };
    stack.layers.iter().enumerate().map(|(depth, layer)| SummaryRow::new(name(depth), &output, layer)).collect()
}

fn any<const D: usize, S: Into<AnyState>>((output, state): (Tensor<D>, S)) -> (Tensor<D>, AnyState) {
    (output, state.into())
}

#[cfg(test)]
mod tests {
    use burn::tensor::Distribution;

    use super::*;

    #[test]
    fn every_kind_steps_as_it_runs_with_its_own_state() {
        let device = Device::flex();
        for kind in CellKind::ALL {
            let layer = kind.init(2, 3, &device);
            assert_eq!((layer.kind(), layer.output_size()), (kind, 3));
            let x = Tensor::<3>::ones([1, 2, 2], &device);
            let (_, whole) = layer.forward(x.clone(), None, None);
            let (_, first) = layer.step(Tensor::ones([1, 2], &device), None);
            let (_, second) = layer.step(Tensor::ones([1, 2], &device), Some(first.detach()));
            second.hidden().into_data().assert_approx_eq::<f32>(&whole.hidden().into_data(), Default::default());
        }
    }

    #[test]
    #[should_panic(expected = "expected the state of a Gru")]
    fn another_cells_state_is_refused() {
        let device = Device::flex();
        let x = || Tensor::<3>::ones([1, 2, 2], &device);
        let (_, state) = CellKind::Lstm.init(2, 3, &device).forward(x(), None, None);
        CellKind::Gru.init(2, 3, &device).forward(x(), Some(state), None);
    }

    #[test]
    fn a_state_goes_through_its_parts_and_its_rows_can_be_chosen() {
        let device = Device::flex();
        for kind in CellKind::ALL {
            let layer = AnyRecurrentConfig::new(kind, 2, 3).with_num_layers(2).with_bidirectional(true).init(&device);
            assert_eq!((layer.num_layers(), layer.directions(), layer.hidden_size()), (2, 2, 3));
            assert_eq!(layer.zero_state(5, &device).hidden().dims(), [4, 5, 3]);

            let x = Tensor::<3>::random([2, 4, 2], Distribution::Default, &device);
            let (_, state) = layer.forward(x, None, None);
            let again = AnyState::from_parts(kind, state.parts());
            assert_eq!(again.kind(), kind);
            let repeated = again.repeat_rows(2);
            assert_eq!((again.batch(), repeated.batch()), (2, 4));
            let chosen = repeated.select_rows(Tensor::from_data([3, 0], &device));
            for (chosen, part) in chosen.into_parts().into_iter().zip(state.into_parts()) {
                assert_eq!(chosen.into_data(), part.flip([1]).into_data());
            }
        }
    }
}
