//! The page: all tables, and the pictures.

use anyhow::Result;
use recurrent::compare::{Claim, Damage, Fairness, Gradient, Judged, Looked, Memory, Read, Results, Spread, Tried};
use recurrent::models::CellKind;

use super::table::Table;
use super::tables::{self, CELLS, place, task_name};
use super::words::{Words, filled};
use super::{cost, number, quality};
use crate::language::Language;
use crate::plots::{self, Line};
use crate::report::{Block, Report, Section};

/// The whole report.
pub fn page(results: &Results, claims: &[Judged], language: Language) -> Result<Report> {
    let words = Words::of(language);
    let plan = &results.plan;
    let fair = words.fairness[place(&Fairness::ALL, &plan.fair)];
    let seeds = plan.seeds.to_string();
    let lead = filled(words.lead, &[("device", &plan.device), ("fair", fair), ("seeds", &seeds)]);
    let mut sections = lecture(claims, words);
    sections.extend(memory(results, words)?);
    sections.extend(gradients(results, words)?);
    sections.extend(gates(results, words)?);
    sections.extend(cost::section(results, words)?);
    sections.extend(quality::section(results, words)?);
    Ok(Report { language, title: words.title.into(), lead, sections })
}

fn lecture(claims: &[Judged], words: &Words) -> Vec<Section> {
    let section = |title: &str, lead: &str, table: Table| Section {
        title: title.into(),
        lead: lead.into(),
        blocks: vec![table.block()],
    };
    let (cells, problems, rules) = (&words.cells, &words.problems, &words.rules);
    vec![
        section(cells.title, cells.lead, tables::lecture(claims, Claim::is_of_a_cell, words)),
        section(problems.title, problems.lead, tables::lecture(claims, |claim| !claim.is_of_a_cell(), words)),
        section(rules.title, rules.lead, tables::rules(words)),
    ]
}

fn memory(results: &Results, words: &Words) -> Result<Option<Section>> {
    let places = tables::undamaged(results);
    if places.is_empty() {
        return Ok(None);
    }
    let mut tasks: Vec<Memory> = places.iter().map(|place| place.0).collect();
    tasks.dedup();
    let definition = |task: &Memory| {
        let words = &words.tasks[place(&Memory::ALL, task)];
        vec![words.name.to_string(), words.definition.to_string()]
    };
    let definitions = Block::Table {
        head: [words.head.task, ""].map(String::from).to_vec(),
        rows: tasks.iter().map(definition).collect(),
    };
    let mut blocks = vec![definitions, tables::memory(results, words).block()];
    let fails = tables::fails(results, words);
    if !fails.rows.is_empty() {
        blocks.extend([Block::Paragraph(words.fails.into()), fails.block()]);
    }
    let clipped = tables::clipped(results, words);
    if !clipped.rows.is_empty() {
        blocks.extend([Block::Paragraph(words.clipped.into()), clipped.block()]);
    }
    for task in tasks {
        if task.is_generated() && results.plan.lengths.len() > 1 {
            let skill = (words.skill_picture, words.head.skill);
            let right = (words.right_picture, words.head.right);
            blocks.push(length_picture(results, task, skill, |tried| Some(tried.skill()), words)?);
            blocks.push(length_picture(results, task, right, |tried| tried.outcome.right, words)?);
        }
        blocks.push(curve_picture(results, task, words)?);
    }
    Ok(Some(Section { title: words.memory.title.into(), lead: words.memory.lead.into(), blocks }))
}

/// A share that each outcome of a generated task has, the mean over the seeds, against the length.
fn length_picture(
    results: &Results,
    task: Memory,
    (caption, axis): (&str, &str),
    number: fn(&Tried) -> Option<f64>,
    words: &Words,
) -> Result<Block> {
    let mut lengths = results.plan.lengths.clone();
    lengths.sort_unstable();
    lengths.dedup();
    let mean = |cell, length: &usize| {
        let tried = results.at((task, *length, Damage::None), cell);
        let numbers: Vec<f64> = tried.into_iter().filter_map(number).collect();
        Spread::of(&numbers).map_or(f64::NAN, |spread| spread.mean)
    };
    let values = CellKind::ALL.map(|cell| lengths.iter().map(|length| mean(cell, length)).collect::<Vec<_>>());
    let labels: Vec<String> = lengths.iter().map(usize::to_string).collect();
    let caption = format!("{}: {caption}", task_name(task, words));
    let svg = plots::fraction_chart(&caption, words.head.length, axis, &labels, &lines(&values))?;
    Ok(Block::Plot { caption, svg })
}

fn curve_picture(results: &Results, task: Memory, words: &Words) -> Result<Block> {
    let places = tables::undamaged(results).into_iter().filter(|place| place.0 == task);
    let longest = places.max_by_key(|place| place.1);
    let curve = |cell| -> Vec<f64> {
        let tried = longest.map_or(Vec::new(), |place| results.at(place, cell));
        tried.first().map_or(Vec::new(), |tried| tried.outcome.curve.clone())
    };
    let values = CellKind::ALL.map(curve);
    let caption = format!("{}: {}", task_name(task, words), words.curve_picture);
    drawn(caption, words.head.stretch, words.head.loss, &[], &values)
}

