//! `train forecast`.

use anyhow::Result;
use burn::tensor::Device;
use clap::Args;
use recurrent::data::{RegisteredDataset, Series, Table};
use recurrent::exchange::import_forecaster;
use recurrent::forecast::{Forecast, ForecastConfig, ForecastRun, Forecaster, Forecasting, ScoreTable, TestForecasts};
use recurrent::metrics::{autocorrelations, ljung_box};
use recurrent::models::{Summarize, Summary};
use recurrent::prelude::*;

use super::command_line::{CommandLine, Import, NoOptions, format, save_plot, write_output, write_scores};
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
    /// The known-future covariates of the rows to forecast, with their dates
    #[arg(long, value_name = "FILE.csv")]
    pub future_data: Option<String>,
    /// How many rows to forecast [default: the run's horizon]
    #[arg(long, value_name = "N")]
    pub steps: Option<usize>,
    /// Add columns of quantiles to CSV: the median, and the bounds of the 50, 80 and 95 % intervals
    #[arg(long)]
    pub quantiles: bool,
}

impl CommandLine for Forecasting {
    const ABOUT: &'static str = "Train a network to forecast columns of a table";
    const LOSS: &'static str = "Mean squared error, scaled";
    const IMPORT: Option<Import> = Some(Import {
        network: "Recurrent layers and a dense layer",
        run: |config, folder, device| import_forecaster(config, folder, device),
    });

    type TrainOptions = NoOptions;
    type PredictOptions = ForecastOptions;

    fn describe(run: &ForecastRun) -> String {
        let [train, valid, test] = run.data().windows();
        let ForecastConfig { data, target, features, future, date, series, window, horizon, .. } = run.config();
        let named = |what: &str, column: &Option<String>| {
            column.as_ref().map_or_else(String::new, |column| format!(", {what} in column `{column}`"))
        };
        let every = run.data().frequency().map_or_else(String::new, |frequency| format!(", {frequency}"));
        let ahead = if future.is_empty() { String::new() } else { format!(", known ahead: {}", columns(future)) };
        format!(
            "Forecasting {} of {data} from {}{ahead}{}{every}{}: window {window}, horizon {horizon}; {train} windows for \
             training, {valid} for validation, {test} for test.",
            columns(target),
            columns(features),
            named("dates", date),
            named("series", series)
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
            blocks.push(plot_fan(run, &forecasts, target)?);
            if *horizon > 1 {
                blocks.push(plot_errors(run, target, table)?);
            }
            blocks.push(plot_residuals(run, &forecasts, target)?);
        }
        let lead = format!("From {window} rows of {data} to the next {horizon}: {}.", target.join(", "));
        Ok(Section { title: "Forecast".into(), lead, blocks })
    }

    fn next_command(run: &ForecastRun) -> String {
        format!("To forecast: train predict {}", run.run_dir().root().display())
    }

    fn predict(args: &PredictArgs, options: &ForecastOptions, device: &Device) -> Result<()> {
        let forecaster = Forecaster::load(&args.run.run, device)?;
        let history = options.data.as_ref().map(|data| forecaster.history(&table(data)?)).transpose()?;
        let future = options.future_data.as_ref().map(|data| forecaster.future(&table(data)?)).transpose()?.flatten();
        let history = history.as_ref().unwrap_or(forecaster.latest());
        let forecasts = forecaster.forecast_each(history, future.as_ref(), options.steps)?;
        let text = match format(args, &[Format::Csv, Format::Json])? {
            Format::Json => forecasts.iter().map(|forecast| forecast.to_json() + "\n").collect(),
            Format::Csv | Format::Text | Format::Srt => Forecast::all_to_csv(&forecasts, options.quantiles),
        };
        write_output(args, &text)
    }

