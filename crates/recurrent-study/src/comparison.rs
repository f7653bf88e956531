//! A study in a folder of its own.
//!
//! ```text
//! runs/compare-1/
//!   config.toml          the settings
//!   measurements/*.json  one file per measurement, written when it is done
//!   compare.json         all measurements and the evaluated claims
//! ```

use std::path::Path;

use burn::tensor::Device;
use recurrent::models::CellKind;
use recurrent::{Error, Result, RunDir};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::claim::{ClaimResult, evaluate_claims};
use crate::config::StudyConfig;
use crate::explosion::{ExplosionConfig, ExplosionResult};
use crate::gate_trace::{GateInput, GateTrace};
use crate::gradient_flow::GradientFlowConfig;
use crate::part::StudyPart;
use crate::results::{Results, TrialResult};
use crate::speed::measure_speed;
use crate::training::{TrainResult, train};
use crate::trial::Trial;

/// A study in a folder, which is locked while this value lives.
#[derive(Debug)]
pub struct Comparison {
    config: StudyConfig,
    run_dir: RunDir,
}

/// The progress of a study: one measurement is available.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// The number of available measurements.
    pub done: usize,
    /// The number of all measurements.
    pub total: usize,
    /// The name of the measurement.
    pub name: String,
    /// A summary of the measurement; `None` if it was read from its file.
    pub summary: Option<String>,
}

/// One measurement of the grid.
enum Measurement {
    Trial(Trial),
    GradientFlow(GradientFlowConfig),
    Explosion(ExplosionConfig),
    TextGates(CellKind),
    SeriesGates(CellKind),
    Speed { cell: CellKind, hidden_size: usize, length: usize },
}

impl Measurement {
    fn name(&self) -> String {
        match self {
            Self::Trial(trial) => trial.to_string(),
            Self::GradientFlow(network) => network.to_string(),
            Self::Explosion(run) => run.to_string(),
            Self::TextGates(cell) => format!("gates-text-{cell}"),
            Self::SeriesGates(cell) => format!("gates-series-{cell}"),
            Self::Speed { cell, hidden_size, length } => format!("speed-T{length}-h{hidden_size}-{cell}"),
        }
    }
}

/// The result of a measurement that was stopped or finished.
enum Outcome {
    Stopped,
    /// It was read from its file.
    Read,
    /// It is new, with a summary.
    Measured(String),
}

impl Comparison {
    /// Creates the folder of a study, or opens an existing one that has the same settings.
    ///
    /// # Errors
    /// If a setting is invalid, the folder is not a study's or has other settings, or another process has locked it.
    pub fn create_or_open(config: StudyConfig, folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        config.check()?;
        if !folder.exists() {
            let text = RunDir::config_text(TASK, &config);
            return Ok(Self { config, run_dir: RunDir::create(folder, &[(CONFIG, text)], false)? });
        }
        let existing = Self::open(folder)?;
        match difference(&existing.config, &config) {
            None => Ok(existing),
            Some((setting, expected, found)) => Err(Error::RunDir {
                path: folder.join(CONFIG),
                expected: format!("`{setting} = {expected}` (choose another folder for other settings)"),
                found: format!("`{found}`"),
            }),
        }
    }

