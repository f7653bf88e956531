//! A file of weights, of any format.

use std::collections::BTreeMap;
use std::path::Path;

use crate::network::Matrix;
use crate::{Error, Result, StackWeights, TensorInfo, pytorch};

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Safetensors, with PyTorch's names.
    Safetensors,
    /// `torch.save`: `.pt`, `.pth`, `.bin`.
    Pytorch,
    /// Keras 3's `.keras`.
    Keras,
    /// HDF5: Keras's `.weights.h5` and `.h5`.
    KerasHdf5,
    /// An ONNX model.
    Onnx,
}

impl Format {
    /// The format of a file that begins with, or is, `bytes`.
    fn detect(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(b"\x89HDF\r\n\x1a\n") {
            Some(Self::KerasHdf5)
        } else if bytes.starts_with(b"PK\x03\x04") {
            Some(if is_keras(bytes) { Self::Keras } else { Self::Pytorch })
        } else if bytes.starts_with(&pytorch::LEGACY_MAGIC) {
            Some(Self::Pytorch)
        } else if bytes.get(4..9) == Some(b"\0\0\0\0{") {
            Some(Self::Safetensors)
        } else if bytes.first() == Some(&0x08) {
            // A model's first field is the version of its format.
            Some(Self::Onnx)
        } else {
            None
        }
    }
}

/// Whether a zip file is Keras's. What is broken is left to its reader.
#[cfg(any(feature = "pytorch", feature = "keras"))]
fn is_keras(bytes: &[u8]) -> bool {
    let names = crate::archive::ZipReader::new(bytes, "zip").map(|zip| zip.names());
    names.is_ok_and(|names| names.iter().any(|name| name == "model.weights.h5"))
}

#[cfg(not(any(feature = "pytorch", feature = "keras")))]
fn is_keras(_bytes: &[u8]) -> bool {
    false
}

/// Writes the bytes of a file, if they could be made.
///
/// # Errors
/// As their making, or if the file cannot be written. The errors name the file.
pub(crate) fn write(path: &Path, bytes: Result<Vec<u8>>) -> Result<()> {
    let bytes = bytes.map_err(|error| error.in_file(path))?;
    std::fs::write(path, bytes).map_err(|source| Error::Io { action: "write", path: path.into(), source })
}

/// A recurrent stack in a file.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct NamedStack {
    /// The name to load it by: in PyTorch's files the module's, without the wrappers of data-parallel training, of
    /// compilation and of a checkpoint's dictionary; in Keras's the layer's; in ONNX's the node's. Empty where the file
    /// holds the layer alone.
    pub name: String,
    /// The whole name or path in the file, which loads it, too.
    pub path: String,
    /// Its weights.
    pub weights: StackWeights,
}

/// A stack that looks recurrent and cannot be loaded.
#[derive(Debug)]
#[non_exhaustive]
pub struct RefusedStack {
    /// Its name.
    pub name: String,
    /// Its path in the file.
    pub path: String,
    /// Why.
    pub error: Error,
}

/// A matrix that is no recurrent layer's: an embedding, or the weights of a dense layer.
#[derive(Debug)]
pub(crate) struct NamedMatrix {
    /// The tensor's name.
    pub(crate) name: String,
    pub(crate) usage: Usage,
    /// As in the file: see [`Usage`].
    pub(crate) matrix: Result<Matrix>,
}

/// What a file says of a matrix.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Usage {
    /// Whether it is an embedding or a dense layer's, if the file says so.
    pub(crate) is_embedding: Option<bool>,
    /// Whether it is `[inputs, outputs]` if it is a dense layer's, instead of `[outputs, inputs]`.
    pub(crate) inputs_first: bool,
    /// The tensor that is added to its products.
    pub(crate) bias: Option<String>,
}

/// What becomes of the tensors that are no recurrent layer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Others {
    /// They are listed. Most files are read for a layer, and hold far more.
    Listed,
    /// Their values are read, too, for a whole network.
    Read,
}

