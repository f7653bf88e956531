//! The section on gate activations.

use super::block::{Block, GateMap, Section};
use super::format;
use super::labels::cell_name;
use super::table::Table;
use super::words::{Words, fill};
use crate::gate_trace::{GateInput, GateTrace};
use crate::results::Results;

pub fn tables(results: &Results, words: &Words) -> Vec<(String, Table)> {
    vec![(words.gates.title.into(), prediction_table(results, words))]
}

pub fn section(results: &Results, words: &Words) -> Option<Section> {
    if results.gate_traces.is_empty() {
        return None;
    }
    let mut blocks = vec![Block::Table(prediction_table(results, words))];
    blocks.extend(results.gate_traces.iter().flat_map(|trace| gate_maps(trace, words)).map(Block::GateMap));
    Some(Section { title: words.gates.title.into(), lead: words.gates.lead.into(), blocks })
}

/// How well the networks predict their input.
fn prediction_table(results: &Results, words: &Words) -> Table {
    let mut table = Table::new(&[words.columns.cell, words.columns.input, words.columns.prediction]);
    for trace in &results.gate_traces {
        let (input, prediction) = match &trace.input {
            GateInput::Text { accuracy, .. } => {
                let text = |accuracy| fill(words.prediction_accuracy, &[("accuracy", &format::percent(accuracy))]);
                (words.text.to_string(), accuracy.map(text))
            }
            GateInput::Series { column, rmse, .. } => {
                let text = |rmse| fill(words.prediction_rmse, &[("rmse", &format::short(rmse))]);
                (format!("{}: {column}", words.series), rmse.map(text))
            }
        };
        table.rows.push(vec![cell_name(trace.cell).to_string(), input, prediction.unwrap_or("–".to_string())]);
    }
    table
}

/// One heat map for each gate.
fn gate_maps<'a>(trace: &'a GateTrace, words: &'a Words) -> impl Iterator<Item = GateMap> + 'a {
    let (input, step_label, steps) = match &trace.input {
        GateInput::Text { characters, .. } => (words.text, String::new(), characters.clone()),
        GateInput::Series { column, dates, values, .. } => {
            let label = |(date, value): (&String, &f64)| format!("{date}: {}", format::short(*value));
            (words.series, column.clone(), dates.iter().zip(values).map(label).collect())
        }
    };
    trace.gate_names.iter().zip(&trace.gates).map(move |(name, values)| {
        let translated = words.gate_names.iter().find(|known| known.0 == name);
        let gate = translated.map_or(name.as_str(), |known| known.1);
        GateMap {
            caption: fill(words.gate_map, &[("cell", cell_name(trace.cell)), ("input", input), ("gate", gate)]),
            step_label: step_label.clone(),
            unit_label: words.unit.into(),
            open_label: words.open.into(),
            steps: steps.clone(),
            values: values.clone(),
        }
    })
}
