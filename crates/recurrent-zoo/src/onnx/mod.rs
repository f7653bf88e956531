//! ONNX: the nodes `RNN`, `LSTM` and `GRU` in and out.
//!
//! A node is one layer in one direction or both, so each is a stack of one layer; [`WeightFile::stacked`] joins them.
//! Its weights are `W [directions, gates * hidden, input]`, `R [directions, gates * hidden, hidden]` and `B
//! [directions, 2 * gates * hidden]`, with the gates of an LSTM as i, o, f, c and those of a GRU as z, r, h.
//!
//! Only weights are read: what else the graph does with a node's inputs and outputs is the reader's to know, an initial
//! state that the model holds included. Nodes in the bodies of loops and conditions are not searched. Refused are
//! `direction` reverse alone, activations other than the defaults (and relu of an `RNN`), `clip`, `input_forget`,
//! peepholes (input `P`), weights that other nodes compute, and data outside of the file.
//!
//! [`WeightFile::stacked`]: crate::WeightFile::stacked

mod convert;
mod network;
mod read;
mod schema;
mod wire;
mod write;

use std::path::Path;

pub use network::network_to_onnx;
pub(crate) use read::read;
pub use write::{OnnxOptions, to_onnx};

use crate::{Result, StackWeights, file};

/// Writes a model of one stack: see [`to_onnx`].
///
/// # Errors
/// As [`to_onnx`], and if the file cannot be written.
pub fn save(path: impl AsRef<Path>, name: &str, stack: &StackWeights, options: &OnnxOptions) -> Result<()> {
    file::write(path.as_ref(), to_onnx(name, stack, options))
}