/// What a reader has found.
#[derive(Debug)]
pub(crate) struct Contents {
    of_others: Others,
    pub(crate) stacks: Vec<NamedStack>,
    pub(crate) refused: Vec<RefusedStack>,
    pub(crate) others: Vec<TensorInfo>,
    /// Those of the others that have two dimensions, if they are read.
    pub(crate) matrices: Vec<NamedMatrix>,
    /// Those that have one, if they are read.
    pub(crate) vectors: BTreeMap<String, Result<Vec<f32>>>,
}

impl Contents {
    pub(crate) fn new(of_others: Others) -> Self {
        let (stacks, refused, others, matrices) = Default::default();
        Self { of_others, stacks, refused, others, matrices, vectors: BTreeMap::new() }
    }

    /// Adds a stack, or why it cannot be loaded.
    pub(crate) fn add(&mut self, name: impl Into<String>, path: impl Into<String>, weights: Result<StackWeights>) {
        let (name, path) = (name.into(), path.into());
        match weights {
            Ok(weights) => self.stacks.push(NamedStack { name, path, weights }),
            Err(error) => self.refused.push(RefusedStack { name, path, error }),
        }
    }

    /// Adds a tensor that is no recurrent layer's.
    pub(crate) fn add_other(&mut self, info: TensorInfo, usage: Usage, values: impl FnOnce() -> Result<Vec<f32>>) {
        let name = info.name.clone();
        match info.shape[..] {
            _ if self.of_others == Others::Listed => {}
            [_] => {
                self.vectors.insert(name, values());
            }
            [rows, columns] => {
                let matrix = values().and_then(|values| Matrix::new(rows, columns, values));
                self.matrices.push(NamedMatrix { name, usage, matrix });
            }
            _ => {}
        }
        self.others.push(info);
    }
}

/// The recurrent stacks of a file, and what else is in it.
///
/// All that is recurrent is read and checked at once, so that a list of stacks is one of stacks that load. Displayed,
/// it is that list:
///
/// ```text
/// encoder: LSTM(16, 32), 2 layers, bidirectional
/// decoder: GRU (reset after)(64, 64)
/// not loaded: proj: tensor `proj.weight_hr_l0`: projections (proj_size) are not supported
/// 4 other tensors
/// ```
#[derive(Debug)]
pub struct WeightFile {
    format: Format,
    bytes: Vec<u8>,
    pub(crate) contents: Contents,
}

