//! The cells, one file each: parameters, options and initialization.
//!
//! To add one, implement [`Cell`](crate::Cell) (its documentation has a whole example) and name the layer:
//! `type Mgu = Recurrent<MguCell>`. It then has stacked layers, directions, dropout, lengths, states and a summary.
//!
//! The equations of these three are in `recurrent-kernels`, which also has fused kernels for them.

pub mod gru;
pub mod lstm;
pub mod rnn;
