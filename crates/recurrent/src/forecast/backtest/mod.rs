//! Backtests: the forecasts of a network and of the baselines from many origins, over several folds of the past.

mod config;
mod fold;
mod scores;

use std::path::Path;

use recurrent_data::DataSource;

pub use config::BacktestConfig;
pub use fold::Fold;
pub use scores::{BacktestScores, BacktestTable, FoldScore, MeanStd};

use super::{ForecastConfig, ForecastRun, ForecastTransform, Forecasting};
use crate::fit::{self, History};
use crate::partial::Partial;
use crate::run_dir::RunDir;
use crate::{Error, FittedParts, Result, Task, TaskConfig, TaskSource};

/// The name of the task in a run's folder.
const TASK: &str = "backtest";
/// The folder of the network that is trained on all rows.
const FINAL: &str = "final";

/// A backtest with a rolling origin (Hyndman & Athanasopoulos, "Forecasting: principles and practice", 5.10), in a
/// folder that is locked while this value lives.
///
/// The test rows are cut into consecutive folds of forecast origins. Each fold is an ordinary [`ForecastRun`] in a
/// folder of its own, whose training and validation rows end where its origins begin.
///
/// ```
/// use burn::tensor::Device;
/// use recurrent::fit::Callbacks;
/// use recurrent::forecast::{Backtest, BacktestConfig, BacktestScores, ForecastConfig};
///
/// # fn main() -> recurrent::Result<()> {
/// # let folder = tempfile::tempdir().expect("a folder").path().join("backtest");
/// let device = Device::default();
/// let source = recurrent::open_data("weather")?;
/// let mut forecast = ForecastConfig::new(&source)?;
/// (forecast.window, forecast.hidden_size, forecast.ensemble, forecast.fit.epochs) = (14, vec![4], 1, 1);
///
/// let backtest = Backtest::create(BacktestConfig::new(2, forecast), source, &folder, false)?;
/// let mut scores = BacktestScores::default();
/// for fold in backtest.folds() {
///     let run = backtest.run(fold)?;
///     run.fit(&device, Callbacks::quiet())?;
///     scores.add(fold, "LSTM", &run.evaluate(&device)?);
/// }
/// println!("{}", scores.tables()[0]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Backtest {
    config: BacktestConfig,
    source: DataSource,
    folds: Vec<Fold>,
    rows: usize,
    run_dir: RunDir,
}

impl Backtest {
    /// Checks the settings and the data, and creates the folder of a backtest. With `force`, an existing one is
    /// replaced.
    ///
    /// # Errors
    /// As [`Run::create`](crate::Run::create), and if there are fewer forecast origins than folds.
    pub fn create(config: BacktestConfig, source: DataSource, folder: impl AsRef<Path>, force: bool) -> Result<Self> {
        if let Some(from) = &config.forecast.fit.from {
            let expected = "none, since it may have been trained on the rows that a fold forecasts";
            return Err(Error::setting("from", expected, from));
        }
        let (folds, rows) = plan(&config, &source)?;
        // The first fold has the fewest rows: what is wrong with them is said before there is a folder.
        Forecasting::prepare(&folds[0].config(&config.forecast)?, &source, FittedParts::Anew)?;
        let run_dir = RunDir::create(folder, &[("config.toml", RunDir::config_text(TASK, &config))], force)?;
        Ok(Self { config, source, folds, rows, run_dir })
    }

