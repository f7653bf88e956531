//! What a forecasting run is to do, complete and checked.

use recurrent_data::{
    DataError, Dataset, Missing, RAW_FOLDER, Ratios, ScalerKind, SeriesFacts, SeriesRequest, Table, locate, sha256,
};
use recurrent_models::CellKind;
use recurrent_models::networks::ForecastNetworkConfig;
use serde::{Deserialize, Serialize};
use std::path::Path;

use crate::fit::FitPlan;
use crate::run::{Plan, Task, a_share, at_least_one};
use crate::{Error, Result};

/// What a forecasting run is to do: everything that its result depends on. It is written into the run's folder before
/// the first step, and makes the same run again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForecastPlan {
    /// Always `forecast`: which task the plan is for.
    pub task: Task,
    /// An embedded data set's name, or a CSV file's path.
    pub data: String,
    /// The sum of the data, so that a run goes on with the rows that it began with.
    pub sha256: String,
    /// The column of dates, if there is one.
    pub date: Option<String>,
    /// The columns to foretell.
    pub target: Vec<String>,
    /// The columns to look at.
    pub inputs: Vec<String>,
    /// What to do about missing values.
    pub missing: Missing,
    /// How the rows are cut into training, validation and test, in the order of time.
    pub split: Ratios,
    /// How columns are scaled.
    pub scaler: ScalerKind,
    /// After how many rows things repeat; 0 if they do not.
    pub season: usize,
    /// Rows seen.
    pub window: usize,
    /// Rows foretold.
    pub horizon: usize,
    /// Which recurrent layer.
    pub model: CellKind,
    /// Hidden units of each layer.
    pub hidden: Vec<usize>,
    /// Dropout between layers.
    pub dropout: f64,
    /// The standard deviation of the noise on the scaled inputs in training.
    pub noise: f64,
    /// Whether the network foretells the change from a target's last value, and not its level.
    pub residual: bool,
    /// How it is trained.
    #[serde(flatten)]
    pub fit: FitPlan,
}

/// Opened data: the table, and what is known about it.
#[derive(Debug)]
pub struct Source {
    /// The rows, as text.
    pub table: Table,
    /// How to forecast it, if it is a known data set.
    pub facts: Option<&'static SeriesFacts>,
    /// The sum of the bytes.
    pub sha256: String,
}

impl Source {
    /// Opens a known data set by its name, or else a CSV file by its path.
    ///
    /// # Errors
    /// If there is neither, or the file is no table.
    pub fn open(data: &str) -> Result<Self> {
        let located = locate(data, Path::new(RAW_FOLDER))?;
        let facts = located.manifest.map(Dataset::series).transpose()?;
        let bytes = located.read()?;
        Ok(Self { table: Table::from_bytes(located.source(), &bytes, None)?, facts, sha256: sha256(&bytes) })
    }
}

impl ForecastPlan {
    /// The recipe for a data set: what its manifest says, or else the one column of numbers that a file has.
    ///
    /// `targets` and `inputs` take the place of the manifest's where given; without either, what is foretold is what is
    /// looked at.
    ///
    /// # Errors
    /// If nobody says what to foretell.
    pub fn new(data: &str, source: &Source, targets: Option<Vec<String>>, inputs: Option<Vec<String>>) -> Result<Self> {
        let facts = source.facts;
        let target = match (targets, facts) {
            (Some(targets), _) => targets,
            (None, Some(facts)) => facts.targets.clone(),
            (None, None) => vec![only_number(&source.table)?],
        };
        let mut looked_at = inputs.unwrap_or_else(|| facts.map_or_else(Vec::new, |f| f.inputs.clone()));
        if looked_at.is_empty() {
            looked_at.clone_from(&target);
        }
        let plan = Self {
            task: Task::Forecast,
            data: data.to_string(),
            sha256: source.sha256.clone(),
            date: match facts {
                Some(facts) => Some(facts.date.clone()),
                None => source.table.date_column().map(String::from),
            },
            missing: Missing::default(),
            split: facts.map_or_else(Ratios::default, |f| f.split),
            scaler: ScalerKind::default(),
            season: facts.and_then(|f| f.season).unwrap_or(0),
            window: 100,
            horizon: facts.map_or(1, |f| f.horizon),
            model: CellKind::Lstm,
            hidden: vec![50, 50],
            dropout: 0.0,
            noise: facts.map_or(0.0, |f| f.noise),
            residual: target.iter().all(|name| looked_at.contains(name)),
            target,
            inputs: looked_at,
            fit: FitPlan::default(),
        };
        Ok(plan)
    }

