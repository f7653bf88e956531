//! What is done with a run, whatever its task: train it, go on with it, score it.

pub mod classify;
pub mod forecast;
pub mod generate;
pub mod translate;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use burn::tensor::Device;
use recurrent::classify::ClassifyRun;
use recurrent::data::DataError;
use recurrent::fit::{AfterEpoch, History, StopReason};
use recurrent::forecast::ForecastRun;
use recurrent::generate::GenerateRun;
use recurrent::translate::TranslateRun;
use recurrent::{Plan, Run, Task, replace};
use recurrent_study::Comparison;
use serde::Serialize;

use crate::cli::{BadInput, Format, NewRun, PredictArgs, ResumeArgs, RunArgs, SentencesOptions, SummaryArgs};
use crate::interrupt::INTERRUPTED;
use crate::output::{note, say};
use crate::report::{Block, Section};
use crate::settings::first_said;
use crate::{compare, device, folder, plots, progress};

/// A run that shows itself.
pub trait Shown: Run {
    /// What its loss is, for the picture of it.
    const LOSS: &'static str;

    /// Whether training is watched on burn-train's dashboard, where there is a terminal for it.
    const DASHBOARD: bool = true;

    /// Scores the run, says how good it has become, and writes figures and pictures into its folder; gives the same for
    /// a report.
    fn show(&self, device: &Device) -> Result<Section>;

    /// What to do with the run next.
    fn next(&self) -> String;

    /// Is told after each epoch, besides the line about its loss.
    fn after_epoch(&self, _device: &Device) -> AfterEpoch {
        Box::new(|_| ())
    }
}

/// What became of training.
pub enum Trained {
    /// It came to its end, and this is how good it has become.
    Shown(Section),
    /// Ctrl-C ended it before.
    Interrupted,
}

/// Does something with a run of any task.
macro_rules! with_run {
    ($folder:expr, $does:ident($($argument:expr),*)) => {
        match Task::of($folder)? {
            Task::Forecast => $does::<ForecastRun>($($argument),*),
            Task::Generate => $does::<GenerateRun>($($argument),*),
            Task::Translate => $does::<TranslateRun>($($argument),*),
            Task::Sentiment => $does::<ClassifyRun>($($argument),*),
        }
    };
}

/// `train resume`.
pub fn resume(args: &ResumeArgs) -> Result<ExitCode> {
    if Comparison::is_in(&args.run.run) {
        return compare::resume(args);
    }
    with_run!(&args.run.run, resume_run(args))
}

fn resume_run<R: Shown>(args: &ResumeArgs) -> Result<ExitCode> {
    let device = device::open(&args.run.device)?;
    let run = R::open(&args.run.run)?;
    let run = match args.epochs {
        Some(epochs) => run.with_epochs(epochs)?,
        None => run,
    };
    finish(&run, &device)
}

/// `train evaluate`.
pub fn evaluate(args: &RunArgs) -> Result<ExitCode> {
    with_run!(&args.run, evaluate_run(args))
}

fn evaluate_run<R: Shown>(args: &RunArgs) -> Result<ExitCode> {
    let device = device::open(&args.device)?;
    R::open(&args.run)?.show(&device)?;
    Ok(ExitCode::SUCCESS)
}

