//! Numbers brought to a size that a network likes, and back: fitted on the training rows alone.

use std::{fmt, marker::PhantomData, ops::Range, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::{DataError, Result, Role, Series, Subset, Train, Whole};

/// How a column is scaled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScalerKind {
    /// To mean 0 and standard deviation 1.
    #[default]
    Standard,
    /// To the range from 0 to 1. Later rows may well lie outside of it.
    MinMax,
    /// Not at all.
    None,
}

impl ScalerKind {
    const CHOICES: [&str; 3] = ["standard", "minmax", "none"];

    /// What is taken off each number of a column, and what is left divided by.
    fn shift_and_scale(self, column: &[f64]) -> (f64, f64) {
        let low = column.iter().copied().fold(f64::INFINITY, f64::min);
        let high = column.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (shift, scale) = match self {
            Self::None => (0.0, 1.0),
            // A constant has no size. Rounding would give it a deviation near 0, and blow it up.
            _ if low == high => (low, 1.0),
            Self::MinMax => (low, high - low),
            Self::Standard => mean_and_deviation(column),
        };
        // The square of a deviation below 1e-162 is 0.
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

/// Scales each column by itself: `(x - shift) / scale`.
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
    /// Learns the size of each column from the training rows. There is no other way to make a
    /// scaler, save to load one.
    pub fn fit(part: &Subset<Train>, kind: ScalerKind) -> Self {
        let series = part.series();
        let columns = series.names().iter().zip(series.columns());
        let columns = columns.map(|(name, column)| {
            let (shift, scale) = kind.shift_and_scale(&column[part.rows()]);
            Column { name: name.clone(), shift, scale }
        });
        Self { kind, columns: columns.collect() }
    }

    /// How it scales.
    pub fn kind(&self) -> ScalerKind {
        self.kind
    }

    /// The names of the columns it knows, in their order.
    pub fn names(&self) -> Vec<String> {
        self.columns.iter().map(|c| c.name.clone()).collect()
    }

    /// A number of a column as the network sees it.
    ///
    /// # Panics
    /// If there is no such column.
    pub fn transform(&self, column: usize, number: f64) -> f64 {
        let Column { shift, scale, .. } = &self.columns[column];
        (number - shift) / scale
    }

    /// What the network says, in the column's own unit.
    ///
    /// # Panics
    /// If there is no such column.
    pub fn inverse(&self, column: usize, number: f64) -> f64 {
        let Column { shift, scale, .. } = &self.columns[column];
        number * scale + shift
    }

    /// A part as the network sees it, its columns in this scaler's order.
    ///
    /// # Errors
    /// If the part lacks a column that the scaler knows.
    pub fn scale<R: Role>(&self, part: &Subset<R>) -> Result<Scaled<R>> {
        let names = self.names();
        let series = if part.series().names() == names {
            Arc::clone(part.series())
        } else {
            Arc::new(part.series().select(&names)?)
        };
        Ok(self.scale_rows(series, part.rows()))
    }

    /// A whole series as the network sees it: what a saved model is asked about. Its columns may
    /// come in any order, and others may stand among them.
    ///
    /// # Errors
    /// If the series lacks a column that the scaler knows.
    pub fn scale_series(&self, series: &Series) -> Result<Scaled<Whole>> {
        let series = series.select(&self.names())?;
        let rows = 0..series.len();
        Ok(self.scale_rows(Arc::new(series), rows))
    }

    fn scale_rows<R: Role>(&self, series: Arc<Series>, rows: Range<usize>) -> Scaled<R> {
        let width = self.columns.len();
        let row = |row| (0..width).map(move |c| (row, c));
        let scaled = |(row, c)| self.transform(c, series.value(row, c)) as f32;
        let values = rows.clone().flat_map(row).map(scaled).collect();
        Scaled { series, rows, values, role: PhantomData }
    }
}

/// Rows as a network sees them, still with their role. Only a [`Scaler`] makes them.
#[derive(Debug, Clone)]
pub struct Scaled<R: Role> {
    series: Arc<Series>,
    rows: Range<usize>,
    /// `[rows, columns]`, row by row.
    values: Arc<[f32]>,
    role: PhantomData<R>,
}

impl<R: Role> Scaled<R> {
    /// The series as it was before scaling, other parts included.
    pub fn series(&self) -> &Arc<Series> {
        &self.series
    }

    /// The rows of the series that are scaled here.
    pub fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// How many columns there are.
    pub fn width(&self) -> usize {
        self.series.names().len()
    }

