//! Connectionist temporal classification (Graves et al. 2006): the loss of a sequence of labels whose times are not known.

use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;

/// The fewest frames that a target can be aligned with: one for each label, and one for the blank between equal labels.
#[must_use]
pub fn ctc_min_frames(target: &[u32]) -> usize {
    target.len() + target.windows(2).filter(|pair| pair[0] == pair[1]).count()
}

/// −ln p(target) of each row, `[rows]`, in nats: the sum over all alignments of its target with the frames of `logits
/// [rows, frames, labels]`, of which the first `lengths[row]` count. An alignment has a label or a blank in each frame; its
/// labels, equal neighbors merged and without the blanks, are the target (Graves et al. 2006, equations 5 to 16).
///
/// The sums are computed on the CPU, in double precision, forward and backward in time; on every device they cost one read
/// of the logits. The gradient is exact: softmax(logits) minus the expected share of each label in each frame.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use recurrent_kernels::ctc_loss;
///
/// // Two frames of three labels, the first of them the blank. Each of 1 _, _ 1 and 1 1 gives the target 1.
/// let logits = Tensor::<3>::zeros([1, 2, 3], &Device::default());
/// let loss = ctc_loss(logits, &[2], &[vec![1]], 0).into_scalar::<f32>();
/// assert!((loss - 3f32.ln()).abs() < 1e-6);
/// ```
///
/// # Panics
/// If there is not one length and one target for each row, a length is greater than the number of frames or less than
/// [`ctc_min_frames`], or a target has the blank or a label that the logits do not have.
#[must_use]
pub fn ctc_loss(logits: Tensor<3>, lengths: &[usize], targets: &[Vec<u32>], blank: u32) -> Tensor<1> {
    let [rows, frames, labels] = logits.dims();
    assert!(
        lengths.len() == rows && targets.len() == rows,
        "ctc_loss takes a length and a target for each of {rows} rows"
    );
    for (row, (length, target)) in lengths.iter().zip(targets).enumerate() {
        assert!(*length <= frames, "row {row} has {length} frames, and the logits have {frames}");
        let least = ctc_min_frames(target);
        assert!(*length >= least, "the target of row {row} takes at least {least} frames, and the row has {length}");
        let is_label = |label: &u32| *label != blank && (*label as usize) < labels;
        assert!(target.iter().all(is_label), "the target of row {row} has the blank, or a label beyond {labels}");
    }
    if rows == 0 || frames == 0 {
        return logits.sum_dim(2).sum_dim(1).reshape([rows]);
    }
    let values: Vec<f32> = logits.clone().detach().into_data().iter::<f32>().collect();
    let mut gradient = vec![0.0; values.len()];
    let rows_of = values.par_chunks(frames * labels).zip(gradient.par_chunks_mut(frames * labels));
    let losses: Vec<f32> = rows_of
        .zip(lengths.par_iter().zip(targets))
        .map(|((logits, gradient), (length, target))| {
            let row = Row { logits: &logits[..length * labels], labels, states: states(target, blank) };
            row.loss(&mut gradient[..length * labels]) as f32
        })
        .collect();
    // Linear in the logits with the gradient as its slope, and the loss as its value.
    let (device, dtype) = (logits.device(), logits.dtype());
    let gradient = Tensor::<3>::from_data(TensorData::new(gradient, [rows, frames, labels]), (&device, dtype));
    let linear = (logits * gradient).reshape([rows, frames * labels]).sum_dim(1).reshape([rows]);
    let losses = Tensor::<1>::from_data(TensorData::new(losses, [rows]), (&device, dtype));
    linear.clone() + (losses - linear).detach()
}

/// The labels of an alignment in their order: a blank before, between and after those of the target.
fn states(target: &[u32], blank: u32) -> Vec<u32> {
    let mut states = vec![blank];
    states.extend(target.iter().flat_map(|label| [*label, blank]));
    states
}

/// A row of a batch, with its valid frames alone.
struct Row<'a> {
    /// `[frames, labels]`.
    logits: &'a [f32],
    labels: usize,
    states: Vec<u32>,
}

