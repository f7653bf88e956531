//! What a network is made of, as Keras prints it.

use std::fmt;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// A network that can say what it is made of.
pub trait Summarize {
    /// The layers in the order of the data, for an input of the given shape (without the batch).
    fn summary(&self, input: &[usize]) -> Summary;
}

/// The layers of a network, with the shape that each gives out and its parameters.
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
pub struct Summary {
    /// The network's name.
    pub name: String,
    /// The input's shape without the batch.
    pub input: Vec<usize>,
    /// One row a layer.
    pub rows: Vec<SummaryRow>,
}

/// One layer of a [`Summary`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SummaryRow {
    /// The layer's name and kind, e.g. `lstm_1 (LSTM)`.
    pub layer: String,
    /// The shape it gives out, without the batch.
    pub output: Vec<usize>,
    /// How many numbers it has.
    pub parameters: usize,
    /// How many of them training changes.
    pub trainable: usize,
    /// How many bytes they take.
    pub bytes: usize,
}

impl SummaryRow {
    /// A row for a module, which counts its parameters.
    pub fn new<M: Module>(layer: impl Into<String>, output: &[usize], module: &M) -> Self {
        let mut count = Count::default();
        // What is frozen is known of a network in training alone.
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
    /// All parameters.
    pub fn parameters(&self) -> usize {
        self.rows.iter().map(|row| row.parameters).sum()
    }

    /// The parameters that training changes.
    pub fn trainable(&self) -> usize {
        self.rows.iter().map(|row| row.trainable).sum()
    }

    /// Bytes of all parameters.
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

/// Counts the parameters that it visits.
#[derive(Default)]
struct Count {
    parameters: usize,
    trainable: usize,
    bytes: usize,
}

impl ModuleVisitor for Count {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        let numbers: usize = tensor.dims().iter().product();
        self.parameters += numbers;
        self.bytes += numbers * tensor.dtype().size();
        if tensor.is_require_grad() {
            self.trainable += numbers;
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

/// Bytes in the unit that suits them.
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
    fn numbers_are_grouped_and_sizes_have_units() {
        assert_eq!(
            ["0", "999", "1,000", "1,234,567"],
            [0, 999, 1000, 1_234_567].map(thousands).each_ref().map(String::as_str)
        );
        assert_eq!(["12 B", "1.5 KiB", "119.7 KiB"], [12, 1536, 122_604].map(size).each_ref().map(String::as_str));
    }
}
