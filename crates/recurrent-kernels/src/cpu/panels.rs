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
    lanes: usize,
    units: usize,
    gates: usize,
    /// The length of the products.
    pub k: usize,
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

impl Panels {
    /// Panels of `k` rows over `units` hidden units, each with `gates` columns, not yet written.
    fn new(k: usize, units: usize, gates: usize, lanes: usize) -> Self {
        let mut panels = Self { numbers: Buffer::scratch(0), lanes, units, gates, k };
        let last = panels.len() - 1;
        panels.numbers = Buffer::scratch(last * panels.size() + panels.width(last) * lanes * k);
        panels
    }

    /// Blocks of a panel, but for the last one.
    fn blocks(&self) -> usize {
        WIDTH / self.gates
    }

    /// Numbers of a panel, but for the last one.
    fn size(&self) -> usize {
        self.blocks() * self.gates * self.lanes * self.k
    }

    /// Vectors of the panel `index`.
    fn width(&self, index: usize) -> usize {
        let unit = index * self.blocks() * self.lanes;
        let left = self.units - unit;
        let blocks = self.blocks().min(left.div_ceil(self.lanes));
        if blocks == 1 { (self.gates * left.min(self.lanes)).div_ceil(self.lanes) } else { blocks * self.gates }
    }

    /// Gates of a unit.
    pub fn gates(&self) -> usize {
        self.gates
    }

    /// How many panels there are.
    pub fn len(&self) -> usize {
        self.units.div_ceil(self.lanes).div_ceil(self.blocks())
    }

    /// The panel `index`; past the last one, the first.
    pub fn panel(&self, index: usize) -> Panel {
        let index = if index < self.len() { index } else { 0 };
        let first = index * self.blocks();
        let blocks = self.blocks().min(self.units.div_ceil(self.lanes) - first);
        let width = self.width(index);
        Panel {
            numbers: self.numbers[index * self.size()..].as_ptr(),
            unit: first * self.lanes,
            blocks,
            width,
            gate: if width < blocks * self.gates { self.units - first * self.lanes } else { self.lanes },
        }
    }

    /// Of `w [k, columns]`, the gates `gates` of every unit: the column of gate g and unit u is `gates[g] * units + u`.
    pub fn pack(w: &[f32], columns: usize, units: usize, gates: &[usize], lanes: usize) -> Self {
        let k = w.len() / columns;
        let mut panels = Self::new(k, units, gates.len(), lanes);
        let (size, blocks) = (panels.size(), panels.blocks());
        panels.numbers.par_chunks_mut(size).enumerate().with_min_len(at_once(size)).for_each(|(index, panel)| {
            let width = panel.len() / k;
            let first = index * blocks * lanes;
            let inside = blocks.min((units - first).div_ceil(lanes));
            let apart = if width < inside * gates.len() * lanes { units - first } else { lanes };
            for (row, panel) in w.chunks_exact(columns).zip(panel.chunks_exact_mut(width)) {
                panel.fill(0.0);
                for block in 0..inside {
                    let unit = first + block * lanes;
                    let n = lanes.min(units - unit);
                    for (gate, column) in gates.iter().map(|gate| gate * units + unit).enumerate() {
                        let to = block * gates.len() * lanes + gate * apart;
                        panel[to..to + n].copy_from_slice(&row[column..column + n]);
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
        let (size, blocks, k) = (panels.size(), panels.blocks(), panels.k);
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
