//! The settings of a forecast.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use recurrent_data::{
    ColumnSelection, DataError, DataSource, DatasetManifest, Gaps, Missing, ScalerKind, SplitFractions, Table,
};
use recurrent_models::CellKind;
use serde::{Deserialize, Serialize};

use super::{DistributionHead, ForecastLoss, OutputKind, PowerTransform};
use crate::fit::FitConfig;
use crate::partial::Partial;
use crate::settings::{Bound, MAX_LAYERS, MAX_STEPS, MAX_UNITS, Settings};
use crate::{Error, Result};

/// The largest noise, in standard deviations of scaled features, which are mostly below 10.
const MAX_NOISE: f64 = 1000.0;

/// The levels of the quantiles in reports: the median, and the bounds of the central intervals of 50, 80 and 95 %.
pub(super) const REPORTED_LEVELS: [f64; 7] = [0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975];

/// What a network forecasts the change from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Residual {
    /// The last value of the window.
    #[default]
    Last,
    /// The value a season before, the last one that is known.
    Season,
    /// Nothing: the network forecasts the level.
    None,
}

impl Residual {
    /// All choices.
    pub const ALL: [Self; 3] = [Self::Last, Self::Season, Self::None];
}

impl fmt::Display for Residual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Last => "last",
            Self::Season => "season",
            Self::None => "none",
        })
    }
}

impl FromStr for Residual {
    type Err = String;

    fn from_str(name: &str) -> std::result::Result<Self, String> {
        let known = Self::ALL.into_iter().find(|residual| residual.to_string() == name);
        known.ok_or_else(|| format!("unknown residual `{name}`: expected last, season or none"))
    }
}

crate::setting_value!(Residual: "OF", Gaps: "POLICY");

