//! From the tensors of a file to a network.

use std::collections::BTreeSet;

use super::{DenseWeights, Head, Matrix, NetworkWeights};
use crate::file::NamedMatrix;
use crate::{Error, LayerWeights, Result, StackWeights, WeightFile};

/// Which tensors of a file are the parts of a network. What is not named is found by its shape.
///
/// ```no_run
/// use recurrent_zoo::{Head, NetworkParts, WeightFile};
///
/// # fn main() -> recurrent_zoo::Result<()> {
/// let file = WeightFile::open("char_rnn.pt")?;
/// let network = file.network(Head::EachStep, &NetworkParts::new().with_output("decoder.weight"))?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct NetworkParts {
    /// The recurrent stacks, from the bottom to the top. Without names: all of the file, by their numbers.
    pub stacks: Vec<String>,
    /// The embedding. Without a name: the matrix with as many columns as the bottom stack has inputs.
    pub embedding: Option<String>,
    /// The weights of the output layer. Without a name: the matrix for as many inputs as the top stack has outputs, or the
    /// embedding if there is no such matrix.
    pub output: Option<String>,
    /// Whether other weights of the file may be left out.
    pub partial: bool,
}

impl NetworkParts {
    /// All parts by their shapes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the recurrent stacks.
    #[must_use]
    pub fn with_stacks(mut self, stacks: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.stacks = stacks.into_iter().map(Into::into).collect();
        self
    }

    /// Names the embedding.
    #[must_use]
    pub fn with_embedding(mut self, embedding: impl Into<String>) -> Self {
        self.embedding = Some(embedding.into());
        self
    }

    /// Names the weights of the output layer.
    #[must_use]
    pub fn with_output(mut self, output: impl Into<String>) -> Self {
        self.output = Some(output.into());
        self
    }

    /// Sets whether other weights of the file may be left out.
    #[must_use]
    pub fn with_partial(mut self, partial: bool) -> Self {
        self.partial = partial;
        self
    }
}

impl WeightFile {
    /// The network that a file holds: an embedding, recurrent stacks and an output layer. The file does not say what is
    /// between the two, so `head` does; dropout has no weights and does not matter.
    ///
    /// # Errors
    /// If a part is missing, several tensors may be it, or parts do not fit together; and unless
    /// [partial](NetworkParts::partial), if other weights are left.
    pub fn network(&self, head: Head, parts: &NetworkParts) -> Result<NetworkWeights> {
        self.with_others()?.find_network(head, parts)
    }

    fn find_network(&self, head: Head, parts: &NetworkParts) -> Result<NetworkWeights> {
        let (stacks, paths) = self.joined_stacks(&parts.stacks)?;
        let (Some(bottom), Some(top)) = (stacks.first(), stacks.last()) else {
            return Err(Error::inconsistent("the network", "at least one recurrent stack", "none"));
        };
        let mut used = BTreeSet::new();

        let is_vectors = |of: &&NamedMatrix| {
            let fits = of.matrix.as_ref().is_ok_and(|matrix| matrix.columns() == bottom.input_size());
            fits && of.usage.is_embedding.unwrap_or_else(|| !self.has_bias(of))
        };
        let vectors = match &parts.embedding {
            Some(name) => Some(self.matrix(name)?),
            None => self.only("embedding", is_vectors, |of| of.name.to_lowercase().contains("emb"))?,
        };
        let embedding = vectors.map(values).transpose()?;

        let is_output = |of: &&NamedMatrix| {
            let fits = |matrix: &Matrix| num_inputs(of, matrix) == top.output_size();
            let other = vectors.is_none_or(|vectors| vectors.name != of.name);
            other && of.usage.is_embedding != Some(true) && of.matrix.as_ref().is_ok_and(fits)
        };
        let found = match &parts.output {
            Some(name) => Some(self.matrix(name)?),
            None => self.only("output", is_output, |of| self.has_bias(of))?,
        };
        let output = match (found, embedding) {
            (Some(found), _) => {
                let matrix = values(found)?;
                let weight = if found.usage.inputs_first { matrix.transposed() } else { matrix.clone() };
                DenseWeights { weight, bias: self.bias(found, &mut used)? }
            }
            (None, Some(embedding)) => {
                DenseWeights { weight: embedding.clone(), bias: self.tied_bias(embedding.rows(), &mut used)? }
            }
            (None, None) => {
                let asked = format!("a matrix for {} inputs as the output layer's", top.output_size());
                return Err(Error::inconsistent("the file", asked, self.names()));
            }
        };
        used.extend(vectors.into_iter().chain(found).map(|of| of.name.clone()));
        if !parts.partial {
            self.check_all_used(&used, &paths)?;
        }
        NetworkWeights::new(embedding.cloned(), stacks, head, vec![output])
    }

