//! `train forecast`.

use anyhow::Result;
use burn::tensor::Device;
use clap::Args;
use recurrent::data::{RegisteredDataset, Table};
use recurrent::forecast::{ForecastConfig, ForecastRun, Forecaster, Forecasting, ScoreTable, TestForecasts};
use recurrent::models::{Summarize, Summary};
use recurrent::prelude::*;

use super::command_line::{CommandLine, NoOptions, format, save_plot, write_output, write_scores};
use crate::args::{Format, PredictArgs};
use crate::output::print;
use crate::plots;
use crate::report::{Block, Section};

/// Options of a forecast.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Runs of forecast")]
pub struct ForecastOptions {
    /// Rows to forecast from, also from a pipe such as /dev/stdin [default: the last rows of the run's data]
    #[arg(long, value_name = "NAME|FILE.csv")]
    pub data: Option<String>,
    /// How many rows to forecast [default: the run's horizon]
    #[arg(long, value_name = "N")]
    pub steps: Option<usize>,
}

impl CommandLine for Forecasting {
    const ABOUT: &'static str = "Train a network to forecast columns of a table";
    const LOSS: &'static str = "Mean squared error, scaled";

    type TrainOptions = NoOptions;
    type PredictOptions = ForecastOptions;

    fn describe(run: &ForecastRun) -> String {
        let [train, valid, test] = run.data().windows();
        let ForecastConfig { data, target, features, date, window, horizon, .. } = run.config();
        let dates = date.as_ref().map_or_else(String::new, |date| format!(", dates in column `{date}`"));
        format!(
            "Forecasting {} of {data} from {}{dates}: window {window}, horizon {horizon}; {train} windows for training, \
             {valid} for validation, {test} for test.",
            columns(target),
            columns(features)
        )
    }

    fn evaluate_and_print(run: &ForecastRun, device: &Device) -> Result<Section> {
        let forecasts = run.evaluate(device)?;
        let ForecastConfig { data, target, window, horizon, cell, .. } = run.config();
        let name = cell.to_string().to_uppercase();
        let tables = forecasts.scores(&name);
        for table in &tables {
            print(format!("\n{table}"));
        }
        write_scores(run, &tables)?;
        let mut blocks = Vec::new();
        for (target, table) in tables.iter().enumerate() {
            blocks.push(Block::Verbatim(table.to_string()));
            blocks.push(plot_forecast(run, &forecasts, target, table)?);
            if *horizon > 1 {
                blocks.push(plot_errors(run, target, table)?);
            }
        }
        let lead = format!("From {window} rows of {data} to the next {horizon}: {}.", target.join(", "));
        Ok(Section { title: "Forecast".into(), lead, blocks })
    }

    fn next_command(run: &ForecastRun) -> String {
        format!("To forecast: train predict {}", run.run_dir().root().display())
    }

    fn predict(args: &PredictArgs, options: &ForecastOptions, device: &Device) -> Result<()> {
        let forecaster = Forecaster::load(&args.run.run, device)?;
        let forecast = match &options.data {
            Some(data) => forecaster.forecast_after(&forecaster.history(&table(data)?)?, options.steps)?,
            None => forecaster.forecast(options.steps)?,
        };
        let text = match format(args, &[Format::Csv, Format::Json])? {
            Format::Json => forecast.to_json() + "\n",
            Format::Csv | Format::Text => forecast.to_csv(),
        };
        write_output(args, &text)
    }

    /// The lecture's network: two layers of 50 on 100 rows of one column, one row ahead.
    fn default_summary(device: &Device) -> Result<Summary> {
        let mut config = ForecastConfig::new(&recurrent::open_data("stocks")?)?;
        (config.target, config.horizon) = (vec!["AAPL_adj_close".into()], 1);
        config.features.clone_from(&config.target);
        Ok(config.network().init(device).summary(&[config.window, config.features.len()]))
    }
}

fn columns(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// The rows to forecast from. A pipe is read once.
fn table(data: &str) -> recurrent::Result<Table> {
    if is_pipe(data) { Ok(Table::open(data, None)?) } else { Ok(recurrent::open_data(data)?.table()?.clone()) }
}

#[cfg(unix)]
fn is_pipe(path: &str) -> bool {
    use std::os::unix::fs::FileTypeExt;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo())
}

#[cfg(not(unix))]
fn is_pipe(_path: &str) -> bool {
    false
}

/// The forecasts of the last step of the horizon by the network and the best baseline, and the actual values.
fn plot_forecast(run: &ForecastRun, forecasts: &TestForecasts, target: usize, table: &ScoreTable) -> Result<Block> {
    let config = run.config();
    let (column, step) = (&config.target[target], config.horizon);
    let series = forecasts.series();
    let values = series.column(column)?;
    let windows = 0..forecasts.len();
    let row = |window| forecasts.row(window, step);
    let label = |window| match series.dates() {
        Some(dates) => dates.label(row(window)),
        None => row(window).to_string(),
    };
    let labels: Vec<String> = windows.clone().map(label).collect();
    let actual: Vec<f64> = windows.clone().map(|window| values[row(window)]).collect();
    let predicted: Vec<f64> = windows.clone().map(|window| forecasts.forecast(window, step, target)).collect();
    let best = table.best_baseline().map_or("persistence", |best| &best.name);
    let rival = |window| forecasts.baseline_forecast(best, window, step, target).unwrap_or(f64::NAN);
    let rivals: Vec<f64> = windows.map(rival).collect();
    let lines = [
        plots::Line { name: "actual", values: &actual },
        plots::Line { name: &table.rows[0].name, values: &predicted },
        plots::Line { name: best, values: &rivals },
    ];
    let title = format!("{column} in the test split, forecast {step} row(s) ahead");
    let svg = plots::time_series(&title, &with_unit(config, column), &labels, &lines)?;
    save_plot(run, &plot_name(config, target), &title, svg)
}

/// The error of each step of the horizon, by the network and the best baseline.
fn plot_errors(run: &ForecastRun, target: usize, table: &ScoreTable) -> Result<Block> {
    let config = run.config();
    let column = &config.target[target];
    let steps: Vec<String> = (1..=config.horizon).map(|step| step.to_string()).collect();
    let rows = table.rows[..1].iter().chain(table.best_baseline());
    let lines: Vec<plots::Line> = rows.map(|row| plots::Line { name: &row.name, values: &row.rmse_by_step }).collect();
    let title = format!("Error of {column} by step of the horizon");
    let svg = plots::line_chart(&title, "rows ahead", &format!("RMSE, {}", with_unit(config, column)), &steps, &lines)?;
    save_plot(run, &format!("{}-errors", plot_name(config, target)), &title, svg)
}

/// `temp_max, °C`, if the unit is known.
fn with_unit(config: &ForecastConfig, column: &str) -> String {
    let schema = RegisteredDataset::find(&config.data).ok().and_then(|set| set.manifest.series().ok());
    let known = schema.and_then(|schema| schema.columns.iter().find(|known| known.name == column));
    known.map_or_else(|| column.to_string(), |known| format!("{column}, {}", known.unit))
}

/// `forecast-temp_max`: the characters of the column's name that a file's name can have, numbered where there are several.
fn plot_name(config: &ForecastConfig, target: usize) -> String {
    const MAX_CHARS: usize = 60;
    let plain = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let name: String = config.target[target].chars().take(MAX_CHARS).map(plain).collect();
    let number = if config.target.len() > 1 { format!("{}-", target + 1) } else { String::new() };
    format!("forecast-{number}{name}")
}
