//! What damage to the data costs: tables and pictures.

use anyhow::Result;
use recurrent::compare::{Damage, Memory, Outcome, Results, Signal, Spread, StudyConfig, Tried};
use recurrent::models::CellKind;

use super::page::drawn;
use super::table::Table;
use super::words::{Words, filled};
use super::{number, tables};
use crate::report::{Block, Section};

/// The tables that there are, with what each is about.
pub fn tables(results: &Results, words: &Words) -> Vec<(String, Table)> {
    let damaged = |task: &Memory| results.places().iter().any(|place| place.0 == *task && place.2 != Damage::None);
    let tasks = StudyConfig::SPOILED.into_iter().filter(damaged);
    tasks.map(|task| (title(task, words), table(results, task, words))).collect()
}

/// The tables with their pictures, if there are any.
pub fn section(results: &Results, words: &Words) -> Result<Option<Section>> {
    let mut blocks = Vec::new();
    for ((title, table), task) in tables(results, words).into_iter().zip(StudyConfig::SPOILED) {
        blocks.extend([Block::Paragraph(title), table.block(), picture(results, task, words)?]);
    }
    let section = Section { title: words.quality.title.into(), lead: words.quality.lead.into(), blocks };
    Ok((!section.blocks.is_empty()).then_some(section))
}

fn title(task: Memory, words: &Words) -> String {
    let off = number::short(Signal::weather().persistence());
    match task {
        Memory::Forecast => filled(words.spoiled_forecast, &[("error", &off)]),
        _ => words.spoiled_digits.to_string(),
    }
}

/// How good a network is on a task: the root of the mean squared error of a forecast, and else the share of right
/// answers.
fn score(task: Memory, outcome: &Outcome) -> Option<f64> {
    if task == Memory::Forecast { outcome.loss.map(f64::sqrt) } else { outcome.right }
}

/// The scores of a cell after training on damaged data.
fn scores(results: &Results, task: Memory, damage: Damage, cell: CellKind) -> (Vec<&Tried>, Option<Spread>) {
    let tried = results.at((task, 0, damage), cell);
    let scores: Vec<f64> = tried.iter().filter_map(|tried| score(task, &tried.outcome)).collect();
    (tried, Spread::of(&scores))
}

fn table(results: &Results, task: Memory, words: &Words) -> Table {
    let mut table = tables::head(&[words.head.data], true, &[]);
    for (damage, said) in Damage::ALL.into_iter().zip(words.damages) {
        let shown = |cell| {
            let (tried, spread) = scores(results, task, damage, cell);
            let spread = || spread.map_or(String::new(), |spread| number::spread(&spread));
            tables::diverged(&tables::outcomes(&tried), words).unwrap_or_else(spread)
        };
        let mut row = vec![said.to_string()];
        row.extend(CellKind::ALL.map(shown));
        table.rows.push(row);
    }
    table
}

fn picture(results: &Results, task: Memory, words: &Words) -> Result<Block> {
    let mean = |cell, damage| scores(results, task, damage, cell).1.map_or(f64::NAN, |spread| spread.mean);
    let values = CellKind::ALL.map(|cell| Damage::ALL.map(|damage| mean(cell, damage)).to_vec());
    let (caption, axis) = match task {
        Memory::Forecast => (words.spoiled_forecast_picture, words.head.error),
        _ => (words.spoiled_digits_picture, words.head.right),
    };
    drawn(caption.into(), "", axis, &words.damages_in_short.map(String::from), &values)
}
