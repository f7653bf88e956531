//! The logarithms of a softmax that a loss over a vocabulary needs, in one pass over the logits and another backward.
#![allow(unsafe_code, reason = "vector instructions")]

use rayon::prelude::*;

use super::isa::{Isa, for_each_isa};
use super::memory::uninit_vec;
use super::simd::Simd;
use super::tile::MAX_LANES;

/// The fewest logits of a task.
const MIN_TASK_ELEMENTS: usize = 1 << 13;

/// What the backward pass needs of a row: ln p = (logit − `max`) − `ln_sum`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Normalizer {
    max: f32,
    ln_sum: f32,
}

/// The forward pass.
#[derive(Debug)]
pub struct LogProbs {
    /// Of each row ln p(target) and the mean of ln p over the vocabulary, `[rows, 2]`.
    pub values: Vec<f32>,
    normalizers: Vec<Normalizer>,
}

impl LogProbs {
    /// Of `logits [rows, vocab]`, with one target per row.
    ///
    /// # Panics
    /// If there are no targets, or the logits are not as many for each of them.
    pub fn forward(logits: &[f32], targets: &[u32]) -> Self {
        let vocab = vocab_size(logits, targets);
        let isa = Isa::selected();
        let row = |((logits, target), values): ((&[f32], &u32), &mut [f32])| {
            let (mut normalizer, mut sum) = (Normalizer::default(), 0.0);
            // SAFETY: the instruction set is one of the machine's.
            unsafe { normalize(isa, logits, &mut normalizer, &mut sum) };
            let ln_p = |logit: f32| (logit - normalizer.max) - normalizer.ln_sum;
            values.copy_from_slice(&[ln_p(logits[*target as usize]), ln_p(sum / vocab as f32)]);
            normalizer
        };
        let mut values = vec![0.0; 2 * targets.len()];
        let rows = logits.par_chunks_exact(vocab).zip(targets).zip(values.par_chunks_exact_mut(2));
        let normalizers = rows.with_min_len(MIN_TASK_ELEMENTS.div_ceil(vocab)).map(row).collect();
        Self { values, normalizers }
    }

    /// The gradient of the logits of the [`forward`](Self::forward) pass, `[rows, vocab]`, from that of the values.
    pub fn backward(&self, logits: &[f32], targets: &[u32], grads: &[f32]) -> Vec<f32> {
        let vocab = vocab_size(logits, targets);
        let isa = Isa::selected();
        let mut gradient = uninit_vec(logits.len());
        let row = |(at, to): (usize, &mut [f32])| {
            let (of_target, of_mean) = (grads[2 * at], grads[2 * at + 1]);
            if of_target == 0.0 && of_mean == 0.0 {
                return to.fill(0.0); // padding
            }
            let even = of_mean / vocab as f32;
            let logits = &logits[at * vocab..][..vocab];
            // SAFETY: the instruction set is one of the machine's, and both rows have `vocab` elements.
            unsafe { differentiate(isa, logits, self.normalizers[at], -(of_target + of_mean), even, to) };
            to[targets[at] as usize] += of_target;
        };
        let rows = gradient.par_chunks_exact_mut(vocab).enumerate();
        rows.with_min_len(MIN_TASK_ELEMENTS.div_ceil(vocab)).for_each(row);
        gradient
    }
}

/// The logits of each target.
fn vocab_size(logits: &[f32], targets: &[u32]) -> usize {
    assert!(!targets.is_empty() && logits.len().is_multiple_of(targets.len()), "one row of logits for each target");
    logits.len() / targets.len()
}

for_each_isa! {
    /// The normalizer of a row, and the sum of its logits.
    ///
    /// # Safety
    /// None beyond that of the instruction set, which an [`Isa`] grants.
    normalize => normalize_row(logits: &[f32], to: &mut Normalizer, sum: &mut f32)
}

for_each_isa! {
    /// `to = factor * p + even`.
    ///
    /// # Safety
    /// Both rows have the same length.
    differentiate => differentiate_row(logits: &[f32], of: Normalizer, factor: f32, even: f32, to: &mut [f32])
}

