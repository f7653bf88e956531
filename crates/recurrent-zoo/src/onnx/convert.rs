//! Between ONNX's layout and the one here.

use crate::CellVariant;

/// Where in ONNX's order each gate is: i, o, f, c for the LSTM's i, f, g, o; z, r, h for the GRU's r, z, n.
pub(super) fn order(variant: CellVariant) -> &'static [usize] {
    match variant {
        CellVariant::Rnn { .. } => &[0],
        CellVariant::Lstm => &[0, 2, 3, 1],
        CellVariant::Gru { .. } => &[1, 0, 2],
    }
}
