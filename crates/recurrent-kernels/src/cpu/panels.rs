//! Weights packed in the order in which the kernels read them.

use rayon::prelude::*;

use super::memory::Buffer;
use crate::Equations;

/// Vectors side by side in a register tile.
pub const PANEL_VECTORS: usize = 4;
/// Elements per packing task: fewer are packed sooner than another thread wakes up.
const MIN_PACK_ELEMENTS: usize = 1 << 15;
/// Columns transposed at once: a cache line.
const TRANSPOSE_COLUMNS: usize = 16;

/// A matrix cut into panels, each as wide as a register tile and as long as the product's depth.
///
/// The columns of a panel belong to one or more blocks of `lanes` hidden units, and within a block to one or more gates:
/// a panel is `[k][block][gate][lanes]`. So a tile has all gates of its units, and the pointwise part needs no other
/// tile. Units missing in a block are filled up with zeros; if that block is a panel of its own, its gates are stored
/// densely, `[k][gate][unit]`, where that makes the panel narrower.
#[derive(Debug)]
pub struct Panels {
    data: Buffer,
    shape: PanelShape,
    /// The depth of the products.
    pub k: usize,
}

/// How columns are divided into panels.
#[derive(Debug, Clone, Copy)]
struct PanelShape {
    lanes: usize,
    units: usize,
    /// Columns of a unit.
    gates: usize,
}

/// One panel of [`Panels`].
#[derive(Debug, Clone, Copy)]
pub struct Panel {
    pub data: *const f32,
    /// The first hidden unit of its columns.
    pub unit: usize,
    /// Blocks of units.
    pub blocks: usize,
    /// Width in vectors.
    pub width: usize,
    /// From a gate of a unit to the next gate.
    gate_stride: usize,
}

impl Panel {
    /// The offset of a gate of a block in a row of the product, if each unit has `gates` of them.
    pub fn offset(&self, block: usize, gates: usize, gate: usize, lanes: usize) -> usize {
        block * gates * lanes + gate * self.gate_stride
    }
}

impl PanelShape {
    /// Blocks of every panel but the last.
    fn blocks(self) -> usize {
        PANEL_VECTORS / self.gates
    }

    /// Elements in a row of every panel but the last.
    fn row(self) -> usize {
        self.blocks() * self.gates * self.lanes
    }

    /// The number of panels.
    fn len(self) -> usize {
        self.units.div_ceil(self.lanes).div_ceil(self.blocks())
    }

    /// The panel `index`, whose elements begin at `data`.
    fn panel(self, index: usize, data: *const f32) -> Panel {
        let unit = index * self.blocks() * self.lanes;
        let left = self.units - unit;
        let blocks = self.blocks().min(left.div_ceil(self.lanes));
        let dense = (self.gates * left).div_ceil(self.lanes);
        let is_dense = blocks == 1 && dense < self.gates;
        let (width, gate_stride) = if is_dense { (dense, left) } else { (blocks * self.gates, self.lanes) };
        Panel { data, unit, blocks, width, gate_stride }
    }
}

impl Panels {
    /// Unwritten panels of `k` rows over `units` hidden units, each with `gates` columns.
    fn new(k: usize, units: usize, gates: usize, lanes: usize) -> Self {
        let shape = PanelShape { lanes, units, gates };
        let last = shape.len() - 1;
        let row = last * shape.row() + shape.panel(last, std::ptr::null()).width * lanes;
        Self { data: Buffer::scratch(row * k), shape, k }
    }

    /// Gates of a unit.
    pub fn gates(&self) -> usize {
        self.shape.gates
    }

    /// The number of panels.
    pub fn len(&self) -> usize {
        self.shape.len()
    }

    /// The panel `index`; past the last one, the first.
    pub fn panel(&self, index: usize) -> Panel {
        let index = if index < self.len() { index } else { 0 };
        self.shape.panel(index, self.data[index * self.shape.row() * self.k..].as_ptr())
    }