    /// One row, counted from the first row of the part.
    pub(crate) fn row(&self, row: usize) -> &[f32] {
        let width = self.width();
        &self.values[row * width..][..width]
    }
}

fn finite<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<f64, D::Error> {
    let number = f64::deserialize(deserializer)?;
    if number.is_finite() { Ok(number) } else { Err(de::Error::custom("expected a shift that is finite")) }
}

fn mean_and_deviation(column: &[f64]) -> (f64, f64) {
    let count = column.len() as f64;
    let mean = column.iter().sum::<f64>() / count;
    let squares = column.iter().map(|x| (x - mean).powi(2));
    (mean, (squares.sum::<f64>() / count).sqrt())
}

/// A saved scale must be one that can be divided by.
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
    use crate::{ColumnSelection, Ratios, Split, Table};

    fn series(text: &str) -> Series {
        let table = Table::from_bytes("t.csv", text.as_bytes(), None).unwrap();
        table.series(&ColumnSelection::default()).unwrap()
    }

    fn split(text: &str) -> Split {
        let halves = Ratios::new(0.5, 0.25, 0.25).unwrap();
        series(text).split(&halves).unwrap()
    }

    const FOUR: &str = "a,b\n1,5\n3,5\n100,5\n-100,6\n";

    #[test]
    fn columns_are_measured_on_the_training_rows() {
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
    fn a_constant_becomes_zero_and_is_not_blown_up() {
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
    fn later_rows_do_not_change_what_is_learned() {
        let other = "a,b\n1,5\n3,5\n7,-8\n1e9,0\n";
        for kind in [ScalerKind::Standard, ScalerKind::MinMax] {
            assert_eq!(Scaler::fit(&split(FOUR).train, kind), Scaler::fit(&split(other).train, kind));
        }
    }

    #[test]
    fn parts_are_scaled_row_by_row() {
        let split = split(FOUR);
        let scaler = Scaler::fit(&split.train, ScalerKind::MinMax);
        let test = scaler.scale(&split.test).unwrap();
        assert_eq!(test.rows(), 3..4);
        assert_eq!(test.row(0), [-50.5, 1.0]);
    }

    #[test]
    fn another_series_is_scaled_by_its_names() {
        let scaler = Scaler::fit(&split(FOUR).train, ScalerKind::MinMax);
        let turned = series("b,c,a\n5,0,3\n");
        assert_eq!(scaler.scale_series(&turned).unwrap().row(0), [1.0, 0.0]);
        assert_eq!(
            scaler.scale_series(&series("a\n1\n")).unwrap_err().to_string(),
            "t.csv: expected one of the columns `a`, found `b`"
        );
    }

    #[test]
    fn a_scaler_is_saved_and_loaded() {
        let scaler = Scaler::fit(&split(FOUR).train, ScalerKind::Standard);
        let json = serde_json::to_string(&scaler).unwrap();
        assert_eq!(serde_json::from_str::<Scaler>(&json).unwrap(), scaler);
        let damaged = r#"{"kind":"none","columns":[{"name":"a","shift":0.0,"scale":0.0}]}"#;
        let error = serde_json::from_str::<Scaler>(damaged).unwrap_err();
        assert!(error.to_string().contains("expected a positive scale, found 0"));
    }

    #[test]
    fn a_kind_is_written_as_it_is_read() {
        for word in ScalerKind::CHOICES {
            assert_eq!(word.parse::<ScalerKind>().unwrap().to_string(), word);
            let json = serde_json::to_string(&word.parse::<ScalerKind>().unwrap()).unwrap();
            assert_eq!(json, format!("\"{word}\""));
        }
        assert!("robust".parse::<ScalerKind>().is_err());
    }

    proptest! {
        #[test]
        fn every_number_comes_back(column in prop::collection::vec(-1e6..1e6_f64, 4..50)) {
            let mut text = "a\n".to_string();
            text.extend(column.iter().map(|x| format!("{x}\n")));
            let split = split(&text);
            for kind in [ScalerKind::Standard, ScalerKind::MinMax, ScalerKind::None] {
                let scaler = Scaler::fit(&split.train, kind);
                for x in &column {
                    let back = scaler.inverse(0, scaler.transform(0, *x));
                    prop_assert!((back - x).abs() <= 1e-9 * (1.0 + x.abs()), "{} {}", x, back);
                }
            }
        }
    }
}
