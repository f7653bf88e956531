//! Forecast windows: a number of context rows, and the rows after them to forecast.

use std::ops::Range;
use std::sync::Arc;

use crate::error::{DataError, Result};
use crate::role::Role;
use crate::scaler::{ScaledSegment, ScaledSeries};
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
    future: Vec<usize>,
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
            None => Ok(Self { window, horizon, features, targets, future: Vec::new() }),
        }
    }

    /// The same shape with columns of which the values over the horizon are known at the forecast origin (known-future
    /// covariates), such as holidays.
    #[must_use]
    pub fn with_future(mut self, future: Vec<usize>) -> Self {
        self.future = future;
        self
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

    /// The columns of which the values over the horizon are known.
    pub fn future(&self) -> &[usize] {
        &self.future
    }

    /// The number of rows with a role that a segment needs for a window, and what for.
    fn needed(&self, segment: &ScaledSegment) -> (usize, String) {
        let (window, horizon) = (self.window, self.horizon);
        // Rows with the role that only the context has.
        let context = window.saturating_sub(segment.rows.start - segment.start);
        let purpose = match context {
            0 => format!("a horizon of {horizon}"),
            _ => format!("a window of {window} and a horizon of {horizon}"),
        };
        (context.saturating_add(horizon), purpose)
    }

    fn check_columns<R: Role>(&self, scaled: &ScaledSeries<R>) -> Result<()> {
        let columns = scaled.width();
        let mut all = self.features.iter().chain(&self.targets).chain(&self.future);
        match all.find(|index| **index >= columns) {
            None => Ok(()),
            Some(&index) => {
                Err(DataError::ColumnIndexOutOfRange { path: scaled.series().source().to_string(), index, columns })
            }
        }
    }
}

/// Every window of a subset: one for each row after which all rows of the horizon lie in the subset. The context may
/// reach back over the beginning of the subset, since the past is known; the targets may not. Neither leaves the segment.
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
    runs: Arc<[Run]>,
}

/// The windows of a segment, at least one.
#[derive(Debug)]
struct Run {
    /// An index into the scaled segments.
    segment: usize,
    /// The first row that is forecast.
    first_target: usize,
    /// The windows of all segments up to this one.
    end: usize,
}

impl<R: Role> Windows<R> {
    /// The windows of this shape.
    ///
    /// # Errors
    /// If in every segment the subset is shorter than the horizon, or does not begin late enough for a window before it; or
    /// it lacks a column.
    pub fn new(scaled: &ScaledSeries<R>, shape: WindowShape) -> Result<Self> {
        shape.check_columns(scaled)?;
        let mut runs: Vec<Run> = Vec::new();
        for (segment, scaled) in scaled.segments().iter().enumerate() {
            if scaled.rows.len() >= shape.needed(scaled).0 {
                let first_target = scaled.rows.start.max(scaled.start + shape.window);
                let windows = scaled.rows.end - first_target - shape.horizon + 1;
                let before = runs.last().map_or(0, |run| run.end);
                runs.push(Run { segment, first_target, end: before + windows });
            }
        }
        if runs.is_empty() {
            return Err(too_short(scaled, &shape));
        }
        Ok(Self { scaled: scaled.clone(), shape: Arc::new(shape), runs: runs.into() })
    }

    /// The number of windows, at least one.
    pub fn len(&self) -> usize {
        self.runs.last().map_or(0, |run| run.end)
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
        let (segment, origin) = self.locate(i);
        let rows = origin + 1 - self.shape.window..origin + 1;
        self.scaled.gather(segment, rows, &self.shape.features, buffer);
    }

    /// Appends the targets of window `i`, `[horizon, targets]`, row by row.
    ///
    /// # Panics
    /// If `i` is out of range.
    pub fn targets_into(&self, i: usize, buffer: &mut Vec<f32>) {
        let (segment, origin) = self.locate(i);
        self.scaled.gather(segment, self.horizon_after(origin), &self.shape.targets, buffer);
    }

    /// Appends the values over the horizon of window `i` that are known at its origin, `[horizon, future]`, row by row.
    ///
    /// # Panics
    /// If `i` is out of range.
    pub fn future_into(&self, i: usize, buffer: &mut Vec<f32>) {
        let (segment, origin) = self.locate(i);
        self.scaled.gather(segment, self.horizon_after(origin), &self.shape.future, buffer);
    }

    /// The forecast origin of window `i`: its last context row, counted from the first row of the whole series. The
    /// targets are the rows after it.
    ///
    /// # Panics
    /// If `i` is out of range.
    pub fn origin(&self, i: usize) -> usize {
        self.locate(i).1
    }

