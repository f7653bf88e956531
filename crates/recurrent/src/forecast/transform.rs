//! The transform between a table's values and the network's.

use recurrent_data::{CalendarFeatures, ColumnSelection, DateTime, Dates, Gaps, Missing, Scaler, Series, WindowShape};
use recurrent_models::networks::ForecastNetworkConfig;
use serde::{Deserialize, Serialize};

use super::climatology::Moment;
use super::{Climatology, ForecastConfig, PowerScale, PowerTransform};
use crate::{Error, Result, RunDir};

/// The transform between a table's values and the network's: columns, window and horizon, and what was fitted on the
/// training rows alone. It is saved in the run's folder, so that predictions do not need the data set.
///
/// A target goes through a power transform, loses its climatology and is scaled, each by choice; a forecast goes the way
/// back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForecastTransform {
    /// The column of dates, if there was one.
    pub date: Option<String>,
    /// How missing values are treated.
    pub missing: Missing,
    /// How gaps between the dates are treated.
    pub gaps: Gaps,
    /// The column of series' ids, if there was one.
    pub series: Option<String>,
    /// The columns that a window is made from.
    pub features: Vec<String>,
    /// Those of them that are known over the horizon.
    pub future: Vec<String>,
    /// The target columns.
    pub targets: Vec<String>,
    /// Past rows that a forecast is made from.
    pub window: usize,
    /// Rows that are forecast.
    pub horizon: usize,
    /// What was fitted.
    pub fitted: Fitted,
}

/// What was fitted on the training rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fitted {
    /// The ids of the series; none if there is one without an id.
    #[serde(default)]
    pub ids: Vec<String>,
    /// The cycles whose phases are columns too, in the window and over the horizon.
    #[serde(default)]
    pub calendar: CalendarFeatures,
    /// The power transform of each target; none if the network sees them as they are.
    #[serde(default)]
    pub powers: Vec<PowerScale>,
    /// The climatology of each target, which the network does not see; none if it sees the targets with it.
    #[serde(default)]
    pub climatologies: Vec<Climatology>,
    /// The scale of every column that the network sees.
    pub scaler: Scaler,
}

impl ForecastTransform {
    /// The file in a run's folder.
    pub(super) const FILE: &'static str = "transform.toml";

    pub(super) fn new(config: &ForecastConfig, fitted: Fitted) -> Self {
        Self {
            date: config.date.clone(),
            missing: config.missing,
            gaps: config.gaps,
            series: config.series.clone(),
            features: config.inputs(),
            future: config.future.clone(),
            targets: config.target.clone(),
            window: config.window,
            horizon: config.horizon,
            fitted,
        }
    }

    /// That of a run with these settings.
    ///
    /// # Errors
    /// If the file is missing or damaged, or belongs to other settings.
    pub(super) fn read(run_dir: &RunDir, config: &ForecastConfig) -> Result<Self> {
        let transform: Self = run_dir.read_toml(Self::FILE)?;
        if transform.belongs_to(config) {
            return Ok(transform);
        }
        Err(Error::RunDir {
            path: run_dir.path(Self::FILE),
            expected: "the columns, window, horizon and transforms of this run's config.toml".into(),
            found: "others".into(),
        })
    }

    /// Whether it can be that of a run with these settings; one from a file may not be.
    fn belongs_to(&self, config: &ForecastConfig) -> bool {
        let Fitted { ids, calendar, powers, climatologies, .. } = &self.fitted;
        let of_targets = |used: bool| if used { self.targets.len() } else { 0 };
        *self == Self::new(config, self.fitted.clone())
            && ids.is_empty() == config.series.is_none()
            && (config.calendar || calendar.cycles.is_empty())
            && calendar.cycles.len() <= recurrent_data::Cycle::ALL.len()
            && powers.len() == of_targets(config.transform != PowerTransform::None)
            && climatologies.len() == of_targets(config.deseasonalize)
            && climatologies.iter().all(Climatology::is_valid)
            && self.shape().is_ok()
    }

    /// The columns of a window as the network reads them: the features, then the phases of the calendar.
    pub(super) fn inputs(&self) -> Vec<String> {
        [&self.features[..], &self.fitted.calendar.names()].concat()
    }

    /// The columns that are known over the horizon, in the order in which the network reads them.
    pub(super) fn known(&self) -> Vec<String> {
        [&self.future[..], &self.fitted.calendar.names()].concat()
    }

    /// The network of a run with these settings.
    pub(super) fn network(&self, config: &ForecastConfig) -> ForecastNetworkConfig {
        let outputs = config.head().map_or(1, |head| head.num_outputs());
        ForecastNetworkConfig::new(self.inputs().len(), config.hidden_size.clone(), self.horizon, self.targets.len())
            .with_cell(config.cell)
            .with_dropout(config.dropout)
            .with_noise_std(config.noise)
            .with_level_noise_std(config.level_noise)
            .with_target_features(self.target_features())
            .with_residual(config.residual_rows())
            .with_num_outputs(outputs)
            .with_patch_len(config.patch_len)
            .with_num_future(self.known().len())
            .with_lags(config.lags.clone())
            .with_num_series(self.fitted.ids.len())
    }

    /// The place of each target among the features; `None` if one is not there.
    pub(super) fn target_features(&self) -> Option<Vec<usize>> {
        let index = |name: &String| self.features.iter().position(|feature| feature == name);
        self.targets.iter().map(index).collect()
    }

