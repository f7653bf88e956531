//! Scaling of columns and its inverse, fitted on the training rows alone.

use std::{fmt, marker::PhantomData, ops::Range, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::error::{DataError, Result};
use crate::role::{Role, Train, Whole};
use crate::rounding::rounding_error;
use crate::series::Series;
use crate::split::{Subset, SubsetSegment};

/// How a column is scaled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScalerKind {
    /// To mean 0 and standard deviation 1.
    #[default]
    Standard,
    /// To the range from 0 to 1 of the training rows. Later rows may lie outside of it.
    MinMax,
    /// Not at all.
    None,
}

impl ScalerKind {
    const CHOICES: [&str; 3] = ["standard", "minmax", "none"];

    /// The shift that is subtracted from a column and the scale that it is divided by.
    fn shift_and_scale(self, column: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
        let low = column.clone().fold(f64::INFINITY, f64::min);
        let high = column.clone().fold(f64::NEG_INFINITY, f64::max);
        let (shift, scale) = match self {
            Self::None => (0.0, 1.0),
            // The deviation of a constant column would be a rounding error near 0.
            _ if high - low <= rounding_error(column.clone()) => (low, 1.0),
            Self::MinMax => (low, high - low),
            Self::Standard => mean_and_deviation(column),
        };
        // The variance underflows to 0 for deviations below 1e-162.
        (shift, if scale > 0.0 { scale } else { 1.0 })
    }
}

impl FromStr for ScalerKind {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "standard" => Ok(Self::Standard),
            "minmax" => Ok(Self::MinMax),
            "none" => Ok(Self::None),
            _ => Err(DataError::UnknownChoice { what: "scaler", found: text.to_string(), choices: &Self::CHOICES }),
        }
    }
}

impl fmt::Display for ScalerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Standard => "standard",
            Self::MinMax => "minmax",
            Self::None => "none",
        })
    }
}

/// Scales each column on its own: `(x - shift) / scale`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scaler {
    kind: ScalerKind,
    columns: Vec<Column>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Column {
    name: String,
    #[serde(deserialize_with = "finite")]
    shift: f64,
    #[serde(deserialize_with = "positive")]
    scale: f64,
}

impl Scaler {
    /// Fits the shift and scale of each column on training rows, the only rows that it accepts.
    pub fn fit(subset: &Subset<Train>, kind: ScalerKind) -> Self {
        let columns = subset.series().names().iter().enumerate().map(|(column, name)| {
            let (shift, scale) = kind.shift_and_scale(subset.values(column));
            Column { name: name.clone(), shift, scale }
        });
        Self { kind, columns: columns.collect() }
    }

    /// The kind of scaling.
    pub fn kind(&self) -> ScalerKind {
        self.kind
    }

    /// The names of the fitted columns, in order.
    pub fn names(&self) -> Vec<String> {
        self.columns.iter().map(|c| c.name.clone()).collect()
    }

    /// The scaler of these columns alone, in this order.
    ///
    /// # Errors
    /// If a column was not fitted.
    pub fn select(&self, names: &[String]) -> Result<Self> {
        let column = |name: &String| {
            let found = self.columns.iter().find(|column| column.name == *name);
            found.cloned().ok_or_else(|| DataError::UnknownColumn {
                path: "scaler".to_string(),
                name: name.clone(),
                columns: self.names(),
            })
        };
        Ok(Self { kind: self.kind, columns: names.iter().map(column).collect::<Result<_>>()? })
    }

    /// The shift that is subtracted from a column, and the scale that it is divided by.
    ///
    /// # Panics
    /// If `column` is out of range.
    pub fn shift_and_scale(&self, column: usize) -> (f64, f64) {
        let Column { shift, scale, .. } = &self.columns[column];
        (*shift, *scale)
    }

    /// Scales a value of a column.
    ///
    /// # Panics
    /// If `column` is out of range.
    pub fn transform(&self, column: usize, value: f64) -> f64 {
        let Column { shift, scale, .. } = &self.columns[column];
        (value - shift) / scale
    }

