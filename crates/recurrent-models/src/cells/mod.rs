//! One file a cell. A new one needs its parameters, its options and one step of its equations: implement
//! [`Cell`](crate::Cell), give the layer a name (`type Mgu = Recurrent<MguCell>`), and it has layers, directions,
//! dropout, lengths, states and a summary.

pub mod gru;
pub mod lstm;
pub mod rnn;
