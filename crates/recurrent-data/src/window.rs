//! Forecast windows: a number of context rows, and the rows after them to forecast.

use std::sync::Arc;

use crate::error::{DataError, Result};
use crate::role::Role;
use crate::scaler::ScaledSeries;
use crate::series::Series;

/// The shape of a window: how many rows of which feature columns are the input, and how many rows of which target
/// columns are forecast.
///
/// Columns are indices into [`Scaler::names`](crate::Scaler::names).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowShape {
    window: usize,
    horizon: usize,
    features: Vec<usize>,
    targets: Vec<usize>,
}

impl WindowShape {
    /// A shape with a context length of `window` rows and a forecast `horizon`.
    ///
    /// # Errors
    /// If one of the four is 0 or empty.
    pub fn new(window: usize, horizon: usize, features: Vec<usize>, targets: Vec<usize>) -> Result<Self> {
        let lengths =
            [("window", window), ("horizon", horizon), ("features", features.len()), ("targets", targets.len())];
        match lengths.into_iter().find(|(_, length)| *length == 0) {
            Some((setting, _)) => Err(DataError::ZeroLength { setting }),
            None => Ok(Self { window, horizon, features, targets }),
        }
    }

    /// The context length: the number of input rows.
    pub fn window(&self) -> usize {
        self.window
    }

    /// The number of rows to forecast.
    pub fn horizon(&self) -> usize {
        self.horizon
    }

    /// The feature columns.
    pub fn features(&self) -> &[usize] {
        &self.features
    }

    /// The target columns.
    pub fn targets(&self) -> &[usize] {
        &self.targets
    }

    fn check_columns<R: Role>(&self, scaled: &ScaledSeries<R>) -> Result<()> {
        let columns = scaled.width();
        let mut all = self.features.iter().chain(&self.targets);
        match all.find(|index| **index >= columns) {
            None => Ok(()),
            Some(&index) => {
                Err(DataError::ColumnIndexOutOfRange { path: scaled.series().source().to_string(), index, columns })
            }
        }
    }
}

/// Every window of a subset: one for each row after which all rows of the horizon lie in the subset. The context may
/// reach back over the beginning of the subset, since the past is known; the targets may not.
///
/// Values are copied when they are asked for, and a clone shares them.
///
/// ```text
/// rows of the series   0  1  2  3  4  5  6  7        window 3, horizon 2, a subset of the rows 4 to 7
/// window 0                x  x  x  y  y
/// window 1                   x  x  x  y  y
/// window 2                      x  x  x  y  y
/// ```
#[derive(Debug, Clone)]
pub struct Windows<R: Role> {
    scaled: ScaledSeries<R>,
    shape: Arc<WindowShape>,
}

impl<R: Role> Windows<R> {
    /// The windows of this shape.
    ///
    /// # Errors
    /// If the subset is shorter than the horizon, or does not begin late enough for a window before it; or it lacks a
    /// column.
    pub fn new(scaled: &ScaledSeries<R>, shape: WindowShape) -> Result<Self> {
        shape.check_columns(scaled)?;
        let (window, horizon) = (shape.window, shape.horizon);
        // Rows of the subset that only the context has.
        let context = window.saturating_sub(scaled.rows().start);
        check_rows(scaled, context.saturating_add(horizon), || match context {
            0 => format!("a horizon of {horizon}"),
            _ => format!("a window of {window} and a horizon of {horizon}"),
        })?;
        Ok(Self { scaled: scaled.clone(), shape: Arc::new(shape) })
    }

    /// The number of windows, at least one.
    pub fn len(&self) -> usize {
        self.scaled.rows().end - self.first_target() - self.shape.horizon + 1
    }

    /// The first row that is forecast.
    fn first_target(&self) -> usize {
        self.scaled.rows().start.max(self.shape.window)
    }

    /// Whether there are no windows; always `false`.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The shape of each window.
    pub fn shape(&self) -> &WindowShape {
        &self.shape
    }

    /// The series before scaling, with the scaler's columns.
    pub fn series(&self) -> &Arc<Series> {
        self.scaled.series()
    }