impl Row<'_> {
    /// The loss, and the gradient of the logits, `[frames, labels]`.
    fn loss(&self, gradient: &mut [f32]) -> f64 {
        let log_probs = self.log_probs();
        let count = self.states.len();
        let frames = log_probs.len() / self.labels;
        let forward = self.forward(&log_probs);
        let backward = self.backward(&log_probs);
        // The sum over the states is the same in every frame.
        let at = |frame: usize, state: usize| forward[frame * count + state] + backward[frame * count + state];
        let total = (0..count).fold(f64::NEG_INFINITY, |sum, state| ln_add(sum, at(0, state)));
        for frame in 0..frames {
            let range = frame * self.labels..(frame + 1) * self.labels;
            for (slope, log_prob) in gradient[range.clone()].iter_mut().zip(&log_probs[range.clone()]) {
                *slope = log_prob.exp() as f32;
            }
            for (state, label) in self.states.iter().enumerate() {
                gradient[range.start + *label as usize] -= (at(frame, state) - total).exp() as f32;
            }
        }
        -total
    }

    /// ln softmax of each frame.
    fn log_probs(&self) -> Vec<f64> {
        let of_frame = |logits: &[f32]| {
            let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let ln_sum = logits.iter().map(|logit| f64::from(logit - max).exp()).sum::<f64>().ln();
            logits.iter().map(move |logit| f64::from(logit - max) - ln_sum).collect::<Vec<f64>>()
        };
        self.logits.chunks(self.labels).flat_map(of_frame).collect()
    }

    /// Whether a state may follow the one two before it, without the blank between them.
    fn may_skip(&self, state: usize) -> bool {
        state >= 2 && state % 2 == 1 && self.states[state] != self.states[state - 2]
    }

    /// ln of the sum over all beginnings that are in a state at a frame, `[frames, states]`.
    fn forward(&self, log_probs: &[f64]) -> Vec<f64> {
        let count = self.states.len();
        let mut sums = vec![f64::NEG_INFINITY; log_probs.len() / self.labels * count];
        for (frame, log_probs) in log_probs.chunks(self.labels).enumerate() {
            for state in 0..count {
                let before = |steps: usize| match frame {
                    0 => f64::NEG_INFINITY,
                    _ if steps > state => f64::NEG_INFINITY,
                    _ => sums[(frame - 1) * count + state - steps],
                };
                let mut sum = ln_add(before(0), before(1));
                if frame == 0 && state < 2 {
                    sum = 0.0;
                }
                if self.may_skip(state) {
                    sum = ln_add(sum, before(2));
                }
                sums[frame * count + state] = sum + log_probs[self.states[state] as usize];
            }
        }
        sums
    }

    /// ln of the sum over all ends after a frame from a state, `[frames, states]`.
    fn backward(&self, log_probs: &[f64]) -> Vec<f64> {
        let count = self.states.len();
        let frames = log_probs.len() / self.labels;
        let mut sums = vec![f64::NEG_INFINITY; frames * count];
        for frame in (0..frames).rev() {
            for state in 0..count {
                let after = |steps: usize| match self.states.get(state + steps) {
                    Some(label) if frame + 1 < frames => {
                        sums[(frame + 1) * count + state + steps]
                            + log_probs[(frame + 1) * self.labels + *label as usize]
                    }
                    _ => f64::NEG_INFINITY,
                };
                let mut sum = ln_add(after(0), after(1));
                if frame + 1 == frames && state + 2 >= count {
                    sum = 0.0;
                }
                if state + 2 < count && self.may_skip(state + 2) {
                    sum = ln_add(sum, after(2));
                }
                sums[frame * count + state] = sum;
            }
        }
        sums
    }
}

