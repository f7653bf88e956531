//! The arguments of `train backtest` besides the settings of its runs.

use clap::Args;
use recurrent::forecast::{BacktestConfig, ForecastConfig};

#[derive(Debug, Args)]
#[command(next_help_heading = "Folds")]
pub struct BacktestArgs {
    /// Number of folds: consecutive blocks of forecast origins, which the last part of --split is cut into
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub folds: usize,
    /// Train a network for each fold; otherwise that of the first fold forecasts all of them
    #[arg(long)]
    pub refit: bool,
    /// Fit each fold on as many rows as the first, not on all rows before it
    #[arg(long)]
    pub sliding: bool,
    /// Train a network on all rows at the end, to predict with
    #[arg(long = "final")]
    pub train_final: bool,
}

impl BacktestArgs {
    /// The settings of a backtest with these runs.
    pub fn config(&self, forecast: ForecastConfig) -> BacktestConfig {
        let mut config = BacktestConfig::new(self.folds, forecast);
        (config.refit, config.sliding, config.train_final) = (self.refit, self.sliding, self.train_final);
        config
    }
}
