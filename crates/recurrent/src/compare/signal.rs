//! A column of numbers in the order of time, cut into windows.

use std::path::Path;
use std::sync::LazyLock;

use rand::RngExt;
use rand::rngs::StdRng;
use recurrent_data::{ColumnSelection, Missing, RAW_FOLDER, Series, Table, locate, sha256};

use super::task::{Answers, Examples, Source};
use crate::task::data_name;
use crate::{Error, Result};

/// The share of the rows, the first ones, that is learned from.
const LEARNED: f64 = 0.8;

/// A series whose next number is to be foretold from a window of those before.
///
/// Numbers are standardised by mean and standard deviation of the part that is learned from.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    data: String,
    sha256: String,
    series: Series,
    /// The numbers, standardised.
    standard: Vec<f32>,
    /// Rows that are learned from.
    learned: usize,
}

impl Signal {
    /// Numbers that are seen before the one that is foretold.
    pub const WINDOW: usize = 14;
    /// The least number of rows.
    pub const LEAST: usize = 5 * Self::WINDOW;

    /// A column of a known data set or of a CSV file. Where none is named, it is the first of those that the data set
    /// foretells, or else the first one of numbers.
    ///
    /// # Errors
    /// If the data cannot be read, have no such column, a number is missing in it, or it has fewer rows than
    /// [`LEAST`](Self::LEAST).
    pub fn read(data: &str, column: Option<&str>) -> Result<Self> {
        let located = locate(data, Path::new(RAW_FOLDER))?;
        let facts = located.manifest.map(|manifest| manifest.series()).transpose()?;
        let bytes = located.read()?;
        let table = Table::from_bytes(located.source(), &bytes, None)?;
        let default = || match facts {
            Some(facts) => facts.targets.first().cloned(),
            None => table.numeric_columns().first().map(ToString::to_string),
        };
        let column = column.map(str::to_string).or_else(default);
        let date = facts.map(|facts| facts.date.clone());
        let request = ColumnSelection { date, columns: column.into_iter().collect(), missing: Missing::Error };
        let series = table.series(&request)?;
        if series.len() < Self::LEAST {
            let found = format!("{} in {}", series.len(), series.source());
            return Err(Error::setting("series", format!("at least {} rows", Self::LEAST), found));
        }
        Ok(Self::of(data_name(&located), sha256(&bytes), series))
    }

    fn of(data: String, sha256: String, series: Series) -> Self {
        let numbers: Vec<f64> = (0..series.len()).map(|row| series.value(row, 0)).collect();
        let learned = (LEARNED * numbers.len() as f64) as usize;
        let part = &numbers[..learned];
        let mean = part.iter().sum::<f64>() / learned as f64;
        let deviation = (part.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / learned as f64).sqrt();
        // What never changes is foretold by its mean, whatever it is divided by.
        let unit = if deviation > 0.0 { deviation } else { 1.0 };
        let standard = numbers.iter().map(|number| ((number - mean) / unit) as f32).collect();
        Self { data, sha256, series, standard, learned }
    }

