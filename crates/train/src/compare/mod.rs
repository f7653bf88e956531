//! `train compare`: the lecture's claims, measured on this machine.

mod cost;
mod number;
mod page;
mod quality;
mod table;
mod tables;
mod words;

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use recurrent::compare::{Comparison, Event, Signal, StudyConfig};
use recurrent::{RunDir, replace};

use crate::cli::{BadInput, CompareArgs, DeviceArgs, ResumeArgs};
use crate::interrupt::{INTERRUPTED, on_ctrl_c};
use crate::language::Language;
use crate::output::{note, print};
use crate::progress::duration;
use crate::{device, folder};

use words::Words;

/// The file that remembers the language of tables and report, for those who go on.
const LANGUAGE: &str = "language.txt";

/// `train compare`.
pub fn run(args: CompareArgs) -> Result<ExitCode> {
    let plan = planned(&args)?;
    let place = args.out.clone().unwrap_or_else(|| folder::new("compare"));
    // The device answers before a folder is made.
    device::open(&args.device)?;
    let comparison = Comparison::begin(plan, &place)?;
    comparison.run_dir().write(LANGUAGE, format!("{}\n", args.lang.code()))?;
    measure(&comparison, &args.device, args.lang)
}

/// `train resume`, of a comparison.
pub fn resume(args: &ResumeArgs) -> Result<ExitCode> {
    if args.epochs.is_some() {
        return Err(BadInput("--epochs: expected none, for a comparison has no epochs".into()).into());
    }
    let comparison = Comparison::open(&args.run.run)?;
    let planned = &comparison.plan().device;
    let device = match args.run.device.device {
        None => DeviceArgs { device: Some(planned.parse().map_err(BadInput)?) },
        Some(said) if said.to_string() == *planned => DeviceArgs { device: Some(said) },
        Some(said) => {
            return Err(
                BadInput(format!("--device: expected {planned}, on which the comparison began, found {said}")).into()
            );
        }
    };
    measure(&comparison, &device, language(comparison.run_dir())?)
}

/// The language that was asked for last.
fn language(run_dir: &RunDir) -> Result<Language> {
    let path = run_dir.path(LANGUAGE);
    // A run may have been killed before it was written.
    if !path.exists() {
        return Ok(Language::default());
    }
    let found = run_dir.read(LANGUAGE)?;
    Language::of_code(found.trim())
        .ok_or_else(|| BadInput(format!("{}: expected `en` or `ru`, found `{}`", path.display(), found.trim())).into())
}

/// What was typed, complete.
fn planned(args: &CompareArgs) -> Result<StudyConfig> {
    let base = if args.quick { StudyConfig::quick() } else { StudyConfig::full() };
    let plan = StudyConfig {
        device: device::named(&args.device)?.to_string(),
        parts: args.parts.clone().unwrap_or(base.parts),
        tasks: args.tasks.clone().unwrap_or(base.tasks),
        lengths: args.lengths.clone().unwrap_or(base.lengths),
        seeds: args.seeds.unwrap_or(base.seeds),
        fair: args.fair.unwrap_or(base.fair),
        hidden: args.hidden.unwrap_or(base.hidden),
        steps: args.steps.unwrap_or(base.steps),
        seconds: args.seconds.unwrap_or(base.seconds),
        batch: args.batch.unwrap_or(base.batch),
        lr: args.lr.unwrap_or(base.lr),
        clip: args.clip.unwrap_or(base.clip),
        gradient_length: args.gradient_length.unwrap_or(base.gradient_length),
        gradient_layers: args.gradient_layers.unwrap_or(base.gradient_layers),
        cost_hidden: args.cost_hidden.clone().unwrap_or(base.cost_hidden),
        cost_lengths: args.cost_lengths.clone().unwrap_or(base.cost_lengths),
        text: args.text.clone().unwrap_or(base.text),
        ..base
    };
    plan.check()?;
    if args.series.is_none() && args.column.is_none() {
        return Ok(plan);
    }
    let signal = Signal::read(args.series.as_deref().unwrap_or(&plan.series), args.column.as_deref())?;
    Ok(plan.with_series(&signal))
}

/// Measures what is left, and shows all of it.
fn measure(comparison: &Comparison, device: &DeviceArgs, language: Language) -> Result<ExitCode> {
    let device = device::open(device)?;
    let interrupter = on_ctrl_c()?;
    let start = Instant::now();
    let mut before = 0;
    let mut tell = |event: &Event| match &event.came {
        Some(came) => note(format!("{} of {}  {}: {came}", event.done, event.total, event.name)),
        None => before += 1,
    };
    let folder = comparison.run_dir().root();
    let Some(results) = comparison.run(&device, &|| interrupter.should_stop(), &mut tell)? else {
        print(interrupted(folder));
        return Ok(ExitCode::from(INTERRUPTED));
    };
    if before > 0 {
        note(format!("{before} were measured before"));
    }
    let claims = comparison.keep(&results)?;
    let words = Words::of(language);
    for (title, table) in tables::all(&results, &claims, words) {
        print(format!("\n{title}\n\n{}", table.to_markdown()));
    }
    let report = comparison.run_dir().path("report.html");
    replace(&report, page::page(&results, &claims, language)?.to_html().as_bytes())?;
    print(format!("\nIt took {}. With pictures: {}", duration(start.elapsed().as_secs_f64()), report.display()));
    Ok(ExitCode::SUCCESS)
}

fn interrupted(folder: &Path) -> String {
    let folder = folder.display();
    format!("Interrupted; what was measured is kept. Go on with `train resume {folder}`.")
}