    /// Converts a scaled value back to the unit of its column.
    ///
    /// # Panics
    /// If `column` is out of range.
    pub fn inverse_transform(&self, column: usize, value: f64) -> f64 {
        let Column { shift, scale, .. } = &self.columns[column];
        value * scale + shift
    }

    /// Scales a subset. Its columns are put into the scaler's order.
    ///
    /// # Errors
    /// If the subset lacks a fitted column.
    pub fn scale<R: Role>(&self, subset: &Subset<R>) -> Result<ScaledSeries<R>> {
        let names = self.names();
        let series = if subset.series().names() == names {
            Arc::clone(subset.series())
        } else {
            Arc::new(subset.series().select(&names)?)
        };
        Ok(self.scale_rows(series, subset.segments()))
    }

    /// Scales a whole series, such as the input of a trained model. Its columns may be in any order, and it may have
    /// others.
    ///
    /// # Errors
    /// If the series lacks a fitted column.
    pub fn scale_series(&self, series: &Series) -> Result<ScaledSeries<Whole>> {
        let series = series.select(&self.names())?;
        let segments = series.segments().iter().enumerate();
        let segments = segments.map(|(segment, all)| SubsetSegment { segment, rows: all.rows.clone() });
        let segments: Vec<SubsetSegment> = segments.collect();
        Ok(self.scale_rows(Arc::new(series), &segments))
    }

    fn scale_rows<R: Role>(&self, series: Arc<Series>, segments: &[SubsetSegment]) -> ScaledSeries<R> {
        let scaled_segment = |SubsetSegment { segment, rows }: &SubsetSegment| {
            let start = series.segments()[*segment].rows.start;
            ScaledSegment { segment: *segment, start, rows: rows.clone() }
        };
        let segments = segments.iter().map(scaled_segment).collect();
        ScaledSeries { series, segments, scaler: Arc::new(self.clone()), role: PhantomData }
    }
}

/// Rows to be scaled, with their role, and the rows of their segments before them, which are known when these are. Only a
/// [`Scaler`] makes them.
///
/// A value is scaled when it is asked for: there is no second copy of the series.
#[derive(Debug, Clone)]
pub struct ScaledSeries<R: Role> {
    /// With the columns of the scaler.
    series: Arc<Series>,
    segments: Arc<[ScaledSegment]>,
    scaler: Arc<Scaler>,
    role: PhantomData<R>,
}

/// The scaled rows of a segment.
#[derive(Debug, Clone)]
pub(crate) struct ScaledSegment {
    /// An index into [`Series::segments`].
    pub(crate) segment: usize,
    /// The first row of the segment, which the context of a window may reach back to.
    pub(crate) start: usize,
    /// The rows with the role.
    pub(crate) rows: Range<usize>,
}

impl<R: Role> ScaledSeries<R> {
    /// The series before scaling, other subsets included.
    pub fn series(&self) -> &Arc<Series> {
        &self.series
    }

    /// The rows with the role, in each segment that has some.
    pub(crate) fn segments(&self) -> &[ScaledSegment] {
        &self.segments
    }

    /// The number of columns.
    pub fn width(&self) -> usize {
        self.series.names().len()
    }

    /// Appends some columns of rows of a segment, or of those before them, row by row. Rows are counted from the first of
    /// the series.
    pub(crate) fn gather(&self, segment: &ScaledSegment, rows: Range<usize>, columns: &[usize], buffer: &mut Vec<f32>) {
        let of_segment = segment.start..segment.rows.end;
        assert!(of_segment.start <= rows.start && rows.end <= of_segment.end, "rows {rows:?} of {segment:?}");
        buffer.reserve(rows.len() * columns.len());
        for row in rows {
            let scaled = |&column: &usize| self.scaler.transform(column, self.series.value(row, column)) as f32;
            buffer.extend(columns.iter().map(scaled));
        }
    }
}