impl WeightFile {
    /// Reads a file; its format follows from its first bytes.
    ///
    /// # Errors
    /// If it cannot be read, is of no known format, of one whose feature is off, or broken. A single stack that cannot
    /// be loaded is no error here: see [`refused`](Self::refused). The errors name the file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|source| Error::Io { action: "read", path: path.into(), source })?;
        Self::from_bytes(bytes).map_err(|error| error.in_file(path))
    }

    /// The same of bytes in memory.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self> {
        let Some(format) = Format::detect(&bytes) else {
            let reason = "it is neither safetensors, PyTorch, Keras (HDF5 or .keras) nor ONNX".into();
            return Err(Error::Malformed { format: "weights", reason });
        };
        Self::read(format, bytes, Others::Listed)
    }

    fn read(format: Format, bytes: Vec<u8>, others: Others) -> Result<Self> {
        let contents = match format {
            Format::Safetensors => pytorch::read_safetensors(&bytes, others)?,
            #[cfg(feature = "pytorch")]
            Format::Pytorch => pytorch::read_checkpoint(&bytes, others)?,
            #[cfg(not(feature = "pytorch"))]
            Format::Pytorch => return Err(Error::MissingFeature { format: "PyTorch", feature: "pytorch" }),
            #[cfg(feature = "keras")]
            Format::Keras => crate::keras::read_keras(&bytes, others)?,
            #[cfg(feature = "keras")]
            Format::KerasHdf5 => crate::keras::read_hdf5(bytes.clone(), others)?,
            #[cfg(not(feature = "keras"))]
            Format::Keras | Format::KerasHdf5 => {
                return Err(Error::MissingFeature { format: "Keras", feature: "keras" });
            }
            #[cfg(feature = "onnx")]
            Format::Onnx => crate::onnx::read(&bytes, others)?,
            #[cfg(not(feature = "onnx"))]
            Format::Onnx => return Err(Error::MissingFeature { format: "ONNX", feature: "onnx" }),
        };
        Ok(Self { format, bytes, contents })
    }

    /// The same file with the values of its other tensors.
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes).
    pub(crate) fn with_others(&self) -> Result<Self> {
        Self::read(self.format, self.bytes.clone(), Others::Read)
    }

    /// The file's format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The stacks that can be loaded. Keras's layers and ONNX's nodes are stacks of one layer.
    pub fn stacks(&self) -> &[NamedStack] {
        &self.contents.stacks
    }

    /// What looks recurrent and cannot be loaded, with the reason.
    pub fn refused(&self) -> &[RefusedStack] {
        &self.contents.refused
    }

    /// All other tensors.
    pub fn other_tensors(&self) -> &[TensorInfo] {
        &self.contents.others
    }

    /// The stack of this name or path. Where there is none, but there are `{name}_l0`, `{name}_l1` and so on, as
    /// exports to Keras and ONNX name the layers of a stack, it is the stack of these.
    ///
    /// # Errors
    /// If there is no such stack, several have this name, or it cannot be loaded.
    pub fn stack(&self, name: &str) -> Result<StackWeights> {
        if let Some(found) = self.find(name)? {
            return Ok(found.weights.clone());
        }
        let mut layers = Vec::new();
        while let Some(layer) = self.find(&format!("{name}_l{}", layers.len()))? {
            layers.push(layer.weights.clone());
        }
        if layers.is_empty() {
            return Err(self.no_stack(format!("named `{name}`")));
        }
        StackWeights::stacked(layers)
    }

    /// The only stack of the file.
    ///
    /// # Errors
    /// If there is none, there are several, or there is one that cannot be loaded.
    pub fn only_stack(&self) -> Result<StackWeights> {
        match (self.stacks(), self.refused()) {
            ([only], []) => Ok(only.weights.clone()),
            ([], [refused]) => self.stack(&refused.path),
            _ => Err(self.no_stack("in the file".into())),
        }
    }

    /// One stack of several, from the bottom to the top, such as the layers of a Keras model.
    ///
    /// # Errors
    /// As [`stack`](Self::stack) and [`StackWeights::stacked`].
    pub fn stacked(&self, names: &[&str]) -> Result<StackWeights> {
        StackWeights::stacked(names.iter().map(|name| self.stack(name)).collect::<Result<Vec<_>>>()?)
    }

    /// The stack of this path, or else of this name.
    fn find(&self, name: &str) -> Result<Option<&NamedStack>> {
        let by_path = self.stacks().iter().filter(|stack| stack.path == name).collect::<Vec<_>>();
        let found = match by_path.is_empty() {
            false => by_path,
            true => self.stacks().iter().filter(|stack| stack.name == name).collect(),
        };
        let refused = self.refused().iter().find(|refused| refused.path == name || refused.name == name);
        match (found.as_slice(), refused) {
            ([only], None) => Ok(Some(only)),
            ([only], Some(_)) if only.path == name => Ok(Some(only)),
            ([], None) => Ok(None),
            ([], Some(refused)) => {
                Err(Error::NoStack { asked: format!("named `{name}`"), found: refused.error.to_string() })
            }
            _ => Err(self.no_stack(format!("named `{name}`"))),
        }
    }

    fn no_stack(&self, asked: String) -> Error {
        let name =
            |name: &str, path: &str| if name == path { format!("`{name}`") } else { format!("`{name}` ({path})") };
        let stacks = self.stacks().iter().map(|stack| name(&stack.name, &stack.path));
        let refused = self.refused().iter().map(|refused| format!("{} (not loaded: {})", refused.path, refused.error));
        let found = stacks.chain(refused).collect::<Vec<_>>().join(", ");
        Error::NoStack { asked, found: if found.is_empty() { "none".into() } else { found } }
    }
}

impl std::fmt::Display for WeightFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for stack in self.stacks() {
            let name = if stack.path.is_empty() { "(the layer itself)" } else { &stack.path };
            writeln!(f, "{name}: {}", stack.weights)?;
        }
        for refused in self.refused() {
            writeln!(f, "not loaded: {}: {}", refused.path, refused.error)?;
        }
        match self.other_tensors().len() {
            1 => f.write_str("1 other tensor"),
            count => write!(f, "{count} other tensors"),
        }
    }
}