    /// Appends the features of window `i`, `[window, features]`, row by row.
    ///
    /// # Panics
    /// If `i` is out of range.
    pub fn features_into(&self, i: usize, buffer: &mut Vec<f32>) {
        let shape = &self.shape;
        gather(&self.scaled, self.origin(i) + 1 - shape.window, shape.window, &shape.features, buffer);
    }

    /// Appends the targets of window `i`, `[horizon, targets]`, row by row.
    ///
    /// # Panics
    /// If `i` is out of range.
    pub fn targets_into(&self, i: usize, buffer: &mut Vec<f32>) {
        let shape = &self.shape;
        gather(&self.scaled, self.origin(i) + 1, shape.horizon, &shape.targets, buffer);
    }

    /// The forecast origin of window `i`: its last context row, counted from the first row of the whole series. The
    /// targets are the rows after it.
    ///
    /// # Panics
    /// If `i` is out of range.
    pub fn origin(&self, i: usize) -> usize {
        let len = self.len();
        assert!(i < len, "window {i} of {len}");
        self.first_target() + i - 1
    }
}

impl<R: Role> ScaledSeries<R> {
    /// Appends the features of the latest context window, `[window, features]`, to forecast the rows after the last one.
    /// Returns the forecast origin, as [`Windows::origin`].
    ///
    /// # Errors
    /// If there are fewer rows than the window has, or a column is missing.
    pub fn latest_into(&self, shape: &WindowShape, buffer: &mut Vec<f32>) -> Result<usize> {
        shape.check_columns(self)?;
        let window = shape.window;
        check_rows(self, window, || format!("a window of {window}"))?;
        let first = self.rows().len() - shape.window;
        gather(self, first, shape.window, &shape.features, buffer);
        Ok(self.rows().end - 1)
    }
}

fn check_rows<R: Role>(scaled: &ScaledSeries<R>, needed: usize, purpose: impl Fn() -> String) -> Result<()> {
    let found = scaled.rows().len();
    if found >= needed {
        return Ok(());
    }
    Err(DataError::TooFewRows {
        path: scaled.series().source().to_string(),
        subset: R::NAME,
        purpose: purpose(),
        needed,
        found,
    })
}

