//! `train compare`: the lecture's claims of RNN, LSTM and GRU, measured on this machine.

mod args;
mod page;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use recurrent::RunDir;
use recurrent_study::page::{Page, tables};
use recurrent_study::{Comparison, Language, Progress, Signal, StudyConfig};

use crate::args::ResumeArgs;
use crate::device::{self, DeviceArgs};
use crate::error::BadInput;
use crate::folder;
use crate::interrupt::{INTERRUPTED, on_ctrl_c};
use crate::output::{note, print};
use crate::progress::duration;

pub use args::CompareArgs;

/// The file with the language of tables and report, which a resumed study keeps.
const LANGUAGE: &str = "language.txt";

/// `train compare`.
pub fn run(args: CompareArgs) -> Result<ExitCode> {
    let config = config(&args)?;
    let folder = args.out.clone().unwrap_or_else(|| folder::new("compare"));
    // Opened before the folder is created: an unusable device leaves nothing behind.
    device::open(&args.device)?;
    let study = Comparison::create_or_open(config, &folder)?;
    study.run_dir().write(LANGUAGE, format!("{}\n", args.lang))?;
    measure(&study, &args.device, args.lang)
}

/// `train resume` for a study.
pub fn resume(args: &ResumeArgs) -> Result<ExitCode> {
    if args.epochs.is_some() {
        return Err(BadInput("--epochs: expected none: a comparison has no epochs".into()).into());
    }
    let study = Comparison::open(&args.run.run)?;
    let original = &study.config().device;
    let device = match args.run.device.device {
        None => DeviceArgs { device: Some(original.parse().map_err(BadInput)?) },
        Some(device) if device.to_string() == *original => DeviceArgs { device: Some(device) },
        Some(device) => {
            let message = format!("--device: expected {original}, the device of the comparison, found {device}");
            return Err(BadInput(message).into());
        }
    };
    measure(&study, &device, language(study.run_dir())?)
}

/// The language of a study.
fn language(run_dir: &RunDir) -> Result<Language> {
    let path = run_dir.path(LANGUAGE);
    // A study that was killed early has no such file yet.
    if !path.exists() {
        return Ok(Language::default());
    }
    let code = run_dir.read(LANGUAGE)?;
    code.trim().parse().map_err(|error| BadInput(format!("{}: {error}", path.display())).into())
}

/// The complete and checked settings.
fn config(args: &CompareArgs) -> Result<StudyConfig> {
    let mut config = args.config();
    config.device = device::named(&args.device)?.to_string();
    config.check()?;
    if args.series.is_none() && args.column.is_none() {
        return Ok(config);
    }
    let signal = Signal::read(args.series.as_deref().unwrap_or(&config.series), args.column.as_deref())?;
    Ok(config.with_series(&signal))
}

/// Runs all missing measurements, prints the tables and writes the report.
fn measure(study: &Comparison, device: &DeviceArgs, language: Language) -> Result<ExitCode> {
    let device = device::open(device)?;
    let interrupter = on_ctrl_c()?;
    let start = Instant::now();
    let mut existing = 0;
    let mut progress = |progress: &Progress| match &progress.summary {
        Some(summary) => note(format!("{} of {}  {}: {summary}", progress.done, progress.total, progress.name)),
        None => existing += 1,
    };
    let folder = study.run_dir().root().display();
    let Some(results) = study.run(&device, &|| interrupter.should_stop(), &mut progress)? else {
        print(format!("Interrupted; all finished measurements are saved. Resume with `train resume {folder}`."));
        return Ok(ExitCode::from(INTERRUPTED));
    };
    if existing > 0 {
        note(format!("{existing} measurements were already there"));
    }
    let claims = study.write_results(&results)?;
    for (title, table) in tables(&results, &claims, language) {
        print(format!("\n{title}\n\n{}", table.to_markdown()));
    }
    study.run_dir().write("report.html", page::report(Page::new(&results, &claims, language))?.to_html())?;
    print(format!(
        "\nFinished in {}. Report with plots: {}",
        duration(start.elapsed().as_secs_f64()),
        study.run_dir().path("report.html").display()
    ));
    Ok(ExitCode::SUCCESS)
}
