//! Between Keras's layout and the one here.

use crate::tensors::{inverse, reordered, transposed};
use crate::{CellVariant, CellWeights, Error, Result};

/// A matrix or vector with its name.
#[derive(Debug, Clone)]
pub(super) struct Array {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f32>,
}

impl Array {
    fn wrong(&self, expected: impl Into<String>) -> Error {
        Error::tensor(&self.name, expected, format!("{:?}", self.shape))
    }
}

/// The weights of a Keras cell. The shapes here: `kernel [input, gates * units]`, `recurrent [units, gates * units]`.
#[derive(Debug)]
pub(super) struct KerasCell {
    pub(super) kernel: Array,
    pub(super) recurrent: Array,
    pub(super) bias: Option<Array>,
}

/// Where in Keras's order each gate is: z, r, h for the GRU's r, z, n.
fn order(variant: CellVariant) -> &'static [usize] {
    match variant {
        CellVariant::Rnn { .. } => &[0],
        CellVariant::Lstm => &[0, 1, 2, 3],
        CellVariant::Gru { .. } => &[1, 0, 2],
    }
}

/// The variant of a cell as far as its shapes tell, its features and its units.
fn sizes(cell: &KerasCell) -> Result<(CellVariant, usize, usize)> {
    let &[units, columns] = &cell.recurrent.shape[..] else { return Err(cell.recurrent.wrong("two dimensions")) };
    let gates = if units > 0 && columns % units == 0 { columns / units } else { 0 };
    let variant = match gates {
        1 => CellVariant::Rnn { nonlinearity: None },
        3 => CellVariant::Gru { reset_after: reset_after(cell, columns) },
        4 => CellVariant::Lstm,
        _ => return Err(cell.recurrent.wrong("[units, gates * units] with 1, 3 or 4 gates")),
    };
    match cell.kernel.shape[..] {
        [input, width] if input > 0 && width == columns => Ok((variant, input, units)),
        _ => Err(cell.kernel.wrong(format!("[input, {columns}]"))),
    }
}

fn reset_after(cell: &KerasCell, columns: usize) -> Option<bool> {
    cell.bias.as_ref().map(|bias| bias.shape == [2, columns])
}

/// From Keras's layout: variant, features, units and weights.
pub(super) fn import(cell: &KerasCell) -> Result<(CellVariant, usize, usize, CellWeights)> {
    let (variant, input, units) = sizes(cell)?;
    let columns = variant.gates() * units;
    let matrix =
        |values: &[f32], rows: usize| reordered(&transposed(values, rows, columns), units * rows, order(variant));
    let biases = match (&cell.bias, variant) {
        (None, _) => None,
        (Some(bias), CellVariant::Gru { reset_after: Some(true) }) => {
            let (ih, hh) = bias.values.split_at(columns);
            Some([ih, hh].map(|half| reordered(half, units, order(variant))))
        }
        (Some(bias), _) if bias.shape == [columns] => {
            Some([reordered(&bias.values, units, order(variant)), vec![0.0; columns]])
        }
        (Some(bias), _) if bias.shape == [2 * columns] => {
            return Err(Error::unsupported(
                format!("tensor `{}`", bias.name),
                "a bias of this length is that of a CuDNNLSTM or CuDNNGRU: load the file in Keras and save it again",
            ));
        }
        (Some(bias), _) => return Err(bias.wrong(format!("[{columns}]"))),
    };
    let w_ih = matrix(&cell.kernel.values, input);
    let w_hh = matrix(&cell.recurrent.values, units);
    Ok((variant, input, units, CellWeights { w_ih, w_hh, biases }))
}

/// To Keras's layout, from weights with [summed biases](crate::StackWeights::with_summed_biases) where there is but
/// one.
pub(super) fn export(cell: &CellWeights, variant: CellVariant, input: usize, units: usize) -> KerasCell {
    let columns = variant.gates() * units;
    let order = inverse(order(variant));
    let array = |name: &str, shape: Vec<usize>, values| Array { name: name.into(), shape, values };
    let matrix = |name: &str, values: &[f32], rows: usize| {
        let values = transposed(&reordered(values, units * rows, &order), columns, rows);
        array(name, vec![rows, columns], values)
    };
    let bias = cell.biases.as_ref().map(|[ih, hh]| {
        let ih = reordered(ih, units, &order);
        match variant {
            CellVariant::Gru { reset_after: Some(true) } => {
                let both = [ih, reordered(hh, units, &order)].concat();
                array("bias", vec![2, columns], both)
            }
            _ => array("bias", vec![columns], ih),
        }
    });
    KerasCell {
        kernel: matrix("kernel", &cell.w_ih, input),
        recurrent: matrix("recurrent_kernel", &cell.w_hh, units),
        bias,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(name: &str, shape: &[usize]) -> Array {
        let values = (0..shape.iter().product()).map(|value| value as f32).collect();
        Array { name: name.into(), shape: shape.to_vec(), values }
    }

    #[test]
    fn gates_of_a_gru_are_reordered() {
        let bias = Some(array("bias", &[2, 3]));
        let cell = KerasCell { kernel: array("kernel", &[2, 3]), recurrent: array("recurrent", &[1, 3]), bias };
        let (variant, input, units, weights) = import(&cell).unwrap();
        assert_eq!((variant, input, units), (CellVariant::Gru { reset_after: Some(true) }, 2, 1));
        // The columns z, r, h are 0 3, 1 4, 2 5.
        assert_eq!(weights.w_ih, [1.0, 4.0, 0.0, 3.0, 2.0, 5.0]);
        assert_eq!(weights.w_hh, [1.0, 0.0, 2.0]);
        assert_eq!(weights.biases.as_ref().unwrap(), &[vec![1.0, 0.0, 2.0], vec![4.0, 3.0, 5.0]]);
        let back = export(&weights, variant, 2, 1);
        assert_eq!(back.kernel.values, cell.kernel.values);
        assert_eq!(back.bias.unwrap().values, cell.bias.unwrap().values);
    }

    #[test]
    fn wrong_shapes_are_refused() {
        let error = |kernel: &[usize], recurrent: &[usize], bias: &[usize]| {
            let bias = Some(array("bias", bias));
            let cell = KerasCell { kernel: array("kernel", kernel), recurrent: array("recurrent", recurrent), bias };
            import(&cell).unwrap_err().to_string()
        };
        let gates = "tensor `recurrent`: expected [units, gates * units] with 1, 3 or 4 gates, found";
        assert_eq!(error(&[2, 6], &[3, 6], &[6]), format!("{gates} [3, 6]"));
        assert_eq!(error(&[2, 6], &[0, 6], &[6]), format!("{gates} [0, 6]"));
        assert_eq!(error(&[2, 8], &[3, 12], &[12]), "tensor `kernel`: expected [input, 12], found [2, 8]");
        assert_eq!(error(&[2, 12], &[3, 12], &[11]), "tensor `bias`: expected [12], found [11]");
        assert!(error(&[2, 12], &[3, 12], &[24]).contains("CuDNNLSTM"));
    }
}