/// `train predict`.
pub fn predict(args: &PredictArgs) -> Result<ExitCode> {
    let task = Task::of(&args.run.run)?;
    let beam = args.translate.beam.filter(|_| task == Task::Generate);
    let others = [
        (Task::Forecast, first_said(&args.forecast)),
        (Task::Generate, first_said(&args.generate)),
        (Task::Translate, if beam.is_some() { None } else { first_said(&args.translate) }),
        (Task::Sentiment, first_said(&args.sentiment)),
    ];
    for (of, said) in others.into_iter().filter(|(of, _)| *of != task) {
        refuse_said(said, &format!("a run of `{of}`"), args, task)?;
    }
    if matches!(task, Task::Forecast | Task::Generate) {
        refuse_said(first_said(&args.sentences), "runs that take sentences", args, task)?;
    }
    let device = device::open(&args.run.device)?;
    match task {
        Task::Forecast => forecast::predict(args, &device)?,
        Task::Generate => generate::predict(args, &device)?,
        Task::Translate => translate::predict(args, &device)?,
        Task::Sentiment => classify::predict(args, &device)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn refuse_said(said: Option<String>, belongs: &str, args: &PredictArgs, task: Task) -> Result<()> {
    match said {
        None => Ok(()),
        Some(said) => {
            let run = args.run.run.display();
            Err(BadInput(format!("{said}: it is for {belongs}, and {run} is a run of `{task}`")).into())
        }
    }
}

/// `train summary`.
pub fn summary(args: &SummaryArgs) -> Result<ExitCode> {
    let device = device::open(&args.device)?;
    let named = Task::ALL.into_iter().find(|task| args.of.as_os_str() == task.to_string().as_str());
    let task = match named {
        Some(task) => task,
        None => Task::of(&args.of)?,
    };
    let run = if named.is_some() { None } else { Some(args.of.as_path()) };
    say(match task {
        Task::Forecast => forecast::layers(run, &device)?,
        Task::Generate => generate::layers(run, &device)?,
        Task::Translate => translate::layers(run, &device)?,
        Task::Sentiment => classify::layers(run, &device)?,
    });
    Ok(ExitCode::SUCCESS)
}

/// The folder for a new run: the one that was asked for, or a fresh one.
fn place<S: clap::Args>(args: &NewRun<S>, plan: &impl Plan, model: impl std::fmt::Display) -> PathBuf {
    let task = Task::ALL.into_iter().find(|task| *task == task_of(plan)).unwrap_or(Task::Forecast);
    args.out.clone().unwrap_or_else(|| folder::fresh(&format!("{task}-{}-{model}", stem(plan.data()))))
}

fn task_of<P: Plan>(_plan: &P) -> Task {
    P::TASK
}

/// Trains to the end, or to the next interruption, and tells how it went.
fn finish<R: Shown>(run: &R, device: &Device) -> Result<ExitCode> {
    Ok(match train(run, device, R::DASHBOARD)? {
        Trained::Shown(_) => {
            let folder = run.run_dir().root().display();
            say(format!("\nThe run is in {folder}, pictures in {folder}/pictures. {}", run.next()));
            ExitCode::SUCCESS
        }
        Trained::Interrupted => ExitCode::from(INTERRUPTED),
    })
}

/// Trains to the end, or to the next interruption; `dashboard`: see [`Shown::DASHBOARD`].
pub fn train<R: Shown>(run: &R, device: &Device, dashboard: bool) -> Result<Trained> {
    let plan = run.plan().fit();
    let watch = progress::Watch { epochs: plan.epochs, items: run.items(), unit: R::UNIT, dashboard };
    let (history, ending) = run.fit(device, progress::session(watch, run.after_epoch(device))?)?;
    let folder = run.run_dir().root().display();
    let Some(best) = history.best() else {
        say(format!("\nInterrupted in the first epoch. To go on: train resume {folder}"));
        return Ok(Trained::Interrupted);
    };
    let losses = draw_losses(run, &history)?;
    match ending {
        StopReason::Finished => {
            say(format!("\nAll {} epochs are done; the best is epoch {}.", plan.epochs, best.epoch))
        }
        StopReason::Stopped => say(format!(
            "\nStopped: no better validation loss since epoch {} (--patience {}).",
            best.epoch, plan.patience
        )),
        StopReason::Interrupted => {
            let done = history.epochs.len();
            say(format!("\nInterrupted after {done} of {} epochs. To go on: train resume {folder}", plan.epochs));
            return Ok(Trained::Interrupted);
        }
    }
    let mut section = run.show(device)?;
    section.blocks.push(Block::Picture { caption: "The loss of every epoch.".into(), svg: losses });
    Ok(Trained::Shown(section))
}

fn draw_losses<R: Shown>(run: &R, history: &History) -> Result<String> {
    let train: Vec<f64> = history.epochs.iter().map(|epoch| epoch.train_loss).collect();
    let valid: Vec<f64> = history.epochs.iter().map(|epoch| epoch.valid_loss).collect();
    let best = history.best().map(|best| best.epoch);
    let picture = plots::loss_curves(R::LOSS, &train, &valid, best)?;
    run.run_dir().write("pictures/loss.svg", &picture)?;
    Ok(picture)
}

/// Writes a picture into the run's folder; gives it for a report.
fn keep(run: &impl Run, name: &str, caption: &str, svg: String) -> Result<Block> {
    run.run_dir().write(&format!("pictures/{name}.svg"), &svg)?;
    Ok(Block::Picture { caption: caption.into(), svg })
}

/// Writes figures into the run's folder.
fn write_scores(run: &impl Run, scores: &impl Serialize) -> Result<()> {
    let scores = serde_json::to_string_pretty(scores).context("scores have a form in JSON")?;
    Ok(run.run_dir().write("scores.json", scores + "\n")?)
}

/// The sentences that somebody asks about: those typed, or the lines of a file, or of standard input.
fn sentences(asked: &SentencesOptions) -> Result<Vec<String>> {
    if !asked.sentences.is_empty() {
        return Ok(asked.sentences.clone());
    }
    let (name, bytes) = match asked.input.as_deref().filter(|path| *path != Path::new("-")) {
        Some(path) => (path.display().to_string(), recurrent::data::read_file(path).map_err(recurrent::Error::from)?),
        None => {
            if std::io::stdin().is_terminal() {
                note("Reading sentences, one a line, until the end of input (Ctrl-D).");
            }
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut std::io::stdin(), &mut bytes).context("cannot read standard input")?;
            ("standard input".into(), bytes)
        }
    };
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let offset = error.valid_up_to();
        let line = 1 + bytes[..offset].iter().filter(|byte| **byte == b'\n').count();
        recurrent::Error::from(DataError::InvalidUtf8 { path: name.clone(), line, offset })
    })?;
    // A mark of byte order is no part of the first sentence.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines: Vec<String> = text.lines().map(str::to_string).collect();
    if lines.is_empty() {
        return Err(BadInput(format!("{name}: expected a sentence on each line, found none")).into());
    }
    if let Some(empty) = lines.iter().position(|line| line.trim().is_empty()) {
        return Err(BadInput(format!("{name}, line {}: expected a sentence, found an empty line", empty + 1)).into());
    }
    Ok(lines)
}

