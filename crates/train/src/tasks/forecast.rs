//! The commands of forecasting.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use burn::tensor::Device;
use recurrent::data::{DatasetManifest, Table};
use recurrent::forecast::{ForecastConfig, ForecastRun, Forecaster, Source, TestRows};
use recurrent::models::{Summarize, Summary};
use recurrent::{Plan, Run, RunDir};

use super::Shown;
use crate::cli::{Format, NewRun, PredictArgs};
use crate::output::say;
use crate::report::{Block, Section};
use crate::settings::{ForecastSettings, Layers};
use crate::{device, plots};

const DEFAULT_DATA: &str = "weather";

/// `train forecast`.
pub fn train(args: &NewRun<ForecastSettings>) -> Result<ExitCode> {
    let device = device::open(&args.device)?;
    let layers = Layers::read(&args.settings, args.config.as_deref())?;
    let data = layers.get::<String>("data").unwrap_or_else(|| DEFAULT_DATA.into());
    let source = Source::open(&data)?;
    // A file is found again from any folder.
    let data = match source.facts {
        Some(_) => data,
        None => std::path::absolute(&data).context("a path")?.display().to_string(),
    };
    let recipe = ForecastConfig::new(&data, &source, layers.get("target"), layers.get("inputs"))?;
    let plan = layers.over(&recipe)?;
    let folder = super::place(args, &plan, plan.model);
    let run = ForecastRun::create(plan, &source, &folder, args.force)?;
    introduce(&run, &device);
    super::finish(&run, &device)
}

/// Says what is going to be trained.
pub fn introduce(run: &ForecastRun, device: &Device) {
    let [train, valid, test] = run.windows();
    let plan = run.plan();
    say(network(plan, device));
    say(format!(
        "\nForetelling {} from {}: {} rows seen, {} foretold; {train} windows to train, {valid} to validate, {test} to test.",
        plan.target.join(", "),
        plan.data,
        plan.window,
        plan.horizon,
    ));
}

impl Shown for ForecastRun {
    const LOSS: &'static str = "Mean squared error, scaled";

    fn show(&self, device: &Device) -> Result<Section> {
        let rows = self.score(device)?;
        let plan = self.plan();
        let name = plan.model.to_string().to_uppercase();
        let tables = rows.score(&name);
        super::write_scores(self, &tables)?;
        let mut blocks = Vec::new();
        for (target, table) in tables.iter().enumerate() {
            say(format!("\n{table}"));
            blocks.push(Block::Verbatim(table.to_string()));
            blocks.push(draw_forecast(self, &rows, target, &name)?);
        }
        let lead = format!(
            "From {} rows of {} to the next {}: {}.",
            plan.window,
            plan.data,
            plan.horizon,
            plan.target.join(", ")
        );
        Ok(Section { title: "Forecast".into(), lead, blocks })
    }

    fn next(&self) -> String {
        format!("To see what comes next: train predict {}", self.run_dir().root().display())
    }
}

/// What was foretold with the last step of the horizon, and what came.
fn draw_forecast(run: &ForecastRun, rows: &TestRows, target: usize, network: &str) -> Result<Block> {
    let plan = run.plan();
    let (column, step) = (&plan.target[target], plan.horizon);
    let series = rows.series();
    let truth = series.column(column)?;
    let index = series.index_of(column)?;
    let baseline = rows.baselines()[0];
    let windows = 0..rows.len();
    let at = |window| rows.row(window, step);
    let labels: Vec<String> = windows
        .clone()
        .map(|window| match series.dates() {
            Some(dates) => dates.label(at(window)),
            None => at(window).to_string(),
        })
        .collect();
    let came: Vec<f64> = windows.clone().map(|window| truth[at(window)]).collect();
    let said: Vec<f64> = windows.clone().map(|window| rows.forecast(window, step, target)).collect();
    let naive: Vec<f64> =
        windows.map(|window| baseline.forecast(series, index, at(window) - step, step).unwrap_or(f64::NAN)).collect();
    let baseline = baseline.name();
    let lines = [
        plots::Line { name: "what came", values: &came },
        plots::Line { name: network, values: &said },
        plots::Line { name: &baseline, values: &naive },
    ];
    let title = format!("{column} in the test part, foretold {step} row(s) ahead");
    let picture = plots::over_time(&title, &with_unit(plan, column), &labels, &lines)?;
    super::keep(run, &picture_name(plan, target), &title, picture)
}

/// `temp_max, °C`, if the unit is known.
fn with_unit(plan: &ForecastConfig, column: &str) -> String {
    let facts = DatasetManifest::find(&plan.data).ok().and_then(|set| set.manifest.series().ok());
    let known = facts.and_then(|facts| facts.columns.iter().find(|known| known.name == column));
    known.map_or_else(|| column.to_string(), |known| format!("{column}, {}", known.unit))
}

/// `train predict`.
pub fn predict(args: &PredictArgs, device: &Device) -> Result<()> {
    let forecaster = Forecaster::load(&args.run.run, device)?;
    let asked = &args.forecast;
    let forecast = match &asked.data {
        Some(data) => {
            let table: Table = Source::open(data)?.table;
            forecaster.forecast_after(&forecaster.history(&table)?, asked.steps)?
        }
        None => forecaster.forecast(asked.steps)?,
    };
    let text = match super::format(args, &[Format::Csv, Format::Json])? {
        Format::Json => forecast.to_json() + "\n",
        Format::Csv | Format::Text => forecast.to_csv(),
    };
    super::answer(args, &text)
}

/// The layers of a run's network, or of the lecture's.
pub fn layers(run: Option<&Path>, device: &Device) -> Result<Summary> {
    let plan = match run {
        Some(folder) => <ForecastConfig as Plan>::of(&RunDir::open(folder)?)?,
        None => lecture_plan()?,
    };
    Ok(network(&plan, device))
}

/// The lecture's network: two layers of 50 on 100 rows of one column, one row foretold.
fn lecture_plan() -> Result<ForecastConfig> {
    let source = Source::open("stocks")?;
    let closes = vec!["AAPL_adj_close".to_string()];
    Ok(ForecastConfig::new("stocks", &source, Some(closes.clone()), Some(closes))?)
}

fn network(plan: &ForecastConfig, device: &Device) -> Summary {
    plan.network().init(device).summary(&[plan.window, plan.inputs.len()])
}

/// `forecast-temp_max`: the column's name as far as a file's can hold it, numbered where there are several.
fn picture_name(plan: &ForecastConfig, target: usize) -> String {
    const LONGEST: usize = 60;
    let plain = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let name: String = plan.target[target].chars().take(LONGEST).map(plain).collect();
    let number = if plan.target.len() > 1 { format!("{}-", target + 1) } else { String::new() };
    format!("forecast-{number}{name}")
}
