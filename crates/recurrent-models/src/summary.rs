//! A table of a network's layers, as Keras prints it.

use std::fmt;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// A network with a [`Summary`].
pub trait Summarize {
    /// The layers in the order of the data flow, for an input of the given shape (without the batch).
    fn summary(&self, input: &[usize]) -> Summary;
}

/// The layers of a network, with their output shapes and parameter counts.
///
/// ```
/// use burn::tensor::Device;
/// use recurrent_models::Summarize;
/// use recurrent_models::networks::{ForecastNetwork, ForecastNetworkConfig};
///
/// let network = ForecastNetworkConfig::new(1, vec![50, 50], 1, 1).init(&Device::default());
/// let summary = network.summary(&[100, 1]);
/// let parameters: Vec<usize> = summary.rows.iter().map(|row| row.parameters).collect();
/// assert_eq!(parameters, [10_400, 20_200, 51]);
/// println!("{summary}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// The network's name.
    pub name: String,
    /// The input's shape, without the batch.
    pub input: Vec<usize>,
    /// One row per layer.
    pub rows: Vec<SummaryRow>,
}

/// One layer of a [`Summary`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SummaryRow {
    /// The layer's name and type, e.g. `lstm_1 (LSTM)`.
    pub layer: String,
    /// The output's shape, without the batch.
    pub output: Vec<usize>,
    /// The number of parameters.
    pub parameters: usize,
    /// The number of parameters that are not frozen.
    pub trainable: usize,
    /// The size of the parameters in bytes.
    pub bytes: usize,
}

impl SummaryRow {
    /// A row for a module, with its parameters counted.
    pub fn new<M: Module>(layer: impl Into<String>, output: &[usize], module: &M) -> Self {
        let mut count = Count::default();
        // Outside of training mode no parameter requires a gradient, frozen or not.
        module.clone().train().visit(&mut count);
        Self {
            layer: layer.into(),
            output: output.to_vec(),
            parameters: count.parameters,
            trainable: count.trainable,
            bytes: count.bytes,
        }
    }
}

impl Summary {
    /// The summary of a network for an `input` shape without the batch.
    pub fn new(name: impl Into<String>, input: &[usize], rows: Vec<SummaryRow>) -> Self {
        Self { name: name.into(), input: input.to_vec(), rows }
    }

    /// The number of all parameters.
    pub fn parameters(&self) -> usize {
        self.rows.iter().map(|row| row.parameters).sum()
    }

    /// The number of parameters that are not frozen.
    pub fn trainable(&self) -> usize {
        self.rows.iter().map(|row| row.trainable).sum()
    }

    /// The size of all parameters in bytes.
    pub fn bytes(&self) -> usize {
        self.rows.iter().map(|row| row.bytes).sum()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} on {}", self.name, shape(&self.input))?;
        let head = ["Layer (type)", "Output shape", "Parameters"].map(String::from);
        let cells = |row: &SummaryRow| [row.layer.clone(), shape(&row.output), thousands(row.parameters)];
        let table: Vec<[String; 3]> = std::iter::once(head).chain(self.rows.iter().map(cells)).collect();
        let width = |column: usize| table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let [layer, output, parameters] = [width(0), width(1), width(2)];
        let rule = "─".repeat(layer + output + parameters + 4);
        for (index, row) in table.iter().enumerate() {
            writeln!(f, "{:layer$}  {:output$}  {:>parameters$}", row[0], row[1], row[2])?;
            if index == 0 || index + 1 == table.len() {
                writeln!(f, "{rule}")?;
            }
        }
        writeln!(f, "Total parameters      {} ({})", thousands(self.parameters()), size(self.bytes()))?;
        writeln!(f, "Trainable parameters  {}", thousands(self.trainable()))?;
        write!(f, "Frozen parameters     {}", thousands(self.parameters() - self.trainable()))
    }
}

/// Counts the parameters of a module.
#[derive(Default)]
struct Count {
    parameters: usize,
    trainable: usize,
    bytes: usize,
}

impl ModuleVisitor for Count {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        let elements: usize = tensor.dims().iter().product();
        self.parameters += elements;
        self.bytes += elements * tensor.dtype().size();
        if tensor.is_require_grad() {
            self.trainable += elements;
        }
    }
}

/// `(batch, 100, 50)`.
fn shape(dims: &[usize]) -> String {
    let dims = dims.iter().map(usize::to_string);
    let all: Vec<String> = std::iter::once("batch".into()).chain(dims).collect();
    format!("({})", all.join(", "))
}

/// `30651` → `30,651`.
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number of bytes in binary units, e.g. `1.5 KiB`.
fn size(bytes: usize) -> String {
    const UNITS: [&str; 4] = ["B", "KiB", "MiB", "GiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_and_sizes_have_units() {
        assert_eq!(
            ["0", "999", "1,000", "1,234,567"],
            [0, 999, 1000, 1_234_567].map(thousands).each_ref().map(String::as_str)
        );
        assert_eq!(["12 B", "1.5 KiB", "119.7 KiB"], [12, 1536, 122_604].map(size).each_ref().map(String::as_str));
    }
}