/// Gives an answer: into a file, or onto standard output.
fn answer(args: &PredictArgs, text: &str) -> Result<()> {
    match &args.output {
        Some(path) => replace(path, text.as_bytes())?,
        None => say(text.trim_end_matches('\n')),
    }
    Ok(())
}

/// The form of an answer; not every task has all of them.
fn format(args: &PredictArgs, offered: &[Format]) -> Result<Format> {
    let format = args.format.unwrap_or(offered[0]);
    if offered.contains(&format) {
        return Ok(format);
    }
    let offered: Vec<String> = offered.iter().map(|format| format!("{format:?}").to_lowercase()).collect();
    let found = format!("{format:?}").to_lowercase();
    Err(BadInput(format!("--format: expected {} for this run, found {found}", offered.join(" or "))).into())
}

/// Says what of a sentence was not understood.
fn tell_unknown(sentence: &str, unknown: &[String], cut: Option<usize>) {
    /// As many as one reads.
    const NAMED: usize = 10;
    let mut pieces: Vec<String> = Vec::new();
    for piece in unknown {
        let piece = format!("`{}`", short(piece));
        if !pieces.contains(&piece) {
            pieces.push(piece);
        }
    }
    if !pieces.is_empty() {
        let more = match pieces.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        pieces.truncate(NAMED);
        let sentence = short(sentence);
        note(format!("note: never seen in training and read as <unk>: {}{more} (in `{sentence}`)", pieces.join(" ")));
    }
    if let Some(longest) = cut {
        note(format!("note: cut to the {longest} tokens that the run reads at most: `{}`", short(sentence)));
    }
}

/// A text with its middle left out, if it is long.
fn short(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() <= LONGEST {
        return text.to_string();
    }
    let beginning: String = text.chars().take(LONGEST - 1).collect();
    format!("{beginning}…")
}

/// `weather`, or a file's name without its ending.
fn stem(data: &str) -> String {
    let path = PathBuf::from(data);
    path.file_stem().map_or_else(|| data.to_string(), |stem| stem.to_string_lossy().into_owned())
}