    /// The stacks of these names, joined as far as they fit, with their paths.
    fn joined_stacks(&self, names: &[String]) -> Result<(Vec<StackWeights>, BTreeSet<String>)> {
        let mut stacks = Vec::new();
        let mut paths = BTreeSet::new();
        if names.is_empty() {
            if let ([], [refused]) = (self.stacks(), self.refused()) {
                self.stack(&refused.path)?;
            }
            let mut all: Vec<_> = self.stacks().iter().filter(|stack| !is_of_optimizer(&stack.path)).collect();
            all.sort_by_key(|stack| natural(&stack.path));
            for stack in all {
                check_finite_stack(&stack.path, &stack.weights)?;
                paths.insert(stack.path.clone());
                stacks.push(stack.weights.clone());
            }
        }
        for name in names {
            stacks.push(self.named_stack(name, &mut paths)?);
        }
        let mut joined: Vec<StackWeights> = Vec::new();
        for stack in stacks {
            let together = joined.last().map(|below| StackWeights::stacked([below.clone(), stack.clone()]));
            match (together, joined.last_mut()) {
                (Some(Ok(together)), Some(below)) => *below = together,
                _ => joined.push(stack),
            }
        }
        Ok((joined, paths))
    }

    /// The stack of a name; its paths in the file are added to `paths`.
    pub(super) fn named_stack(&self, name: &str, paths: &mut BTreeSet<String>) -> Result<StackWeights> {
        let stack = self.stack(name)?;
        check_finite_stack(name, &stack)?;
        let of_name = |path: &str, of: &str| path == name || of == name || of.starts_with(&format!("{name}_l"));
        let named = self.stacks().iter().filter(|stack| of_name(&stack.path, &stack.name));
        paths.extend(named.map(|stack| stack.path.clone()));
        Ok(stack)
    }

    /// The only matrix that may be a part; of several, the only one that is preferred.
    fn only<'a>(
        &'a self,
        part: &str,
        may_be: impl Fn(&&'a NamedMatrix) -> bool,
        preferred: impl Fn(&NamedMatrix) -> bool,
    ) -> Result<Option<&'a NamedMatrix>> {
        let found = self.contents.matrices.iter().filter(|of| !is_of_optimizer(&of.name));
        let found: Vec<&NamedMatrix> = found.filter(may_be).collect();
        let better: Vec<&NamedMatrix> = found.iter().copied().filter(|of| preferred(of)).collect();
        match (&found[..], &better[..]) {
            ([], _) => Ok(None),
            ([only], _) | (_, [only]) => Ok(Some(only)),
            _ => {
                let names = found.iter().map(|of| format!("`{}`", of.name)).collect::<Vec<_>>().join(", ");
                Err(Error::inconsistent("the file", format!("one matrix that may be the {part}"), names))
            }
        }
    }

    fn matrix(&self, name: &str) -> Result<&NamedMatrix> {
        self.contents
            .matrices
            .iter()
            .find(|of| of.name == name)
            .ok_or_else(|| Error::inconsistent("the file", format!("a matrix named `{name}`"), self.names()))
    }

    fn names(&self) -> String {
        let names: Vec<String> = self.contents.matrices.iter().map(|of| format!("`{}`", of.name)).collect();
        if names.is_empty() { "none".into() } else { names.join(", ") }
    }

    fn has_bias(&self, of: &NamedMatrix) -> bool {
        of.usage.bias.as_ref().is_some_and(|bias| self.contents.vectors.contains_key(bias))
    }

    pub(super) fn bias(&self, of: &NamedMatrix, used: &mut BTreeSet<String>) -> Result<Option<Vec<f32>>> {
        match &of.usage.bias {
            Some(name) => self.vector(name, used),
            None => Ok(None),
        }
    }

    /// The vector of this name, if there is one.
    pub(super) fn vector(&self, name: &str, used: &mut BTreeSet<String>) -> Result<Option<Vec<f32>>> {
        let Some(values) = self.contents.vectors.get(name) else { return Ok(None) };
        let values = values.as_ref().map_err(|error| unreadable(name, error))?;
        check_finite(name, values)?;
        used.insert(name.into());
        Ok(Some(values.clone()))
    }

    /// The only vector for so many outputs, the bias of an output layer that has the embedding's weights.
    fn tied_bias(&self, outputs: usize, used: &mut BTreeSet<String>) -> Result<Option<Vec<f32>>> {
        let fits = |values: &Result<Vec<f32>>| values.as_ref().is_ok_and(|values| values.len() == outputs);
        let vectors = self.contents.vectors.iter().filter(|(name, values)| !is_of_optimizer(name) && fits(values));
        match vectors.collect::<Vec<_>>()[..] {
            [(name, _)] => self.vector(name, used),
            // If there are several, they are weights that are left.
            _ => Ok(None),
        }
    }

    /// Refuses weights that are no part of the network. Integers and what an optimizer remembers are no weights.
    pub(super) fn check_all_used(&self, used: &BTreeSet<String>, paths: &BTreeSet<String>) -> Result<()> {
        let is_weight =
            |dtype: &str| !["int", "long", "short", "byte", "bool", "u8"].iter().any(|of| dtype.contains(of));
        let others = self.other_tensors().iter().filter(|of| !of.shape.is_empty() && is_weight(&of.dtype));
        let tensors = others.map(|of| &of.name).filter(|name| !used.contains(*name));
        let stacks = self.stacks().iter().map(|stack| &stack.path).filter(|path| !paths.contains(*path));
        let refused = self.refused().iter().map(|refused| &refused.path);
        let left: Vec<String> = tensors
            .chain(stacks)
            .chain(refused)
            .filter(|name| !is_of_optimizer(name))
            .map(|name| format!("`{name}`"))
            .collect();
        if left.is_empty() {
            return Ok(());
        }
        let shown = left.iter().take(8).cloned().collect::<Vec<_>>().join(", ");
        let found = if left.len() > 8 { format!("{shown} and {} more", left.len() - 8) } else { shown };
        Err(Error::inconsistent("the file", "no weights but those of the network", found))
    }
}

