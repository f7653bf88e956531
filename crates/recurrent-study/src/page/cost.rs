//! The section on cost.

use recurrent::models::{AnyRecurrentConfig, CellKind};

use super::block::{Block, LinePlot, Section};
use super::format;
use super::labels::{cell_name, plot_by_cell, sorted};
use super::table::Table;
use super::words::{Columns, Words, fill};
use crate::cost::Cost;
use crate::results::Results;
use crate::speed::Speed;
use crate::task::MemoryTask;

/// A quantity of a cell of one size: its name and its value.
type Quantity = (fn(&Columns) -> &'static str, fn(&Speed) -> f64);

/// The quantities that depend on the hidden size.
const BY_HIDDEN_SIZE: [Quantity; 6] = [
    (|columns| columns.parameters, |speed| counted(speed).num_parameters as f64),
    (|columns| columns.token_flops, |speed| counted(speed).training().flops() as f64),
    (|columns| columns.token_bytes, |speed| counted(speed).saved_bytes() as f64),
    (|columns| columns.milliseconds, Speed::median_milliseconds),
    (|columns| columns.tokens_per_second, Speed::tokens_per_second),
    (|columns| columns.streaming, |speed| speed.stream_microseconds.unwrap_or(f64::NAN)),
];

/// The quantities that depend on the length. Counts per token and the time of a streaming step do not.
const BY_LENGTH: [Quantity; 4] = [
    (|columns| columns.sequence_flops, |speed| (counted(speed).training().flops() * speed.length) as f64),
    (|columns| columns.sequence_bytes, |speed| (counted(speed).saved_bytes() * speed.length) as f64),
    (|columns| columns.milliseconds, Speed::median_milliseconds),
    (|columns| columns.tokens_per_second, Speed::tokens_per_second),
];

fn counted(speed: &Speed) -> Cost {
    Cost::of(&AnyRecurrentConfig::new(speed.cell, MemoryTask::Recall.input_size(), speed.hidden_size))
}

pub fn tables(results: &Results, words: &Words) -> Vec<(String, Table)> {
    vec![(words.cost.title.into(), table(results, words))]
}

/// The section, if costs were measured.
pub fn section(results: &Results, words: &Words) -> Option<Section> {
    let config = &results.config;
    let [hidden_sizes, lengths] = [&config.cost_hidden_sizes, &config.cost_lengths].map(|sizes| sorted(sizes));
    let (widest, longest) = (*hidden_sizes.last()?, *lengths.last()?);
    if results.speeds.is_empty() {
        return None;
    }
    let mut blocks = vec![Block::Table(table(results, words))];
    for quantity in BY_HIDDEN_SIZE {
        let caption = fill(words.by_hidden_size, &[("length", &longest.to_string())]);
        let hidden_size = |speed: &Speed| (speed.length == longest).then_some(speed.hidden_size);
        let x_label = words.columns.hidden_size;
        blocks.push(plot(results, quantity, (&caption, x_label), &hidden_sizes, hidden_size, words));
    }
    for quantity in BY_LENGTH {
        let caption = fill(words.by_length, &[("hidden_size", &widest.to_string())]);
        let length = |speed: &Speed| (speed.hidden_size == widest).then_some(speed.length);
        blocks.push(plot(results, quantity, (&caption, words.columns.length), &lengths, length, words));
    }
    let lead = fill(words.cost.lead, &[("batch_size", &config.batch_size.to_string())]);
    Some(Section { title: words.cost.title.into(), lead, blocks })
}

/// All quantities of all cells and sizes.
fn table(results: &Results, words: &Words) -> Table {
    let columns = &words.columns;
    let first = [columns.cell, columns.hidden_size, columns.length];
    let quantities = BY_HIDDEN_SIZE.map(|(name, _)| name(columns));
    let mut table = Table::new(&[&first[..], &quantities].concat());
    for speed in &results.speeds {
        let mut row = vec![cell_name(speed.cell).to_string(), speed.hidden_size.to_string(), speed.length.to_string()];
        let text = |value: f64| if value.is_finite() { format::short(value) } else { "–".into() };
        row.extend(BY_HIDDEN_SIZE.map(|(_, value)| text(value(speed))));
        table.rows.push(row);
    }
    table
}

/// A quantity against sizes. `size` gives the size of a measurement that belongs in the plot.
fn plot(
    results: &Results,
    (name, value): Quantity,
    (caption, x_label): (&str, &str),
    sizes: &[usize],
    size: impl Fn(&Speed) -> Option<usize>,
    words: &Words,
) -> Block {
    let value = |cell, at: &usize| {
        let is_at = |speed: &&Speed| speed.cell == cell && size(speed) == Some(*at);
        results.speeds.iter().find(is_at).map_or(f64::NAN, value)
    };
    let values = CellKind::ALL.map(|cell| sizes.iter().map(|size| value(cell, size)).collect::<Vec<_>>());
    let ticks = sizes.iter().map(usize::to_string).collect();
    let name = name(&words.columns);
    let plot: LinePlot = plot_by_cell(fill(caption, &[("quantity", name)]), x_label, name, ticks, values);
    Block::LinePlot(plot)
}
