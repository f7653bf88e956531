//! The parts of a page.

use super::table::Table;

/// A section of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// The title.
    pub title: String,
    /// The introduction.
    pub lead: String,
    /// The content, in order.
    pub blocks: Vec<Block>,
}

/// One element of a section.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// A paragraph of text.
    Paragraph(String),
    /// A table.
    Table(Table),
    /// A line plot.
    LinePlot(LinePlot),
    /// A heat map of gate activations.
    GateMap(GateMap),
}

/// The data of a line plot.
#[derive(Debug, Clone, PartialEq)]
pub struct LinePlot {
    /// The caption.
    pub caption: String,
    /// The label of the x axis.
    pub x_label: String,
    /// The label of the y axis.
    pub y_label: String,
    /// The labels of the points on the x axis, at equal distances; empty for none.
    pub x_ticks: Vec<String>,
    /// The name and the values of each line; NaN leaves a gap.
    pub lines: Vec<(String, Vec<f64>)>,
    /// Whether the values are fractions, to be shown on an axis from 0 to 1.
    pub is_fraction: bool,
}

/// The data of a heat map of one gate over time.
#[derive(Debug, Clone, PartialEq)]
pub struct GateMap {
    /// The caption.
    pub caption: String,
    /// The label of the steps.
    pub step_label: String,
    /// The label of the units.
    pub unit_label: String,
    /// The label of an open gate, the value 1.
    pub open_label: String,
    /// The label of each step.
    pub steps: Vec<String>,
    /// `values[unit][step]`, from 0 (closed) to 1 (open).
    pub values: Vec<Vec<f32>>,
}
