//! The scans and layers of the three cells: the crate's entry points.

use std::mem::discriminant;

use burn::tensor::Tensor;

use crate::cell::{Cell, GruCell, LstmCell, RnnCell};
use crate::dispatch;
use crate::{
    Direction, GruState, LstmState, Nonlinearity, Reset, RnnState, Scan, Scanned, State, Weights, stack_states,
};

/// Scans a sequence `x [batch, time, input]` with a vanilla RNN; see [`rnn_step`](crate::rnn_step) for the equation.
///
/// Starts from `initial [batch, hidden]`, or from zeros. Returns the outputs `[batch, time, hidden]` and the final state
/// `[batch, hidden]`. The batch may be empty; a length may be 0.
///
/// # Panics
/// If `x` has no step, a shape does not fit the others, there is not one length per row, a length exceeds the sequence,
/// or the tensors differ in dtype. On a GPU also if the gates of the batch do not fit in one buffer of the device.
pub fn rnn_scan(
    x: Tensor<3>,
    weights: Weights,
    nonlinearity: Nonlinearity,
    initial: impl Into<Option<RnnState<2>>>,
    scan: &Scan,
) -> Scanned<RnnState<2>> {
    scan_direction(x, RnnCell { weights, nonlinearity }, initial.into(), scan)
}

/// Scans a sequence `x [batch, time, input]` with an LSTM; see [`lstm_step`](crate::lstm_step) for the equations.
///
/// Starts from `initial [batch, hidden]`, or from zeros. Returns the outputs `[batch, time, hidden]` and the final state
/// `[batch, hidden]`. The batch may be empty; a length may be 0.
///
/// # Panics
/// As [`rnn_scan`], and if `cell_clip` is not positive.
pub fn lstm_scan(
    x: Tensor<3>,
    weights: Weights,
    cell_clip: Option<f64>,
    initial: impl Into<Option<LstmState<2>>>,
    scan: &Scan,
) -> Scanned<LstmState<2>> {
    scan_direction(x, LstmCell::new(weights, cell_clip), initial.into(), scan)
}

/// Scans a sequence `x [batch, time, input]` with a GRU; see [`gru_step`](crate::gru_step) for the equations.
///
/// Starts from `initial [batch, hidden]`, or from zeros. Returns the outputs `[batch, time, hidden]` and the final state
/// `[batch, hidden]`. The batch may be empty; a length may be 0.
///
/// # Panics
/// As [`rnn_scan`].
pub fn gru_scan(
    x: Tensor<3>,
    weights: Weights,
    reset: Reset,
    initial: impl Into<Option<GruState<2>>>,
    scan: &Scan,
) -> Scanned<GruState<2>> {
    scan_direction(x, GruCell { weights, reset }, initial.into(), scan)
}

/// Runs one layer of a vanilla RNN over a sequence, forward or, given the weights of a second direction, bidirectionally:
/// `x [batch, time, input]` → `[batch, time, directions * hidden]`. Both directions are one operation where the scan
/// [is fused](crate::is_fused).
///
/// Starts from `initial [directions, batch, hidden]`, or from zeros; the final state has the same shape. `lengths` are
/// those of [`Scan`]. The batch may be empty.
///
/// # Panics
/// As [`rnn_scan`], and if there are not one or two directions.
pub fn rnn_layer(
    x: Tensor<3>,
    weights: Vec<Weights>,
    nonlinearity: Nonlinearity,
    initial: Option<RnnState<3>>,
    lengths: Option<&[usize]>,
) -> Scanned<RnnState<3>> {
    let cells = weights.into_iter().map(|weights| RnnCell { weights, nonlinearity });
    scan_layer(x, cells.collect(), initial, lengths)
}

/// Runs one layer of an LSTM over a sequence, forward or, given the weights of a second direction, bidirectionally:
/// `x [batch, time, input]` → `[batch, time, directions * hidden]`. Both directions are one operation where the scan
/// [is fused](crate::is_fused).
///
/// Starts from `initial [directions, batch, hidden]`, or from zeros; the final state has the same shape. `lengths` are
/// those of [`Scan`]. The batch may be empty.
///
/// # Panics
/// As [`lstm_scan`], and if there are not one or two directions.
pub fn lstm_layer(
    x: Tensor<3>,
    weights: Vec<Weights>,
    cell_clip: Option<f64>,
    initial: Option<LstmState<3>>,
    lengths: Option<&[usize]>,
) -> Scanned<LstmState<3>> {
    let cells = weights.into_iter().map(|weights| LstmCell::new(weights, cell_clip));
    scan_layer(x, cells.collect(), initial, lengths)
}

/// Runs one layer of a GRU over a sequence, forward or, given a second direction, bidirectionally:
/// `x [batch, time, input]` → `[batch, time, directions * hidden]`. Both directions are one operation where the scan
/// [is fused](crate::is_fused).
///
/// Starts from `initial [directions, batch, hidden]`, or from zeros; the final state has the same shape. `lengths` are
/// those of [`Scan`]. The batch may be empty.
///
/// # Panics
/// As [`gru_scan`], if there are not one or two directions, and if one has [`Reset::After`] and the other
/// [`Reset::Before`].
pub fn gru_layer(
    x: Tensor<3>,
    directions: Vec<(Weights, Reset)>,
    initial: Option<GruState<3>>,
    lengths: Option<&[usize]>,
) -> Scanned<GruState<3>> {
    let same = directions.windows(2).all(|pair| discriminant(&pair[0].1) == discriminant(&pair[1].1));
    assert!(same, "both directions of a GRU layer must apply the reset gate in the same place");
    let cells = directions.into_iter().map(|(weights, reset)| GruCell { weights, reset });
    scan_layer(x, cells.collect(), initial, lengths)
}

/// Scans in one direction, `initial [batch, hidden]`.
fn scan_direction<C: Cell>(x: Tensor<3>, cell: C, initial: Option<C::State<2>>, scan: &Scan) -> Scanned<C::State<2>> {
    let initial = initial.map(|state| stack_states(vec![state]));
    let Scanned { output, state } = dispatch::scan_layer(x, vec![(scan.direction, cell)], initial, scan.lengths);
    Scanned { output, state: State::<3>::map_into(state, |part| part.squeeze_dim(0)) }
}

/// Scans forward or in both directions, `initial [directions, batch, hidden]`.
fn scan_layer<C: Cell>(
    x: Tensor<3>,
    cells: Vec<C>,
    initial: Option<C::State<3>>,
    lengths: Option<&[usize]>,
) -> Scanned<C::State<3>> {
    assert!(matches!(cells.len(), 1 | 2), "a layer must have one or two directions, got {}", cells.len());
    let directions = [Direction::Forward, Direction::Reverse].into_iter().zip(cells);
    dispatch::scan_layer(x, directions.collect(), initial, lengths)
}