crate::settings! {
    /// The settings of a forecast.
    #[non_exhaustive]
    pub struct ForecastConfig {
        /// A registered data set (see `train data list`) or a CSV file with a header.
        data: String = "weather".into(), value_name = "NAME|FILE.csv";
        /// The target columns, which are forecast (names with a comma: only in a settings file).
        target: Vec<String> = Vec::new(), value_name = "COL,..",
            default_text = Some("the data set's, or else the only numeric column");
        /// The feature columns, from which the targets are forecast.
        features: Vec<String> = Vec::new(), value_name = "COL,..", default_text = Some("the data set's, or else the targets");
        /// Known-future covariates: columns whose values are known over the horizon, such as holidays or planned prices.
        future: Vec<String> = Vec::new(), value_name = "COL,..", default_text = Some("the data set's");
        /// Let the network know the place of each row in year, week and day, also over the horizon (needs dates).
        calendar: bool = false, default_text = Some("the data set's, or else false");
        /// The column of series' ids, if the table has several series: one network learns them all.
        series: Option<String> = None, value_name = "COL";
        /// The column of dates.
        date: Option<String> = None, value_name = "COL", default_text = Some("the first of dates");
        /// What to do about missing values: error, forward (repeat the last value), drop (leave the row out).
        missing: Missing = Missing::default();
        /// What to do about gaps between the dates: error, fill (repeat the last row), split (no window crosses it), ignore.
        gaps: Gaps = Gaps::default();
        /// Rows before this one are left out; the first row is 0.
        first_row: usize = 0;
        /// How many rows are read; 0 for all to the end.
        num_rows: usize = 0;
        /// Fractions of the rows for training, validation and test, in the order of time.
        split: SplitFractions = SplitFractions::default();
        /// Scaler of the columns, fitted on the training split: standard, minmax, none.
        scaler: ScalerKind = ScalerKind::default();
        /// Length of a season, for the seasonal naive baseline and the residual; 0 for none.
        season: usize = 0, value_name = "ROWS", bound = Bound::Range(0, MAX_STEPS), default_text = Some("the data set's, or else 0");
        /// Context length: past rows that a forecast is made from.
        window: usize = 100, value_name = "ROWS", bound = Bound::Range(1, MAX_STEPS), default_text = Some("the data set's, or else 100");
        /// Horizon: rows that are forecast at once.
        horizon: usize = 1, value_name = "ROWS", bound = Bound::Range(1, MAX_STEPS), default_text = Some("the data set's, or else 1");
        /// The recurrent cell: rnn, lstm, gru.
        cell: CellKind = CellKind::Lstm, default_text = Some("the data set's, or else lstm");
        /// Hidden units of each layer.
        hidden_size: Vec<usize> = vec![50, 50], value_name = "N,..", bound = Bound::Range(1, MAX_UNITS), default_text = Some("the data set's, or else 50,50");
        /// Dropout between layers and before the dense layer.
        dropout: f64 = 0.0, value_name = "FRACTION", bound = Bound::Fraction, default_text = Some("the data set's, or else 0");
        /// Standard deviation of the Gaussian noise that is added to the scaled features in training.
        noise: f64 = 0.0, bound = Bound::UpTo(MAX_NOISE), default_text = Some("the data set's, or else 0");
        /// Standard deviation of the noise that is added to the level of a window's targets in training.
        level_noise: f64 = 0.0, bound = Bound::UpTo(MAX_NOISE), default_text = Some("the data set's, or else 0");
        /// Rows that are one step of the recurrent layers; window and horizon are multiples of it.
        patch_len: usize = 1, value_name = "ROWS", bound = Bound::Range(1, MAX_STEPS), default_text = Some("the data set's, or else 1");
        /// Let the network read the targets of so many rows before each row that it forecasts.
        ///
        /// They are known if they are at least a horizon before, and in the window.
        lags: Vec<usize> = Vec::new(), value_name = "ROWS,..", default_text = Some("the data set's");
        /// Power transform of the targets, fitted on the training split: none, log, box-cox.
        transform: PowerTransform = PowerTransform::None, default_text = Some("the data set's, or else none");
        /// Subtract the mean course of year, week and day from the targets, and add it to the forecasts (needs dates).
        deseasonalize: bool = false, default_text = Some("the data set's, or else false");
        /// Scale each window by the mean and deviation of its targets (reversible instance normalization: Kim et al. 2022).
        instance_norm: bool = false, default_text = Some("true if there are several series");
        /// What the network forecasts the change from: last (value), season (the value a season before), none.
        residual: Residual = Residual::Last, default_text = Some("last if all targets are among the features");
        /// What the network forecasts: point, quantiles, or the parameters of a distribution: normal, student-t,
        /// negative-binomial (of counts).
        output: OutputKind = OutputKind::Point, default_text = Some("the data set's, or else point");
        /// Levels of the quantiles that are trained, with 0.5 among them.
        quantiles: Vec<f64> = REPORTED_LEVELS.to_vec(), value_name = "LEVEL,..", bound = Bound::OpenFraction;
        /// The loss of point forecasts: mse, mae, huber.
        loss: ForecastLoss = ForecastLoss::Mse, default_text = Some("the data set's, or else mse");
        /// Networks that are trained side by side, and forecast their mean.
        ensemble: usize = 1, value_name = "N", bound = Bound::Range(1, 64), default_text = Some("the data set's, or else 1");
    }
    task: "forecast",
    check: ForecastConfig::check_all,
    fit: FitConfig::default(),
}

impl ForecastConfig {
    /// The default settings for a data set: those of its manifest; for a file, the only numeric column is the target.
    ///
    /// # Errors
    /// If a file has no numeric column, or several; or a data set's recipe has a setting that there is not.
    pub fn new(source: &DataSource) -> Result<Self> {
        Self::for_columns(source, &Partial::default())
    }

