//! Keras: `.keras`, `.weights.h5` and `.h5` in, `.weights.h5` out.
//!
//! Keras's recurrent layers are single ones, so each is a stack of one layer; [`WeightFile::stacked`] joins them.
//! Weights are `kernel [input, gates * units]`, `recurrent_kernel [units, gates * units]` and `bias`, with the gates of
//! an LSTM in the order here and those of a GRU as z, r, h. A GRU with `reset_after=True` has a bias of `[2, 3 *
//! units]`, one without of `[3 * units]`.
//!
//! A `.keras` file and a whole model in `.h5` hold the model's configuration, too. It is checked: activations other
//! than Keras's defaults (and relu of a `SimpleRNN`), `go_backwards` and a `merge_mode` other than `concat` are
//! refused. A `.weights.h5` has the weights alone: it does not say whether a `SimpleRNN` is tanh or relu, nor whether
//! someone has changed an activation of an LSTM or GRU, whose defaults are assumed.
//!
//! [`WeightFile::stacked`]: crate::WeightFile::stacked

mod config;
mod convert;
mod hdf5;
mod read;
mod write;

use std::path::Path;

pub(crate) use read::{read_hdf5, read_keras};
pub use write::{network_to_weights_h5, to_weights_h5};

use crate::{Result, StackWeights, file};

/// Writes stacks into a `.weights.h5` file that a Keras 3 model of the same layers loads.
///
/// # Errors
/// As [`to_weights_h5`], and if the file cannot be written.
pub fn save(path: impl AsRef<Path>, stacks: &[(&str, &StackWeights)]) -> Result<()> {
    file::write(path.as_ref(), to_weights_h5(stacks))
}
