//! PyTorch: safetensors in and out, `.pt` and `.pth` in.
//!
//! A file of PyTorch's is a dictionary of tensors. The names of `nn.RNN`, `nn.LSTM` and `nn.GRU` say layer and
//! direction (`weight_ih_l0`, `weight_hh_l1_reverse`), those of `nn.LSTMCell` and the like say neither (`weight_ih`).
//! What comes before is the module's name. The kind of cell follows from the shapes: `weight_hh` is `[gates * hidden,
//! hidden]`. Whether an RNN's activation is tanh or relu is in no file; PyTorch's GRU is always reset-after.
//!
//! A `.pt` is a pickle, a program for a small machine that usually may call any function of Python. Here a reader of
//! its own understands the instructions that dictionaries of tensors need, and calls nothing. It reads the zip files of
//! PyTorch 1.6 and later and the stream before, dictionaries in each other, and the parameters of a whole pickled
//! module; TorchScript archives, big-endian files and tensors that are not dense are refused. Where you can, use
//! safetensors.

#[cfg(feature = "pytorch")]
mod checkpoint;
#[cfg(feature = "pytorch")]
mod pickle;
mod safetensors;
mod state_dict;

use std::path::Path;

pub(crate) use self::safetensors::read_safetensors;
pub use self::safetensors::{StateDict, network_to_safetensors, to_safetensors};
pub(crate) use self::state_dict::unwrapped;
#[cfg(feature = "pytorch")]
pub(crate) use checkpoint::read_checkpoint;

use crate::{Result, StackWeights, file};

/// The pickled magic number of files from before PyTorch 1.6.
pub(crate) const LEGACY_MAGIC: [u8; 14] =
    [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// Writes stacks into a safetensors file with PyTorch's names.
///
/// # Errors
/// As [`to_safetensors`], and if the file cannot be written.
pub fn save(path: impl AsRef<Path>, stacks: &[(&str, &StackWeights)]) -> Result<()> {
    file::write(path.as_ref(), to_safetensors(stacks))
}
