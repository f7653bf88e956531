//! The three layers behind one type.

use burn::config::Config;
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use recurrent_kernels::{GruState, LstmState, RnnState, State};
use serde::{Deserialize, Serialize};

#[cfg(feature = "cpu")]
use crate::StreamingLayer;
use crate::choice::impl_choice;
use crate::padding::repeated_rows;
use crate::parameters::sum_of_products;
use crate::{Cell, CellOptions, Gru, Lstm, Recurrent, RecurrentConfig, Rnn, SummaryRow};

/// The kind of recurrent cell, for programs that choose it at run time.
///
/// It is written and parsed as `rnn`, `lstm` or `gru`.
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

impl_choice!(CellKind, "cell": Rnn = "rnn", Lstm = "lstm", Gru = "gru");

impl CellKind {
    /// One unidirectional layer of this kind with the cell's default options.
    pub fn init(self, input_size: usize, hidden_size: usize, device: &Device) -> AnyRecurrent {
        AnyRecurrentConfig::new(self, input_size, hidden_size).init(device)
    }
}

/// The configuration of an [`AnyRecurrent`]: a [`RecurrentConfig`] whose cell is chosen at run time.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use recurrent_models::{AnyRecurrentConfig, CellKind};
///
/// let device = Device::default();
/// let cell: CellKind = "gru".parse().unwrap();
/// let layer = AnyRecurrentConfig::new(cell, 3, 8).with_num_layers(2).with_retention_bias(1.0).init(&device);
/// let (output, state) = layer.forward(Tensor::ones([2, 5, 3], &device), None);
/// assert_eq!(output.dims(), [2, 5, 8]);
/// assert_eq!(state.last_layer().dims(), [2, 8]);
/// ```
#[derive(Config, Debug, PartialEq)]
#[must_use = "a configuration makes no layer until `init` is called"]
#[non_exhaustive]
pub struct AnyRecurrentConfig {
    /// The kind of cell.
    pub cell: CellKind,
    /// Features of the input.
    pub input_size: usize,
    /// Hidden units per direction.
    pub hidden_size: usize,
    /// Stacked layers; each reads the output of the one below.
    #[config(default = 1)]
    pub num_layers: usize,
    /// Whether each layer also runs from the last step to the first; its output is then `2 * hidden_size` wide.
    #[config(default = false)]
    pub bidirectional: bool,
    /// Dropout probability on the output of every layer except the last.
    #[config(default = 0.0)]
    pub dropout: f64,
    /// The options of the cell.
    #[config(default = "CellOptions::default()")]
    pub cell_options: CellOptions,
}

impl AnyRecurrentConfig {
    /// Sets [`CellOptions::retention_bias`]: the initial bias of an LSTM's forget gate or a GRU's update gate.
    pub fn with_retention_bias(mut self, retention_bias: impl Into<Option<f64>>) -> Self {
        self.cell_options = self.cell_options.with_retention_bias(retention_bias);
        self
    }

    /// Sets [`CellOptions::chrono_init`]: chrono initialization of an LSTM or a GRU.
    pub fn with_chrono_init(mut self, max_length: impl Into<Option<usize>>) -> Self {
        self.cell_options = self.cell_options.with_chrono_init(max_length);
        self
    }

    /// The number of parameters, without making the layer; `usize::MAX` stands for any larger number.
    #[must_use]
    pub fn num_parameters(&self) -> usize {
        let Self { cell, input_size, hidden_size: hidden, num_layers, bidirectional, .. } = *self;
        let (gates, biases) = match cell {
            CellKind::Rnn => (1, 1),
            CellKind::Lstm => (4, 4),
            // Applied after the recurrent product, the reset gate needs a bias of that product alone.
            CellKind::Gru => (3, if self.cell_options.reset_after { 4 } else { 3 }),
        };
        let biases = if self.cell_options.bias { biases } else { 0 };
        let directions = if bidirectional { 2 } else { 1 };
        let upper = num_layers.saturating_sub(1);
        sum_of_products([
            &[directions, gates, hidden, input_size],
            &[upper, directions, gates, hidden, directions, hidden],
            &[num_layers, directions, gates, hidden, hidden],
            &[num_layers, directions, biases, hidden],
        ])
    }

