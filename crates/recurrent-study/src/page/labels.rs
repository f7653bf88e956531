//! Labels that several sections share.

use recurrent::models::CellKind;

use super::block::{Block, LinePlot};
use super::format;
use super::table::Table;
use super::words::{Words, fill};
use crate::results::{Condition, TrialResult};
use crate::significance::MeanStd;
use crate::task::MemoryTask;
use crate::training::TrainResult;

/// The names of the cells, in the order of [`CellKind::ALL`].
pub const CELLS: [&str; 3] = ["RNN", "LSTM", "GRU"];

/// The position of a variant among all.
pub fn index_of<T: PartialEq>(all: &[T], one: &T) -> usize {
    all.iter().position(|other| other == one).expect("ALL has every variant")
}

pub fn cell_name(cell: CellKind) -> &'static str {
    CELLS[index_of(&CellKind::ALL, &cell)]
}

pub fn task_name(task: MemoryTask, words: &Words) -> &'static str {
    words.tasks[index_of(&MemoryTask::ALL, &task)].name
}

/// The length of a condition as the text defines it: the delay of a synthetic task, the time steps of others.
pub fn length(condition: &Condition) -> String {
    let Condition { task, length, .. } = *condition;
    if task.is_synthetic() { length } else { task.num_steps(length) }.to_string()
}

/// A table with a column for each cell between other columns.
pub fn table_by_cell(first: &[&str], last: &[&str]) -> Table {
    Table::new(&[first, &CELLS, last].concat())
}

/// A line plot with a line for each cell.
pub fn plot_by_cell(
    caption: String,
    x_label: &str,
    y_label: &str,
    x_ticks: Vec<String>,
    values: [Vec<f64>; 3],
) -> LinePlot {
    let lines = CELLS.iter().map(ToString::to_string).zip(values).collect();
    LinePlot { caption, x_label: x_label.into(), y_label: y_label.into(), x_ticks, lines, is_fraction: false }
}

/// Text in place of results if some diverged.
pub fn diverged(results: &[&TrainResult], words: &Words) -> Option<String> {
    let count = results.iter().filter(|result| result.diverged_at.is_some()).count();
    let values = [("count", &*count.to_string()), ("all", &*results.len().to_string())];
    (count > 0).then(|| fill(words.diverged, &values))
}

/// The mean fraction of training steps whose gradients were clipped.
pub fn clipped_fraction(results: &[&TrainResult]) -> String {
    let fractions: Vec<f64> = results.iter().map(|result| result.clipped_fraction).collect();
    MeanStd::of(&fractions).map_or(String::new(), |fraction| format::percent(fraction.mean))
}

pub fn train_results<'a>(trials: &[&'a TrialResult]) -> Vec<&'a TrainResult> {
    trials.iter().map(|trial| &trial.result).collect()
}

/// A table with a title of its own.
pub fn titled_blocks(tables: Vec<(String, Table)>) -> impl Iterator<Item = Block> {
    let with_rows = tables.into_iter().filter(|(_, table)| !table.rows.is_empty());
    with_rows.flat_map(|(title, table)| [Block::Paragraph(title), Block::Table(table)])
}

/// The values without repetitions, in ascending order.
pub fn sorted(values: &[usize]) -> Vec<usize> {
    let mut values = values.to_vec();
    values.sort_unstable();
    values.dedup();
    values
}
