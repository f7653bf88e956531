//! The commands of forecasting.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use burn::tensor::Device;
use recurrent::data::{Dataset, Table};
use recurrent::fit::{Ending, History};
use recurrent::forecast::{ForecastPlan, ForecastRun, Forecaster, Source, TestRows};
use recurrent::models::{Summarize, Summary};
use recurrent::{Bundle, replace};

use crate::cli::{BadInput, ForecastArgs, Format, PredictArgs, ResumeArgs, RunArgs, Settings, SummaryArgs};
use crate::speak::{note, say};
use crate::{device, folder, picture, progress};

const DEFAULT_DATA: &str = "weather";
/// The status of a program that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;

/// `train forecast`.
pub fn train(args: ForecastArgs) -> Result<ExitCode> {
    let device = device::open(&args.device)?;
    let settings = match &args.config {
        Some(file) => args.settings.or(Settings::read(file)?),
        None => args.settings,
    };
    let (plan, source) = settings.plan()?;
    let folder = args.out.unwrap_or_else(|| folder::fresh(&format!("forecast-{}-{}", stem(&plan.data), plan.model)));
    let run = ForecastRun::create(plan, &source, &folder, args.force)?;
    let [train, valid, test] = run.windows();
    let plan = run.plan();
    say(layers(plan, &device));
    say(format!(
        "\nForetelling {} from {}: {} rows seen, {} foretold; {train} windows to train, {valid} to validate, {test} to test.",
        plan.target.join(", "),
        plan.data,
        plan.window,
        plan.horizon,
    ));
    go(&run, &device)
}

/// `train resume`.
pub fn resume(args: ResumeArgs) -> Result<ExitCode> {
    let device = device::open(&args.run.device)?;
    let run = ForecastRun::open(&args.run.run)?;
    let run = match args.epochs {
        Some(epochs) => run.with_epochs(epochs)?,
        None => run,
    };
    go(&run, &device)
}

/// Trains to the end, or to the next interruption, and tells how it went.
fn go(run: &ForecastRun, device: &Device) -> Result<ExitCode> {
    let epochs = run.plan().fit.epochs;
    let (history, ending) = run.fit(device, progress::session(epochs, run.windows()[0])?)?;
    let folder = run.bundle().root().display();
    let Some(best) = history.best() else {
        say(format!("\nInterrupted in the first epoch. To go on: train resume {folder}"));
        return Ok(ExitCode::from(INTERRUPTED));
    };
    draw_losses(run, &history)?;
    match ending {
        Ending::Finished => say(format!("\nAll {epochs} epochs are done; the best is epoch {}.", best.epoch)),
        Ending::Stopped => say(format!(
            "\nStopped: no better validation loss since epoch {} (--patience {}).",
            best.epoch,
            run.plan().fit.patience
        )),
        Ending::Interrupted => {
            let done = history.epochs.len();
            say(format!("\nInterrupted after {done} of {epochs} epochs. To go on: train resume {folder}"));
            return Ok(ExitCode::from(INTERRUPTED));
        }
    }
    tell_scores(run, device)?;
    say(format!(
        "\nThe run is in {folder}, pictures in {folder}/pictures. To see what comes next: train predict {folder}"
    ));
    Ok(ExitCode::SUCCESS)
}

/// `train evaluate`.
pub fn evaluate(args: RunArgs) -> Result<ExitCode> {
    let device = device::open(&args.device)?;
    tell_scores(&ForecastRun::open(&args.run)?, &device)?;
    Ok(ExitCode::SUCCESS)
}

/// Scores the test part: a table a target, `scores.json`, and a picture a target.
fn tell_scores(run: &ForecastRun, device: &Device) -> Result<()> {
    let rows = run.score(device)?;
    let name = run.plan().model.to_string().to_uppercase();
    let tables = rows.score(&name);
    for table in &tables {
        say(format!("\n{table}"));
    }
    let scores = serde_json::to_string_pretty(&tables).context("scores have a form in JSON")?;
    run.bundle().write("scores.json", scores + "\n")?;
    for target in 0..tables.len() {
        draw_forecast(run, &rows, target, &name)?;
    }
    Ok(())
}

fn draw_losses(run: &ForecastRun, history: &History) -> Result<()> {
    let train: Vec<f64> = history.epochs.iter().map(|epoch| epoch.train_loss).collect();
    let valid: Vec<f64> = history.epochs.iter().map(|epoch| epoch.valid_loss).collect();
    let best = history.best().map(|best| best.epoch);
    let picture = picture::loss_curves("Mean squared error, scaled", &train, &valid, best)?;
    Ok(run.bundle().write("pictures/loss.svg", picture)?)
}

/// What was foretold with the last step of the horizon, and what came.
fn draw_forecast(run: &ForecastRun, rows: &TestRows, target: usize, network: &str) -> Result<()> {
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
        picture::Line { name: "what came", values: &came },
        picture::Line { name: network, values: &said },
        picture::Line { name: &baseline, values: &naive },
    ];
    let title = format!("{column} in the test part, foretold {step} row(s) ahead");
    let picture = picture::over_time(&title, &with_unit(plan, column), &labels, &lines)?;
    Ok(run.bundle().write(&picture_name(plan, target), picture)?)
}

/// `temp_max, °C`, if the unit is known.
fn with_unit(plan: &ForecastPlan, column: &str) -> String {
    let manifest = Dataset::find(&plan.data).ok().map(|set| &set.manifest);
    let known = manifest.and_then(|manifest| manifest.columns.iter().find(|known| known.name == column));
    known.map_or_else(|| column.to_string(), |known| format!("{column}, {}", known.unit))
}

