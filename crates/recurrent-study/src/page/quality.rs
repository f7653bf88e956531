//! The section on corrupted training data.

use recurrent::models::CellKind;

use super::block::{Block, LinePlot, Section};
use super::format;
use super::labels::{diverged, plot_by_cell, table_by_cell, train_results};
use super::table::Table;
use super::words::{Words, fill};
use crate::config::StudyConfig;
use crate::corruption::Corruption;
use crate::results::{Condition, Results, TrialResult};
use crate::signal::Signal;
use crate::significance::MeanStd;
use crate::task::MemoryTask;
use crate::training::TrainResult;

pub fn tables(results: &Results, words: &Words) -> Vec<(String, Table)> {
    corrupted_tasks(results).map(|task| (title(task, words), table(results, task, words))).collect()
}

/// The section, if there are trials on corrupted data.
pub fn section(results: &Results, words: &Words) -> Option<Section> {
    let blocks: Vec<Block> = corrupted_tasks(results)
        .flat_map(|task| {
            [
                Block::Paragraph(title(task, words)),
                Block::Table(table(results, task, words)),
                Block::LinePlot(plot(results, task, words)),
            ]
        })
        .collect();
    let section = Section { title: words.quality.title.into(), lead: words.quality.lead.into(), blocks };
    (!section.blocks.is_empty()).then_some(section)
}

/// The tasks that have trials on corrupted data.
fn corrupted_tasks(results: &Results) -> impl Iterator<Item = MemoryTask> {
    let conditions = results.conditions();
    let is_corrupted = move |task: &MemoryTask| {
        conditions.iter().any(|condition| condition.task == *task && condition.corruption != Corruption::None)
    };
    StudyConfig::CORRUPTED_TASKS.into_iter().filter(is_corrupted)
}

fn title(task: MemoryTask, words: &Words) -> String {
    let rmse = format::short(Signal::weather().naive_rmse());
    match task {
        MemoryTask::Forecast => fill(words.corrupted_forecast, &[("rmse", &rmse)]),
        _ => words.corrupted_digits.to_string(),
    }
}

/// The root mean squared error of a forecast, the accuracy of a classifier.
fn metric(task: MemoryTask, result: &TrainResult) -> Option<f64> {
    if task == MemoryTask::Forecast { result.loss.map(f64::sqrt) } else { result.accuracy }
}

/// The trials of a cell with a corruption, and their metrics.
fn trials_and_metrics(
    results: &Results,
    task: MemoryTask,
    corruption: Corruption,
    cell: CellKind,
) -> (Vec<&TrialResult>, Vec<f64>) {
    let trials = results.trials_of(Condition { task, length: 0, corruption }, cell);
    let metrics = trials.iter().filter_map(|trial| metric(task, &trial.result)).collect();
    (trials, metrics)
}

fn table(results: &Results, task: MemoryTask, words: &Words) -> Table {
    let mut table = table_by_cell(&[words.columns.data], &[]);
    for (corruption, name) in Corruption::ALL.into_iter().zip(words.corruptions) {
        let text = |cell| {
            let (trials, metrics) = trials_and_metrics(results, task, corruption, cell);
            diverged(&train_results(&trials), words).unwrap_or_else(|| format::sample(&metrics))
        };
        let mut row = vec![name.to_string()];
        row.extend(CellKind::ALL.map(text));
        table.rows.push(row);
    }
    table
}

fn plot(results: &Results, task: MemoryTask, words: &Words) -> LinePlot {
    let mean = |cell, corruption| {
        let (_, metrics) = trials_and_metrics(results, task, corruption, cell);
        MeanStd::of(&metrics).map_or(f64::NAN, |value| value.mean)
    };
    let values = CellKind::ALL.map(|cell| Corruption::ALL.map(|corruption| mean(cell, corruption)).to_vec());
    let (caption, y_label) = match task {
        MemoryTask::Forecast => (words.corrupted_forecast_plot, words.columns.rmse),
        _ => (words.corrupted_digits_plot, words.columns.accuracy),
    };
    let ticks = words.corruptions_short.map(String::from).to_vec();
    plot_by_cell(caption.into(), "", y_label, ticks, values)
}
