//! The page of a study as an HTML report: its plots are drawn here.

use anyhow::Result;
use recurrent_study::page::{self, GateMap, LinePlot, Page};

use crate::plots::{self, Line};
use crate::report::{Block, Report, Section};

/// The report of a page.
pub fn report(page: Page) -> Result<Report> {
    let sections = page.sections.into_iter().map(section).collect::<Result<_>>()?;
    Ok(Report { language: page.language, title: page.title, lead: page.lead, sections })
}

fn section(section: page::Section) -> Result<Section> {
    let blocks = section.blocks.into_iter().map(block).collect::<Result<_>>()?;
    Ok(Section { title: section.title, lead: section.lead, blocks })
}

fn block(block: page::Block) -> Result<Block> {
    Ok(match block {
        page::Block::Paragraph(text) => Block::Paragraph(text),
        page::Block::Table(table) => Block::Table { head: table.header, rows: table.rows },
        page::Block::LinePlot(plot) => Block::Plot { svg: line_plot(&plot)?, caption: plot.caption },
        page::Block::GateMap(map) => Block::Plot { svg: gate_map(&map)?, caption: map.caption },
    })
}

fn line_plot(plot: &LinePlot) -> Result<String> {
    let lines: Vec<Line> = plot.lines.iter().map(|(name, values)| Line { name, values }).collect();
    let draw = if plot.is_fraction { plots::fraction_chart } else { plots::line_chart };
    draw(&plot.caption, &plot.x_label, &plot.y_label, &plot.x_ticks, &lines)
}

fn gate_map(map: &GateMap) -> Result<String> {
    let labels = [&*map.step_label, &*map.unit_label, &*map.open_label];
    plots::gates(&map.caption, labels, &map.steps, &map.values)
}