    /// Opens the folder of a study.
    ///
    /// # Errors
    /// If the folder is not a study's, its config is invalid, or another process has locked it.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let run_dir = RunDir::open_locked(folder)?;
        let config: StudyConfig = run_dir.read_config(TASK)?;
        config.check()?;
        run_dir.check_data("series", &config.series)?;
        Ok(Self { config, run_dir })
    }

    /// Whether a folder is that of a study.
    pub fn is_in(folder: impl AsRef<Path>) -> bool {
        RunDir::open(folder).and_then(|run_dir| run_dir.header()).is_ok_and(|header| header.task == TASK)
    }

    /// The settings.
    pub fn config(&self) -> &StudyConfig {
        &self.config
    }

    /// The folder.
    pub fn run_dir(&self) -> &RunDir {
        &self.run_dir
    }

    /// All measurements, the fast ones first.
    fn measurements(&self) -> Vec<Measurement> {
        let config = &self.config;
        let mut all: Vec<Measurement> = Vec::new();
        if config.parts.contains(&StudyPart::Cost) {
            for length in &config.cost_lengths {
                for hidden_size in &config.cost_hidden_sizes {
                    let speed = |cell| Measurement::Speed { cell, hidden_size: *hidden_size, length: *length };
                    all.extend(CellKind::ALL.map(speed));
                }
            }
        }
        if config.parts.contains(&StudyPart::Gradients) {
            all.extend(GradientFlowConfig::all(config).into_iter().map(Measurement::GradientFlow));
            all.extend(ExplosionConfig::ALL.map(Measurement::Explosion));
        }
        if config.parts.contains(&StudyPart::Gates) {
            let gated = [CellKind::Lstm, CellKind::Gru];
            all.extend(gated.map(Measurement::TextGates));
            all.extend(gated.map(Measurement::SeriesGates));
        }
        all.extend(config.trials().into_iter().map(Measurement::Trial));
        all
    }

    /// Runs all measurements that are not in the folder yet, and writes a file for each. `progress` is called after each
    /// measurement.
    ///
    /// `None` if `stop` returned true before the end.
    ///
    /// # Errors
    /// If a file cannot be written, an existing one is invalid, or the series cannot be read.
    pub fn run(
        &self,
        device: &Device,
        stop: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<Option<Results>> {
        let mut results = Results::new(self.config.clone());
        let measurements = self.measurements();
        let total = measurements.len();
        for (done, measurement) in (1..).zip(&measurements) {
            if stop() {
                return Ok(None);
            }
            let name = measurement.name();
            let summary = match self.measure(measurement, &name, device, stop, &mut results)? {
                Outcome::Stopped => return Ok(None),
                Outcome::Read => None,
                Outcome::Measured(summary) => Some(summary),
            };
            progress(&Progress { done, total, name, summary });
        }
        Ok(Some(results))
    }

    /// Adds a measurement to the results.
    fn measure(
        &self,
        measurement: &Measurement,
        name: &str,
        device: &Device,
        stop: &dyn Fn() -> bool,
        results: &mut Results,
    ) -> Result<Outcome> {
        let config = &self.config;
        match measurement {
            Measurement::Trial(trial) => {
                let run = || {
                    let trained = train(trial, &config.model(trial), &config.train_config(), device, stop);
                    Ok(trained.map(|(_, result)| TrialResult { trial: *trial, result }))
                };
                self.read_or_run(name, run, |trial| summary(&trial.result), &mut results.trials)
            }
            Measurement::GradientFlow(network) => {
                let run = || Ok(network.run(config, device, stop));
                self.read_or_run(name, run, |flow| summary(&flow.result), &mut results.gradient_flow)
            }
            Measurement::Explosion(explosion) => {
                let run = || Ok(explosion.run(config, device, stop));
                let summary =
                    |run: &ExplosionResult| format!("{}; clipped: {}", summary(&run.unclipped), summary(&run.clipped));
                self.read_or_run(name, run, summary, &mut results.explosions)
            }
            Measurement::TextGates(cell) => {
                let run = || Ok(GateTrace::of_text(*cell, config, device, stop));
                self.read_or_run(name, run, gate_summary, &mut results.gate_traces)
            }
            Measurement::SeriesGates(cell) => {
                let run = || Ok(GateTrace::of_series(*cell, &config.signal()?, config, device, stop));
                self.read_or_run(name, run, gate_summary, &mut results.gate_traces)
            }
            Measurement::Speed { cell, hidden_size, length } => {
                let run = || Ok(Some(measure_speed(*cell, *hidden_size, *length, config.batch_size, device)));
                let summary = |speed: &crate::Speed| format!("{:.2} ms per step", speed.median_milliseconds());
                self.read_or_run(name, run, summary, &mut results.speeds)
            }
        }
    }

    /// Appends to `all` the measurement in the file of this name, after running it and writing the file if there is none.
    fn read_or_run<T: Serialize + DeserializeOwned>(
        &self,
        name: &str,
        run: impl FnOnce() -> Result<Option<T>>,
        summary: impl Fn(&T) -> String,
        all: &mut Vec<T>,
    ) -> Result<Outcome> {
        let file = format!("measurements/{name}.json");
        let path = self.run_dir.path(&file);
        let is_new = !path.exists();
        if is_new {
            let Some(measurement) = run()? else { return Ok(Outcome::Stopped) };
            self.run_dir.write(&file, to_json(&measurement))?;
        }
        // New measurements are read back too: a float can lose its last bit in JSON, and a resumed study must give the
        // same results.
        let measurement: T = serde_json::from_str(&self.run_dir.read(&file)?).map_err(|cause| Error::RunDir {
            path,
            expected: "a measurement (delete the file to measure it again)".into(),
            found: cause.to_string(),
        })?;
        let outcome = if is_new { Outcome::Measured(summary(&measurement)) } else { Outcome::Read };
        all.push(measurement);
        Ok(outcome)
    }

    /// Evaluates the claims and writes them with all results to `compare.json`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_results(&self, results: &Results) -> Result<Vec<ClaimResult>> {
        #[derive(Serialize)]
        struct CompareFile<'a> {
            claims: &'a [ClaimResult],
            #[serde(flatten)]
            results: &'a Results,
        }
        let claims = evaluate_claims(results);
        self.run_dir.write("compare.json", to_json(&CompareFile { claims: &claims, results }))?;
        Ok(claims)
    }
}

/// The task in the header of `config.toml`.
const TASK: &str = "compare";
const CONFIG: &str = "config.toml";

fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("results have a form in JSON") + "\n"
}

fn summary(result: &TrainResult) -> String {
    match (result.diverged_at, result.loss) {
        (None, Some(loss)) => format!("loss {loss:.4}, {:.1} s", result.seconds),
        (step, _) => format!("diverged at step {}", step.unwrap_or(result.steps)),
    }
}

fn gate_summary(trace: &GateTrace) -> String {
    match &trace.input {
        GateInput::Text { accuracy, .. } => format!("accuracy {:.0} %", 100.0 * accuracy.unwrap_or(0.0)),
        GateInput::Series { rmse, .. } => format!("RMSE {:.3} standard deviations", rmse.unwrap_or(f64::NAN)),
    }
}

/// The first setting in which two configs differ, with both values.
fn difference(existing: &StudyConfig, asked: &StudyConfig) -> Option<(String, String, String)> {
    let [existing, asked] =
        [existing, asked].map(|config| toml::Table::try_from(config).expect("settings have a form in TOML"));
    asked.into_iter().find_map(|(setting, asked)| {
        let existing = existing.get(&setting)?;
        (*existing != asked).then(|| (setting, asked.to_string(), existing.to_string()))
    })
}
