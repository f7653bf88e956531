//! The three layers behind one type.

use std::fmt;
use std::str::FromStr;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use recurrent_kernels::{GruState, LstmState, RnnState, State};
use serde::{Deserialize, Serialize};

use crate::{Gru, GruConfig, Lstm, LstmConfig, Rnn, RnnConfig};

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

impl CellKind {
    /// All of them, in the order of their history.
    pub const ALL: [Self; 3] = [Self::Rnn, Self::Lstm, Self::Gru];

    /// A layer of this kind with its cell's default options, one layer deep and in one direction.
    pub fn init(self, input_size: usize, hidden_size: usize, device: &Device) -> AnyRecurrent {
        match self {
            Self::Rnn => AnyRecurrent::Rnn(RnnConfig::new(input_size, hidden_size).init(device)),
            Self::Lstm => AnyRecurrent::Lstm(LstmConfig::new(input_size, hidden_size).init(device)),
            Self::Gru => AnyRecurrent::Gru(GruConfig::new(input_size, hidden_size).init(device)),
        }
    }
}

impl fmt::Display for CellKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rnn => "rnn",
            Self::Lstm => "lstm",
            Self::Gru => "gru",
        })
    }
}

impl FromStr for CellKind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.to_string() == name)
            .ok_or_else(|| format!("unknown model `{name}`: expected rnn, lstm or gru"))
    }
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
    /// The hidden state, `[layers * directions, batch, hidden]`.
    pub fn hidden(&self) -> Tensor<3> {
        match self {
            Self::Rnn(state) => state.hidden(),
            Self::Lstm(state) => state.hidden(),
            Self::Gru(state) => state.hidden(),
        }
    }

    /// Cuts the state out of the autodiff graph; see [`State::detach`].
    pub fn detach(self) -> Self {
        match self {
            Self::Rnn(state) => Self::Rnn(state.detach()),
            Self::Lstm(state) => Self::Lstm(state.detach()),
            Self::Gru(state) => Self::Gru(state.detach()),
        }
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

    /// [`Recurrent::forward`](crate::Recurrent::forward): `x [batch, time, input]` → `[batch, time, directions * hidden]` and the final state.
    pub fn forward(&self, x: Tensor<3>, state: Option<AnyState>, lengths: Option<&[usize]>) -> (Tensor<3>, AnyState) {
        match self {
            Self::Rnn(layer) => any(layer.forward(x, state.map(Into::into), lengths)),
            Self::Lstm(layer) => any(layer.forward(x, state.map(Into::into), lengths)),
            Self::Gru(layer) => any(layer.forward(x, state.map(Into::into), lengths)),
        }
    }

    /// [`Recurrent::step`](crate::Recurrent::step): `x [batch, input]` → `[batch, hidden]` and the next state.
    pub fn step(&self, x: Tensor<2>, state: Option<AnyState>) -> (Tensor<2>, AnyState) {
        match self {
            Self::Rnn(layer) => any(layer.step(x, state.map(Into::into))),
            Self::Lstm(layer) => any(layer.step(x, state.map(Into::into))),
            Self::Gru(layer) => any(layer.step(x, state.map(Into::into))),
        }
    }

    /// Features of the output: hidden units times directions.
    pub fn output_size(&self) -> usize {
        match self {
            Self::Rnn(layer) => layer.output_size(),
            Self::Lstm(layer) => layer.output_size(),
            Self::Gru(layer) => layer.output_size(),
        }
    }
}

fn any<const D: usize, S: Into<AnyState>>((output, state): (Tensor<D>, S)) -> (Tensor<D>, AnyState) {
    (output, state.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_steps_as_it_runs_with_its_own_state() {
        let device = Device::flex();
        for kind in CellKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
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
}
