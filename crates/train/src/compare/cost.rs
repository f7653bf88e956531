//! What cells cost: the table, and pictures against hidden size and length.

use anyhow::Result;
use recurrent::compare::cost::Cost;
use recurrent::compare::{Memory, Results, Speed};
use recurrent::models::{AnyRecurrentConfig, CellKind};

use super::page::drawn;
use super::table::Table;
use super::words::{Head, Words, filled};
use super::{number, tables};
use crate::report::{Block, Section};

/// Something that a cell of one size costs: what it is called, and how much it is.
type Quantity = (fn(&Head) -> &'static str, fn(&Speed) -> f64);

/// What depends on the hidden size.
const BY_HIDDEN: [Quantity; 6] = [
    (|head| head.parameters, |speed| counted(speed).parameters as f64),
    (|head| head.operations, |speed| counted(speed).training().floating_point() as f64),
    (|head| head.kept, |speed| counted(speed).kept_bytes() as f64),
    (|head| head.milliseconds, Speed::typical),
    (|head| head.tokens, Speed::tokens_a_second),
    (|head| head.stream, |speed| speed.stream_microseconds.unwrap_or(f64::NAN)),
];

/// What depends on the length: all that is counted of a token is the same at every length, and so is what a step of a
/// stream takes.
const BY_LENGTH: [Quantity; 4] = [
    (|head| head.row_operations, |speed| (counted(speed).training().floating_point() * speed.length) as f64),
    (|head| head.row_kept, |speed| (counted(speed).kept_bytes() * speed.length) as f64),
    (|head| head.milliseconds, Speed::typical),
    (|head| head.tokens, Speed::tokens_a_second),
];

fn counted(speed: &Speed) -> Cost {
    Cost::of(&AnyRecurrentConfig::new(speed.cell, Memory::Recall.width(), speed.hidden))
}

/// What every size of every cell takes.
pub fn table(results: &Results, words: &Words) -> Table {
    let names = &words.head;
    let first = [names.cell, names.hidden, names.length];
    let mut table = tables::head(&first, false, &BY_HIDDEN.map(|(name, _)| name(names)));
    for speed in &results.speeds {
        let mut row = vec![tables::name(speed.cell).to_string(), speed.hidden.to_string(), speed.length.to_string()];
        let shown = |number: f64| if number.is_finite() { number::short(number) } else { "–".into() };
        row.extend(BY_HIDDEN.map(|(_, number)| shown(number(speed))));
        table.rows.push(row);
    }
    table
}

/// The table with its pictures, if costs were measured.
pub fn section(results: &Results, words: &Words) -> Result<Option<Section>> {
    let mut blocks = vec![table(results, words).block()];
    let plan = &results.plan;
    let [hiddens, lengths] = [&plan.cost_hidden, &plan.cost_lengths].map(|sizes| sorted(sizes));
    let (Some(&widest), Some(&longest)) = (hiddens.last(), lengths.last()) else { return Ok(None) };
    for quantity in BY_HIDDEN {
        let at = [("length", &*longest.to_string())];
        let of = |speed: &Speed| (speed.length == longest).then_some(speed.hidden);
        blocks.push(picture(results, quantity, (words.by_hidden, &at, words.head.hidden), &hiddens, of, words)?);
    }
    for quantity in BY_LENGTH {
        let at = [("hidden", &*widest.to_string())];
        let of = |speed: &Speed| (speed.hidden == widest).then_some(speed.length);
        blocks.push(picture(results, quantity, (words.by_length, &at, words.head.length), &lengths, of, words)?);
    }
    let lead = filled(words.cost.lead, &[("batch", &plan.batch.to_string())]);
    let section = Section { title: words.cost.title.into(), lead, blocks };
    Ok((!results.speeds.is_empty()).then_some(section))
}

/// A quantity against sizes; `of` says which size a measurement is of, if it belongs into the picture.
fn picture(
    results: &Results,
    (name, number): Quantity,
    (caption, at, axis): (&str, &[(&str, &str)], &str),
    sizes: &[usize],
    of: impl Fn(&Speed) -> Option<usize>,
    words: &Words,
) -> Result<Block> {
    let value = |cell, size: &usize| {
        let here = |speed: &&Speed| speed.cell == cell && of(speed) == Some(*size);
        results.speeds.iter().find(here).map_or(f64::NAN, number)
    };
    let values = CellKind::ALL.map(|cell| sizes.iter().map(|size| value(cell, size)).collect::<Vec<_>>());
    let labels: Vec<String> = sizes.iter().map(usize::to_string).collect();
    let name = name(&words.head);
    let caption = filled(caption, &[at, &[("quantity", name)]].concat());
    drawn(caption, axis, name, &labels, &values)
}

fn sorted(sizes: &[usize]) -> Vec<usize> {
    let mut sizes = sizes.to_vec();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}
