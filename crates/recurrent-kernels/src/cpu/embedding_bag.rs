//! Sums of rows of a table, and the gradient of the table.

use rayon::prelude::*;

/// The fewest elements that a task adds.
const MIN_TASK_ELEMENTS: usize = 1 << 14;

/// Which rows of a table are added.
#[derive(Debug)]
pub struct Bags {
    /// The rows of each bag, `[bags, count]`; all are less than `rows`.
    pub indices: Vec<u32>,
    /// The rows of a bag, at least 1.
    pub count: usize,
    /// The rows of the table.
    pub rows: usize,
    /// The elements of a row, at least 1.
    pub width: usize,
}

impl Bags {
    /// The number of bags.
    pub fn len(&self) -> usize {
        self.indices.len() / self.count
    }

    /// The sum of the rows of each bag, `[bags, width]`, of `table [rows, width]`.
    pub fn sum(&self, table: &[f32]) -> Vec<f32> {
        let Self { count, width, .. } = *self;
        let row = |index: &u32| &table[*index as usize * width..][..width];
        let sum = |(sum, indices): (&mut [f32], &[u32])| {
            sum.copy_from_slice(row(&indices[0]));
            indices[1..].iter().for_each(|index| add(sum, row(index)));
        };
        let mut sums = vec![0.0; self.len() * width];
        let bags = sums.par_chunks_exact_mut(width).zip(self.indices.par_chunks_exact(count));
        bags.with_min_len(MIN_TASK_ELEMENTS.div_ceil(count * width)).for_each(sum);
        sums
    }

    /// The gradient of the table, `[rows, width]`, from that of the sums. Each row is added up by one task, in the order of the
    /// bags, so the result does not depend on the number of threads.
    pub fn backward(&self, of_sums: &[f32]) -> Vec<f32> {
        let Self { count, rows, width, .. } = *self;
        let work = self.indices.len() * width;
        let tasks = rayon::current_num_threads().min(work.div_ceil(MIN_TASK_ELEMENTS)).max(1);
        let rows_of_task = rows.div_ceil(tasks);
        let mut gradient = vec![0.0; rows * width];
        gradient.par_chunks_mut(rows_of_task * width).enumerate().for_each(|(task, gradient)| {
            let first = task * rows_of_task;
            for (indices, of_sum) in self.indices.chunks_exact(count).zip(of_sums.chunks_exact(width)) {
                for index in indices.iter().map(|index| *index as usize) {
                    if let Some(row) = index.checked_sub(first).map(|row| row * width)
                        && row < gradient.len()
                    {
                        add(&mut gradient[row..row + width], of_sum);
                    }
                }
            }
        });
        gradient
    }
}

fn add(sum: &mut [f32], row: &[f32]) {
    sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
}