#[inline(always)]
unsafe fn normalize_row<S: Simd>(logits: &[f32], to: &mut Normalizer, sum: &mut f32) {
    let (vectors, rest) = logits.split_at(logits.len() / S::LANES * S::LANES);
    // SAFETY: each vector lies within the row, or in an array of as many elements as it has lanes.
    unsafe {
        let mut max = S::splat(f32::NEG_INFINITY);
        for vector in vectors.chunks_exact(S::LANES) {
            max = S::max(S::load(vector.as_ptr()), max);
        }
        let max = lanes::<S>(max).into_iter().take(S::LANES).chain(rest.iter().copied()).fold(f32::MIN, f32::max);

        let (mut exps, mut logits) = (S::splat(0.0), S::splat(0.0));
        for vector in vectors.chunks_exact(S::LANES) {
            let vector = S::load(vector.as_ptr());
            exps = S::add(exps, S::exp(S::sub(vector, S::splat(max))));
            logits = S::add(logits, vector);
        }
        let last = lanes::<S>(S::exp(S::sub(S::load_first(rest.as_ptr(), rest.len()), S::splat(max))));
        let exps: f32 = lanes::<S>(exps).iter().sum::<f32>() + last[..rest.len()].iter().sum::<f32>();
        *to = Normalizer { max, ln_sum: exps.ln() };
        *sum = lanes::<S>(logits).iter().sum::<f32>() + rest.iter().sum::<f32>();
    }
}

#[inline(always)]
unsafe fn differentiate_row<S: Simd>(logits: &[f32], of: Normalizer, factor: f32, even: f32, to: &mut [f32]) {
    let whole = logits.len() / S::LANES * S::LANES;
    let n = logits.len() - whole;
    // SAFETY: each vector lies within the rows; of the last one, only `n` lanes are loaded and stored.
    unsafe {
        for at in (0..whole).step_by(S::LANES) {
            let vector = S::load(logits.as_ptr().add(at));
            S::store(to.as_mut_ptr().add(at), differentiate_vector::<S>(vector, of, factor, even));
        }
        let last = differentiate_vector::<S>(S::load_first(logits.as_ptr().add(whole), n), of, factor, even);
        S::store_first(to.as_mut_ptr().add(whole), last, n);
    }
}

/// A function rather than a closure, so that it is inlined where the instruction set is enabled.
#[inline(always)]
unsafe fn differentiate_vector<S: Simd>(logits: S::Vector, of: Normalizer, factor: f32, even: f32) -> S::Vector {
    // SAFETY: the caller guarantees the instruction set; no pointer is accessed.
    unsafe {
        let ln_p = S::sub(S::sub(logits, S::splat(of.max)), S::splat(of.ln_sum));
        S::fma(S::exp(ln_p), S::splat(factor), S::splat(even))
    }
}

/// The lanes of a vector, and zeros.
#[inline(always)]
unsafe fn lanes<S: Simd>(vector: S::Vector) -> [f32; MAX_LANES] {
    let mut lanes = [0.0; MAX_LANES];
    // SAFETY: no vector has more lanes; the caller guarantees the instruction set.
    unsafe { S::store(lanes.as_mut_ptr(), vector) };
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_set_gives_the_same_within_rounding() {
        for vocab in [1, 3, 8, 17, 65] {
            let logits: Vec<f32> = (0..vocab).map(|at| ((at * 37 % 19) as f32 - 9.0) * 1.3).collect();
            let (mut expected, mut exact_sum) = (Normalizer::default(), 0.0);
            let max = logits.iter().copied().fold(f32::MIN, f32::max);
            let ln_sum = logits.iter().map(|logit| f64::from(logit - max).exp()).sum::<f64>().ln();
            for isa in Isa::available() {
                // SAFETY: the instruction set is available.
                unsafe { normalize(isa, &logits, &mut expected, &mut exact_sum) };
                assert_eq!(expected.max, max);
                assert!((f64::from(expected.ln_sum) - ln_sum).abs() < 1e-6, "{} {vocab}", isa.name());
                assert!((exact_sum - logits.iter().sum::<f32>()).abs() < 1e-4, "{} {vocab}", isa.name());
                let mut p = vec![f32::NAN; vocab];
                // SAFETY: as above; both rows have one length.
                unsafe { differentiate(isa, &logits, expected, -2.0, 0.5, &mut p) };
                for (p, logit) in p.iter().zip(&logits) {
                    let exact = -2.0 * (f64::from(logit - max) - ln_sum).exp() + 0.5;
                    assert!((f64::from(*p) - exact).abs() < 2e-6, "{} {vocab}: {p}, not {exact}", isa.name());
                }
            }
        }
    }
}
