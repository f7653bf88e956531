//! One file a cell. A new one needs its state, its parameters, its options and one step of its equations: implement
//! [`Cell`](crate::Cell), give the layer a name (`type Mgu = Recurrent<MguCell>`), and it has layers, directions,
//! dropout, lengths, states and a summary. `tests/new_cell.rs` does it for a minimal gated unit.
//!
//! The equations of these three are in `recurrent-kernels`, for whole sequences of them are worth a kernel.

pub mod gru;
pub mod lstm;
pub mod rnn;