    /// The recipe for a data set with the targets and features that were given.
    pub(crate) fn for_columns(source: &DataSource, given: &Partial) -> Result<Self> {
        let schema = source.manifest().map(DatasetManifest::series).transpose()?;
        let table = source.table()?;
        let target: Vec<String> = match (given.get("target"), schema) {
            (Some(target), _) => target,
            (None, Some(schema)) => schema.targets.clone(),
            (None, None) => vec![only_numeric_column(table)?],
        };
        let of_schema = || schema.map(|schema| schema.features.clone());
        let features = given.get("features").or_else(of_schema).filter(|features: &Vec<_>| !features.is_empty());
        let features = features.unwrap_or_else(|| target.clone());
        let defaults = Self::defaults();
        let series: Option<String> = given.get("series");
        let config = Self {
            data: source.absolute_name(),
            sha256: source.sha256()?.into(),
            date: match schema {
                Some(schema) => Some(schema.date_column.clone()),
                None => table.date_column().map(String::from),
            },
            split: schema.map_or(defaults.split, |schema| schema.split),
            season: schema.and_then(|schema| schema.season).unwrap_or(defaults.season),
            horizon: schema.map_or(defaults.horizon, |schema| schema.horizon),
            future: schema.map(|schema| schema.future.clone()).unwrap_or_default(),
            residual: match target.iter().all(|name| features.contains(name)) {
                true => Residual::Last,
                false => Residual::None,
            },
            instance_norm: series.is_some() && given.get("output") != Some(OutputKind::NegativeBinomial),
            series,
            target,
            features,
            ..defaults
        };
        match schema {
            Some(schema) => Partial::from(&schema.recipe).apply(&config),
            None => Ok(config),
        }
    }

    /// The columns that the run reads: the features, the known-future covariates, then the targets, each once.
    pub fn columns(&self) -> Vec<String> {
        let mut columns = self.inputs();
        columns.extend(self.target.iter().filter(|name| !columns.contains(name)).cloned().collect::<Vec<_>>());
        columns
    }

    /// The columns of the window: the features and the known-future covariates, each once.
    pub(crate) fn inputs(&self) -> Vec<String> {
        let others = self.future.iter().filter(|name| !self.features.contains(name));
        self.features.iter().chain(others).cloned().collect()
    }

    /// The columns that the run reads, with those of dates and series.
    pub fn selection(&self) -> ColumnSelection {
        ColumnSelection {
            date: self.date.clone(),
            columns: self.columns(),
            missing: self.missing,
            series: self.series.clone(),
            gaps: self.gaps,
        }
    }

    /// The rows that the run reads of a series of `len` rows.
    ///
    /// # Errors
    /// [`Error::Setting`] if there are fewer than `first_row` and `num_rows` ask for.
    pub fn rows(&self, len: usize) -> Result<Range<usize>> {
        let Self { data, first_row, num_rows, .. } = self;
        if *first_row >= len {
            let expected = format!("a row before row {len}, where {data} ends");
            return Err(Error::setting("first_row", expected, first_row.to_string()));
        }
        let left = len - first_row;
        if *num_rows > left {
            let expected = format!("at most {left}, the rows of {data} from row {first_row} to the end");
            return Err(Error::setting("num_rows", expected, num_rows.to_string()));
        }
        Ok(*first_row..if *num_rows == 0 { len } else { first_row + num_rows })
    }

    /// What the outputs of the network mean.
    ///
    /// # Errors
    /// [`Error::Setting`] if the levels of the quantiles are not as [`DistributionHead::check_levels`] says.
    pub fn head(&self) -> Result<DistributionHead> {
        DistributionHead::new(self.output, self.loss, self.quantiles.clone())
    }

    /// How many rows before the value is that the network forecasts the change from.
    pub(crate) fn residual_rows(&self) -> Option<usize> {
        match self.residual {
            Residual::Last => Some(1),
            Residual::Season => Some(self.season),
            Residual::None => None,
        }
    }

    fn check_all(&self) -> Result<()> {
        self.head()?;
        self.check_columns()?;
        self.check_steps()?;
        self.check_transforms()
    }