/// `train predict`.
pub fn predict(args: PredictArgs) -> Result<ExitCode> {
    let device = device::open(&args.run.device)?;
    let forecaster = Forecaster::load(&args.run.run, &device)?;
    let forecast = match &args.data {
        Some(data) => {
            let table: Table = Source::open(data)?.table;
            forecaster.forecast_after(&forecaster.history(&table)?, args.steps)?
        }
        None => forecaster.forecast(args.steps)?,
    };
    let text = match args.format {
        Format::Csv => forecast.to_csv(),
        Format::Json => forecast.to_json() + "\n",
    };
    match &args.output {
        Some(path) => replace(path, text.as_bytes())?,
        None => say(text.trim_end()),
    }
    Ok(ExitCode::SUCCESS)
}

/// `train summary`.
pub fn summary(args: SummaryArgs) -> Result<ExitCode> {
    let plan = if args.of.as_os_str() == "forecast" { lecture_plan()? } else { Bundle::open(&args.of)?.plan()? };
    plan.check()?;
    say(layers(&plan, &device::open(&args.device)?));
    Ok(ExitCode::SUCCESS)
}

/// The lecture's network: two layers of 50 on 100 rows of one column, one row foretold.
fn lecture_plan() -> Result<ForecastPlan> {
    let source = Source::open("stocks")?;
    let closes = vec!["AAPL_adj_close".to_string()];
    Ok(ForecastPlan::new("stocks", &source, Some(closes.clone()), Some(closes))?)
}

fn layers(plan: &ForecastPlan, device: &Device) -> Summary {
    plan.network().init(device).summary(&[plan.window, plan.inputs.len()])
}

impl Settings {
    /// Settings from a TOML file.
    fn read(path: &Path) -> Result<Self> {
        let bad = |what: String| BadInput(format!("{}: {what}", path.display()));
        let text =
            std::fs::read_to_string(path).map_err(|cause| bad(format!("expected a file of settings: {cause}")))?;
        Ok(toml::from_str(&text).map_err(|cause| {
            let line = cause.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            bad(format!("line {line}: {}", cause.message()))
        })?)
    }

    /// These, and where they say nothing, those.
    fn or(self, other: Self) -> Self {
        Self {
            data: self.data.or(other.data),
            target: self.target.or(other.target),
            inputs: self.inputs.or(other.inputs),
            date: self.date.or(other.date),
            missing: self.missing.or(other.missing),
            split: self.split.or(other.split),
            scaler: self.scaler.or(other.scaler),
            season: self.season.or(other.season),
            window: self.window.or(other.window),
            horizon: self.horizon.or(other.horizon),
            model: self.model.or(other.model),
            hidden: self.hidden.or(other.hidden),
            dropout: self.dropout.or(other.dropout),
            noise: self.noise.or(other.noise),
            residual: self.residual.or(other.residual),
            epochs: self.epochs.or(other.epochs),
            batch: self.batch.or(other.batch),
            lr: self.lr.or(other.lr),
            schedule: self.schedule.or(other.schedule),
            clip: self.clip.or(other.clip),
            patience: self.patience.or(other.patience),
            seed: self.seed.or(other.seed),
            task: self.task.or(other.task),
            sha256: self.sha256.or(other.sha256),
        }
    }

    /// The complete plan, and the data that it is for.
    fn plan(self) -> Result<(ForecastPlan, Source)> {
        let data = self.data.unwrap_or_else(|| DEFAULT_DATA.into());
        let source = Source::open(&data)?;
        if self.sha256.is_some_and(|planned| planned != source.sha256) {
            note(format!("note: {data} has other bytes than the plan was made with, so this will be another run"));
        }
        // A file is found again from any folder.
        let data = match source.embedded {
            Some(_) => data,
            None => std::path::absolute(&data).context("a path")?.display().to_string(),
        };
        let mut plan = ForecastPlan::new(&data, &source, self.target, self.inputs)?;
        if self.date.is_some() {
            plan.date = self.date;
        }
        set(&mut plan.missing, self.missing);
        set(&mut plan.split, self.split);
        set(&mut plan.scaler, self.scaler);
        set(&mut plan.season, self.season);
        set(&mut plan.window, self.window);
        set(&mut plan.horizon, self.horizon);
        set(&mut plan.model, self.model);
        set(&mut plan.hidden, self.hidden);
        set(&mut plan.dropout, self.dropout);
        set(&mut plan.noise, self.noise);
        set(&mut plan.residual, self.residual);
        set(&mut plan.fit.epochs, self.epochs);
        set(&mut plan.fit.batch, self.batch);
        set(&mut plan.fit.lr, self.lr);
        set(&mut plan.fit.schedule, self.schedule);
        set(&mut plan.fit.clip, self.clip);
        set(&mut plan.fit.patience, self.patience);
        set(&mut plan.fit.seed, self.seed);
        plan.check()?;
        Ok((plan, source))
    }
}

fn set<T>(setting: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *setting = value;
    }
}

/// `weather`, or a file's name without its ending.
fn stem(data: &str) -> String {
    let path = PathBuf::from(data);
    path.file_stem().map_or_else(|| data.to_string(), |stem| stem.to_string_lossy().into_owned())
}

/// `pictures/forecast-temp_max.svg`: the column's name as far as a file's can hold it, numbered where there are several.
fn picture_name(plan: &ForecastPlan, target: usize) -> String {
    const LONGEST: usize = 60;
    let plain = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let name: String = plan.target[target].chars().take(LONGEST).map(plain).collect();
    let number = if plan.target.len() > 1 { format!("{}-", target + 1) } else { String::new() };
    format!("pictures/forecast-{number}{name}.svg")
}
