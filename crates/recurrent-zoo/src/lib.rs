//! Weights of recurrent layers from PyTorch, Keras and ONNX, and to all three.
//!
//! A layer of [`recurrent_models`] loads a stack out of a file in one line, and every file lists what is in it:
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use recurrent_models::LstmConfig;
//! use recurrent_zoo::{ExchangeWeights, WeightFile, pytorch};
//!
//! # fn main() -> recurrent_zoo::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("model.safetensors");
//! let device = Device::default();
//! let config = LstmConfig::new(8, 16).with_num_layers(2).with_bidirectional(true);
//!
//! // Out: names and layouts are PyTorch's, so `nn.LSTM.load_state_dict(..., strict=True)` takes them.
//! let lstm = config.init(&device);
//! pytorch::save(&path, &[("encoder.lstm", &lstm.to_weights()?)])?;
//!
//! // In: into a layer of the same sizes.
//! let lstm = config.init(&device).load_weights(&path, "encoder.lstm")?;
//!
//! // Or what is in the file, and a layer made for it.
//! let file = WeightFile::open(&path)?;
//! assert_eq!(file.to_string(), "encoder.lstm: LSTM(8, 16), 2 layers, bidirectional\n0 other tensors");
//! let layer = file.stack("encoder.lstm")?.init(&device)?;
//!
//! let x = Tensor::<3>::ones([1, 5, 8], &device);
//! assert_eq!(layer.forward(x.clone(), None).0.into_data(), lstm.forward(x, None).0.into_data());
//! # Ok(())
//! # }
//! ```
//!
//! | file | in | out | feature |
//! |---|---|---|---|
//! | safetensors with PyTorch's names | [`WeightFile`] | [`pytorch::save`] | |
//! | PyTorch's `.pt`, `.pth`, `.bin` | [`WeightFile`] | | `pytorch` |
//! | Keras's `.weights.h5` | [`WeightFile`] | `keras::save` | `keras` |
//! | Keras's `.keras`, and `.h5` of Keras 2 and 3 | [`WeightFile`] | | `keras` |
//! | ONNX's `RNN`, `LSTM` and `GRU` nodes | [`WeightFile`] | `onnx::save` | `onnx` |
//!
//! All features are on by default.
//!
//! # What is in between
//! [`StackWeights`] are the weights apart from any framework: kind of cell, sizes, and matrices in PyTorch's layout.
//! What differs is converted: transposed matrices, the order of gates, one bias per gate or two, and where a GRU's
//! reset gate is applied. What a file does not say, such as the activation of PyTorch's RNN, stays open (see
//! [`CellVariant`]): a layer of your own decides it, and [`StackWeights::init`] asks for it.
//!
//! # What is refused
//! A conversion is the same function or an error. Refused, with its name, is what the layers here do not have:
//! projections (`proj_size`), peepholes, activations other than tanh, sigmoid and an RNN's relu (`hard_sigmoid` of old
//! Keras models, for one), ONNX's `clip` and `input_forget`, a Keras `merge_mode` other than `concat`, `go_backwards`,
//! weight drop and other reparametrizations. So is on export what the other framework does not have: PyTorch's GRU is
//! always reset-after, and no framework clips an LSTM's cell state.
//!
//! # Untrusted files
//! A file is somebody else's. None runs anything (a pickle's calls are not called), opens another file, or makes this
//! crate panic; what is allocated is at most proportional to the file's size. A stack is loaded whole or not at all.

#[cfg(any(feature = "pytorch", feature = "keras"))]
mod archive;
mod error;
mod file;
#[cfg(feature = "keras")]
pub mod keras;
mod layer;
mod network;
#[cfg(feature = "onnx")]
pub mod onnx;
pub mod pytorch;
mod stack;
mod tensors;

pub use error::{Error, Result};
pub use file::{Format, NamedStack, RefusedStack, WeightFile};
pub use layer::ExchangeWeights;
pub use network::{AttentionWeights, DenseWeights, Head, Matrix, NetworkModules, NetworkParts, NetworkWeights};
#[cfg(feature = "onnx")]
#[doc(no_inline)]
pub use onnx::OnnxOptions;
pub use stack::{CellVariant, CellWeights, LayerWeights, StackWeights};
pub use tensors::TensorInfo;

/// The README's examples, compiled as doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