    /// The first row of the segment in which window `i` lies: the history of its origin begins there.
    ///
    /// # Panics
    /// If `i` is out of range.
    pub fn segment_start(&self, i: usize) -> usize {
        self.locate(i).0.start
    }

    /// The series of window `i`, an index into [`Series::ids`]; `None` if there are no ids.
    ///
    /// # Panics
    /// If `i` is out of range.
    pub fn series_id(&self, i: usize) -> Option<usize> {
        let segment = self.locate(i).0.segment;
        self.series().segments()[segment].id
    }

    /// The segment and the forecast origin of window `i`.
    fn locate(&self, i: usize) -> (&ScaledSegment, usize) {
        let len = self.len();
        assert!(i < len, "window {i} of {len}");
        let index = self.runs.partition_point(|run| run.end <= i);
        let before = if index == 0 { 0 } else { self.runs[index - 1].end };
        let run = &self.runs[index];
        (&self.scaled.segments()[run.segment], run.first_target + i - before - 1)
    }

    fn horizon_after(&self, origin: usize) -> Range<usize> {
        origin + 1..origin + 1 + self.shape.horizon
    }
}

impl<R: Role> ScaledSeries<R> {
    /// Appends the features of the latest context window of the last segment, `[window, features]`, to forecast the rows
    /// after it. Returns the forecast origin, as [`Windows::origin`].
    ///
    /// # Errors
    /// If there are fewer rows than the window has, or a column is missing.
    pub fn latest_into(&self, shape: &WindowShape, buffer: &mut Vec<f32>) -> Result<usize> {
        self.latest_of_into(self.segments().len() - 1, shape, buffer)
    }

    /// [`latest_into`](Self::latest_into) of one of the segments that have rows, of which there may be several if the
    /// table has several series: for a whole series, an index into [`Series::segments`].
    ///
    /// # Errors
    /// As [`latest_into`](Self::latest_into).
    ///
    /// # Panics
    /// If there is no such segment.
    pub fn latest_of_into(&self, segment: usize, shape: &WindowShape, buffer: &mut Vec<f32>) -> Result<usize> {
        shape.check_columns(self)?;
        let (segment, window) = (&self.segments()[segment], shape.window);
        let (found, end) = (segment.rows.len(), segment.rows.end);
        if found < window {
            return Err(too_few(self, window, format!("a window of {window}"), found));
        }
        self.gather(segment, end - window..end, &shape.features, buffer);
        Ok(end - 1)
    }
}

/// The error for windows that fit into no segment: that of the segment which lacks the fewest rows.
fn too_short<R: Role>(scaled: &ScaledSeries<R>, shape: &WindowShape) -> DataError {
    let lacking = |segment: &&ScaledSegment| shape.needed(segment).0 - segment.rows.len();
    let longest = scaled.segments().iter().min_by_key(lacking).expect("a subset has rows");
    let (needed, mut purpose) = shape.needed(longest);
    let segments = scaled.segments().len();
    if segments > 1 {
        purpose += &format!(" in the longest of {segments} segments");
    }
    too_few(scaled, needed, purpose, longest.rows.len())
}

