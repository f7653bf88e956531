//! Windows: some rows to look at, and the rows after them to foretell.

use std::sync::Arc;

use crate::{DataError, Result, Role, Scaled, Series};

/// What a window looks like: how many rows of which columns are seen, and how many of which are
/// to be foretold.
///
/// Columns are numbered as in the scaler that scaled them ([`crate::Scaler::names`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowShape {
    window: usize,
    horizon: usize,
    inputs: Vec<usize>,
    targets: Vec<usize>,
}

impl WindowShape {
    /// A shape of at least one row and one column on either side.
    ///
    /// # Errors
    /// If one of the four is 0 or empty.
    pub fn new(window: usize, horizon: usize, inputs: Vec<usize>, targets: Vec<usize>) -> Result<Self> {
        let lengths = [
            ("window", window),
            ("horizon", horizon),
            ("list of input columns", inputs.len()),
            ("list of target columns", targets.len()),
        ];
        match lengths.into_iter().find(|(_, length)| *length == 0) {
            Some((what, _)) => Err(DataError::ZeroLength { what }),
            None => Ok(Self { window, horizon, inputs, targets }),
        }
    }

    /// How many rows are seen.
    pub fn window(&self) -> usize {
        self.window
    }

    /// How many rows are foretold.
    pub fn horizon(&self) -> usize {
        self.horizon
    }

    /// The columns seen.
    pub fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    /// The columns foretold.
    pub fn targets(&self) -> &[usize] {
        &self.targets
    }

    fn check_columns<R: Role>(&self, scaled: &Scaled<R>) -> Result<()> {
        let columns = scaled.width();
        let mut all = self.inputs.iter().chain(&self.targets);
        match all.find(|index| **index >= columns) {
            None => Ok(()),
            Some(&index) => {
                Err(DataError::UnknownColumnIndex { path: scaled.series().source().to_string(), index, columns })
            }
        }
    }
}

/// Every window of a part, one beginning on each row from which it can still end inside the part.
///
/// Nothing is copied until it is asked for, and a clone shares the numbers.
///
/// ```text
/// rows of the part   0  1  2  3  4  5  6  7        window 3, horizon 2
/// window 0           x  x  x  y  y
/// window 1              x  x  x  y  y
/// window 2                 x  x  x  y  y
/// window 3                    x  x  x  y  y
/// ```
#[derive(Debug, Clone)]
pub struct Windows<R: Role> {
    scaled: Scaled<R>,
    shape: Arc<WindowShape>,
}

impl<R: Role> Windows<R> {
    /// The windows of this shape.
    ///
    /// # Errors
    /// If the part is shorter than one, or lacks a column.
    pub fn new(scaled: &Scaled<R>, shape: WindowShape) -> Result<Self> {
        shape.check_columns(scaled)?;
        let (window, horizon) = (shape.window, shape.horizon);
        check_rows(scaled, window.saturating_add(horizon), || {
            format!("a window of {window} and a horizon of {horizon}")
        })?;
        Ok(Self { scaled: scaled.clone(), shape: Arc::new(shape) })
    }

    /// How many windows there are, at least one.
    pub fn len(&self) -> usize {
        self.scaled.rows().len() - self.shape.window - self.shape.horizon + 1
    }

    /// Whether there is no window: never.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The shape they all have.
    pub fn shape(&self) -> &WindowShape {
        &self.shape
    }

    /// The series they are cut from, before it was scaled; its columns are the scaler's.
    pub fn series(&self) -> &Arc<Series> {
        self.scaled.series()
    }

    /// Appends what window `i` sees, `[window, inputs]`, row by row.
    ///
    /// # Panics
    /// If there is no such window.
    pub fn inputs_into(&self, i: usize, buffer: &mut Vec<f32>) {
        self.check(i);
        let shape = &self.shape;
        gather(&self.scaled, i, shape.window, &shape.inputs, buffer);
    }

    /// Appends what window `i` is to foretell, `[horizon, targets]`, row by row.
    ///
    /// # Panics
    /// If there is no such window.
    pub fn targets_into(&self, i: usize, buffer: &mut Vec<f32>) {
        self.check(i);
        let shape = &self.shape;
        let first = i + shape.window;
        gather(&self.scaled, first, shape.horizon, &shape.targets, buffer);
    }

    /// The last row that window `i` sees, counted from the first row of the whole series: the
    /// moment at which its forecast is made. The targets are the rows after it.
    ///
    /// # Panics
    /// If there is no such window.
    pub fn origin(&self, i: usize) -> usize {
        self.check(i);
        self.scaled.rows().start + i + self.shape.window - 1
    }

    fn check(&self, i: usize) {
        let len = self.len();
        assert!(i < len, "window {i} of {len}");
    }
}

impl<R: Role> Scaled<R> {
    /// Appends the latest rows that a window of this shape sees, `[window, inputs]`, with nothing
    /// after them but the future; returns the last of them, counted as in [`Windows::origin`].
    ///
    /// # Errors
    /// If there are fewer rows than that, or a column is lacking.
    pub fn latest_into(&self, shape: &WindowShape, buffer: &mut Vec<f32>) -> Result<usize> {
        shape.check_columns(self)?;
        let window = shape.window;
        check_rows(self, window, || format!("a window of {window}"))?;
        let first = self.rows().len() - shape.window;
        gather(self, first, shape.window, &shape.inputs, buffer);
        Ok(self.rows().end - 1)
    }
}

fn check_rows<R: Role>(scaled: &Scaled<R>, needed: usize, purpose: impl Fn() -> String) -> Result<()> {
    let there = scaled.rows().len();
    if there >= needed {
        return Ok(());
    }
    Err(DataError::TooFewRows {
        path: scaled.series().source().to_string(),
        part: R::NAME,
        purpose: purpose(),
        needed,
        there,
    })
}