    /// Makes the layer with fresh weights.
    ///
    /// # Panics
    /// As [`RecurrentConfig::init`] does.
    pub fn init(&self, device: &Device) -> AnyRecurrent {
        match self.cell {
            CellKind::Rnn => AnyRecurrent::Rnn(self.stack().init(device)),
            CellKind::Lstm => AnyRecurrent::Lstm(self.stack().init(device)),
            CellKind::Gru => AnyRecurrent::Gru(self.stack().init(device)),
        }
    }

    fn stack<C: Cell>(&self) -> RecurrentConfig<C>
    where
        C::Options: for<'a> From<&'a CellOptions>,
    {
        self.cell_options
            .config(self.input_size, self.hidden_size)
            .with_num_layers(self.num_layers)
            .with_bidirectional(self.bidirectional)
            .with_dropout(self.dropout)
    }
}

/// Evaluates one expression for every variant of a layer or state.
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

/// The state of an [`AnyRecurrent`], tensors of `[num_layers * directions, batch, hidden]`.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "a layer has one at a time")]
pub enum AnyState {
    /// Of a vanilla RNN.
    Rnn(RnnState),
    /// Of an LSTM.
    Lstm(LstmState),
    /// Of a GRU.
    Gru(GruState),
}

impl AnyState {
    /// Builds a state from its tensors, in the order of [`into_parts`](Self::into_parts).
    ///
    /// # Panics
    /// If a tensor is missing.
    pub fn from_parts(cell: CellKind, parts: Vec<Tensor<3>>) -> Self {
        match cell {
            CellKind::Rnn => Self::Rnn(State::from_parts(parts)),
            CellKind::Lstm => Self::Lstm(State::from_parts(parts)),
            CellKind::Gru => Self::Gru(State::from_parts(parts)),
        }
    }

    /// The state's tensors, `[num_layers * directions, batch, hidden]` each; the hidden state comes first.
    #[must_use]
    pub fn into_parts(self) -> Vec<Tensor<3>> {
        for_any!(self, state => state.into_parts())
    }

    /// The state's tensors, as [`into_parts`](Self::into_parts) returns them.
    #[must_use]
    pub fn parts(&self) -> Vec<Tensor<3>> {
        self.clone().into_parts()
    }

    /// Applies `f` to each tensor.
    #[must_use]
    pub fn map(self, f: impl FnMut(Tensor<3>) -> Tensor<3>) -> Self {
        for_any!(self, state => state.map(f).into())
    }

    /// The kind of cell it is the state of.
    pub fn cell(&self) -> CellKind {
        match self {
            Self::Rnn(_) => CellKind::Rnn,
            Self::Lstm(_) => CellKind::Lstm,
            Self::Gru(_) => CellKind::Gru,
        }
    }

    /// The hidden state, `[num_layers * directions, batch, hidden]`.
    #[must_use]
    pub fn hidden(&self) -> Tensor<3> {
        for_any!(self, state => state.hidden())
    }

    /// The hidden state of the top layer, `[batch, hidden]`; see [`State::last_layer`].
    #[must_use]
    pub fn last_layer(&self) -> Tensor<2> {
        for_any!(self, state => state.last_layer())
    }

    /// The hidden states of both directions of the top layer, `[batch, 2 * hidden]`; see
    /// [`State::last_layer_bidirectional`].
    ///
    /// # Panics
    /// If the layer is not bidirectional.
    #[must_use]
    pub fn last_layer_bidirectional(&self) -> Tensor<2> {
        for_any!(self, state => state.last_layer_bidirectional())
    }

    /// The number of rows in the batch.
    pub fn batch(&self) -> usize {
        self.hidden().dims()[1]
    }

    /// The state of the rows at `indices [rows]`, in that order; rows may repeat or be left out.
    #[must_use]
    pub fn select_rows(&self, indices: Tensor<1, Int>) -> Self {
        self.clone().map(|part| part.select(1, indices.clone()))
    }

    /// Repeats each row `times` times: rows `a, b` become `a, a, b, b`.
    #[must_use]
    pub fn repeat_rows(&self, times: usize) -> Self {
        self.select_rows(repeated_rows(self.batch(), times, &self.hidden().device()))
    }

    /// Detaches the state from the autodiff graph; see [`State::detach`].
    #[must_use]
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
            /// If it is the state of another cell.
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
    /// The kind of cell.
    pub fn cell(&self) -> CellKind {
        match self {
            Self::Rnn(_) => CellKind::Rnn,
            Self::Lstm(_) => CellKind::Lstm,
            Self::Gru(_) => CellKind::Gru,
        }
    }