    /// The lecture's network: two layers of 50 on 100 rows of one column, one row ahead.
    fn default_summary(device: &Device) -> Result<Summary> {
        let source = recurrent::open_data("stocks")?;
        let mut config = ForecastConfig::new(&source)?;
        (config.target, config.horizon) = (vec!["AAPL_adj_close".into()], 1);
        config.features.clone_from(&config.target);
        let data = Self::prepare(&config, &source, FittedParts::Anew)?;
        Ok(Self::network(&config, &data, device).summary(&Self::input_shape(&config)))
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

/// The date of a row, or its number.
fn row_label(series: &Series, row: usize) -> String {
    series.dates().map_or_else(|| row.to_string(), |dates| dates.label(row))
}

/// The forecasts of the last step of the horizon by the network and the best baseline, and the actual values.
fn plot_forecast(run: &ForecastRun, forecasts: &TestForecasts, target: usize, table: &ScoreTable) -> Result<Block> {
    let config = run.config();
    let (column, step) = (&config.target[target], config.horizon);
    let series = forecasts.series();
    let values = series.column(column)?;
    let windows = 0..forecasts.len();
    let row = |window| forecasts.row(window, step);
    let labels: Vec<String> = windows.clone().map(|window| row_label(series, row(window))).collect();
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

/// The last forecast of the test split with its intervals, after its history.
fn plot_fan(run: &ForecastRun, forecasts: &TestForecasts, target: usize) -> Result<Block> {
    const MOST_ROWS: usize = 200;
    let ForecastConfig { window: context, horizon, .. } = *run.config();
    let column = &run.config().target[target];
    let (series, last) = (forecasts.series(), forecasts.len() - 1);
    let values = series.column(column)?;
    let first_row = forecasts.row(last, 1);
    let shown = context.min(MOST_ROWS.max(2 * horizon));
    let rows = first_row - shown..first_row + horizon;
    let labels: Vec<String> = rows.clone().map(|row| row_label(series, row)).collect();
    let steps = || 1..=horizon;
    let levels = forecasts.levels();
    let quantile = |step, level: usize| forecasts.quantiles(last, step, target)[level];
    let median: Vec<f64> = steps().map(|step| quantile(step, levels.len() / 2)).collect();
    let bands: Vec<(String, Vec<(f64, f64)>)> = (0..levels.len() / 2)
        .map(|lower| {
            let upper = levels.len() - 1 - lower;
            let name = format!("{:.0} %", 100.0 * (levels[upper] - levels[lower]));
            (name, steps().map(|step| (quantile(step, lower), quantile(step, upper))).collect())
        })
        .collect();
    let intervals: Vec<plots::Interval> = bands.iter().map(|(name, ends)| plots::Interval { name, ends }).collect();
    let fan = plots::Fan {
        history: &values[rows.start..first_row],
        median: &median,
        intervals: &intervals,
        actual: &values[first_row..rows.end],
    };
    let title = format!("The last forecast of {column} in the test split, with intervals");
    let svg = plots::fan_chart(&title, &with_unit(run.config(), column), &labels, &fan)?;
    save_plot(run, &format!("{}-fan", plot_name(run.config(), target)), &title, svg)
}

/// The autocorrelation of the errors one row ahead, which should have no pattern left.
fn plot_residuals(run: &ForecastRun, forecasts: &TestForecasts, target: usize) -> Result<Block> {
    const MOST_LAGS: usize = 60;
    let config = run.config();
    let column = &config.target[target];
    let values = forecasts.series().column(column)?;
    let residual = |window| values[forecasts.row(window, 1)] - forecasts.forecast(window, 1, target);
    let residuals: Vec<f64> = (0..forecasts.len()).map(residual).collect();
    let lags = MOST_LAGS.min(residuals.len() / 4).max(1);
    let test = ljung_box(&residuals, lags);
    let test = test.map_or_else(String::new, |test| format!(" (Ljung–Box p = {:.3})", test.p_value));
    let title = format!("Autocorrelation of the errors of {column} one row ahead{test}");
    let svg = plots::autocorrelation(&title, &autocorrelations(&residuals, lags), residuals.len(), &[config.season])?;
    save_plot(run, &format!("{}-residuals", plot_name(config, target)), &title, svg)
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
