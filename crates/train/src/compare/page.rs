//! The page: all tables, and the pictures.

use anyhow::Result;
use recurrent::compare::{Claim, Damage, Fairness, Gradient, Judged, Look, Looked, Memory, Read, Results, Spread};
use recurrent::models::CellKind;

use super::table::Table;
use super::tables::{self, CELLS, place, task_name};
use super::words::{Words, filled};
use super::{cost, number, quality};
use crate::language::Language;
use crate::picture::{self, Line};
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
            blocks.push(skill_picture(results, task, words)?);
        }
        blocks.push(curve_picture(results, task, words)?);
    }
    Ok(Some(Section { title: words.memory.title.into(), lead: words.memory.lead.into(), blocks }))
}

fn skill_picture(results: &Results, task: Memory, words: &Words) -> Result<Block> {
    let mut lengths = results.plan.lengths.clone();
    lengths.sort_unstable();
    lengths.dedup();
    let skill = |cell, length: &usize| {
        let tried = results.at((task, *length, Damage::None), cell);
        let skills: Vec<f64> = tried.iter().map(|tried| tried.skill()).collect();
        Spread::of(&skills).map_or(f64::NAN, |skill| skill.mean)
    };
    let values = CellKind::ALL.map(|cell| lengths.iter().map(|length| skill(cell, length)).collect::<Vec<_>>());
    let labels: Vec<String> = lengths.iter().map(usize::to_string).collect();
    let caption = format!("{}: {}", task_name(task, words), words.skill_picture);
    drawn(caption, words.head.length, words.head.skill, &labels, &values)
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
    let planned = results.plan.clip;
    for layer in 0..results.plan.gradient_layers {
        let as_planned = |look: &Look| look.clip == planned;
        let fresh = |looked: &Looked| looked.fresh.get(layer).cloned();
        let trained = |looked: &Looked| looked.trained.as_ref()?.get(layer).cloned();
        blocks.push(gradient_picture(results, (words.fresh_picture, layer), as_planned, fresh, words)?);
        blocks.push(gradient_picture(results, (words.trained_picture, layer), as_planned, trained, words)?);
        blocks.push(gradient_picture(results, (words.clipping_picture, layer), Look::is_default, trained, words)?);
    }
    blocks.extend([Block::Paragraph(words.explosion.into()), tables::explosions(results, words).block()]);
    let [length, layers] = [results.plan.gradient_length, results.plan.gradient_layers].map(|count| count.to_string());
    let lead = filled(words.gradients.lead, &[("length", &length), ("layers", &layers)]);
    Ok(Some(Section { title: words.gradients.title.into(), lead, blocks }))
}

/// The norms of a layer's gradient in the first run of each network that `which` chooses.
fn gradient_picture(
    results: &Results,
    (caption, layer): (&str, usize),
    which: impl Fn(&Look) -> bool,
    of: impl Fn(&Looked) -> Option<Gradient>,
    words: &Words,
) -> Result<Block> {
    let first = results.looked.iter().filter(|looked| looked.look.seed == 0 && which(&looked.look));
    let seen: Vec<(String, Vec<f64>)> = first
        .filter_map(|looked| {
            // A norm of nothing has no place on a logarithmic axis.
            let norms = of(looked)?.norms.into_iter().map(|norm| if norm > 0.0 { norm } else { f64::NAN });
            Some((tables::network(&looked.look, words), norms.collect()))
        })
        .collect();
    let lines: Vec<Line> = seen.iter().map(|(name, values)| Line { name, values }).collect();
    let labels: Vec<String> = (0..results.plan.gradient_length).map(|step| step.to_string()).collect();
    let numbers = [("layer", &*(layer + 1).to_string()), ("layers", &*results.plan.gradient_layers.to_string())];
    let caption = filled(caption, &numbers);
    let svg = picture::against(&caption, words.head.back, words.head.norm, &labels, &lines)?;
    Ok(Block::Picture { caption, svg })
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
            let svg = picture::gates(&caption, [step, words.unit, words.open], &read, values)?;
            blocks.push(Block::Picture { caption, svg });
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

/// A line for each cell.
pub fn drawn(caption: String, x: &str, y: &str, labels: &[String], values: &[Vec<f64>; 3]) -> Result<Block> {
    let lines: Vec<Line> = CELLS.into_iter().zip(values).map(|(name, values)| Line { name, values }).collect();
    let svg = picture::against(&caption, x, y, labels, &lines)?;
    Ok(Block::Picture { caption, svg })
}
