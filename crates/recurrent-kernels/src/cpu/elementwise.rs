//! What a gradient step does with all parameters, in as few passes over memory as possible.
//!
//! Neither function uses the vectors of an instruction set by itself: the compiler makes them of the plain loops. Nothing
//! is contracted, so [`adam`] gives the same bits on each of them.
#![allow(unsafe_code, reason = "vector instructions")]

use rayon::prelude::*;

use super::isa::{Isa, for_each_isa};
use super::simd::Simd;
use crate::AdamFactors;

/// The elements of a task.
const TASK_ELEMENTS: usize = 1 << 15;
/// The sums of squares that are added side by side.
const SUMS: usize = 32;

/// A step of Adam, in place: the parameters and both moments of their gradients.
///
/// # Panics
/// If the slices differ in length.
pub fn adam(parameters: &mut [f32], gradients: &[f32], moments: [&mut [f32]; 2], factors: &AdamFactors) {
    let [first, second] = moments;
    for len in [gradients.len(), first.len(), second.len()] {
        assert_eq!(len, parameters.len(), "a gradient and two moments for each parameter");
    }
    let isa = Isa::selected();
    if !is_shared(parameters.len()) {
        // SAFETY: the instruction set is one of the machine's.
        return unsafe { adam_chunk(isa, parameters, gradients, first, second, factors) };
    }
    let moments = first.par_chunks_mut(TASK_ELEMENTS).zip(second.par_chunks_mut(TASK_ELEMENTS));
    let parameters = parameters.par_chunks_mut(TASK_ELEMENTS).zip(gradients.par_chunks(TASK_ELEMENTS));
    parameters.zip(moments).for_each(|((parameters, gradients), (first, second))| {
        // SAFETY: the instruction set is one of the machine's.
        unsafe { adam_chunk(isa, parameters, gradients, first, second, factors) }
    });
}

/// The sum of the squares, rounded once a few dozen thousand elements.
pub fn sum_of_squares(elements: &[f32]) -> f64 {
    let isa = Isa::selected();
    let sum = |elements: &[f32]| {
        let mut sum = 0.0;
        // SAFETY: the instruction set is one of the machine's.
        unsafe { square_chunk(isa, elements, &mut sum) };
        sum
    };
    // Collected, since the order in which a parallel sum adds is not defined. The chunks do not depend on the threads.
    let sums: Vec<f64> = match is_shared(elements.len()) {
        true => elements.par_chunks(TASK_ELEMENTS).map(sum).collect(),
        false => elements.chunks(TASK_ELEMENTS).map(sum).collect(),
    };
    sums.iter().sum()
}

/// Whether threads share the work. The only thread of a pool may be another one, which then would have to be woken.
fn is_shared(len: usize) -> bool {
    len > TASK_ELEMENTS && rayon::current_num_threads() > 1
}

for_each_isa! {
    /// A step of some parameters.
    ///
    /// # Safety
    /// None beyond that of the instruction set, which an [`Isa`] grants.
    adam_chunk => adam_loop(
        parameters: &mut [f32],
        gradients: &[f32],
        first: &mut [f32],
        second: &mut [f32],
        factors: &AdamFactors
    )
}

for_each_isa! {
    /// The sum of the squares of some elements.
    ///
    /// # Safety
    /// None beyond that of the instruction set, which an [`Isa`] grants.
    square_chunk => square_loop(elements: &[f32], to: &mut f64)
}

#[inline(always)]
unsafe fn adam_loop<S: Simd>(
    parameters: &mut [f32],
    gradients: &[f32],
    first: &mut [f32],
    second: &mut [f32],
    factors: &AdamFactors,
) {
    let AdamFactors { betas, correction, epsilon, rate, keep } = *factors;
    for (((parameter, &gradient), first), second) in parameters.iter_mut().zip(gradients).zip(first).zip(second) {
        *first = *first * betas[0] + gradient * (1.0 - betas[0]);
        *second = *second * betas[1] + gradient * gradient * (1.0 - betas[1]);
        *parameter = *parameter * keep - *first * correction / (second.sqrt() + epsilon) * rate;
    }
}

#[inline(always)]
unsafe fn square_loop<S: Simd>(elements: &[f32], to: &mut f64) {
    let (vectors, rest) = elements.as_chunks::<SUMS>();
    let mut sums = [0.0; SUMS];
    for vector in vectors {
        for (sum, element) in sums.iter_mut().zip(vector) {
            *sum += element * element;
        }
    }
    *to = sums.iter().copied().chain(rest.iter().map(|element| element * element)).map(f64::from).sum();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(len: usize, seed: usize) -> Vec<f32> {
        (0..len).map(|at| ((at * 7919 + seed * 104_729) % 2003) as f32 / 1001.0 - 1.0).collect()
    }

    #[test]
    fn every_instruction_set_takes_the_same_step_to_the_bit() {
        let factors = AdamFactors::new([0.9, 0.999], 1e-6, 5, 0.01, 0.1);
        for len in [0, 1, 7, 16, 33, 1000] {
            let step = |isa: Isa| {
                let [mut parameters, gradients, mut first] = [1, 2, 3].map(|seed| numbers(len, seed));
                let mut second: Vec<f32> = numbers(len, 4).into_iter().map(f32::abs).collect();
                // SAFETY: the instruction set is available.
                unsafe { adam_chunk(isa, &mut parameters, &gradients, &mut first, &mut second, &factors) };
                [parameters, first, second].map(|values| values.into_iter().map(f32::to_bits).collect::<Vec<_>>())
            };
            let expected = step(Isa::Portable);
            for isa in Isa::available() {
                assert_eq!(step(isa), expected, "{} {len}", isa.name());
            }
        }
    }

    #[test]
    fn squares_are_added_without_losing_the_small_ones() {
        for len in [0, 1, 31, 32, 100, TASK_ELEMENTS + 5] {
            let elements = numbers(len, 5);
            let exact: f64 = elements.iter().map(|element| f64::from(*element).powi(2)).sum();
            let found = sum_of_squares(&elements);
            assert!((found - exact).abs() <= 1e-6 * exact, "{len}: {found}, not {exact}");
        }
    }
}
