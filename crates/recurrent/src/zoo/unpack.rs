//! From embedded files to the folder of a run.

use std::borrow::Cow;
use std::fs;
use std::io::Read;
use std::path::Path;

use burn::tensor::{DType, TensorData};
use flate2::read::GzDecoder;
use recurrent_pretrained::ModelFiles;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use tempfile::TempDir;

use crate::{Error, Result};

/// The ending of compressed files.
const COMPRESSED: &str = ".gz";
/// The ending of files of weights, which are in half precision.
const WEIGHTS: &str = ".safetensors";

/// The folder of a pretrained model among the temporary files, removed on drop.
#[derive(Debug)]
pub struct Unpacked(TempDir);

impl AsRef<Path> for Unpacked {
    fn as_ref(&self) -> &Path {
        self.0.path()
    }
}

impl Unpacked {
    /// Writes the files of a run.
    pub(super) fn new(model: &ModelFiles) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix(&format!("{}-", model.name)).tempdir();
        let folder = folder.map_err(Error::io("cannot make a folder", &std::env::temp_dir()))?;
        for file in model.files {
            let (name, contents) = contents(file.name, file.bytes);
            let path = folder.path().join(name);
            fs::write(&path, contents).map_err(Error::io("cannot write", &path))?;
        }
        Ok(Self(folder))
    }
}

/// The name and the contents of a file in the folder of a run.
fn contents<'a>(name: &'a str, bytes: &'a [u8]) -> (&'a str, Cow<'a, [u8]>) {
    if let Some(name) = name.strip_suffix(COMPRESSED) {
        let mut contents = Vec::new();
        GzDecoder::new(bytes).read_to_end(&mut contents).expect("embedded files are whole");
        (name, contents.into())
    } else if name.ends_with(WEIGHTS) {
        (name, single_precision(bytes).into())
    } else {
        (name, bytes.into())
    }
}

/// Weights in single precision, in which networks are loaded.
fn single_precision(bytes: &[u8]) -> Vec<u8> {
    let weights = SafeTensors::deserialize(bytes).expect("embedded files are whole");
    let tensors: Vec<(String, TensorData)> = weights
        .iter()
        .map(|(name, tensor)| {
            assert_eq!(tensor.dtype(), Dtype::F16, "{name}: weights are in half precision");
            let halves = TensorData::from_bytes_vec(tensor.data().to_vec(), tensor.shape().to_vec(), DType::F16);
            (name.to_string(), halves.convert::<f32>())
        })
        .collect();
    let views = tensors.iter().map(|(name, data)| {
        let view = TensorView::new(Dtype::F32, data.shape().to_vec(), data.as_bytes());
        let view = view.expect("four bytes for each element");
        (name, view)
    });
    safetensors::serialize(views, None).expect("tensors of different names")
}
