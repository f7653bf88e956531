//! Weights in the order in which the kernels read them.

use rayon::prelude::*;

use super::memory::Buffer;

/// Vectors side by side in a register tile.
pub const WIDTH: usize = 4;
/// Numbers that are packed sooner than another thread wakes up.
const PACKED_AT_ONCE: usize = 1 << 15;

/// A matrix cut into panels, each as wide as a register tile and as long as the product.
///
/// The columns of a panel belong to one or more blocks of `lanes` hidden units, and of each block to one or more gates:
/// panel, `[k][block][gate][lanes]`. So a tile has all gates of its units, and what comes after the product needs no
/// other. Where the units end within a block, zeros fill it up; if that block is a panel of its own, its gates close up
/// first, `[k][gate][unit]`, where that makes it narrower.
#[derive(Debug)]
pub struct Panels {
    numbers: Buffer,
    cut: Cut,
    /// The length of the products.
    pub k: usize,
}

/// How columns are cut into panels.
#[derive(Debug, Clone, Copy)]
struct Cut {
    lanes: usize,
    units: usize,
    /// Columns of a unit.
    gates: usize,
}

/// One panel of [`Panels`].
#[derive(Debug, Clone, Copy)]
pub struct Panel {
    pub numbers: *const f32,
    /// The first hidden unit of its columns.
    pub unit: usize,
    /// Blocks of units.
    pub blocks: usize,
    /// Vectors.
    pub width: usize,
    /// From a unit's gate to its next one.
    gate: usize,
}

impl Panel {
    /// Where a gate of a block begins in a row of the product, if each unit has `gates` of them.
    pub fn offset(&self, block: usize, gates: usize, gate: usize, lanes: usize) -> usize {
        block * gates * lanes + gate * self.gate
    }
}

impl Cut {
    /// Blocks of a panel, but for the last one.
    fn blocks(self) -> usize {
        WIDTH / self.gates
    }

    /// Numbers of a row of a panel, but for the last one.
    fn row(self) -> usize {
        self.blocks() * self.gates * self.lanes
    }

    /// How many panels there are.
    fn len(self) -> usize {
        self.units.div_ceil(self.lanes).div_ceil(self.blocks())
    }

    /// The panel `index`, whose numbers begin at `numbers`.
    fn panel(self, index: usize, numbers: *const f32) -> Panel {
        let unit = index * self.blocks() * self.lanes;
        let left = self.units - unit;
        let blocks = self.blocks().min(left.div_ceil(self.lanes));
        let closed = (self.gates * left).div_ceil(self.lanes);
        let closes_up = blocks == 1 && closed < self.gates;
        let (width, gate) = if closes_up { (closed, left) } else { (blocks * self.gates, self.lanes) };
        Panel { numbers, unit, blocks, width, gate }
    }
}

impl Panels {
    /// Panels of `k` rows over `units` hidden units, each with `gates` columns, not yet written.
    fn new(k: usize, units: usize, gates: usize, lanes: usize) -> Self {
        let cut = Cut { lanes, units, gates };
        let last = cut.len() - 1;
        let row = last * cut.row() + cut.panel(last, std::ptr::null()).width * lanes;
        Self { numbers: Buffer::scratch(row * k), cut, k }
    }

    /// Gates of a unit.
    pub fn gates(&self) -> usize {
        self.cut.gates
    }

    /// How many panels there are.
    pub fn len(&self) -> usize {
        self.cut.len()
    }

    /// The panel `index`; past the last one, the first.
    pub fn panel(&self, index: usize) -> Panel {
        let index = if index < self.len() { index } else { 0 };
        self.cut.panel(index, self.numbers[index * self.cut.row() * self.k..].as_ptr())
    }

    /// Of `w [k, columns]`, the gates `gates` of every unit: the column of gate g and unit u is `gates[g] * units + u`.
    pub fn pack(w: &[f32], columns: usize, units: usize, gates: &[usize], lanes: usize) -> Self {
        let k = w.len() / columns;
        let mut panels = Self::new(k, units, gates.len(), lanes);
        let (cut, size) = (panels.cut, panels.cut.row() * k);
        panels.numbers.par_chunks_mut(size).enumerate().with_min_len(at_once(size)).for_each(|(index, numbers)| {
            let panel = cut.panel(index, numbers.as_ptr());
            for (row, numbers) in w.chunks_exact(columns).zip(numbers.chunks_exact_mut(panel.width * lanes)) {
                numbers.fill(0.0);
                for block in 0..panel.blocks {
                    let unit = panel.unit + block * lanes;
                    let n = lanes.min(units - unit);
                    for (gate, column) in gates.iter().map(|gate| gate * units + unit).enumerate() {
                        let to = panel.offset(block, gates.len(), gate, lanes);
                        numbers[to..to + n].copy_from_slice(&row[column..column + n]);
                    }
                }
            }
        });
        panels
    }

    /// The transpose of `w [units, columns]` from column `from` up to `to`: `k` counts columns, every unit has one.
    pub fn pack_transposed(w: &[f32], columns: usize, (from, to): (usize, usize), lanes: usize) -> Self {
        /// Columns that are turned at once: a line of the cache.
        const AT_ONCE: usize = 16;
        let units = w.len() / columns;
        let mut panels = Self::new(to - from, units, 1, lanes);
        let (size, blocks, k) = (panels.cut.row() * panels.k, panels.cut.blocks(), panels.k);
        panels.numbers.par_chunks_mut(size).enumerate().with_min_len(at_once(size)).for_each(|(index, panel)| {
            let width = panel.len() / k;
            let unit = index * blocks * lanes;
            let rows = &w[unit * columns..];
            let inside = width.min(units - unit);
            for (strip, panel) in panel.chunks_mut(AT_ONCE * width).enumerate() {
                let first = from + strip * AT_ONCE;
                let last = to.min(first + AT_ONCE);
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

/// Panels of `size` numbers that a task packs.
fn at_once(size: usize) -> usize {
    PACKED_AT_ONCE.div_ceil(size.max(1))
}