    /// Packs the given gates of every unit of `w [k, columns]`: the column of gate g and unit u is
    /// `gates[g] * units + u`.
    pub fn pack(w: &[f32], columns: usize, units: usize, gates: &[usize], lanes: usize) -> Self {
        let k = w.len() / columns;
        let mut panels = Self::new(k, units, gates.len(), lanes);
        let (shape, size) = (panels.shape, panels.shape.row() * k);
        panels.data.par_chunks_mut(size).enumerate().with_min_len(min_panels(size)).for_each(|(index, data)| {
            let panel = shape.panel(index, data.as_ptr());
            for (row, data) in w.chunks_exact(columns).zip(data.chunks_exact_mut(panel.width * lanes)) {
                data.fill(0.0);
                for block in 0..panel.blocks {
                    let unit = panel.unit + block * lanes;
                    let n = lanes.min(units - unit);
                    for (gate, column) in gates.iter().map(|gate| gate * units + unit).enumerate() {
                        let to = panel.offset(block, gates.len(), gate, lanes);
                        data[to..to + n].copy_from_slice(&row[column..column + n]);
                    }
                }
            }
        });
        panels
    }

    /// Packs the transpose of the columns `from..to` of `w [units, columns]`: `k` counts columns, and every unit has one.
    pub fn pack_transposed(w: &[f32], columns: usize, (from, to): (usize, usize), lanes: usize) -> Self {
        let units = w.len() / columns;
        let mut panels = Self::new(to - from, units, 1, lanes);
        let (size, blocks, k) = (panels.shape.row() * panels.k, panels.shape.blocks(), panels.k);
        panels.data.par_chunks_mut(size).enumerate().with_min_len(min_panels(size)).for_each(|(index, panel)| {
            let width = panel.len() / k;
            let unit = index * blocks * lanes;
            let rows = &w[unit * columns..];
            let inside = width.min(units - unit);
            for (strip, panel) in panel.chunks_mut(TRANSPOSE_COLUMNS * width).enumerate() {
                let first = from + strip * TRANSPOSE_COLUMNS;
                let last = to.min(first + TRANSPOSE_COLUMNS);
                for (lane, row) in rows.chunks_exact(columns).take(inside).enumerate() {
                    for (value, panel) in row[first..last].iter().zip(panel.chunks_exact_mut(width)) {
                        panel[lane] = *value;
                    }
                }
                panel.chunks_exact_mut(width).for_each(|panel| panel[inside..].fill(0.0));
            }
        });
        panels
    }
}

/// Panels of `size` elements per packing task.
fn min_panels(size: usize) -> usize {
    MIN_PACK_ELEMENTS.div_ceil(size.max(1))
}

impl Equations {
    /// Weights `[k, gates * hidden]` packed for each product of a forward step.
    pub(super) fn pack(self, w: &[f32], hidden: usize, lanes: usize) -> Vec<Panels> {
        let columns = self.gates() * hidden;
        let pack = |gates: &[usize]| Panels::pack(w, columns, hidden, gates, lanes);
        match self {
            Self::Rnn(_) => vec![pack(&[0])],
            Self::Lstm { .. } => vec![pack(&[0, 1, 2, 3])],
            Self::Gru { reset_after: true } => vec![pack(&[0, 1, 2])],
            Self::Gru { reset_after: false } => vec![pack(&[0, 1]), pack(&[2])],
        }
    }

    /// The transposed recurrent weights packed for each product of a backward step.
    pub(super) fn pack_transposed(self, w_hh: &[f32], hidden: usize, lanes: usize) -> Vec<Panels> {
        let columns = self.gates() * hidden;
        let pack = |from: usize, to: usize| Panels::pack_transposed(w_hh, columns, (from * hidden, to * hidden), lanes);
        match self {
            Self::Gru { reset_after: false } => vec![pack(0, 2), pack(2, 3)],
            _ => vec![pack(0, self.gates())],
        }
    }
}