/// Appends some columns of some rows.
fn gather<R: Role>(scaled: &ScaledSeries<R>, first: usize, rows: usize, columns: &[usize], buffer: &mut Vec<f32>) {
    buffer.reserve(rows * columns.len());
    for row in first..first + rows {
        let row = scaled.row(row);
        buffer.extend(columns.iter().map(|&column| row[column]));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{ColumnSelection, Scaler, ScalerKind, Split, SplitFractions, Table, Train};

    /// Two columns that identify the row: `x` counts up from 0, `y` down.
    fn text(rows: usize) -> String {
        let rows = (0..rows).map(|row| format!("{row},-{row}\n"));
        "x,y\n".to_string() + &rows.collect::<String>()
    }

    fn split(text: &str) -> Split {
        let table = Table::from_bytes("t.csv", text.as_bytes(), None).unwrap();
        let series = table.series(&ColumnSelection::default()).unwrap();
        series.split(&SplitFractions::default()).unwrap()
    }

    fn shape(window: usize, horizon: usize) -> WindowShape {
        WindowShape::new(window, horizon, vec![1, 0], vec![0]).unwrap()
    }

    fn windows(split: &Split, shape: WindowShape) -> Result<Windows<Train>> {
        let scaler = Scaler::fit(&split.train, ScalerKind::None);
        Windows::new(&scaler.scale(&split.train)?, shape)
    }

    #[test]
    fn targets_are_the_rows_after_the_features() {
        let split = split(&text(20));
        let windows = windows(&split, shape(3, 2)).unwrap();
        assert_eq!(windows.len(), 14 - 3 - 2 + 1);
        assert_eq!(windows.origin(1), 3);

        let (mut features, mut targets) = (vec![], vec![]);
        windows.features_into(1, &mut features);
        windows.targets_into(1, &mut targets);
        assert_eq!(features, [-1.0, 1.0, -2.0, 2.0, -3.0, 3.0]);
        assert_eq!(targets, [4.0, 5.0]);
    }

    #[test]
    fn origin_is_counted_from_the_start_of_the_series() {
        let split = split(&text(20));
        let scaler = Scaler::fit(&split.train, ScalerKind::None);
        let test = Windows::new(&scaler.scale(&split.test).unwrap(), shape(2, 1)).unwrap();
        assert_eq!(test.len(), 3);
        assert_eq!(test.origin(2), 18);
        let mut targets = vec![];
        test.targets_into(2, &mut targets);
        assert_eq!(targets, [19.0]);
    }

    #[test]
    fn latest_window_needs_no_targets() {
        let split = split(&text(20));
        let scaler = Scaler::fit(&split.train, ScalerKind::None);
        let whole = scaler.scale_series(split.train.series()).unwrap();
        let mut features = vec![];
        assert_eq!(whole.latest_into(&shape(2, 9), &mut features).unwrap(), 19);
        assert_eq!(features, [-18.0, 18.0, -19.0, 19.0]);
        assert_eq!(
            whole.latest_into(&shape(21, 1), &mut features).unwrap_err().to_string(),
            "t.csv (whole): expected at least 21 rows for a window of 21, found 20"
        );
    }

    #[test]
    fn subset_shorter_than_a_window_is_rejected() {
        let split = split(&text(20));
        assert_eq!(
            windows(&split, shape(10, 5)).unwrap_err().to_string(),
            "t.csv (train): expected at least 15 rows for a window of 10 and a horizon of 5, \
             found 14"
        );
        assert!(windows(&split, shape(usize::MAX, usize::MAX)).is_err());
    }

    #[test]
    fn zero_lengths_are_rejected() {
        let message = |result: Result<WindowShape>| result.unwrap_err().to_string();
        assert_eq!(message(WindowShape::new(0, 1, vec![0], vec![0])), "window: expected at least 1, found 0");
        assert_eq!(message(WindowShape::new(1, 0, vec![0], vec![0])), "horizon: expected at least 1, found 0");
        assert!(WindowShape::new(1, 1, vec![], vec![0]).is_err());
        assert!(WindowShape::new(1, 1, vec![0], vec![]).is_err());
    }

    #[test]
    fn column_index_out_of_range_is_rejected() {
        let wide = WindowShape::new(1, 1, vec![0], vec![2]).unwrap();
        assert_eq!(
            windows(&split(&text(20)), wide).unwrap_err().to_string(),
            "t.csv: expected a column index below 2, found 2"
        );
    }

    proptest! {
        #[test]
        fn targets_stay_inside_their_subset_and_contexts_before_them(
            rows in 20_usize..200,
            window in 1_usize..40,
            horizon in 1_usize..4,
        ) {
            let split = split(&text(rows));
            let scaler = Scaler::fit(&split.train, ScalerKind::None);
            let subset = split.valid.rows();
            let scaled = scaler.scale(&split.valid).unwrap();
            let Ok(windows) = Windows::new(&scaled, shape(window, horizon)) else {
                prop_assert!(subset.end < subset.start.max(window) + horizon);
                return Ok(());
            };
            // Every row from which the horizon is inside the subset, and before which there is a window.
            let first = subset.start.max(window) - 1;
            prop_assert_eq!(windows.len(), subset.end - horizon - first);
            for i in 0..windows.len() {
                let (mut features, mut targets) = (vec![], vec![]);
                windows.features_into(i, &mut features);
                windows.targets_into(i, &mut targets);
                let origin = windows.origin(i);
                prop_assert_eq!(origin, first + i);
                let context: Vec<f32> = (origin + 1 - window..=origin).flat_map(|row| [-(row as f32), row as f32]).collect();
                prop_assert_eq!(features, context);
                let rows = origin + 1..origin + 1 + horizon;
                prop_assert!(subset.start <= rows.start && rows.end <= subset.end);
                prop_assert_eq!(targets, rows.map(|row| row as f32).collect::<Vec<_>>());
            }
        }
    }
}