    /// The shift and the scale of each target.
    pub(super) fn target_scales(&self) -> Vec<(f64, f64)> {
        let names = self.fitted.scaler.names();
        let index = |target: &String| names.iter().position(|name| name == target);
        let scale = |index: usize| self.fitted.scaler.shift_and_scale(index);
        self.targets.iter().filter_map(index).map(scale).collect()
    }

    /// The number by which the network knows a series; 0 for an unknown one.
    pub(super) fn series_number(&self, id: Option<&str>) -> usize {
        let known = |id| self.fitted.ids.iter().position(|known| known == id);
        id.and_then(known).map_or(0, |index| index + 1)
    }

    /// The mean course of a target on some dates, in the transformed unit: zeros if the network sees it.
    ///
    /// # Errors
    /// If there are no dates.
    pub(super) fn course(&self, target: usize, dates: Option<&[DateTime]>, rows: usize) -> Result<Vec<f64>> {
        let Some(climatology) = self.fitted.climatologies.get(target) else { return Ok(vec![0.0; rows]) };
        let mean = |date: &DateTime| climatology.mean(Moment { row: 0, date: Some(*date) }).unwrap_or(f64::NAN);
        let no_dates = || Error::Input {
            what: "the rows to forecast from".into(),
            expected: "a column of dates, of which the mean course of the year is subtracted".into(),
            found: "none".into(),
        };
        Ok(dates.ok_or_else(no_dates)?.iter().map(mean).collect())
    }

    /// A series as the network sees it, before scaling: with transformed targets and the calendar.
    ///
    /// # Errors
    /// If it has no dates, which climatology and calendar need, or a target is not positive, which a power transform needs.
    pub(super) fn see(&self, series: &Series) -> Result<Series> {
        let series = self.fitted.calendar.add_to(series.clone())?;
        self.see_targets(&series)
    }

    /// A series that has the calendar already, with transformed targets.
    ///
    /// # Errors
    /// As [`see`](Self::see).
    pub(super) fn see_targets(&self, series: &Series) -> Result<Series> {
        self.deseasonalize(&self.transformed(series)?)
    }

    /// A series with power-transformed targets. A series to forecast from has the features alone.
    fn transformed(&self, series: &Series) -> Result<Series> {
        let mut transformed = series.clone();
        for (name, power) in self.targets.iter().zip(&self.fitted.powers) {
            if let Ok(values) = series.column(name) {
                let values = power.transform(name, values)?;
                transformed = transformed.map_column(name, |row, _| values[row])?;
            }
        }
        Ok(transformed)
    }

    /// A series without the climatology of its targets.
    fn deseasonalize(&self, series: &Series) -> Result<Series> {
        let mut series = series.clone();
        for (target, name) in self.targets.iter().enumerate().take(self.fitted.climatologies.len()) {
            if series.index_of(name).is_ok() {
                let dates = series.dates().map(Dates::timestamps);
                let course = self.course(target, dates, series.len())?;
                series = series.map_column(name, |row, value| value - course[row])?;
            }
        }
        Ok(series)
    }

    /// The smallest forecast of a target that has a power transform.
    pub(super) fn lowest(&self, target: usize) -> Option<f64> {
        self.fitted.powers.get(target).map(PowerScale::lowest)
    }

    /// A value of a target in the network's unit from one in the column's, given its course.
    pub(super) fn encode(&self, target: usize, value: f64, course: f64) -> f64 {
        let transformed = self.fitted.powers.get(target).map_or(value, |power| power.forward(value));
        let (shift, scale) = self.target_scales()[target];
        (transformed - course - shift) / scale
    }

    /// A value of a target in the column's unit from an unscaled one, given its course.
    pub(super) fn restore(&self, target: usize, unscaled: f64, course: f64) -> f64 {
        let value = unscaled + course;
        self.fitted.powers.get(target).map_or(value, |power| power.inverse(value))
    }

    /// The columns to read from a table for a prediction: the features, with dates and ids if there were some.
    pub fn selection(&self) -> ColumnSelection {
        ColumnSelection {
            date: self.date.clone(),
            columns: self.features.clone(),
            missing: self.missing,
            series: self.series.clone(),
            gaps: self.gaps,
        }
    }

    /// The known-future covariates to read from a table; `None` if a prediction needs none.
    pub fn future_selection(&self) -> Option<ColumnSelection> {
        let columns = self.future.clone();
        (!columns.is_empty()).then(|| ColumnSelection { columns, ..self.selection() })
    }

    /// The shape of the windows, in the scaler's columns.
    ///
    /// # Errors
    /// If a column has no scale, because the file was edited.
    pub fn shape(&self) -> Result<WindowShape> {
        let names = self.fitted.scaler.names();
        let index = |name: &String| {
            names.iter().position(|known| known == name).ok_or_else(|| Error::Input {
                what: Self::FILE.into(),
                expected: format!("columns that have a scale: {}", names.join(", ")),
                found: name.clone(),
            })
        };
        let indices = |names: &[String]| names.iter().map(index).collect::<Result<Vec<usize>>>();
        let (inputs, targets, known) = (self.inputs(), &self.targets, self.known());
        let shape = WindowShape::new(self.window, self.horizon, indices(&inputs)?, indices(targets)?)?;
        Ok(shape.with_future(indices(&known)?))
    }
}
