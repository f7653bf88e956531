//! Whole-sequence recurrent operations on Burn tensors.
//!
//! A recurrent layer spends its life in one loop: the same few products and gates, once for every step of time.
//! This crate owns that loop. It knows tensors and equations; parameters, stacks of layers and initialisation live in
//! `recurrent-models`.
//!
//! - [`lstm_scan`], [`gru_scan`], [`rnn_scan`] run one layer in one direction over a whole sequence
//!   `[batch, time, input]` and return every hidden state and the last [state](State);
//! - [`lstm_layer`], [`gru_layer`], [`rnn_layer`] run one layer forward or in both directions;
//! - [`lstm_step`], [`gru_step`], [`rnn_step`] are one step of the same equations, for streaming;
//! - [`scan_steps`] is the loop itself, for a cell of your own.
//!
//! There are two ways through a sequence. On the CPU backends Flex and NdArray in single precision, and on CubeCL's (wgpu,
//! Vulkan, Metal, CUDA) in single and half precision, a scan is *one* operation, forward and back, the fused one;
//! [`is_fused`] tells. It asks for this crate's feature of the backend's name: Burn's alone does not do. Everywhere else a
//! scan is made of tensor operations, so it runs on each of Burn's backends, with and without autodiff: the [`plain`]
//! path, which is also the oracle that the fused operation is held against. Its time and memory grow linearly with the
//! sequence, also in training, which a loop over slices of one tracked tensor does not manage (see [`unstack`]).
//!
//! The fused operation heeds Burn's gradient checkpointing (`device.autodiff().gradient_checkpointing()`): on a CPU it
//! then keeps a few states of a sequence for the way back and computes the rest again, on a GPU it keeps nothing and
//! computes all of it again.
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

#[cfg(feature = "cpu")]
#[allow(unsafe_code, reason = "speed: vector instructions, and one buffer shared by tasks with rows of their own")]
pub mod cpu;
#[cfg(any(feature = "cpu", feature = "gpu"))]
mod fused;
#[cfg(feature = "gpu")]
pub mod gpu;
mod gru;
#[cfg(feature = "cpu")]
mod host;
mod layer;
mod lstm;
#[cfg(any(feature = "cpu", feature = "gpu"))]
mod pass;
pub mod plain;
mod rnn;
mod scan;
mod state;
mod unstack;
mod weights;

#[cfg(feature = "cpu")]
pub use cpu::release_buffers;
pub use gru::{GruGates, GruState, Reset, gru_layer, gru_scan, gru_step};
pub use layer::is_fused;
pub use lstm::{LstmGates, LstmState, lstm_layer, lstm_scan, lstm_step};
#[cfg(any(feature = "cpu", feature = "gpu"))]
pub use pass::{Equations, Layout};
pub use rnn::{Nonlinearity, RnnState, rnn_layer, rnn_scan, rnn_step};
pub use scan::{Direction, Scan, Scanned, check_lengths, scan_steps};
pub use state::State;
pub use unstack::unstack;
pub use weights::Weights;

#[doc(hidden)] // for `impl_state!`, in crates that name Burn otherwise
pub use burn;