fn gradients(results: &Results, words: &Words) -> Result<Option<Section>> {
    let table = tables::gradients(results, words);
    if table.rows.is_empty() {
        return Ok(None);
    }
    let mut blocks = vec![table.block()];
    for layer in 0..results.plan.gradient_layers {
        blocks.extend(gradient_pictures(results, layer, words)?);
    }
    blocks.extend([Block::Paragraph(words.explosion.into()), tables::explosions(results, words).block()]);
    let [length, layers] = [results.plan.gradient_length, results.plan.gradient_layers].map(|count| count.to_string());
    let lead = filled(words.gradients.lead, &[("length", &length), ("layers", &layers)]);
    Ok(Some(Section { title: words.gradients.title.into(), lead, blocks }))
}

/// A layer's gradient before training and after it, and after training with clipping and without.
fn gradient_pictures(results: &Results, layer: usize, words: &Words) -> Result<[Block; 3]> {
    let as_planned = |looked: &&Looked| looked.look.clip == results.plan.clip;
    let is_default = |looked: &&Looked| looked.look.is_default();
    let first = || results.looked.iter().filter(|looked| looked.look.seed == 0);
    let fresh = |looked: &Looked| norms(&looked.fresh, layer);
    let trained = |looked: &Looked| norms(looked.trained.as_deref().unwrap_or_default(), layer);
    let network = |looked: &Looked| tables::network(&looked.look, words);
    let clipping =
        |looked: &Looked| format!("{}, {}", tables::name(looked.look.cell), tables::clipping(&looked.look, words));
    let drawn = |caption, lines: Vec<(String, Vec<f64>)>| gradient_picture(results, caption, layer, &lines, words);
    Ok([
        drawn(words.fresh_picture, first().filter(as_planned).map(|one| (network(one), fresh(one))).collect())?,
        drawn(words.trained_picture, first().filter(as_planned).map(|one| (network(one), trained(one))).collect())?,
        drawn(words.clipping_picture, first().filter(is_default).map(|one| (clipping(one), trained(one))).collect())?,
    ])
}

/// The norms of a layer's gradient: one of nothing has no place on a logarithmic axis.
fn norms(layers: &[Gradient], layer: usize) -> Vec<f64> {
    let norms = layers.get(layer).map_or(&[][..], |gradient| &gradient.norms);
    norms.iter().map(|norm| if *norm > 0.0 { *norm } else { f64::NAN }).collect()
}

fn gradient_picture(
    results: &Results,
    caption: &str,
    layer: usize,
    lines: &[(String, Vec<f64>)],
    words: &Words,
) -> Result<Block> {
    let lines: Vec<Line> = lines.iter().map(|(name, values)| Line { name, values }).collect();
    let labels: Vec<String> = (0..results.plan.gradient_length).map(|step| step.to_string()).collect();
    let numbers = [("layer", &*(layer + 1).to_string()), ("layers", &*results.plan.gradient_layers.to_string())];
    let caption = filled(caption, &numbers);
    let svg = plots::line_chart(&caption, words.head.back, words.head.norm, &labels, &lines)?;
    Ok(Block::Plot { caption, svg })
}

fn gates(results: &Results, words: &Words) -> Result<Option<Section>> {
    let mut blocks = vec![tables::readings(results, words).block()];
    for reading in &results.readings {
        let (what, step, read) = steps(&reading.read, words);
        for (name, values) in reading.names.iter().zip(&reading.gates) {
            let known = words.gate_names.iter().find(|known| known.0 == name);
            let gate = known.map_or(name.as_str(), |known| known.1);
            let cell = CELLS[place(&CellKind::ALL, &reading.cell)];
            let caption = filled(words.gate_picture, &[("cell", cell), ("read", what), ("gate", gate)]);
            let svg = plots::gates(&caption, [step, words.unit, words.open], &read, values)?;
            blocks.push(Block::Plot { caption, svg });
        }
    }
    let section = Section { title: words.gates.title.into(), lead: words.gates.lead.into(), blocks };
    Ok((!results.readings.is_empty()).then_some(section))
}

/// What is read, what a step of it is called, and each step.
fn steps<'a>(read: &'a Read, words: &'a Words) -> (&'a str, &'a str, Vec<String>) {
    match read {
        Read::Text { characters, .. } => (words.read_text, "", characters.clone()),
        Read::Series { column, dates, values, .. } => {
            let label = |(date, value): (&String, &f64)| format!("{date}: {}", number::short(*value));
            (words.read_series, column, dates.iter().zip(values).map(label).collect())
        }
    }
}

/// A picture with a line for each cell.
pub fn drawn(caption: String, x: &str, y: &str, labels: &[String], values: &[Vec<f64>; 3]) -> Result<Block> {
    let svg = plots::line_chart(&caption, x, y, labels, &lines(values))?;
    Ok(Block::Plot { caption, svg })
}

/// A line for each cell.
fn lines(values: &[Vec<f64>; 3]) -> [Line<'_>; 3] {
    std::array::from_fn(|cell| Line { name: CELLS[cell], values: &values[cell] })
}