    /// The columns that the run reads: what is looked at, then what is only foretold.
    pub fn columns(&self) -> Vec<String> {
        let unseen = self.target.iter().filter(|name| !self.inputs.contains(name));
        self.inputs.iter().chain(unseen).cloned().collect()
    }

    /// What the run reads of its table.
    pub fn request(&self) -> SeriesRequest {
        SeriesRequest { date: self.date.clone(), columns: self.columns(), missing: self.missing }
    }

    /// Where the targets are among the inputs.
    fn seen_targets(&self) -> Vec<usize> {
        self.target.iter().filter_map(|name| self.inputs.iter().position(|input| input == name)).collect()
    }

    /// The network that the run trains.
    pub fn network(&self) -> ForecastNetworkConfig {
        ForecastNetworkConfig::new(self.inputs.len(), self.hidden.clone(), self.horizon, self.target.len())
            .with_cell(self.model)
            .with_dropout(self.dropout)
            .with_noise_std(self.noise)
            .with_residual(self.residual.then(|| self.seen_targets()))
    }
}

impl Plan for ForecastPlan {
    const TASK: Task = Task::Forecast;

    fn data(&self) -> &str {
        &self.data
    }

    fn sha256(&self) -> &str {
        &self.sha256
    }

    fn fit(&self) -> &FitPlan {
        &self.fit
    }

    fn fit_mut(&mut self) -> &mut FitPlan {
        &mut self.fit
    }

    fn check(&self) -> Result<()> {
        at_least_one("--window", self.window)?;
        at_least_one("--horizon", self.horizon)?;
        if self.hidden.is_empty() || self.hidden.contains(&0) {
            return Err(Error::Plan {
                setting: "--hidden",
                expected: "one size of at least 1 a layer, as in 50,50".into(),
                found: format!("{:?}", self.hidden),
            });
        }
        a_share("--dropout", self.dropout)?;
        if !(self.noise.is_finite() && self.noise >= 0.0) {
            return Err(Error::Plan {
                setting: "--noise",
                expected: "a standard deviation of 0 or more".into(),
                found: self.noise.to_string(),
            });
        }
        if let (true, Some(unseen)) = (self.residual, self.target.iter().find(|name| !self.inputs.contains(name))) {
            return Err(Error::Plan {
                setting: "--residual",
                expected: "every target among the inputs, for their last values are gone on from".into(),
                found: format!("`{unseen}` among the targets alone"),
            });
        }
        for (setting, columns) in [("--target", &self.target), ("--inputs", &self.inputs)] {
            let twice = columns.iter().enumerate().find(|(index, name)| columns[..*index].contains(name));
            if let Some((_, name)) = twice {
                return Err(Error::Plan {
                    setting,
                    expected: "each column once".into(),
                    found: format!("`{name}` twice"),
                });
            }
        }
        self.fit.check()
    }
}

fn only_number(table: &Table) -> Result<String> {
    let date = table.date_column();
    let columns: Vec<&str> = table.numeric_columns().into_iter().filter(|name| Some(*name) != date).collect();
    match columns[..] {
        [] => {
            Err(DataError::NoColumn { path: table.source().to_string(), expected: "a column of numbers to foretell" }
                .into())
        }
        [only] => Ok(only.to_string()),
        _ => Err(Error::Plan {
            setting: "--target",
            expected: format!("one of the columns of {}: {}", table.source(), columns.join(", ")),
            found: "none".into(),
        }),
    }
}