fn too_few<R: Role>(scaled: &ScaledSeries<R>, needed: usize, purpose: String, found: usize) -> DataError {
    DataError::TooFewRows { path: scaled.series().source().to_string(), subset: R::NAME, purpose, needed, found }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{ColumnSelection, Gaps, Scaler, ScalerKind, Split, SplitFractions, Subset, Table, Train};

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

    /// Series `0`, `1` and so on of so many rows, which begin at different minutes; the value of a row is its number. The
    /// second number of rows of a series follows after a gap.
    fn series_of(lengths: &[(usize, usize)], fractions: &SplitFractions) -> Result<Split> {
        let mut text = "t,id,x,z\n".to_string();
        let mut row = 0;
        for (id, (first, second)) in lengths.iter().enumerate() {
            let minutes = (0..*first).chain(first + 3..first + 3 + second).map(|minute| minute + 7 * id);
            for minute in minutes {
                text += &format!("2020-01-01 {:02}:{:02},{id},{row},-{row}\n", minute / 60, minute % 60);
                row += 1;
            }
        }
        let selection = ColumnSelection {
            series: Some("id".into()),
            gaps: Gaps::Split,
            columns: vec!["x".into(), "z".into()],
            ..ColumnSelection::default()
        };
        Table::from_bytes("t.csv", text.as_bytes(), None)?.series(&selection)?.split(fractions)
    }

    #[test]
    fn windows_of_several_series_know_their_series() {
        let split = series_of(&[(10, 4), (2, 0), (30, 0)], &SplitFractions::default()).unwrap();
        let scaler = Scaler::fit(&split.train, ScalerKind::None);
        let shape = WindowShape::new(3, 2, vec![0], vec![0]).unwrap().with_future(vec![1]);
        let windows = Windows::new(&scaler.scale(&split.train).unwrap(), shape).unwrap();
        // Of 46 rows, 32 train: minutes 0 to 9 and 13 to 16 of series 0, 7 and 8 of 1, 14 to 29 of 2.
        let found: Vec<_> =
            (0..windows.len()).map(|i| (windows.origin(i), windows.series_id(i), windows.segment_start(i))).collect();
        let expected: Vec<_> =
            (2..=7).map(|row| (row, Some(0), 0)).chain((18..=29).map(|row| (row, Some(2), 16))).collect();
        assert_eq!(found, expected);
        let mut future = vec![];
        windows.future_into(6, &mut future);
        assert_eq!(future, [-19.0, -20.0]);
    }

    #[test]
    fn windows_may_be_too_long_for_every_segment() {
        let split = series_of(&[(10, 4), (2, 0), (9, 0)], &SplitFractions::default()).unwrap();
        let error = windows(&split, shape(9, 2)).unwrap_err().to_string();
        assert_eq!(
            error,
            "t.csv (train): expected at least 11 rows for a window of 9 and a horizon of 2 in the longest of 4 segments, \
             found 10"
        );
    }

    #[test]
    fn latest_window_of_each_series() {
        let split = series_of(&[(10, 4), (2, 0), (9, 0)], &SplitFractions::default()).unwrap();
        let whole = Scaler::fit(&split.train, ScalerKind::None).scale_series(split.train.series()).unwrap();
        let mut latest = vec![];
        let origins = split.train.series().last_segments().into_iter().map(|segment| {
            whole.latest_of_into(segment, &WindowShape::new(2, 1, vec![0], vec![0]).unwrap(), &mut latest).unwrap()
        });
        assert_eq!(origins.collect::<Vec<_>>(), [13, 15, 24]);
        assert_eq!(latest, [12.0, 13.0, 14.0, 15.0, 23.0, 24.0]);
    }

    /// The windows of a role: origin, contexts and targets, of which each value is its row.
    fn rows_of<R: Role>(
        subset: &Subset<R>,
        scaler: &Scaler,
        shape: &WindowShape,
    ) -> Vec<(usize, Vec<usize>, Vec<usize>)> {
        let Ok(windows) = Windows::new(&scaler.scale(subset).unwrap(), shape.clone()) else { return vec![] };
        let rows = |values: Vec<f32>| values.into_iter().map(|value| value as usize).collect();
        let window = |i| {
            let (mut features, mut targets) = (vec![], vec![]);
            windows.features_into(i, &mut features);
            windows.targets_into(i, &mut targets);
            (windows.origin(i), rows(features), rows(targets))
        };
        (0..windows.len()).map(window).collect()
    }

    /// Checks the windows of a role, and counts the origins that there should be.
    fn check_role<R: Role>(subset: &Subset<R>, scaler: &Scaler, shape: &WindowShape) -> Result<(), TestCaseError> {
        let segments = subset.series().segments();
        let mut expected = vec![];
        for one in subset.segments() {
            let all = segments[one.segment].rows.clone();
            let fits = |origin: &usize| {
                *origin + 1 >= all.start + shape.window()
                    && origin + 1 >= one.rows.start
                    && origin + shape.horizon() < one.rows.end
            };
            expected.extend(all.clone().filter(fits).map(|origin| {
                let context: Vec<usize> = (origin + 1 - shape.window()..=origin).collect();
                let targets: Vec<usize> = (origin + 1..=origin + shape.horizon()).collect();
                assert!(context.iter().chain(&targets).all(|row| all.contains(row)));
                assert!(targets.iter().all(|row| one.rows.contains(row)));
                (origin, context, targets)
            }));
        }
        prop_assert_eq!(rows_of(subset, scaler, shape), expected);
        Ok(())
    }

    proptest! {
        #[test]
        fn windows_stay_in_their_segment_and_every_origin_counts_once(
            lengths in prop::collection::vec((1_usize..30, 0_usize..30), 1..5),
            train in 0.3..0.8_f64,
            window in 1_usize..8,
            horizon in 1_usize..5,
        ) {
            let rest = (1.0 - train) / 2.0;
            let Ok(split) = series_of(&lengths, &SplitFractions::new(train, rest, rest).unwrap()) else {
                return Ok(());
            };
            let scaler = Scaler::fit(&split.train, ScalerKind::None);
            let shape = WindowShape::new(window, horizon, vec![0], vec![0]).unwrap();
            check_role(&split.train, &scaler, &shape)?;
            check_role(&split.valid, &scaler, &shape)?;
            check_role(&split.test, &scaler, &shape)?;
        }

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
