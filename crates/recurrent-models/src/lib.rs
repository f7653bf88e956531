//! Recurrent layers and networks for [Burn](burn).
//!
//! [`Lstm`], [`Gru`] and [`Rnn`] are used like those of `burn::nn` and `torch.nn`: `forward(x, state)` over a batch of
//! sequences `[batch, time, input]`. They also have stacked layers, two directions, dropout between layers, initial and
//! final [states](State), rows of different lengths ([`forward_with_lengths`](Recurrent::forward_with_lengths)) and one
//! step at a time ([`step`](Recurrent::step)) with the same weights. On the CPU backends and on GPUs a whole sequence is
//! one fused operation.
//!
//! ```
//! use burn::tensor::{Device, Distribution, Tensor};
//! use recurrent_models::{LstmConfig, State};
//!
//! let device = Device::default(); // in training: Device::default().autodiff()
//! let lstm = LstmConfig::new(8, 16).with_num_layers(2).init(&device);
//! let x = Tensor::<3>::random([4, 10, 8], Distribution::Default, &device);
//!
//! let (output, state) = lstm.forward(x.clone(), None);
//! assert_eq!(output.dims(), [4, 10, 16]);
//! assert_eq!(state.last_layer().dims(), [4, 16]);
//!
//! // Rows of different lengths, padded to 10 steps.
//! let (_output, state) = lstm.forward_with_lengths(x.clone(), &[10, 7, 3, 1], None);
//!
//! // One more step, from the state after the sequence.
//! let (output, _state) = lstm.step(x.narrow(1, 9, 1).squeeze_dim(1), Some(state));
//! assert_eq!(output.dims(), [4, 16]);
//! ```
//!
//! - [`RecurrentConfig`]: sizes and options, and how weights are initialized. [`Recurrent`]: the stack of layers, generic
//!   over a [`Cell`]; a cell of your own gets all of it.
//! - [`AnyRecurrent`]: the three layers behind one type, for programs that choose the cell at run time.
//! - `StreamingLayer` (feature `cpu`, which `flex` and `ndarray` enable): a stack on a live signal, without tensors.
//! - [`networks`]: whole networks for forecasting, language modeling, translation, classification and tagging, built from
//!   these layers and [`Attention`].
//! - [`torch`]: import from and export to PyTorch's weights. [`Summary`]: the table of a network's layers.
//! - [`SavedState`]: states that are saved and loaded like modules.
//!
//! Nothing here reads files, computes losses or returns errors. Wrong shapes and settings panic at the call, with what was
//! expected and what was given. [`Recurrent`] documents empty batches and sequences.

mod any;
mod attention;
mod cell;
pub mod cells;
mod choice;
mod config;
mod empty_batch;
mod layer;
pub mod networks;
mod options;
mod padding;
mod parameters;
mod recurrent;
mod saved;
#[cfg(feature = "cpu")]
mod streaming;
mod summary;
pub mod torch;

pub use any::{AnyRecurrent, AnyRecurrentConfig, AnyState, CellKind};
pub use attention::{Attention, AttentionConfig, AttentionKind, AttentionMemory, AttentionOutput};
pub use cell::{Cell, CellShape, GateParams};
pub use cells::gru::{Gru, GruConfig};
pub use cells::lstm::{Lstm, LstmConfig};
pub use cells::rnn::{Rnn, RnnConfig};
pub use config::RecurrentConfig;
pub use layer::RecurrentLayer;
pub use options::CellOptions;
pub use recurrent::Recurrent;
/// The whole-sequence operations that the layers are built on.
#[doc(inline)]
pub use recurrent_kernels as kernels;
#[doc(inline)]
pub use recurrent_kernels::{Direction, GruState, LstmState, Nonlinearity, RnnState, State};
pub use saved::SavedState;
#[cfg(feature = "cpu")]
pub use streaming::{StreamingCell, StreamingDense, StreamingLayer};
pub use summary::{Summarize, Summary, SummaryRow};

/// The README's examples, compiled as doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
