//! Whole networks around recurrent stacks, apart from any framework.

mod find;
mod modules;

pub use find::NetworkParts;
pub use modules::NetworkModules;

use crate::tensors::num_elements;
use crate::{Error, Result, StackWeights};

/// A matrix, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    rows: usize,
    columns: usize,
    values: Vec<f32>,
}

impl Matrix {
    /// A matrix of these values, row by row.
    ///
    /// # Errors
    /// Unless there are `rows * columns` values, at least one.
    pub fn new(rows: usize, columns: usize, values: Vec<f32>) -> Result<Self> {
        if values.is_empty() || num_elements(&[rows, columns]) != Some(values.len()) {
            let expected = format!("{rows} * {columns} values, at least one");
            return Err(Error::inconsistent("a matrix", expected, values.len().to_string()));
        }
        Ok(Self { rows, columns, values })
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The values, row by row.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Its transpose.
    #[must_use]
    pub fn transposed(&self) -> Self {
        let values = crate::tensors::transposed(&self.values, self.rows, self.columns);
        Self { rows: self.columns, columns: self.rows, values }
    }
}

/// A dense layer, `W x + b`.
#[derive(Debug, Clone, PartialEq)]
pub struct DenseWeights {
    /// W, `[outputs, inputs]`.
    pub weight: Matrix,
    /// b, `[outputs]`.
    pub bias: Option<Vec<f32>>,
}

/// The weights of an attention over steps: `w_t ∝ exp(v · tanh(W h_t + b))`.
#[derive(Debug, Clone, PartialEq)]
pub struct AttentionWeights {
    /// W and b, `[features, features]`.
    pub hidden: DenseWeights,
    /// v, `[features]`.
    pub energy: Vec<f32>,
}

/// What the dense layers read of the top layer's outputs.
#[derive(Debug, Clone, PartialEq)]
pub enum Head {
    /// Each step's output: a language model.
    EachStep,
    /// The final hidden state, of both directions in a bidirectional layer.
    Last,
    /// The mean over the steps.
    Mean,
    /// The maximum over the steps.
    Max,
    /// A weighted sum over the steps.
    Attention(AttentionWeights),
}

impl Head {
    /// Its name, as in a configuration: `each_step`, `last`, `mean`, `max` or `attention`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::EachStep => "each_step",
            Self::Last => "last",
            Self::Mean => "mean",
            Self::Max => "max",
            Self::Attention(_) => "attention",
        }
    }
}

/// The weights of a network: an embedding, recurrent stacks, a [`Head`] and dense layers.
///
/// ```
/// use recurrent_zoo::{CellVariant, CellWeights, DenseWeights, Head, LayerWeights, Matrix, NetworkWeights, StackWeights};
///
/// let forward = CellWeights { w_ih: vec![0.1; 4 * 3 * 2], w_hh: vec![0.2; 4 * 3 * 3], biases: None };
/// let stack = StackWeights::new(CellVariant::Lstm, 2, 3, vec![LayerWeights { forward, reverse: None }])?;
/// let embedding = Matrix::new(7, 2, vec![0.0; 14])?;
/// let output = DenseWeights { weight: Matrix::new(7, 3, vec![0.0; 21])?, bias: None };
/// let network = NetworkWeights::new(Some(embedding), vec![stack], Head::EachStep, vec![output])?;
/// assert_eq!(network.to_string(), "embedding(7, 2), LSTM(2, 3), no bias, each_step, dense(3, 7)");
/// # Ok::<(), recurrent_zoo::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkWeights {
    embedding: Option<Matrix>,
    stacks: Vec<StackWeights>,
    head: Head,
    dense: Vec<DenseWeights>,
}

impl NetworkWeights {
    /// A network of these parts, from the bottom to the top. Without an embedding it reads real values; with one that is
    /// narrower than the first stack's input, real values beside each token.
    ///
    /// # Errors
    /// If there is no stack or no dense layer, or a part does not fit onto the one below.
    pub fn new(
        embedding: Option<Matrix>,
        stacks: Vec<StackWeights>,
        head: Head,
        dense: Vec<DenseWeights>,
    ) -> Result<Self> {
        let network = Self { embedding, stacks, head, dense };
        network.check()?;
        Ok(network)
    }