pub(super) fn values(of: &NamedMatrix) -> Result<&Matrix> {
    let matrix = of.matrix.as_ref().map_err(|error| unreadable(&of.name, error))?;
    check_finite(&of.name, matrix.values())?;
    Ok(matrix)
}

/// Refuses weights that no network can compute with.
fn check_finite(name: &str, values: &[f32]) -> Result<()> {
    match values.iter().find(|value| !value.is_finite()) {
        Some(value) => Err(Error::tensor(name, "finite weights", value.to_string())),
        None => Ok(()),
    }
}

fn check_finite_stack(path: &str, stack: &StackWeights) -> Result<()> {
    let cells = stack.layers().iter().flat_map(LayerWeights::cells);
    let values = cells.flat_map(|cell| [&cell.w_ih, &cell.w_hh].into_iter().chain(cell.biases.iter().flatten()));
    match values.flatten().find(|value| !value.is_finite()) {
        Some(value) => Err(Error::inconsistent(format!("the stack `{path}`"), "finite weights", value.to_string())),
        None => Ok(()),
    }
}

fn unreadable(name: &str, error: &Error) -> Error {
    Error::inconsistent(format!("tensor `{name}`"), "weights", error.to_string())
}

/// The inputs of a dense layer with these weights.
fn num_inputs(of: &NamedMatrix, matrix: &Matrix) -> usize {
    if of.usage.inputs_first { matrix.rows() } else { matrix.columns() }
}

/// Whether a tensor belongs to the state of an optimizer in a checkpoint.
pub(super) fn is_of_optimizer(name: &str) -> bool {
    name.split(['.', '/']).any(|part| part.starts_with("optim"))
}

/// Sorts `layer_10` after `layer_9`.
fn natural(name: &str) -> Vec<(String, u64)> {
    let mut parts = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (text, after) = rest.split_at(digits);
        let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let (number, after) = after.split_at(end);
        parts.push((text.to_owned(), number.parse().unwrap_or(0)));
        rest = after;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_sorted_as_numbers() {
        let mut names = ["lstm_10", "lstm", "lstm_9", "gru_2"];
        names.sort_by_key(|name| natural(name));
        assert_eq!(names, ["gru_2", "lstm", "lstm_9", "lstm_10"]);
    }

    #[test]
    fn state_of_an_optimizer_is_seen() {
        assert!(is_of_optimizer("optimizer_state_dict.state.0.exp_avg") && is_of_optimizer("optimizer/vars/2"));
        assert!(!is_of_optimizer("model.fc.weight"));
    }
}
