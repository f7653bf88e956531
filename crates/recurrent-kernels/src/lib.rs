//! Recurrent operations over whole sequences, on Burn tensors.
//!
//! This crate holds the time loops of recurrent layers: the vanilla RNN, the LSTM and the GRU. It knows tensors and
//! equations; parameters, stacks of layers and initialization are in `recurrent-models`, which most programs should use.
//!
//! - [`lstm_scan`], [`gru_scan`], [`rnn_scan`] run one layer in one direction over a sequence `[batch, time, input]` and
//!   return the hidden state of every step and the final [state](State);
//! - [`lstm_layer`], [`gru_layer`], [`rnn_layer`] run one layer forward or bidirectionally;
//! - [`lstm_step`], [`gru_step`], [`rnn_step`] compute one step of the same equations, for streaming;
//! - [`scan_steps`] is the time loop by itself, for a cell of your own;
//! - [`token_log_probs`] is what a loss over a vocabulary needs of a softmax;
//! - [`embedding_bag`] adds rows of a table of embeddings;
//! - [`ctc_loss`] is the loss of a sequence of labels whose times are not known;
//! - [`adam_step`] and [`sum_of_squares`] are a gradient step and the norm of its gradients, in a pass over memory each.
//!
//! Weight matrices are `[in, out]` with all gates side by side in PyTorch's order ([`Weights`]). Rows of a batch may
//! differ in length ([`Scan::lengths`]). A batch may be empty: the results then have no elements, and the gradients of
//! the weights are zero. A sequence must have at least one step.
//!
//! # Two implementations
//!
//! The *fused* implementation runs a whole scan as a single operation, forward and backward. It exists for the CPU
//! backends Flex and NdArray in single precision (`cpu`) and for CubeCL's backends (wgpu, Vulkan, Metal, CUDA) in
//! single and half precision (`gpu`). It needs this crate's Cargo feature of the backend's name, not only Burn's;
//! [`is_fused`] tells whether it is used.
//!
//! The [*reference*](mod@reference) implementation is made of tensor operations and runs on every backend of Burn, with and
//! without autodiff. The scans fall back to it, and the tests compare the fused implementation with it. Its time and
//! memory are linear in the length of the sequence, in training too (see [`unbind()`]).
//!
//! The fused implementation follows Burn's gradient checkpointing (`device.autodiff().gradient_checkpointing()`): a CPU
//! then saves only some of the states for the backward pass, a GPU saves nothing, and the rest is recomputed.
//!
//! # Example
//!
//! ```
//! use burn::tensor::{Device, Distribution, Tensor};
//! use recurrent_kernels::{LstmState, Scan, State, Weights, lstm_scan};
//!
//! let device = Device::default();
//! let random = |shape| Tensor::<2>::random(shape, Distribution::Normal(0.0, 0.1), &device);
//! let (batch, time, input, hidden) = (2, 5, 3, 4);
//! let weights = Weights {
//!     w_ih: random([input, 4 * hidden]),
//!     w_hh: random([hidden, 4 * hidden]),
//!     bias: None,
//! };
//! let x = Tensor::<3>::random([batch, time, input], Distribution::Default, &device);
//!
//! let scanned = lstm_scan(x, weights, None, LstmState::zeros([batch, hidden], &device), &Scan::default());
//!
//! assert_eq!(scanned.output.dims(), [batch, time, hidden]);
//! assert_eq!(scanned.state.cell.dims(), [batch, hidden]);
//! ```

#[cfg(any(feature = "cpu", feature = "gpu"))]
mod autograd;
mod cell;
#[cfg(feature = "cpu")]
#[allow(unsafe_code, reason = "speed: vector instructions, and one buffer shared by tasks with disjoint rows")]
pub mod cpu;
mod ctc;
mod dispatch;
mod embedding_bag;
mod empty_batch;
#[cfg(any(feature = "cpu", feature = "gpu"))]
mod equations;
#[cfg(any(feature = "cpu", feature = "gpu"))]
mod fused;
#[cfg(feature = "gpu")]
pub mod gpu;
mod gradient_step;
mod gru;
#[cfg(feature = "cpu")]
mod host;
mod layer;
#[cfg(any(feature = "cpu", feature = "gpu"))]
mod layout;
mod lstm;
pub mod reference;
mod rnn;
mod scan;
mod state;
mod token_log_probs;
mod unbind;
mod weights;

#[cfg(feature = "cpu")]
pub use cpu::release_buffers;
pub use ctc::{ctc_loss, ctc_min_frames};
pub use dispatch::is_fused;
pub use embedding_bag::embedding_bag;
#[cfg(any(feature = "cpu", feature = "gpu"))]
pub use equations::Equations;
pub use gradient_step::{AdamFactors, adam_step, scale, sum_of_squares};
pub use gru::{GruGates, GruState, Reset, gru_step};
pub use layer::{gru_layer, gru_scan, lstm_layer, lstm_scan, rnn_layer, rnn_scan};
#[cfg(any(feature = "cpu", feature = "gpu"))]
pub use layout::Layout;
pub use lstm::{LstmGates, LstmState, lstm_step};
pub use rnn::{Nonlinearity, RnnState, rnn_step};
pub use scan::{Direction, Scan, Scanned, check_lengths, scan_steps};
pub use state::{State, stack_states};
pub use token_log_probs::{TokenLogProbs, token_log_probs};
pub use unbind::unbind;
pub use weights::Weights;

#[doc(hidden)] // for `impl_state!` in crates that import Burn under another name
pub use burn;

/// The README's examples, compiled as doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
