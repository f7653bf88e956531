//! A univariate time series, cut into windows.

use std::sync::LazyLock;

use rand::RngExt;
use rand::rngs::StdRng;
use recurrent::data::{ColumnSelection, Series};
use recurrent::{Error, Result, open_data};

use crate::examples::{Examples, Split, Targets};

/// The fraction of the rows, the first ones, in the training split.
const TRAIN_FRACTION: f64 = 0.8;

/// A univariate time series for one-step forecasts from a window of past values.
///
/// Values are standardized by mean and standard deviation of the training split.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    data: String,
    sha256: String,
    series: Series,
    /// The standardized values.
    standardized: Vec<f32>,
    /// The number of rows in the training split.
    train_rows: usize,
}

impl Signal {
    /// The number of past values per forecast.
    pub const WINDOW: usize = 14;
    /// The minimum number of rows.
    pub const MIN_ROWS: usize = 5 * Self::WINDOW;

    /// Reads a column of a registered data set or of a CSV file. The default column is the first target of the data set,
    /// or else the first numeric column.
    ///
    /// # Errors
    /// If the data cannot be read, there is no such column, it has a missing value, or it has fewer than
    /// [`MIN_ROWS`](Self::MIN_ROWS) rows.
    pub fn read(data: &str, column: Option<&str>) -> Result<Self> {
        let located = open_data(data)?;
        let schema = located.manifest().map(|manifest| manifest.series()).transpose()?;
        let table = located.table()?;
        let default = || match schema {
            Some(schema) => schema.targets.first().cloned(),
            None => table.numeric_columns().first().map(ToString::to_string),
        };
        let column = column.map(str::to_string).or_else(default);
        let date = schema.map(|schema| schema.date_column.clone());
        let selection = ColumnSelection { date, columns: column.into_iter().collect(), ..Default::default() };
        let series = table.series(&selection)?;
        if series.len() < Self::MIN_ROWS {
            let found = format!("{} in {}", series.len(), series.source());
            return Err(Error::setting("series", format!("at least {} rows", Self::MIN_ROWS), found));
        }
        Ok(Self::of(located.absolute_name(), located.sha256()?.to_string(), series))
    }

    fn of(data: String, sha256: String, series: Series) -> Self {
        let values: Vec<f64> = (0..series.len()).map(|row| series.value(row, 0)).collect();
        let train_rows = (TRAIN_FRACTION * values.len() as f64) as usize;
        let train = &values[..train_rows];
        let mean = train.iter().sum::<f64>() / train_rows as f64;
        let std = (train.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / train_rows as f64).sqrt();
        // A series that is constant but for rounding becomes zeros.
        let scale = if std > series.rounding_error(0) { std } else { 1.0 };
        let standardized = values.iter().map(|value| ((value - mean) / scale) as f32).collect();
        Self { data, sha256, series, standardized, train_rows }
    }