    /// [`Recurrent::forward`]: `x [batch, time, input]` → `[batch, time, directions * hidden]` and the final state,
    /// `[num_layers * directions, batch, hidden]`.
    ///
    /// # Panics
    /// As [`Recurrent::forward`] does, and if the state is of another cell.
    #[must_use]
    pub fn forward(&self, x: Tensor<3>, state: Option<AnyState>) -> (Tensor<3>, AnyState) {
        for_any!(self, layer => any(layer.forward(x, state.map(Into::into))))
    }

    /// [`Recurrent::forward_with_lengths`]: the same for rows of different lengths, `[batch]`.
    ///
    /// # Panics
    /// As [`Recurrent::forward_with_lengths`] does, and if the state is of another cell.
    #[must_use]
    pub fn forward_with_lengths(
        &self,
        x: Tensor<3>,
        lengths: &[usize],
        state: Option<AnyState>,
    ) -> (Tensor<3>, AnyState) {
        for_any!(self, layer => any(layer.forward_with_lengths(x, lengths, state.map(Into::into))))
    }

    /// [`Recurrent::step`]: `x [batch, input]` → `[batch, hidden]` and the next state.
    ///
    /// # Panics
    /// As [`Recurrent::step`] does, and if the state is of another cell.
    #[must_use]
    pub fn step(&self, x: Tensor<2>, state: Option<AnyState>) -> (Tensor<2>, AnyState) {
        for_any!(self, layer => any(layer.step(x, state.map(Into::into))))
    }

    /// [`Recurrent::streaming`]: a copy for low-latency inference on one row, from `state [num_layers, 1, hidden]`.
    ///
    /// # Panics
    /// As [`Recurrent::streaming`] does, and if the state is of another cell.
    #[cfg(feature = "cpu")]
    pub fn streaming(&self, state: Option<AnyState>) -> StreamingLayer {
        for_any!(self, layer => layer.streaming(state.map(Into::into)))
    }

    /// The top layer's final hidden state in all its directions, `[batch, directions * hidden]`.
    pub(crate) fn last_hidden(&self, state: &AnyState) -> Tensor<2> {
        if self.directions() == 1 { state.last_layer() } else { state.last_layer_bidirectional() }
    }

    /// A state of zeros for `batch` rows, `[num_layers * directions, batch, hidden]`, in the weights' precision.
    pub fn zero_state(&self, batch: usize, device: &Device) -> AnyState {
        for_any!(self, layer => layer.zero_state(batch, device).into())
    }

    /// The number of stacked layers.
    pub fn num_layers(&self) -> usize {
        for_any!(self, layer => layer.num_layers())
    }

    /// The number of directions, 1 or 2.
    pub fn directions(&self) -> usize {
        for_any!(self, layer => layer.directions())
    }

    /// Features of the input.
    pub fn input_size(&self) -> usize {
        for_any!(self, layer => layer.input_size())
    }

    /// Hidden units per direction.
    pub fn hidden_size(&self) -> usize {
        for_any!(self, layer => layer.hidden_size())
    }

    /// Features of the output: hidden units times directions.
    pub fn output_size(&self) -> usize {
        for_any!(self, layer => layer.output_size())
    }

    /// The summary's rows, one per stacked layer, for sequences of `time` steps.
    #[must_use]
    pub fn rows(&self, name: &str, time: usize) -> Vec<SummaryRow> {
        for_any!(self, layer => rows(layer, name, time))
    }
}

fn rows<C: Cell>(stack: &Recurrent<C>, name: &str, time: usize) -> Vec<SummaryRow> {
    let cell = if stack.directions() == 1 { C::NAME.into() } else { format!("Bidirectional {}", C::NAME) };
    let output = [time, stack.output_size()];
    let name = |depth: usize| match stack.layers.len() {
        1 => format!("{name} ({cell})"),
        _ => format!("{name}_{} ({cell})", depth + 1),
    };
    stack.layers.iter().enumerate().map(|(depth, layer)| SummaryRow::new(name(depth), &output, layer)).collect()
}

fn any<const D: usize, S: Into<AnyState>>((output, state): (Tensor<D>, S)) -> (Tensor<D>, AnyState) {
    (output, state.into())
}

#[cfg(test)]
mod tests {
    use burn::tensor::Distribution;
    use recurrent_kernels::Nonlinearity;

    use super::*;