/// ln(eᵃ + eᵇ).
fn ln_add(a: f64, b: f64) -> f64 {
    let (larger, smaller) = if a > b { (a, b) } else { (b, a) };
    if larger == f64::NEG_INFINITY { larger } else { larger + (smaller - larger).exp().ln_1p() }
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use burn::tensor::{Device, Distribution, Tolerance};

    use super::*;

    /// −ln of the sum over all alignments, one by one.
    fn enumerated(logits: &[f32], labels: usize, target: &[u32], blank: u32) -> f64 {
        let row = Row { logits, labels, states: Vec::new() };
        let log_probs = row.log_probs();
        let frames = logits.len() / labels;
        let mut total = 0.0;
        for mut code in 0..labels.pow(frames as u32) {
            let mut alignment = Vec::new();
            let mut ln_p = 0.0;
            for frame in 0..frames {
                alignment.push((code % labels) as u32);
                ln_p += log_probs[frame * labels + code % labels];
                code /= labels;
            }
            alignment.dedup();
            alignment.retain(|label| *label != blank);
            if alignment == target {
                total += ln_p.exp();
            }
        }
        -total.ln()
    }

    fn random(shape: [usize; 3], device: &Device) -> Tensor<3> {
        Tensor::random(shape, Distribution::Normal(0.0, 2.0), device)
    }

    #[test]
    fn loss_is_the_sum_over_all_alignments() {
        let device = Device::flex();
        let targets: [&[u32]; 7] = [&[], &[1], &[1, 2], &[1, 1], &[2, 1, 2], &[3, 3, 1], &[1, 2, 3]];
        for target in targets {
            for blank in [0, 4] {
                let logits = random([1, 5, 5], &device);
                let values: Vec<f32> = logits.clone().into_data().iter().collect();
                let found = ctc_loss(logits, &[5], &[target.to_vec()], blank).into_scalar::<f32>();
                let expected = enumerated(&values, 5, target, blank);
                assert!((f64::from(found) - expected).abs() < 1e-5, "{target:?}: {found}, expected {expected}");
            }
        }
    }

    #[test]
    fn gradient_is_that_of_finite_differences() {
        let device = Device::flex().autodiff();
        let targets = [vec![1, 1, 2], vec![3], vec![]];
        let lengths = [6, 4, 5];
        let loss = |logits: Tensor<3>| {
            let weights = Tensor::<1>::from_floats([1.0, -0.5, 2.0], &logits.device());
            (ctc_loss(logits, &lengths, &targets, 0) * weights).sum()
        };
        let logits = random([3, 6, 4], &device).require_grad();
        let gradient = logits.grad(&loss(logits.clone()).backward()).unwrap();
        let gradient: Vec<f64> = gradient.into_data().iter().collect();
        let values: Vec<f32> = logits.detach().into_data().iter().collect();
        for (index, slope) in gradient.iter().enumerate() {
            let moved = |by: f32| {
                let mut values = values.clone();
                values[index] += by;
                let logits = Tensor::from_data(TensorData::new(values, [3, 6, 4]), &device);
                f64::from(loss(logits).into_scalar::<f32>())
            };
            let expected = (moved(0.01) - moved(-0.01)) / 0.02;
            assert!((slope - expected).abs() < 2e-3, "{index}: {slope}, expected {expected}");
        }
    }

    #[test]
    fn frames_past_a_rows_end_do_not_count() {
        let device = Device::flex().autodiff();
        let logits = random([2, 7, 3], &device).require_grad();
        let targets = [vec![1, 2], vec![2]];
        let losses = ctc_loss(logits.clone(), &[7, 3], &targets, 0);
        let alone = ctc_loss(logits.clone().narrow(0, 1, 1).narrow(1, 0, 3), &[3], &targets[1..], 0);
        losses.clone().narrow(0, 1, 1).into_data().assert_approx_eq::<f32>(&alone.into_data(), Tolerance::default());
        let gradient = logits.grad(&losses.sum().backward()).unwrap();
        let past: Vec<f32> = gradient.narrow(0, 1, 1).narrow(1, 3, 4).into_data().iter().collect();
        assert!(past.iter().all(|slope| *slope == 0.0));
    }

    #[test]
    fn long_rows_neither_underflow_nor_overflow() {
        let device = Device::flex();
        let logits = random([1, 2000, 30], &device) * 20.0;
        let target: Vec<u32> = (0..150).map(|index| 1 + index * 7 % 29).collect();
        let loss = ctc_loss(logits, &[2000], &[target], 0).into_scalar::<f32>();
        assert!(loss.is_finite() && loss > 0.0, "{loss}");
    }

    #[test]
    fn empty_batch_has_no_losses() {
        let device = Device::flex().autodiff();
        let logits = Tensor::<3>::zeros([0, 4, 3], &device).require_grad();
        let losses = ctc_loss(logits.clone(), &[], &[], 0);
        assert_eq!(losses.dims(), [0]);
        assert_eq!(logits.grad(&losses.sum().backward()).unwrap().dims(), [0, 4, 3]);
    }

    #[test]
    fn equal_neighbors_take_a_frame_more() {
        assert_eq!([ctc_min_frames(&[]), ctc_min_frames(&[1, 2]), ctc_min_frames(&[1, 1, 1])], [0, 2, 5]);
    }

    #[test]
    #[should_panic(expected = "the target of row 0 takes at least 3 frames, and the row has 2")]
    fn target_that_is_too_long_is_refused() {
        let _ = ctc_loss(Tensor::zeros([1, 2, 3], &Device::flex()), &[2], &[vec![1, 1]], 0);
    }
}