    fn check_columns(&self) -> Result<()> {
        let outside = self.target.iter().find(|name| !self.features.contains(name));
        if let (true, Some(name)) = (self.residual != Residual::None, outside) {
            let expected = "every target among the features, since the forecast is the change from a value of its past";
            return Err(Error::setting("residual", expected, format!("`{name}` among the targets alone")));
        }
        let needs_past = [
            ("lags", !self.lags.is_empty()),
            ("level_noise", self.level_noise > 0.0),
            ("instance_norm", self.instance_norm),
        ];
        if let (Some((setting, _)), Some(name)) = (needs_past.into_iter().find(|(_, needs)| *needs), outside) {
            let expected = "every target among the features, since its past is needed";
            return Err(Error::setting(setting, expected, format!("`{name}` among the targets alone")));
        }
        for (setting, column) in [("date", &self.date), ("series", &self.series)] {
            if let Some(column) = column.as_ref().filter(|column| self.columns().contains(column)) {
                let expected = "a column that is neither a target nor a feature";
                return Err(Error::setting(setting, expected, format!("`{column}`")));
            }
        }
        if let Some(name) = self.future.iter().find(|name| self.target.contains(name)) {
            let expected = "columns that are known ahead, and so no target";
            return Err(Error::setting("future", expected, format!("`{name}`")));
        }
        for (setting, columns) in [("target", &self.target), ("features", &self.features), ("future", &self.future)] {
            let duplicate = columns.iter().enumerate().find(|(index, name)| columns[..*index].contains(name));
            if let Some((_, name)) = duplicate {
                return Err(Error::setting(setting, "each column once", format!("`{name}` twice")));
            }
        }
        Ok(())
    }

    /// Whether windows, horizons, patches and lags fit together.
    fn check_steps(&self) -> Result<()> {
        let Self { window, horizon, patch_len, season, .. } = *self;
        if self.hidden_size.len() > MAX_LAYERS as usize {
            let found = format!("{} layers", self.hidden_size.len());
            return Err(Error::setting("hidden_size", format!("at most {MAX_LAYERS} layers"), found));
        }
        let has_decoder = self.calendar || !self.future.is_empty() || !self.lags.is_empty();
        for (name, rows) in [("window", Some(window)), ("horizon", has_decoder.then_some(horizon))] {
            if let Some(rows) = rows.filter(|rows| !rows.is_multiple_of(patch_len)) {
                let expected = format!("a divisor of the {name}, which has {rows} rows");
                return Err(Error::setting("patch_len", expected, patch_len.to_string()));
            }
        }
        if let Some(lag) = self.lags.iter().find(|lag| **lag < horizon || **lag > window) {
            let expected = format!("rows from the horizon of {horizon} to the window of {window}");
            return Err(Error::setting("lags", expected, lag.to_string()));
        }
        if self.lags.len() > MAX_LAYERS as usize {
            return Err(Error::setting("lags", format!("at most {MAX_LAYERS} lags"), self.lags.len().to_string()));
        }
        if self.residual == Residual::Season && !(1..=window).contains(&season) {
            let expected = format!("a season of 1 to {window} rows, which the window has (`season`)");
            return Err(Error::setting("residual", expected, format!("a season of {season}")));
        }
        Ok(())
    }

    /// Whether the transforms of the targets fit together.
    fn check_transforms(&self) -> Result<()> {
        let needs_dates = [("deseasonalize", self.deseasonalize), ("calendar", self.calendar)];
        if let (None, Some((setting, _))) = (&self.date, needs_dates.into_iter().find(|(_, needs)| *needs)) {
            let expected = "a column of dates (`date`), from which the place in the year is known";
            return Err(Error::setting(setting, expected, "none"));
        }
        if self.series.is_some() && (self.first_row > 0 || self.num_rows > 0) {
            let setting = if self.first_row > 0 { "first_row" } else { "num_rows" };
            return Err(Error::setting(setting, "a single series, whose rows can be counted", "several (`series`)"));
        }
        if self.deseasonalize && self.series.is_some() {
            let expected = "a single series: several have no common course";
            return Err(Error::setting("deseasonalize", expected, "several (`series`)"));
        }
        if self.output == OutputKind::NegativeBinomial {
            let others = [
                ("transform", self.transform != PowerTransform::None),
                ("deseasonalize", self.deseasonalize),
                ("instance_norm", self.instance_norm),
            ];
            if let Some((other, _)) = others.into_iter().find(|(_, used)| *used) {
                let expected = format!("counts as they are, without `{other}`");
                return Err(Error::setting("output", expected, "negative-binomial with it"));
            }
        }
        Ok(())
    }
}

