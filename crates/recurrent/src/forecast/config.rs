//! The settings of a forecast.

use recurrent_data::{
    ColumnSelection, DataError, DataSource, DatasetManifest, Missing, ScalerKind, SplitFractions, Table,
};
use recurrent_models::CellKind;
use recurrent_models::networks::ForecastNetworkConfig;

use crate::fit::FitConfig;
use crate::partial::Partial;
use crate::settings::{Bound, MAX_LAYERS, MAX_STEPS, MAX_UNITS, Settings};
use crate::{Error, Result};

/// The largest noise, in standard deviations of scaled features, which are mostly below 10.
const MAX_NOISE: f64 = 1000.0;

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
        /// The column of dates.
        date: Option<String> = None, value_name = "COL", default_text = Some("the first of dates");
        /// What to do about missing values: error, forward (repeat the last value), drop (leave the row out).
        missing: Missing = Missing::default();
        /// Fractions of the rows for training, validation and test, in the order of time.
        split: SplitFractions = SplitFractions::default();
        /// Scaler of the columns, fitted on the training split: standard, minmax, none.
        scaler: ScalerKind = ScalerKind::default();
        /// Length of a season, for the seasonal naive baseline; 0 for none.
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
        /// Subtract the mean course of year, week and day from the targets, and add it to the forecasts (needs dates).
        deseasonalize: bool = false, default_text = Some("the data set's, or else false");
        /// Networks that are trained side by side, and forecast their mean.
        ensemble: usize = 1, value_name = "N", bound = Bound::Range(1, 64), default_text = Some("the data set's, or else 1");
        /// Forecast the change from the last value, not the level.
        residual: bool = true, default_text = Some("true if all targets are among the features");
    }
    task: "forecast",
    check: ForecastConfig::check_columns,
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
    pub(super) fn for_columns(source: &DataSource, given: &Partial) -> Result<Self> {
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
            residual: target.iter().all(|name| features.contains(name)),
            target,
            features,
            ..defaults
        };
        match schema {
            Some(schema) => Partial::from(&schema.recipe).apply(&config),
            None => Ok(config),
        }
    }

    /// The columns that the run reads: the features, then the targets that are not among them.
    pub fn columns(&self) -> Vec<String> {
        let others = self.target.iter().filter(|name| !self.features.contains(name));
        self.features.iter().chain(others).cloned().collect()
    }

    /// The columns that the run reads, with the column of dates.
    pub fn selection(&self) -> ColumnSelection {
        ColumnSelection { date: self.date.clone(), columns: self.columns(), missing: self.missing }
    }

    /// The network that the run trains.
    pub fn network(&self) -> ForecastNetworkConfig {
        let features_of_targets = || {
            let index = |name: &String| self.features.iter().position(|feature| feature == name);
            self.target.iter().filter_map(index).collect()
        };
        ForecastNetworkConfig::new(self.features.len(), self.hidden_size.clone(), self.horizon, self.target.len())
            .with_cell(self.cell)
            .with_dropout(self.dropout)
            .with_noise_std(self.noise)
            .with_residual(self.residual.then(features_of_targets))
    }

    fn check_columns(&self) -> Result<()> {
        if self.deseasonalize && self.date.is_none() {
            let expected = "a column of dates (`date`), from which the mean course of the year is known";
            return Err(Error::setting("deseasonalize", expected, "none"));
        }
        if self.hidden_size.len() > MAX_LAYERS as usize {
            let found = format!("{} layers", self.hidden_size.len());
            return Err(Error::setting("hidden_size", format!("at most {MAX_LAYERS} layers"), found));
        }
        if let (true, Some(name)) = (self.residual, self.target.iter().find(|name| !self.features.contains(name))) {
            let expected = "every target among the features, since the forecast is the change from its last value";
            return Err(Error::setting("residual", expected, format!("`{name}` among the targets alone")));
        }
        if let Some(date) = self.date.as_ref().filter(|date| self.columns().contains(date)) {
            let expected = "a column that is neither a target nor a feature";
            return Err(Error::setting("date", expected, format!("`{date}`")));
        }
        for (setting, columns) in [("target", &self.target), ("features", &self.features)] {
            let duplicate = columns.iter().enumerate().find(|(index, name)| columns[..*index].contains(name));
            if let Some((_, name)) = duplicate {
                return Err(Error::setting(setting, "each column once", format!("`{name}` twice")));
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
