//! The modules of a file by their names.

use std::collections::BTreeSet;

use super::find::{is_of_optimizer, values};
use super::{DenseWeights, Matrix, check_bias};
use crate::file::NamedMatrix;
use crate::{Error, Format, Result, StackWeights, WeightFile, pytorch};

/// The modules of a PyTorch state dict by their names, for a network that is no [`NetworkWeights`](super::NetworkWeights), such
/// as an encoder with a decoder. What is read is noted, so that [`check_all_read`](Self::check_all_read) finds the rest.
///
/// Names are without the wrappers of data-parallel training, compilation and a checkpoint's dictionary. Weights that are NaN or
/// infinite are refused.
///
/// ```
/// use recurrent_zoo::pytorch::StateDict;
/// use recurrent_zoo::{DenseWeights, Matrix, WeightFile};
///
/// # fn main() -> recurrent_zoo::Result<()> {
/// let layer = DenseWeights { weight: Matrix::new(2, 3, vec![0.5; 6])?, bias: Some(vec![0.0; 2]) };
/// let mut dict = StateDict::new();
/// dict.add_dense("module.decoder.output", &layer)?;
///
/// let mut modules = WeightFile::from_bytes(dict.to_bytes()?)?.modules()?;
/// assert_eq!(modules.dense("decoder.output")?, Some(layer));
/// assert_eq!(modules.dense("decoder.attention")?, None);
/// modules.check_all_read()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct NetworkModules {
    /// With the values of all its tensors.
    file: WeightFile,
    /// The tensors that were read.
    tensors: BTreeSet<String>,
    /// The paths of the stacks that were read.
    paths: BTreeSet<String>,
}

impl WeightFile {
    /// The modules of this file, to be read by their names.
    ///
    /// # Errors
    /// If it is no state dict of PyTorch.
    pub fn modules(&self) -> Result<NetworkModules> {
        match self.format() {
            Format::Safetensors | Format::Pytorch => {}
            other => {
                let expected = "a state dict of PyTorch (.safetensors, .pt), whose modules have names";
                return Err(Error::inconsistent("the file", expected, format!("{other:?}")));
            }
        }
        Ok(NetworkModules { file: self.with_others()?, tensors: BTreeSet::new(), paths: BTreeSet::new() })
    }
}

impl NetworkModules {
    /// The names of the modules that are recurrent, also of those that cannot be loaded.
    pub fn stack_names(&self) -> impl Iterator<Item = &str> {
        let stacks = self.file.stacks().iter().map(|stack| (&stack.name, &stack.path));
        let refused = self.file.refused().iter().map(|refused| (&refused.name, &refused.path));
        stacks.chain(refused).filter(|(_, path)| !is_of_optimizer(path)).map(|(name, _)| name.as_str())
    }

    /// Reads an `nn.RNN`, `nn.LSTM` or `nn.GRU`.
    ///
    /// # Errors
    /// If there is none of this name, several have it, or it cannot be loaded.
    pub fn stack(&mut self, module: &str) -> Result<StackWeights> {
        self.file.named_stack(module, &mut self.paths)
    }

    /// Reads the weights of an `nn.Embedding`, or of another module with a matrix `weight`, if there is one of this name.
    ///
    /// # Errors
    /// If several have this name, or the weights cannot be read.
    pub fn matrix(&mut self, module: &str) -> Result<Option<Matrix>> {
        let Some(found) = find(&self.file, &format!("{module}.weight"))? else { return Ok(None) };
        self.tensors.insert(found.name.clone());
        values(found).cloned().map(Some)
    }

    /// Reads an `nn.Linear`, if there is one of this name.
    ///
    /// # Errors
    /// As [`matrix`](Self::matrix), and if there is not one bias for each output.
    pub fn dense(&mut self, module: &str) -> Result<Option<DenseWeights>> {
        let Some(weight) = self.matrix(module)? else { return Ok(None) };
        let layer = DenseWeights { weight, bias: self.bias(module)? };
        check_bias(&format!("`{module}.bias`"), &layer)?;
        Ok(Some(layer))
    }

    /// Reads the bias of a module, if there is one. Its weights may be those of another module, which are not written again.
    ///
    /// # Errors
    /// As [`matrix`](Self::matrix).
    pub fn bias(&mut self, module: &str) -> Result<Option<Vec<f32>>> {
        let name = format!("{module}.bias");
        let names = self.file.contents.vectors.keys().filter(|of| is_named(of, &name)).cloned().collect::<Vec<_>>();
        match &names[..] {
            [] => Ok(None),
            [only] => self.file.vector(only, &mut self.tensors),
            several => Err(ambiguous(&name, several)),
        }
    }

    /// Refuses weights that were not read. Integers and the state of an optimizer are no weights.
    ///
    /// # Errors
    /// If there are any; they are named.
    pub fn check_all_read(&self) -> Result<()> {
        self.file.check_all_used(&self.tensors, &self.paths)
    }
}

/// The matrix of this name.
fn find<'a>(file: &'a WeightFile, name: &str) -> Result<Option<&'a NamedMatrix>> {
    let found: Vec<&NamedMatrix> = file.contents.matrices.iter().filter(|of| is_named(&of.name, name)).collect();
    match found[..] {
        [] => Ok(None),
        [only] => Ok(Some(only)),
        _ => Err(ambiguous(name, &found.iter().map(|of| of.name.clone()).collect::<Vec<_>>())),
    }
}

fn is_named(tensor: &str, name: &str) -> bool {
    pytorch::unwrapped(tensor) == name && !is_of_optimizer(tensor)
}

fn ambiguous(name: &str, found: &[String]) -> Error {
    Error::inconsistent("the file", format!("one tensor named `{name}`"), found.join(", "))
}
