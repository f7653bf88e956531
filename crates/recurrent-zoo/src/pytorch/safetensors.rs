//! Safetensors with PyTorch's names.

use std::borrow::Cow;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};

use safetensors::{Dtype, SafeTensors, View};

use super::state_dict;
use crate::file::{Contents, Others};
use crate::tensors::{Budget, Float, TensorSource};
use crate::{
    AttentionWeights, CellVariant, DenseWeights, Error, Head, Matrix, NetworkWeights, Result, StackWeights, TensorInfo,
};

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

pub(crate) fn read_safetensors(bytes: &[u8], others: Others) -> Result<Contents> {
    let file = SafeTensors::deserialize(bytes).map_err(malformed)?;
    let info = |(name, view): (&str, safetensors::tensor::TensorView)| TensorInfo {
        name: name.into(),
        dtype: format!("{:?}", view.dtype()).to_lowercase(),
        shape: view.shape().to_vec(),
    };
    let mut tensors: Vec<TensorInfo> = file.iter().map(info).collect();
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    state_dict::read(&Source { file, tensors, budget: Budget::new(bytes.len()) }, others)
}

/// Values with a shape, as the format's crate takes them.
#[derive(Debug)]
struct Tensor<'a> {
    values: &'a [f32],
    shape: Vec<usize>,
}

impl View for &Tensor<'_> {
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
    let mut dict = StateDict::new();
    for &(module, stack) in stacks {
        dict.add_stack(module, stack)?;
    }
    dict.to_bytes()
}

/// The bytes of a safetensors file of a network, or of the members of an ensemble, which are then called `members.0` and
/// so on. A member has the modules `embedding`, `recurrent.0` and so on, `attention.hidden` and `attention.energy`, and
/// `dense.0` and so on. Weights that are tied to the embedding's are not written again.
///
/// # Errors
/// If a GRU is reset-before, which PyTorch does not have.
pub fn network_to_safetensors(members: &[NetworkWeights]) -> Result<Vec<u8>> {
    let mut dict = StateDict::new();
    for (index, network) in members.iter().enumerate() {
        let prefix = if members.len() == 1 { String::new() } else { format!("members.{index}.") };
        if let Some(embedding) = network.embedding() {
            dict.add_matrix(format!("{prefix}embedding.weight"), embedding)?;
        }
        for (index, stack) in network.stacks().iter().enumerate() {
            dict.add_stack(&format!("{prefix}recurrent.{index}"), stack)?;
        }
        if let Head::Attention(AttentionWeights { hidden, energy }) = network.head() {
            dict.add_dense(&format!("{prefix}attention.hidden"), hidden)?;
            dict.add(format!("{prefix}attention.energy.weight"), energy, vec![1, energy.len()])?;
        }
        for (index, layer) in network.dense().iter().enumerate() {
            let name = format!("{prefix}dense.{index}");
            match network.is_tied() && index + 1 == network.dense().len() {
                true => dict.add_bias(&name, layer)?,
                false => dict.add_dense(&name, layer)?,
            }
        }
    }
    dict.to_bytes()
}

/// Tensors with PyTorch's names, to be written.
///
/// ```
/// use recurrent_zoo::pytorch::StateDict;
/// use recurrent_zoo::{DenseWeights, Matrix, WeightFile};
///
/// # fn main() -> recurrent_zoo::Result<()> {
/// let layer = DenseWeights { weight: Matrix::new(2, 3, vec![0.5; 6])?, bias: Some(vec![0.0; 2]) };
/// let mut dict = StateDict::new();
/// dict.add_dense("decoder.output", &layer)?;
/// let file = WeightFile::from_bytes(dict.to_bytes()?)?;
/// assert_eq!(file.other_tensors()[1].to_string(), "decoder.output.weight f32 [2, 3]");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct StateDict<'a> {
    tensors: BTreeMap<String, Tensor<'a>>,
}

impl<'a> StateDict<'a> {
    /// No tensors.
    pub fn new() -> Self {
        Self::default()
    }

    fn add(&mut self, name: String, values: &'a [f32], shape: Vec<usize>) -> Result<()> {
        match self.tensors.entry(name) {
            Entry::Vacant(place) => {
                place.insert(Tensor { values, shape });
                Ok(())
            }
            Entry::Occupied(place) => {
                let found = format!("`{}` twice", place.key());
                Err(Error::inconsistent("the names of the tensors", "each once", found))
            }
        }
    }

    /// Adds a matrix by its whole name.
    ///
    /// # Errors
    /// If there is a tensor of this name.
    pub fn add_matrix(&mut self, name: impl Into<String>, matrix: &'a Matrix) -> Result<()> {
        self.add(name.into(), matrix.values(), vec![matrix.rows(), matrix.columns()])
    }

    /// Adds an `nn.Linear`.
    ///
    /// # Errors
    /// If there is a module of this name.
    pub fn add_dense(&mut self, module: &str, layer: &'a DenseWeights) -> Result<()> {
        self.add_matrix(format!("{module}.weight"), &layer.weight)?;
        self.add_bias(module, layer)
    }

    /// Adds the bias of an `nn.Linear` whose weights are those of another module.
    ///
    /// # Errors
    /// If there is a module of this name.
    pub fn add_bias(&mut self, module: &str, layer: &'a DenseWeights) -> Result<()> {
        match &layer.bias {
            Some(bias) => self.add(format!("{module}.bias"), bias, vec![bias.len()]),
            None => Ok(()),
        }
    }

    /// Adds an `nn.RNN`, `nn.LSTM` or `nn.GRU`.
    ///
    /// # Errors
    /// If a GRU is reset-before, which PyTorch does not have, or there is a module of this name.
    pub fn add_stack(&mut self, module: &str, stack: &'a StackWeights) -> Result<()> {
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
                let name = |parameter: &str| format!("{prefix}{parameter}_l{depth}{direction}");
                self.add(name("weight_ih"), &cell.w_ih, vec![rows, cell.w_ih.len() / rows])?;
                self.add(name("weight_hh"), &cell.w_hh, vec![rows, stack.hidden_size()])?;
                if let Some([ih, hh]) = &cell.biases {
                    self.add(name("bias_ih"), ih, vec![rows])?;
                    self.add(name("bias_hh"), hh, vec![rows])?;
                }
            }
        }
        Ok(())
    }

    /// The bytes of a safetensors file of these tensors.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        // As PyTorch's own writer marks its files.
        let metadata = HashMap::from([("format".into(), "pt".into())]);
        safetensors::serialize(&self.tensors, Some(metadata)).map_err(malformed)
    }
}