fn finite<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<f64, D::Error> {
    let shift = f64::deserialize(deserializer)?;
    if shift.is_finite() {
        Ok(shift)
    } else {
        Err(de::Error::custom(format!("expected a finite shift, found {shift}")))
    }
}

fn mean_and_deviation(column: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let count = column.clone().count() as f64;
    let mean = column.clone().sum::<f64>() / count;
    let squares = column.map(|x| (x - mean).powi(2));
    (mean, (squares.sum::<f64>() / count).sqrt())
}

fn positive<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<f64, D::Error> {
    let scale = f64::deserialize(deserializer)?;
    if scale.is_finite() && scale > 0.0 {
        Ok(scale)
    } else {
        let message = format!("expected a positive scale, found {scale}");
        Err(de::Error::custom(message))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{ColumnSelection, Split, SplitFractions, Table};

    fn series(text: &str) -> Series {
        let table = Table::from_bytes("t.csv", text.as_bytes(), None).unwrap();
        table.series(&ColumnSelection::default()).unwrap()
    }

    /// A scaled row of a segment.
    fn row<R: Role>(scaled: &ScaledSeries<R>, segment: usize, row: usize) -> Vec<f32> {
        let mut values = Vec::new();
        let columns: Vec<usize> = (0..scaled.width()).collect();
        scaled.gather(&scaled.segments()[segment], row..row + 1, &columns, &mut values);
        values
    }

    fn split(text: &str) -> Split {
        let halves = SplitFractions::new(0.5, 0.25, 0.25).unwrap();
        series(text).split(&halves).unwrap()
    }

    const FOUR: &str = "a,b\n1,5\n3,5\n100,5\n-100,6\n";

    #[test]
    fn scaler_is_fitted_on_the_training_rows() {
        let train = split(FOUR).train;
        let standard = Scaler::fit(&train, ScalerKind::Standard);
        assert_eq!(standard.transform(0, 2.0), 0.0);
        assert_eq!(standard.transform(0, 3.0), 1.0);
        let minmax = Scaler::fit(&train, ScalerKind::MinMax);
        assert_eq!(minmax.transform(0, 1.0), 0.0);
        assert_eq!(minmax.transform(0, 3.0), 1.0);
        let none = Scaler::fit(&train, ScalerKind::None);
        assert_eq!(none.transform(0, 3.0), 3.0);
    }

    #[test]
    fn scaler_is_fitted_on_the_training_rows_of_all_series() {
        // Training rows: 1 and 3 of `a`, 5 and 7 of `b`.
        let text = "n,id,x\n0,a,1\n0,b,5\n0,a,3\n0,b,7\n0,a,100\n0,b,100\n0,a,-100\n0,b,-100\n";
        let table = Table::from_bytes("t.csv", text.as_bytes(), None).unwrap();
        let selection = ColumnSelection { series: Some("id".into()), ..ColumnSelection::default() };
        let halves = SplitFractions::new(0.5, 0.25, 0.25).unwrap();
        let split = table.series(&selection).unwrap().select(&["x".into()]).unwrap().split(&halves).unwrap();
        let scaler = Scaler::fit(&split.train, ScalerKind::MinMax);
        assert_eq!((scaler.transform(0, 1.0), scaler.transform(0, 7.0)), (0.0, 1.0));
        let valid = scaler.scale(&split.valid).unwrap();
        // The validation row of `b` and the rows before it, none of `a` between them.
        let segment = &valid.segments()[1];
        assert_eq!((segment.start, segment.rows.clone()), (4, 6..7));
        assert_eq!([4, 5, 6].map(|at| row(&valid, 1, at)[0]), [4.0 / 6.0, 1.0, 99.0 / 6.0].map(|x: f64| x as f32));
    }

    #[test]
    fn constant_column_becomes_zero() {
        for kind in [ScalerKind::Standard, ScalerKind::MinMax] {
            let scaler = Scaler::fit(&split(FOUR).train, kind);
            assert_eq!(scaler.transform(1, 5.0), 0.0);
            assert_eq!(scaler.transform(1, 6.0), 1.0);
        }
        let tiny = split("a\n1e-200\n2e-200\n1\n1\n");
        let scaler = Scaler::fit(&tiny.train, ScalerKind::Standard);
        assert!(scaler.transform(0, 1.0).is_finite());
    }

    #[test]
    fn column_that_is_constant_but_for_rounding_becomes_zero() {
        for kind in [ScalerKind::Standard, ScalerKind::MinMax] {
            let rounded = split("a\n0.3\n0.30000000000000004\n0.3\n1.3\n");
            let scaler = Scaler::fit(&rounded.train, kind);
            assert!(scaler.transform(0, 0.30000000000000004) < 1e-15);
            assert_eq!(scaler.transform(0, 1.3), 1.0);
            let scaler = Scaler::fit(&split("a\n1e-9\n1.1e-9\n1\n1\n").train, kind);
            assert!(scaler.transform(0, 1.1e-9) > 0.9, "small values are not rounding errors");
        }
    }

    #[test]
    fn later_rows_do_not_change_the_scaler() {
        let other = "a,b\n1,5\n3,5\n7,-8\n1e9,0\n";
        for kind in [ScalerKind::Standard, ScalerKind::MinMax] {
            assert_eq!(Scaler::fit(&split(FOUR).train, kind), Scaler::fit(&split(other).train, kind));
        }
    }

    #[test]
    fn subsets_are_scaled_row_by_row() {
        let split = split(FOUR);
        let scaler = Scaler::fit(&split.train, ScalerKind::MinMax);
        let test = scaler.scale(&split.test).unwrap();
        let [segment] = test.segments() else { panic!("one segment") };
        assert_eq!(segment.rows, 3..4);
        assert_eq!(row(&test, 0, 3), [-50.5, 1.0]);
    }

    #[test]
    fn series_columns_are_matched_by_name() {
        let scaler = Scaler::fit(&split(FOUR).train, ScalerKind::MinMax);
        let turned = series("b,c,a\n5,0,3\n");
        let scaled = scaler.scale_series(&turned).unwrap();
        assert_eq!(row(&scaled, 0, 0), [1.0, 0.0]);
        assert_eq!(
            scaler.scale_series(&series("a\n1\n")).unwrap_err().to_string(),
            "t.csv: expected one of the columns `a`, found `b`"
        );
    }

    #[test]
    fn scaler_is_the_same_after_a_round_trip() {
        let scaler = Scaler::fit(&split(FOUR).train, ScalerKind::Standard);
        let json = serde_json::to_string(&scaler).unwrap();
        assert_eq!(serde_json::from_str::<Scaler>(&json).unwrap(), scaler);
        let damaged = r#"{"kind":"none","columns":[{"name":"a","shift":0.0,"scale":0.0}]}"#;
        let error = serde_json::from_str::<Scaler>(damaged).unwrap_err();
        assert!(error.to_string().contains("expected a positive scale, found 0"));
    }

    #[test]
    fn kinds_parse_from_their_display() {
        for word in ScalerKind::CHOICES {
            assert_eq!(word.parse::<ScalerKind>().unwrap().to_string(), word);
            let json = serde_json::to_string(&word.parse::<ScalerKind>().unwrap()).unwrap();
            assert_eq!(json, format!("\"{word}\""));
        }
        assert!("robust".parse::<ScalerKind>().is_err());
    }

    proptest! {
        #[test]
        fn inverse_transform_restores_values(column in prop::collection::vec(-1e6..1e6_f64, 4..50)) {
            let mut text = "a\n".to_string();
            text.extend(column.iter().map(|x| format!("{x}\n")));
            let split = split(&text);
            for kind in [ScalerKind::Standard, ScalerKind::MinMax, ScalerKind::None] {
                let scaler = Scaler::fit(&split.train, kind);
                for x in &column {
                    let back = scaler.inverse_transform(0, scaler.transform(0, *x));
                    prop_assert!((back - x).abs() <= 1e-9 * (1.0 + x.abs()), "{} {}", x, back);
                }
            }
        }
    }
}