fn only_numeric_column(table: &Table) -> Result<String> {
    let date = table.date_column();
    let columns: Vec<&str> = table.numeric_columns().into_iter().filter(|name| Some(*name) != date).collect();
    match columns[..] {
        [] => {
            let path = table.source().to_string();
            Err(DataError::NoColumn { path, expected: "a numeric column to forecast" }.into())
        }
        [only] => Ok(only.to_string()),
        _ => {
            let expected = format!("one of the columns of {}: {}", table.source(), columns.join(", "));
            Err(Error::setting("target", expected, "none"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_are_not_there_are_refused() {
        let rows = |first_row, num_rows| {
            let config = ForecastConfig { data: "t.csv".into(), first_row, num_rows, ..ForecastConfig::defaults() };
            config.rows(10).map_err(|error| error.to_string())
        };
        assert_eq!([rows(0, 0), rows(0, 10), rows(3, 0), rows(3, 4)].map(Result::unwrap), [0..10, 0..10, 3..10, 3..7]);
        assert_eq!(rows(10, 0).unwrap_err(), "first_row: expected a row before row 10, where t.csv ends, found 10");
        assert_eq!(
            rows(3, 8).unwrap_err(),
            "num_rows: expected at most 7, the rows of t.csv from row 3 to the end, found 8"
        );
        assert!(rows(usize::MAX, 1).is_err() && rows(1, usize::MAX).is_err());
    }

    #[test]
    fn settings_that_do_not_fit_together_are_refused() {
        let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<String>>();
        let good = || ForecastConfig {
            target: names(&["y"]),
            features: names(&["y", "x"]),
            date: Some("day".into()),
            window: 12,
            horizon: 4,
            ..ForecastConfig::defaults()
        };
        let refused = |config: ForecastConfig, text: &str| {
            let error = config.check_all().unwrap_err().to_string();
            assert!(error.contains(text), "expected `{text}` in: {error}");
        };
        good().check_all().unwrap();
        let decoder = ForecastConfig { calendar: true, lags: vec![4, 12], patch_len: 4, ..good() };
        decoder.check_all().unwrap();
        refused(
            ForecastConfig { patch_len: 5, ..good() },
            "patch_len: expected a divisor of the window, which has 12 rows",
        );
        refused(ForecastConfig { patch_len: 3, ..decoder }, "patch_len: expected a divisor of the horizon");
        refused(
            ForecastConfig { lags: vec![3], ..good() },
            "lags: expected rows from the horizon of 4 to the window of 12",
        );
        refused(ForecastConfig { lags: vec![13], ..good() }, "found 13");
        refused(ForecastConfig { residual: Residual::Season, ..good() }, "found a season of 0");
        refused(ForecastConfig { future: names(&["y"]), ..good() }, "future: expected columns that are known ahead");
        refused(
            ForecastConfig { features: names(&["x"]), ..good() },
            "residual: expected every target among the features",
        );
        refused(ForecastConfig { date: None, calendar: true, ..good() }, "calendar: expected a column of dates");
        refused(ForecastConfig { quantiles: vec![0.1, 0.9], ..good() }, "quantiles: expected levels between 0 and 1");
        let counts = ForecastConfig { output: OutputKind::NegativeBinomial, ..good() };
        refused(ForecastConfig { deseasonalize: true, ..counts }, "output: expected counts as they are");
    }
}
