//! The section on memory tasks.

use recurrent::models::CellKind;

use super::block::{Block, LinePlot, Section};
use super::format;
use super::labels::{
    clipped_fraction, diverged, index_of, length, plot_by_cell, sorted, table_by_cell, task_name, titled_blocks,
    train_results,
};
use super::table::Table;
use super::words::{Words, fill};
use crate::corruption::Corruption;
use crate::results::{Condition, Results, TrialResult};
use crate::significance::MeanStd;
use crate::task::MemoryTask;
use crate::training::TrainResult;

pub fn tables(results: &Results, words: &Words) -> Vec<(String, Table)> {
    let loss = (words.memory.title.into(), loss_table(results, words));
    [vec![loss], summary_tables(results, words)].concat()
}

fn summary_tables(results: &Results, words: &Words) -> Vec<(String, Table)> {
    vec![
        (words.failure_lengths.into(), failure_table(results, words)),
        (words.clipped_steps.into(), clipping_table(results, words)),
    ]
}

pub fn section(results: &Results, words: &Words) -> Option<Section> {
    let conditions = clean_conditions(results);
    if conditions.is_empty() {
        return None;
    }
    let mut tasks: Vec<MemoryTask> = conditions.iter().map(|condition| condition.task).collect();
    tasks.dedup();
    let mut blocks = vec![Block::Table(definitions(&tasks, words)), Block::Table(loss_table(results, words))];
    blocks.extend(titled_blocks(summary_tables(results, words)));
    for task in tasks {
        if task.is_synthetic() && results.config.lengths.len() > 1 {
            let skill = (words.skill_by_length, words.columns.skill);
            let accuracy = (words.accuracy_by_length, words.columns.accuracy);
            blocks.push(Block::LinePlot(length_plot(results, task, skill, |trial| Some(trial.skill()), words)));
            blocks.push(Block::LinePlot(length_plot(results, task, accuracy, |trial| trial.result.accuracy, words)));
        }
        blocks.push(Block::LinePlot(curve_plot(results, task, words)));
    }
    Some(Section { title: words.memory.title.into(), lead: words.memory.lead.into(), blocks })
}

fn definitions(tasks: &[MemoryTask], words: &Words) -> Table {
    let mut table = Table::new(&[words.columns.task, ""]);
    let definition = |task: &MemoryTask| &words.tasks[index_of(&MemoryTask::ALL, task)];
    table.rows =
        tasks.iter().map(definition).map(|task| vec![task.name.to_string(), task.definition.to_string()]).collect();
    table
}

/// The conditions of the memory part.
fn clean_conditions(results: &Results) -> Vec<Condition> {
    let is_memory = |condition: &Condition| {
        condition.corruption == Corruption::None && results.config.tasks.contains(&condition.task)
    };
    results.conditions().into_iter().filter(is_memory).collect()
}

/// Test loss and accuracy of each cell.
fn loss_table(results: &Results, words: &Words) -> Table {
    let columns = &words.columns;
    let mut table = table_by_cell(&[columns.task, columns.length, columns.chance_loss], &[]);
    for condition in clean_conditions(results) {
        let chance_loss = condition.task.chance_loss(condition.length);
        let mut row =
            vec![task_name(condition.task, words).to_string(), length(&condition), format::short(chance_loss)];
        row.extend(CellKind::ALL.map(|cell| loss_and_accuracy(&results.trials_of(condition, cell), words)));
        table.rows.push(row);
    }
    table
}

fn loss_and_accuracy(trials: &[&TrialResult], words: &Words) -> String {
    if let Some(diverged) = diverged(&train_results(trials), words) {
        return diverged;
    }
    let values = |of: fn(&TrainResult) -> Option<f64>| -> Vec<f64> {
        trials.iter().filter_map(|trial| of(&trial.result)).collect()
    };
    let accuracy = MeanStd::of(&values(|result| result.accuracy));
    let accuracy = accuracy.map_or(String::new(), |accuracy| format!(", {}", format::percent(accuracy.mean)));
    format::sample(&values(|result| result.loss)) + &accuracy
}

/// The length at which each cell fails each synthetic task.
fn failure_table(results: &Results, words: &Words) -> Table {
    let mut table = table_by_cell(&[words.columns.task], &[]);
    let tasks: Vec<MemoryTask> = clean_conditions(results).iter().map(|condition| condition.task).collect();
    for task in MemoryTask::ALL.into_iter().filter(|task| task.is_synthetic() && tasks.contains(task)) {
        let failure_length = |cell| match results.failure_length(task, cell) {
            Some(length) => format!("T = {length}"),
            None => words.no_failure.to_string(),
        };
        let mut row = vec![task_name(task, words).to_string()];
        row.extend(CellKind::ALL.map(failure_length));
        table.rows.push(row);
    }
    table
}

/// The fraction of clipped training steps; no rows without clipping.
fn clipping_table(results: &Results, words: &Words) -> Table {
    let mut table = table_by_cell(&[words.columns.task, words.columns.length], &[]);
    if results.config.clip_norm == 0.0 {
        return table;
    }
    for condition in clean_conditions(results) {
        let mut row = vec![task_name(condition.task, words).to_string(), length(&condition)];
        let of_cell = |cell| clipped_fraction(&train_results(&results.trials_of(condition, cell)));
        row.extend(CellKind::ALL.map(of_cell));
        table.rows.push(row);
    }
    table
}

/// The mean of a metric of a synthetic task against the length.
fn length_plot(
    results: &Results,
    task: MemoryTask,
    (caption, y_label): (&str, &str),
    metric: fn(&TrialResult) -> Option<f64>,
    words: &Words,
) -> LinePlot {
    let lengths = sorted(&results.config.lengths);
    let mean = |cell, length: &usize| {
        let condition = Condition { task, length: *length, corruption: Corruption::None };
        let values: Vec<f64> = results.trials_of(condition, cell).into_iter().filter_map(metric).collect();
        MeanStd::of(&values).map_or(f64::NAN, |value| value.mean)
    };
    let values = CellKind::ALL.map(|cell| lengths.iter().map(|length| mean(cell, length)).collect::<Vec<_>>());
    let ticks = lengths.iter().map(usize::to_string).collect();
    let caption = fill(caption, &[("task", task_name(task, words))]);
    LinePlot { is_fraction: true, ..plot_by_cell(caption, words.columns.length, y_label, ticks, values) }
}

/// The training losses at the longest length with the first seed.
fn curve_plot(results: &Results, task: MemoryTask, words: &Words) -> LinePlot {
    let conditions = clean_conditions(results).into_iter().filter(|condition| condition.task == task);
    let longest = conditions.max_by_key(|condition| condition.length);
    let curve = |cell| -> Vec<f64> {
        let trials = longest.map_or(Vec::new(), |condition| results.trials_of(condition, cell));
        trials.first().map_or(Vec::new(), |trial| trial.result.loss_curve.clone())
    };
    let caption = fill(words.loss_curve, &[("task", task_name(task, words))]);
    plot_by_cell(caption, words.columns.progress, words.columns.loss, Vec::new(), CellKind::ALL.map(curve))
}
