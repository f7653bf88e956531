//! Recurrent layers and networks for [Burn](burn): the model zoo.
//!
//! Three layers, [`Lstm`], [`Gru`] and [`Rnn`], with everything one expects of them: any number of layers, one or two
//! directions, dropout between layers, given and returned [states](State), rows of different lengths, and the same
//! weights for whole sequences ([`forward`](Recurrent::forward)) and for one step at a time
//! ([`step`](Recurrent::step)).
//!
//! ```
//! use burn::tensor::{Device, Distribution, Tensor};
//! use recurrent_models::{LstmConfig, State};
//!
//! let device = Device::default();
//! let lstm = LstmConfig::new(8, 16).with_num_layers(2).init(&device);
//! let x = Tensor::<3>::random([4, 10, 8], Distribution::Default, &device);
//!
//! // A batch of sequences, from a state of zeros.
//! let (output, state) = lstm.forward(x.clone(), None, None);
//! assert_eq!(output.dims(), [4, 10, 16]);
//! assert_eq!(state.cell.dims(), [2, 4, 16]);
//!
//! // The same, step by step.
//! let mut state = None;
//! for t in 0..10 {
//!     let (_output, next) = lstm.step(x.clone().narrow(1, t, 1).squeeze_dim(1), state);
//!     state = Some(next);
//! }
//! assert_eq!(state.unwrap().hidden().dims(), [2, 4, 16]);
//! ```
//!
//! # How it is built
//!
//! - [`cells`]: one file a cell: its parameters, its options, how it starts. The equations are in `recurrent-kernels`.
//! - [`Bidirectional`]: one layer, in one direction or both.
//! - [`Recurrent`]: the stack of layers. `Lstm`, `Gru` and `Rnn` are names for it over a cell.
//! - `Stream` (feature `cpu`, which `flex` and `ndarray` bring along): a stack on a live signal, step by step.
//! - [`AnyRecurrent`]: the three behind one type, for programs that choose at run time.
//! - [`Attention`]: where to look in a sequence.
//! - [`networks`]: whole networks: a forecaster, a language model, a translator and a classifier.
//! - [`torch`]: to and from PyTorch's weights. [`Summary`]: what a network is made of.
//!
//! There is no file, no loss and no data here, and nothing that can fail but for wrong shapes, which panic at the
//! layer's door with what was expected and what came.

mod any;
mod attention;
mod bidirectional;
mod cell;
pub mod cells;
mod choice;
mod config;
pub mod networks;
mod padding;
mod recurrent;
mod saved;
#[cfg(feature = "cpu")]
mod stream;
mod summary;
pub mod torch;

pub use any::{AnyRecurrent, AnyRecurrentConfig, AnyState, CellKind};
pub use attention::{Attended, Attention, AttentionConfig, AttentionKind, AttentionMemory};
pub use bidirectional::Bidirectional;
pub use cell::{Cell, CellShape, GateParams};
pub use cells::gru::{Gru, GruConfig};
pub use cells::lstm::{Lstm, LstmConfig};
pub use cells::rnn::{Rnn, RnnConfig};
pub use config::RecurrentConfig;
pub use recurrent::Recurrent;
pub use recurrent_kernels as kernels;
pub use recurrent_kernels::{Direction, GruState, LstmState, Nonlinearity, RnnState, State};
pub use saved::SavedState;
#[cfg(feature = "cpu")]
pub use stream::{Stream, StreamCell};
pub use summary::{Summarize, Summary, SummaryRow};