    #[test]
    fn every_cell_steps_as_it_runs() {
        let device = Device::flex();
        for cell in CellKind::ALL {
            let layer = cell.init(2, 3, &device);
            assert_eq!((layer.cell(), layer.output_size()), (cell, 3));
            let x = Tensor::<3>::ones([1, 2, 2], &device);
            let (_, whole) = layer.forward(x, None);
            let (_, first) = layer.step(Tensor::ones([1, 2], &device), None);
            let (_, second) = layer.step(Tensor::ones([1, 2], &device), Some(first.detach()));
            second.hidden().into_data().assert_approx_eq::<f32>(&whole.hidden().into_data(), Default::default());
        }
    }

    #[test]
    #[should_panic(expected = "expected the state of a Gru")]
    fn state_of_another_cell_is_refused() {
        let device = Device::flex();
        let x = || Tensor::<3>::ones([1, 2, 2], &device);
        let (_, state) = CellKind::Lstm.init(2, 3, &device).forward(x(), None);
        let _ = CellKind::Gru.init(2, 3, &device).forward(x(), Some(state));
    }

    #[test]
    fn state_round_trips_through_its_parts_and_rows_are_selected() {
        let device = Device::flex();
        for cell in CellKind::ALL {
            let layer = AnyRecurrentConfig::new(cell, 2, 3).with_num_layers(2).with_bidirectional(true).init(&device);
            assert_eq!((layer.num_layers(), layer.directions(), layer.hidden_size()), (2, 2, 3));
            assert_eq!(layer.zero_state(5, &device).hidden().dims(), [4, 5, 3]);

            let x = Tensor::<3>::random([2, 4, 2], Distribution::Default, &device);
            let (_, state) = layer.forward(x, None);
            let again = AnyState::from_parts(cell, state.parts());
            assert_eq!(again.cell(), cell);
            let repeated = again.repeat_rows(2);
            assert_eq!((again.batch(), repeated.batch()), (2, 4));
            let selected = repeated.select_rows(Tensor::from_data([3, 0], &device));
            for (selected, part) in selected.into_parts().into_iter().zip(state.into_parts()) {
                assert_eq!(selected.into_data(), part.flip([1]).into_data());
            }
        }
    }

    #[test]
    fn last_layer_is_the_last_output() {
        let device = Device::flex();
        for cell in CellKind::ALL {
            let config = AnyRecurrentConfig::new(cell, 2, 3).with_num_layers(2);
            let x = Tensor::<3>::random([2, 4, 2], Distribution::Default, &device);

            let (output, state) = config.init(&device).forward(x.clone(), None);
            let last = output.narrow(1, 3, 1).squeeze_dim::<2>(1);
            assert_eq!(state.last_layer().into_data(), last.into_data());

            let layer = config.with_bidirectional(true).init(&device);
            let (output, state) = layer.forward(x, None);
            let forward = output.clone().narrow(1, 3, 1).narrow(2, 0, 3);
            let reverse = output.narrow(1, 0, 1).narrow(2, 3, 3);
            let both = Tensor::cat(vec![forward, reverse], 2).squeeze_dim::<2>(1);
            assert_eq!(state.last_layer_bidirectional().into_data(), both.into_data());
        }
    }

    #[test]
    fn cell_options_reach_the_cell() {
        let device = Device::flex();
        let options = CellOptions::new()
            .with_bias(false)
            .with_nonlinearity(Nonlinearity::Relu)
            .with_reset_after(false)
            .with_cell_clip(Some(2.0));
        let layer = |cell| AnyRecurrentConfig::new(cell, 2, 3).with_cell_options(options.clone()).init(&device);
        let AnyRecurrent::Rnn(rnn) = layer(CellKind::Rnn) else { panic!("an RNN") };
        let AnyRecurrent::Lstm(lstm) = layer(CellKind::Lstm) else { panic!("an LSTM") };
        let AnyRecurrent::Gru(gru) = layer(CellKind::Gru) else { panic!("a GRU") };
        assert_eq!(rnn.layers[0].forward.nonlinearity(), Nonlinearity::Relu);
        assert_eq!(lstm.layers[0].forward.cell_clip(), Some(2.0));
        assert!(!gru.layers[0].forward.reset_after());
        assert!(rnn.layers[0].forward.gates.bias.is_none());
    }

    #[test]
    fn config_round_trips_through_json() {
        let config = AnyRecurrentConfig::new(CellKind::Gru, 2, 3).with_chrono_init(50);
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<AnyRecurrentConfig>(&json).unwrap(), config);
        assert_eq!(serde_json::from_str::<CellOptions>("{}").unwrap(), CellOptions::new());
    }
}
