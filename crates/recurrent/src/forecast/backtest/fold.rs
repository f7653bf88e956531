//! The folds of a backtest.

use std::ops::Range;

use recurrent_data::{Series, SplitFractions};

use super::BacktestConfig;
use crate::forecast::ForecastConfig;
use crate::{Error, Result};

/// A fold of a backtest: rows for training and validation, and forecast origins after them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fold {
    number: usize,
    /// The rows that its run reads.
    rows: Range<usize>,
    /// How many of them are for training, validation and test.
    split: [usize; 3],
    origins: Range<usize>,
    labels: [String; 2],
}

impl Fold {
    pub(super) fn new(number: usize, rows: Range<usize>, split: [usize; 3]) -> Self {
        Self { number, rows, split, origins: 0..0, labels: Default::default() }
    }

    /// Its number, from 1.
    pub fn number(&self) -> usize {
        self.number
    }

    /// The name of its folder.
    pub fn name(&self) -> String {
        format!("fold-{}", self.number)
    }

    /// The rows that its run reads, counted from the first row of the backtest: those for training and validation, and
    /// the targets of its forecasts.
    pub fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// The numbers of rows for training, validation and test.
    pub fn split(&self) -> [usize; 3] {
        self.split
    }

    /// Its forecast origins, counted as [`rows`](Self::rows).
    pub fn origins(&self) -> Range<usize> {
        self.origins.clone()
    }

    /// The dates of its first and last origin, or their rows.
    pub fn labels(&self) -> &[String; 2] {
        &self.labels
    }

    /// The settings of its run.
    ///
    /// # Errors
    /// If it has no row for training.
    pub(super) fn config(&self, base: &ForecastConfig) -> Result<ForecastConfig> {
        let count = self.rows.len() as f64;
        let [train, valid, test] = self.split.map(|rows| rows as f64 / count);
        let mut config = base.clone();
        config.first_row += self.rows.start;
        config.num_rows = self.rows.len();
        config.split = SplitFractions::new(train, valid, test)?;
        Ok(config)
    }
}

/// The folds of a series: all origins whose targets are test rows, in consecutive blocks that differ by at most one.
///
/// # Errors
/// If there are fewer origins than folds, or no row for training or validation before them.
pub(super) fn folds(config: &BacktestConfig, series: &Series) -> Result<Vec<Fold>> {
    let BacktestConfig { folds, sliding, forecast: ForecastConfig { horizon, split, .. }, .. } = config;
    let test = series.clone().split(split)?.test.rows();
    let origins = (test.len() + 1).saturating_sub(*horizon);
    if origins < *folds {
        let rows = test.len();
        let expected =
            format!("at most {origins}, one for each origin whose {horizon} row(s) are among the {rows} test rows");
        return Err(Error::setting("folds", expected, folds.to_string()));
    }
    let label = |row: usize| match series.dates() {
        Some(dates) => dates.label(row),
        None => row.to_string(),
    };
    let origin = |fold: usize| test.start - 1 + fold * origins / folds;
    let fold = |number: usize| {
        let origins = origin(number - 1)..origin(number);
        let first = if *sliding { origins.start + 1 - test.start } else { 0 };
        let known = origins.start + 1 - first;
        let fraction = split.valid() / (split.train() + split.valid());
        let valid = ((known as f64 * fraction).round() as usize).clamp(1, known.saturating_sub(1).max(1));
        let targets = origins.len() + horizon - 1;
        let labels = [label(origins.start), label(origins.end - 1)];
        let rows = first..origins.start + 1 + targets;
        Fold { number, rows, split: [known.saturating_sub(valid), valid, targets], origins, labels }
    };
    Ok((1..=*folds).map(fold).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use recurrent_data::{ColumnSelection, Table};

    use super::*;
    use crate::settings::Settings;

    fn series(rows: usize) -> Series {
        let text: String = (0..rows).map(|row| format!("{row}\n")).collect();
        let table = Table::from_bytes("y.csv", format!("y\n{text}").as_bytes(), None).unwrap();
        table.series(&ColumnSelection::default()).unwrap()
    }

    fn config(folds: usize, horizon: usize, sliding: bool) -> BacktestConfig {
        let forecast = ForecastConfig { horizon, ..ForecastConfig::defaults() };
        BacktestConfig { sliding, ..BacktestConfig::new(folds, forecast) }
    }

    /// 100 rows: 15 test rows from row 85 on, 13 origins with a horizon of 3.
    #[test]
    fn folds_by_hand() {
        let folds = folds(&config(3, 3, false), &series(100)).unwrap();
        let origins: Vec<_> = folds.iter().map(Fold::origins).collect();
        assert_eq!(origins, [84..88, 88..92, 92..97]);
        let rows: Vec<_> = folds.iter().map(Fold::rows).collect();
        assert_eq!(rows, [0..91, 0..95, 0..100]);
        // 15 of 85 rows for validation; 89 · 0.15 / 0.85 = 15.7
        assert_eq!([folds[0].split(), folds[1].split()], [[70, 15, 6], [73, 16, 6]]);
        assert_eq!(folds[2].labels(), &["92".to_string(), "96".into()]);
    }

    #[test]
    fn more_folds_than_origins_are_refused() {
        let error = folds(&config(14, 3, false), &series(100)).unwrap_err().to_string();
        assert_eq!(
            error,
            "folds: expected at most 13, one for each origin whose 3 row(s) are among the 15 test rows, found 14"
        );
        assert!(folds(&config(1, 16, false), &series(100)).is_err());
    }

    proptest! {
        #[test]
        fn origins_are_consecutive_and_rows_before_them_known(
            rows in 20_usize..400, count in 1_usize..9, horizon in 1_usize..9, sliding: bool,
        ) {
            let (config, series) = (config(count, horizon, sliding), series(rows));
            let Ok(folds) = folds(&config, &series) else { return Ok(()) };
            let test = series.clone().split(&config.forecast.split).unwrap().test.rows();
            prop_assert_eq!(folds[0].origins().start, test.start - 1);
            prop_assert_eq!(folds[count - 1].rows().end, rows);
            for pair in folds.windows(2) {
                prop_assert_eq!(pair[0].origins().end, pair[1].origins().start);
                prop_assert!(pair[0].origins().len().abs_diff(pair[1].origins().len()) <= 1);
            }
            for fold in &folds {
                let [train, valid, targets] = fold.split();
                prop_assert_eq!(fold.rows().start + train + valid, fold.origins().start + 1);
                prop_assert_eq!(targets, fold.origins().len() + horizon - 1);
                prop_assert_eq!(train + valid == test.start, sliding || fold.number() == 1);
                // The fractions of its run give the same rows.
                prop_assume!(train > 0);
                let run = fold.config(&config.forecast).unwrap();
                let rows = run.rows(rows).unwrap();
                prop_assert_eq!(rows.clone(), fold.rows());
                let split = series.clone().slice(rows).split(&run.split).unwrap();
                prop_assert_eq!([split.train.rows().len(), split.valid.rows().len()], [train, valid]);
            }
        }
    }
}