    fn check(&self) -> Result<()> {
        let Some(first) = self.stacks.first() else {
            return Err(Error::inconsistent("the network", "at least one recurrent stack", "none"));
        };
        let wrong = |at: String, expected: usize, found: usize| -> Result<()> {
            if expected == found {
                return Ok(());
            }
            Err(Error::inconsistent(at, format!("{expected} features"), found.to_string()))
        };
        if let Some(embedding) = &self.embedding
            && embedding.columns > first.input_size()
        {
            wrong("the embedding".into(), first.input_size(), embedding.columns)?;
        }
        let mut width = first.output_size();
        for (index, stack) in self.stacks.iter().enumerate().skip(1) {
            wrong(format!("the input of stack {index}"), width, stack.input_size())?;
            width = stack.output_size();
        }
        if let Head::Attention(AttentionWeights { hidden, energy }) = &self.head {
            wrong("the attention's input".into(), width, hidden.weight.columns)?;
            wrong("the attention's v".into(), hidden.weight.rows, energy.len())?;
            check_bias("the attention's bias", hidden)?;
        }
        if self.dense.is_empty() {
            return Err(Error::inconsistent("the network", "at least one dense layer", "none"));
        }
        for (index, layer) in self.dense.iter().enumerate() {
            wrong(format!("the input of dense layer {index}"), width, layer.weight.columns)?;
            check_bias(&format!("the bias of dense layer {index}"), layer)?;
            width = layer.weight.rows;
        }
        Ok(())
    }

    /// The vectors of the tokens, `[vocab, embedding_dim]`; `None` if the network reads real values.
    pub fn embedding(&self) -> Option<&Matrix> {
        self.embedding.as_ref()
    }

    /// Real values that it reads at each step, beside the token if there is one.
    pub fn num_features(&self) -> usize {
        let input = self.stacks.first().map_or(0, StackWeights::input_size);
        input - self.embedding.as_ref().map_or(0, Matrix::columns)
    }

    /// The recurrent stacks, from the bottom to the top.
    pub fn stacks(&self) -> &[StackWeights] {
        &self.stacks
    }

    /// Between the top stack and the dense layers.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The dense layers, from the bottom to the top.
    pub fn dense(&self) -> &[DenseWeights] {
        &self.dense
    }

    /// Whether the last dense layer has the embedding's weights.
    pub fn is_tied(&self) -> bool {
        self.dense.last().is_some_and(|output| Some(&output.weight) == self.embedding.as_ref())
    }

    /// The number of outputs.
    pub fn num_outputs(&self) -> usize {
        self.dense.last().map_or(0, |output| output.weight.rows)
    }

    /// Refuses members of an ensemble that have other parts than the first.
    #[cfg(any(feature = "keras", feature = "onnx"))]
    pub(crate) fn check_members(members: &[Self]) -> Result<&Self> {
        let Some(first) = members.first() else {
            return Err(Error::inconsistent("the ensemble", "at least one network", "none"));
        };
        match members.iter().find(|member| member.to_string() != first.to_string()) {
            Some(other) => Err(Error::inconsistent("the members of an ensemble", first.to_string(), other.to_string())),
            None => Ok(first),
        }
    }
}

fn check_bias(at: &str, layer: &DenseWeights) -> Result<()> {
    match &layer.bias {
        Some(bias) if bias.len() != layer.weight.rows => {
            Err(Error::inconsistent(at, format!("{} values", layer.weight.rows), bias.len().to_string()))
        }
        _ => Ok(()),
    }
}

/// Such as `embedding(7, 2), LSTM(2, 3), each_step, dense(3, 7)`.
impl std::fmt::Display for NetworkWeights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(Matrix { rows, columns, .. }) = &self.embedding {
            write!(f, "embedding({rows}, {columns}), ")?;
        }
        for stack in &self.stacks {
            write!(f, "{stack}, ")?;
        }
        f.write_str(self.head.name())?;
        for DenseWeights { weight, bias } in &self.dense {
            write!(
                f,
                ", dense({}, {}){}",
                weight.columns,
                weight.rows,
                if bias.is_none() { "" } else { " with bias" }
            )?;
        }
        Ok(())
    }
}
