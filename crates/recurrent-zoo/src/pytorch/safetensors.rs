//! Safetensors with PyTorch's names.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use safetensors::{Dtype, SafeTensors, View};

use super::state_dict;
use crate::file::Contents;
use crate::tensors::{Budget, Float, TensorSource};
use crate::{CellVariant, Error, Result, StackWeights, TensorInfo};

struct Source<'a> {
    file: SafeTensors<'a>,
    tensors: Vec<TensorInfo>,
    budget: Budget,
}

impl TensorSource for Source<'_> {
    fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    fn values(&self, index: usize) -> Result<Vec<f32>> {
        let name = &self.tensors[index].name;
        let view = self.file.tensor(name).map_err(malformed)?;
        let float = match view.dtype() {
            Dtype::F16 => Float::F16,
            Dtype::BF16 => Float::Bf16,
            Dtype::F32 => Float::F32,
            Dtype::F64 => Float::F64,
            other => return Err(Error::tensor(name, "f16, bf16, f32 or f64", format!("{other:?}"))),
        };
        self.budget.take(name, (view.data().len() / float.size()) as u64, 4)?;
        float.values(name, view.data())
    }
}

fn malformed(error: safetensors::SafeTensorError) -> Error {
    Error::Malformed { format: "safetensors", reason: error.to_string() }
}

pub(crate) fn read_safetensors(bytes: &[u8]) -> Result<Contents> {
    let file = SafeTensors::deserialize(bytes).map_err(malformed)?;
    let info = |(name, view): (&str, safetensors::tensor::TensorView)| TensorInfo {
        name: name.into(),
        dtype: format!("{:?}", view.dtype()).to_lowercase(),
        shape: view.shape().to_vec(),
    };
    let mut tensors: Vec<TensorInfo> = file.iter().map(info).collect();
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    state_dict::read(&Source { file, tensors, budget: Budget::new(bytes.len()) })
}

/// Values with a shape, as the format's crate takes them.
struct Tensor<'a> {
    values: &'a [f32],
    shape: Vec<usize>,
}

impl View for Tensor<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>().into()
    }

    fn data_len(&self) -> usize {
        4 * self.values.len()
    }
}

/// The bytes of a safetensors file with PyTorch's names: each stack with the name of its module, such as
/// `encoder.lstm`, or with an empty name for a file that `nn.LSTM.load_state_dict` takes.
///
/// # Errors
/// If a GRU is reset-before, which PyTorch does not have, or a name appears twice.
pub fn to_safetensors(stacks: &[(&str, &StackWeights)]) -> Result<Vec<u8>> {
    let mut names = BTreeSet::new();
    let mut tensors = Vec::new();
    for &(module, stack) in stacks {
        if !names.insert(module) {
            return Err(Error::inconsistent("the names of the stacks", "each once", format!("`{module}` twice")));
        }
        if let CellVariant::Gru { reset_after: Some(false) } = stack.variant() {
            return Err(Error::unsupported(
                format!("the stack `{module}`"),
                "PyTorch's GRU applies its reset gate after the recurrent product, this one before it",
            ));
        }
        let prefix = if module.is_empty() { String::new() } else { format!("{module}.") };
        let rows = stack.variant().gates() * stack.hidden_size();
        for (depth, layer) in stack.layers().iter().enumerate() {
            for (cell, direction) in layer.cells().zip(["", "_reverse"]) {
                let mut add = |parameter: &str, values, shape| {
                    tensors.push((format!("{prefix}{parameter}_l{depth}{direction}"), Tensor { values, shape }));
                };
                add("weight_ih", &cell.w_ih[..], vec![rows, cell.w_ih.len() / rows]);
                add("weight_hh", &cell.w_hh[..], vec![rows, stack.hidden_size()]);
                if let Some([ih, hh]) = &cell.biases {
                    add("bias_ih", &ih[..], vec![rows]);
                    add("bias_hh", &hh[..], vec![rows]);
                }
            }
        }
    }
    // As PyTorch's own writer marks its files.
    let metadata = HashMap::from([("format".into(), "pt".into())]);
    safetensors::serialize(tensors, Some(metadata)).map_err(malformed)
}