/// Appends some columns of some rows.
fn gather<R: Role>(scaled: &Scaled<R>, first: usize, rows: usize, columns: &[usize], buffer: &mut Vec<f32>) {
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
    use crate::{ColumnSelection, Ratios, Scaler, ScalerKind, Split, Table, Train};

    /// Two columns that tell the row: `x` counts up from 0, `y` down.
    fn text(rows: usize) -> String {
        let rows = (0..rows).map(|row| format!("{row},-{row}\n"));
        "x,y\n".to_string() + &rows.collect::<String>()
    }

    fn split(text: &str) -> Split {
        let table = Table::from_bytes("t.csv", text.as_bytes(), None).unwrap();
        let series = table.series(&ColumnSelection::default()).unwrap();
        series.split(&Ratios::default()).unwrap()
    }

    fn shape(window: usize, horizon: usize) -> WindowShape {
        WindowShape::new(window, horizon, vec![1, 0], vec![0]).unwrap()
    }

    fn windows(split: &Split, shape: WindowShape) -> Result<Windows<Train>> {
        let scaler = Scaler::fit(&split.train, ScalerKind::None);
        Windows::new(&scaler.scale(&split.train)?, shape)
    }

    #[test]
    fn a_window_sees_its_rows_and_is_asked_for_the_next() {
        let split = split(&text(20));
        let windows = windows(&split, shape(3, 2)).unwrap();
        assert_eq!(windows.len(), 14 - 3 - 2 + 1);
        assert_eq!(windows.origin(1), 3);

        let (mut inputs, mut targets) = (vec![], vec![]);
        windows.inputs_into(1, &mut inputs);
        windows.targets_into(1, &mut targets);
        assert_eq!(inputs, [-1.0, 1.0, -2.0, 2.0, -3.0, 3.0]);
        assert_eq!(targets, [4.0, 5.0]);
    }

    #[test]
    fn rows_of_a_later_part_are_counted_from_the_start_of_the_series() {
        let split = split(&text(20));
        let scaler = Scaler::fit(&split.train, ScalerKind::None);
        let test = Windows::new(&scaler.scale(&split.test).unwrap(), shape(2, 1)).unwrap();
        assert_eq!(test.len(), 1);
        assert_eq!(test.origin(0), 18);
        let mut targets = vec![];
        test.targets_into(0, &mut targets);
        assert_eq!(targets, [19.0]);
    }

    #[test]
    fn the_latest_rows_need_no_target() {
        let split = split(&text(20));
        let scaler = Scaler::fit(&split.train, ScalerKind::None);
        let whole = scaler.scale_series(split.train.series()).unwrap();
        let mut inputs = vec![];
        assert_eq!(whole.latest_into(&shape(2, 9), &mut inputs).unwrap(), 19);
        assert_eq!(inputs, [-18.0, 18.0, -19.0, 19.0]);
        assert_eq!(
            whole.latest_into(&shape(21, 1), &mut inputs).unwrap_err().to_string(),
            "t.csv (whole): expected at least 21 rows for a window of 21, found 20"
        );
    }

    #[test]
    fn a_part_shorter_than_a_window_is_refused() {
        let split = split(&text(20));
        assert_eq!(
            windows(&split, shape(10, 5)).unwrap_err().to_string(),
            "t.csv (train): expected at least 15 rows for a window of 10 and a horizon of 5, \
             found 14"
        );
        assert!(windows(&split, shape(usize::MAX, usize::MAX)).is_err());
    }

    #[test]
    fn a_shape_has_no_side_of_nothing() {
        let message = |result: Result<WindowShape>| result.unwrap_err().to_string();
        assert_eq!(message(WindowShape::new(0, 1, vec![0], vec![0])), "expected a window of at least 1, found 0");
        assert_eq!(message(WindowShape::new(1, 0, vec![0], vec![0])), "expected a horizon of at least 1, found 0");
        assert!(WindowShape::new(1, 1, vec![], vec![0]).is_err());
        assert!(WindowShape::new(1, 1, vec![0], vec![]).is_err());
    }

    #[test]
    fn a_column_number_past_the_last_is_refused() {
        let wide = WindowShape::new(1, 1, vec![0], vec![2]).unwrap();
        assert_eq!(
            windows(&split(&text(20)), wide).unwrap_err().to_string(),
            "t.csv: expected a column number below 2, found 2"
        );
    }

    proptest! {
        #[test]
        fn no_window_leaves_its_part(
            rows in 20_usize..200,
            window in 1_usize..8,
            horizon in 1_usize..4,
        ) {
            let split = split(&text(rows));
            let scaler = Scaler::fit(&split.train, ScalerKind::None);
            let scaled = scaler.scale(&split.valid).unwrap();
            let Ok(windows) = Windows::new(&scaled, shape(window, horizon)) else {
                prop_assert!(split.valid.rows().len() < window + horizon);
                return Ok(());
            };
            for i in 0..windows.len() {
                let (mut inputs, mut targets) = (vec![], vec![]);
                windows.inputs_into(i, &mut inputs);
                windows.targets_into(i, &mut targets);
                prop_assert_eq!(inputs.len(), window * 2);
                prop_assert_eq!(targets.len(), horizon);
                for x in inputs.iter().chain(&targets) {
                    prop_assert!(split.valid.rows().contains(&(x.abs() as usize)));
                }
                prop_assert_eq!(targets[0], (windows.origin(i) + 1) as f32);
            }
            let last = windows.origin(windows.len() - 1);
            prop_assert_eq!(last + horizon, split.valid.rows().end - 1);
        }
    }
}