    /// The daily maximum temperatures of Seattle, which are embedded.
    pub fn weather() -> &'static Self {
        static WEATHER: LazyLock<Signal> = LazyLock::new(|| Signal::read("weather", None).expect("an embedded table"));
        &WEATHER
    }

    /// The name of the data set, or the path of the file.
    pub fn data(&self) -> &str {
        &self.data
    }

    /// The SHA-256 checksum of the data.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The name of the column.
    pub fn column(&self) -> &str {
        &self.series.names()[0]
    }

    /// The last `rows` rows, or as many as the test split has: the date of each (its row number where there are no
    /// dates), the values, and the standardized values.
    pub fn last(&self, rows: usize) -> (Vec<String>, Vec<f64>, Vec<f32>) {
        let from = self.train_rows.max(self.standardized.len().saturating_sub(rows));
        let rows = from..self.standardized.len();
        let date = |row: usize| self.series.dates().map_or_else(|| (row + 1).to_string(), |dates| dates.label(row));
        (
            rows.clone().map(date).collect(),
            rows.clone().map(|row| self.series.value(row, 0)).collect(),
            self.standardized[rows].to_vec(),
        )
    }

    /// Samples `rows` windows of a split with replacement.
    pub fn sample(&self, split: Split, rows: usize, random: &mut StdRng) -> Examples {
        let targets = self.target_rows(split);
        self.windows(&(0..rows).map(|_| random.random_range(targets.clone())).collect::<Vec<_>>())
    }

    /// All windows of a split, in order.
    pub fn all(&self, split: Split) -> Examples {
        self.windows(&self.target_rows(split).collect::<Vec<_>>())
    }

    /// The root mean squared error, in standard deviations, of the naive forecast: the previous value.
    pub fn naive_rmse(&self) -> f64 {
        let targets = self.target_rows(Split::Test);
        let rows = targets.len() as f64;
        let squares = targets.map(|row| f64::from(self.standardized[row] - self.standardized[row - 1]).powi(2));
        (squares.sum::<f64>() / rows).sqrt()
    }

    /// The rows that are targets in a split.
    fn target_rows(&self, split: Split) -> std::ops::Range<usize> {
        match split {
            Split::Train => Self::WINDOW..self.train_rows,
            Split::Test => self.train_rows..self.standardized.len(),
        }
    }

    /// The windows before the target rows, `[rows, WINDOW, 1]`, and the targets.
    fn windows(&self, targets: &[usize]) -> Examples {
        Examples {
            shape: [targets.len(), Self::WINDOW, 1],
            inputs: targets.iter().flat_map(|row| &self.standardized[row - Self::WINDOW..*row]).copied().collect(),
            targets: Targets::Values(targets.iter().map(|row| self.standardized[*row]).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn window_precedes_its_target() {
        let weather = Signal::weather();
        assert_eq!((weather.data(), weather.column(), weather.standardized.len()), ("weather", "temp_max", 1461));
        let examples = weather.sample(Split::Train, 5, &mut StdRng::seed_from_u64(1));
        assert_eq!(examples.shape, [5, Signal::WINDOW, 1]);
        let Targets::Values(targets) = examples.targets else { panic!("values") };
        for (window, target) in examples.inputs.chunks_exact(Signal::WINDOW).zip(targets) {
            let mut found = weather.standardized[..weather.train_rows].windows(Signal::WINDOW + 1);
            assert!(found.any(|rows| rows[..Signal::WINDOW] == *window && rows[Signal::WINDOW] == target));
        }
    }

    #[test]
    fn values_are_standardized_by_the_training_split() {
        let weather = Signal::weather();
        let train = &weather.standardized[..weather.train_rows];
        let mean = train.iter().map(|value| f64::from(*value)).sum::<f64>() / train.len() as f64;
        let square = train.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>() / train.len() as f64;
        assert!(mean.abs() < 1e-5 && (square - 1.0).abs() < 1e-4, "{mean} {square}");
    }

    #[test]
    fn no_target_is_in_both_splits() {
        let weather = Signal::weather();
        let [train, test] = [Split::Train, Split::Test].map(|split| weather.target_rows(split));
        assert!(train.end == test.start && test.end == 1461);
        assert_eq!(weather.all(Split::Test).shape[0], test.len());
        let (dates, values, standardized) = weather.last(60);
        assert_eq!((dates.len(), values.len(), standardized.len()), (60, 60, 60));
        assert_eq!(dates[59], "2015-12-31");
    }

    #[test]
    fn naive_forecast_of_the_weather_is_off_by_a_fraction_of_the_standard_deviation() {
        let rmse = Signal::weather().naive_rmse();
        assert!((0.2..0.6).contains(&rmse), "{rmse}");
    }

    #[test]
    fn unreadable_series_are_refused_with_the_reason() {
        let refused = |data: &str, column| Signal::read(data, column).unwrap_err().to_string();
        assert!(refused("weather", Some("snow")).contains("found `snow`"));
        assert!(refused("weather", Some("weather")).contains("column `weather`: expected a number, found `drizzle`"));
        assert!(refused("nowhere.csv", None).contains("nowhere.csv: expected a readable file"));
        assert!(refused("fables", None).contains("fables"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("short.csv");
        std::fs::write(&path, format!("x\n{}", "1\n".repeat(Signal::MIN_ROWS - 1))).unwrap();
        assert!(refused(path.to_str().unwrap(), None).starts_with("series: expected at least 70 rows, found 69 in"));
        std::fs::write(&path, format!("x\n{}", "1\n".repeat(Signal::MIN_ROWS))).unwrap();
        let constant = Signal::read(path.to_str().unwrap(), None).unwrap();
        assert!(constant.standardized.iter().all(|value| *value == 0.0) && constant.last(3).0 == ["68", "69", "70"]);
    }
}