    /// Opens an existing backtest, to resume it. The data must be unchanged.
    ///
    /// # Errors
    /// If the folder is not that of a backtest, another process has locked it, or the data have changed.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let run_dir = RunDir::open_locked(folder)?;
        let config: BacktestConfig = run_dir.read_config(TASK)?;
        config.check()?;
        run_dir.check_data("data", &config.forecast.data)?;
        let source = <DataSource as TaskSource>::open::<ForecastConfig>(&Partial::from(&config.forecast))?;
        let (folds, rows) = plan(&config, &source)?;
        Ok(Self { config, source, folds, rows, run_dir })
    }

    /// Whether a folder is that of a backtest.
    pub fn is_in(folder: impl AsRef<Path>) -> bool {
        RunDir::open(folder).and_then(|run_dir| run_dir.header()).is_ok_and(|header| header.task == TASK)
    }

    /// The settings.
    pub fn config(&self) -> &BacktestConfig {
        &self.config
    }

    /// The folder.
    pub fn run_dir(&self) -> &RunDir {
        &self.run_dir
    }

    /// The folds, in the order of time.
    pub fn folds(&self) -> &[Fold] {
        &self.folds
    }

    /// The run of a fold, in the folder `fold-1`, `fold-2`, …: a new one, or the existing one. It is locked until it is
    /// dropped.
    ///
    /// Unless each fold is [refitted](BacktestConfig::refit), the later ones have the network of the first, with the
    /// scale of its training rows, and there is nothing left to train; only the baselines are fitted on the fold's own
    /// rows.
    ///
    /// # Errors
    /// If the rows are too few for the network, the folder has a run with other settings, or the first fold has to be
    /// trained before.
    pub fn run(&self, fold: &Fold) -> Result<ForecastRun> {
        let config = fold.config(&self.config.forecast)?;
        let run = self.open_or_create(&fold.name(), config)?;
        if self.config.refit || fold.number() == 1 {
            return Ok(run);
        }
        let first = ForecastRun::open(self.run_dir.path(&self.folds[0].name()))?;
        copy_network(first.run_dir(), run.run_dir())?;
        // Opened again, with the transform of the first fold.
        let folder = run.run_dir().root().to_path_buf();
        drop(run);
        ForecastRun::open_locked(folder)
    }

    /// The run `final`, which trains on all rows but the last two horizons: one for validation, one for the test. It
    /// trains for so many epochs, without early stopping; [`keep_last_epoch`](crate::Run::keep_last_epoch) then makes
    /// the last epoch the one that predicts, since one horizon is too little to choose by.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn final_run(&self, epochs: usize) -> Result<ForecastRun> {
        let horizon = self.config.forecast.horizon;
        let all = Fold::new(0, 0..self.rows, [self.rows.saturating_sub(2 * horizon), horizon, horizon]);
        let mut config = all.config(&self.config.forecast)?;
        (config.fit.epochs, config.fit.patience) = (epochs, 0);
        self.open_or_create(FINAL, config)
    }

    /// The number of epochs for the final run: the median of the best epochs of the folds that were trained, the lower
    /// one of two.
    pub fn final_epochs<'a>(histories: impl IntoIterator<Item = &'a History>) -> usize {
        let mut best: Vec<usize> = histories.into_iter().filter_map(|history| Some(history.best()?.epoch)).collect();
        best.sort_unstable();
        best.get(best.len().saturating_sub(1) / 2).copied().unwrap_or(1)
    }

    fn open_or_create(&self, name: &str, config: ForecastConfig) -> Result<ForecastRun> {
        let folder = self.run_dir.path(name);
        if !folder.exists() {
            return ForecastRun::create(config, self.source.clone(), folder, false);
        }
        let run = ForecastRun::open_locked(&folder)?;
        if *run.config() != config {
            return Err(Error::RunDir {
                path: folder.join("config.toml"),
                expected: "the settings of this backtest".into(),
                found: "others".into(),
            });
        }
        Ok(run)
    }

    /// Writes `backtest.json`.
    ///
    /// # Errors
    /// As [`RunDir::write`].
    pub fn write_scores(&self, scores: &BacktestScores) -> Result<()> {
        let text = serde_json::to_string_pretty(&scores.tables()).expect("scores can be written as JSON");
        self.run_dir.write("backtest.json", text + "\n")
    }
}

/// The folds, and the number of rows.
fn plan(config: &BacktestConfig, source: &DataSource) -> Result<(Vec<Fold>, usize)> {
    config.check()?;
    config.forecast.check_sha256(&TaskSource::sha256(source)?)?;
    let series = source.table()?.series(&config.forecast.selection())?;
    let rows = config.forecast.rows(series.len())?;
    let series = series.slice(rows);
    Ok((fold::folds(config, &series)?, series.len()))
}

/// Gives a run the network of another, as if it had been trained here.
fn copy_network(from: &RunDir, to: &RunDir) -> Result<()> {
    to.write(ForecastTransform::FILE, from.read(ForecastTransform::FILE)?)?;
    to.write("metrics.jsonl", from.read("metrics.jsonl")?)?;
    fit::copy_last_checkpoint(from, to)
}