    /// The highest temperatures of Seattle's days, which come with the program.
    pub fn weather() -> &'static Self {
        static WEATHER: LazyLock<Signal> =
            LazyLock::new(|| Signal::read("weather", None).expect("a table that is compiled in"));
        &WEATHER
    }

    /// The name of the data set, or the path of the file.
    pub fn data(&self) -> &str {
        &self.data
    }

    /// The sum of the data's bytes.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The column's name.
    pub fn column(&self) -> &str {
        &self.series.names()[0]
    }

    /// The last rows, at most so many and none of those that are learned from: the date of each, or its number where
    /// there are no dates; the values as they are; and the same standardised.
    pub fn last(&self, rows: usize) -> (Vec<String>, Vec<f64>, Vec<f32>) {
        let from = self.learned.max(self.standard.len().saturating_sub(rows));
        let shown = from..self.standard.len();
        let date = |row: usize| self.series.dates().map_or_else(|| (row + 1).to_string(), |dates| dates.label(row));
        (
            shown.clone().map(date).collect(),
            shown.clone().map(|row| self.series.value(row, 0)).collect(),
            self.standard[shown].to_vec(),
        )
    }

    /// So many windows of a part, drawn one by one.
    pub fn draw(&self, source: Source, rows: usize, random: &mut StdRng) -> Examples {
        let foretold = self.foretold(source);
        self.windows(&(0..rows).map(|_| random.random_range(foretold.clone())).collect::<Vec<_>>())
    }

    /// All windows of a part, in order.
    pub fn all(&self, source: Source) -> Examples {
        self.windows(&self.foretold(source).collect::<Vec<_>>())
    }

    /// How far off the number before is, as a forecast of the test part: the root of the mean squared error, in
    /// standard deviations.
    pub fn persistence(&self) -> f64 {
        let foretold = self.foretold(Source::Test);
        let rows = foretold.len() as f64;
        let squares = foretold.map(|row| f64::from(self.standard[row] - self.standard[row - 1]).powi(2));
        (squares.sum::<f64>() / rows).sqrt()
    }

    /// The rows of a part that are foretold.
    fn foretold(&self, source: Source) -> std::ops::Range<usize> {
        match source {
            Source::Train => Self::WINDOW..self.learned,
            Source::Test => self.learned..self.standard.len(),
        }
    }

    /// The windows before some rows, `[rows, WINDOW, 1]`, and these rows' numbers.
    fn windows(&self, foretold: &[usize]) -> Examples {
        Examples {
            shape: [foretold.len(), Self::WINDOW, 1],
            inputs: foretold.iter().flat_map(|row| &self.standard[row - Self::WINDOW..*row]).copied().collect(),
            answers: Answers::Numbers(foretold.iter().map(|row| self.standard[*row]).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn a_window_is_what_comes_right_before_its_answer() {
        let weather = Signal::weather();
        assert_eq!((weather.data(), weather.column(), weather.standard.len()), ("weather", "temp_max", 1461));
        let drawn = weather.draw(Source::Train, 5, &mut StdRng::seed_from_u64(1));
        assert_eq!(drawn.shape, [5, Signal::WINDOW, 1]);
        let Answers::Numbers(answers) = drawn.answers else { panic!("numbers") };
        for (window, answer) in drawn.inputs.chunks_exact(Signal::WINDOW).zip(answers) {
            let mut found = weather.standard[..weather.learned].windows(Signal::WINDOW + 1);
            assert!(found.any(|rows| rows[..Signal::WINDOW] == *window && rows[Signal::WINDOW] == answer));
        }
    }

    #[test]
    fn numbers_are_standardised_by_the_part_that_is_learned_from() {
        let weather = Signal::weather();
        let part = &weather.standard[..weather.learned];
        let mean = part.iter().map(|number| f64::from(*number)).sum::<f64>() / part.len() as f64;
        let square = part.iter().map(|number| f64::from(*number).powi(2)).sum::<f64>() / part.len() as f64;
        assert!(mean.abs() < 1e-5 && (square - 1.0).abs() < 1e-4, "{mean} {square}");
    }

    #[test]
    fn no_answer_is_learned_from_and_scored() {
        let weather = Signal::weather();
        let [train, test] = [Source::Train, Source::Test].map(|source| weather.foretold(source));
        assert!(train.end == test.start && test.end == 1461);
        assert_eq!(weather.all(Source::Test).shape[0], test.len());
        let (dates, values, standard) = weather.last(60);
        assert_eq!((dates.len(), values.len(), standard.len()), (60, 60, 60));
        assert_eq!(dates[59], "2015-12-31");
    }

    #[test]
    fn yesterday_is_a_forecast_that_is_off_by_a_third_of_the_deviation() {
        let off = Signal::weather().persistence();
        assert!((0.2..0.6).contains(&off), "{off}");
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_where_and_what() {
        let refused = |data: &str, column| Signal::read(data, column).unwrap_err().to_string();
        assert!(refused("weather", Some("snow")).contains("found `snow`"));
        assert!(refused("weather", Some("weather")).contains("column `weather`: expected a number, found `drizzle`"));
        assert!(refused("nowhere.csv", None).contains("nowhere.csv: expected a readable file"));
        assert!(refused("fables", None).contains("fables"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("short.csv");
        std::fs::write(&path, format!("x\n{}", "1\n".repeat(Signal::LEAST - 1))).unwrap();
        assert!(refused(path.to_str().unwrap(), None).starts_with("--series: expected at least 70 rows, found 69 in"));
        std::fs::write(&path, format!("x\n{}", "1\n".repeat(Signal::LEAST))).unwrap();
        let level = Signal::read(path.to_str().unwrap(), None).unwrap();
        assert!(level.standard.iter().all(|number| *number == 0.0) && level.last(3).0 == ["68", "69", "70"]);
    }
}
