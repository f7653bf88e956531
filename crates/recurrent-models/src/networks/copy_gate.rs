//! The choice between a token of the vocabulary and one of the source.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::{sigmoid, softmax};
use burn::tensor::{Bool, Device, IndexingUpdateOp, Int, Tensor};

use crate::empty_batch::{dense, empty};

/// The least probability whose logarithm is taken: far below any that matters, far above the least number in `f32`.
const MIN_PROBABILITY: f64 = 1e-30;

/// The gate of a pointer-generator network (See, Liu & Manning 2017, equations 8 and 9), from the decoder's output h̃:
///
/// ```text
/// g    = sigmoid(W h̃ + b)
/// a_s  = the attention weight of the source's token s if that may be copied, and otherwise 0;  A = Σ_s a_s
/// p(w) = (1 − (1 − g) A) softmax(logits)(w) + (1 − g) Σ_{s: source_s = w} a_s
/// ```
///
/// If all tokens may be copied, A is 1, and p is the published one. The attention to the others is given to the vocabulary,
/// so that p is a distribution in any case.
#[derive(Module, Debug)]
pub struct CopyGate {
    /// W and b, `[hidden, 1]`.
    pub gate: Linear,
    #[module(skip)]
    except: Vec<usize>,
}

/// The tokens of a source, to be copied.
#[derive(Debug, Clone)]
pub struct CopySource {
    /// `[batch, source]`.
    ids: Tensor<2, Int>,
    /// True where a token may not be copied, `[batch, source]`; `None` if all may be.
    excluded: Option<Tensor<2, Bool>>,
}

impl CopySource {
    /// The tokens of the rows at `indices [rows]`, in that order; rows may repeat.
    #[must_use]
    pub fn select_rows(&self, indices: Tensor<1, Int>) -> Self {
        Self {
            ids: self.ids.clone().select(0, indices.clone()),
            excluded: self.excluded.clone().map(|excluded| excluded.select(0, indices)),
        }
    }
}

impl CopyGate {
    /// The tokens that are never copied.
    #[must_use]
    pub fn except(&self) -> &[usize] {
        &self.except
    }

    /// A gate with fresh weights, which copies all tokens except these.
    pub(super) fn new(hidden_size: usize, except: Vec<usize>, device: &Device) -> Self {
        Self { gate: LinearConfig::new(hidden_size, 1).init(device), except }
    }

    /// Prepares the tokens of a source, `ids [batch, source]`.
    pub(super) fn prepare(&self, ids: Tensor<2, Int>) -> CopySource {
        let is_empty = ids.dims().contains(&0);
        let excluded = self.except.iter().filter(|_| !is_empty).map(|token| ids.clone().equal_elem(*token as i64));
        CopySource { excluded: excluded.reduce(Tensor::bool_or), ids }
    }

    /// ln p `[batch, steps, vocab]`, from the vocabulary's `logits [batch, steps, vocab]`, the decoder's output `hidden
    /// [batch, steps, hidden]` and the attention `weights [batch, steps, source]`, which are zero for padding.
    pub(super) fn forward(
        &self,
        source: &CopySource,
        logits: Tensor<3>,
        hidden: Tensor<3>,
        weights: Tensor<3>,
    ) -> Tensor<3> {
        let gate = self.gate(&hidden);
        if weights.dims()[0] == 0 {
            return empty(logits.dims(), logits.sum() + gate.sum() + weights.sum());
        }
        let shape = weights.dims();
        let copied = copied(source, gate, weights);
        let generated = softmax(logits, 2) * (copied.clone().sum_dim(2).neg() + 1.0);
        let ids = source.ids.clone().unsqueeze_dim::<3>(1).expand(shape);
        generated.scatter(2, ids, copied, IndexingUpdateOp::Add).clamp_min(MIN_PROBABILITY).log()
    }

    /// [`forward`](Self::forward) for the `targets [batch, steps]` alone, from the `generated` distribution's logarithms of
    /// them, `[batch * steps]`: ln p(target), `[batch * steps]`.
    pub(super) fn of_targets(
        &self,
        source: &CopySource,
        generated: Tensor<1>,
        hidden: Tensor<3>,
        weights: Tensor<3>,
        targets: Tensor<2, Int>,
    ) -> Tensor<1> {
        let gate = self.gate(&hidden);
        let shape = weights.dims();
        if shape[0] == 0 {
            return empty([0], generated.sum() + gate.sum() + weights.sum());
        }
        let copied = copied(source, gate, weights);
        let rows = shape[0] * shape[1];
        let all_copied = copied.clone().sum_dim(2).reshape([rows]);
        let ids = source.ids.clone().unsqueeze_dim::<3>(1).expand(shape);
        let others = ids.not_equal(targets.unsqueeze_dim::<3>(2).expand(shape));
        let copied = copied.mask_fill(others, 0.0).sum_dim(2).reshape([rows]);
        (generated.exp() * (all_copied.neg() + 1.0) + copied).clamp_min(MIN_PROBABILITY).log()
    }

    /// g `[batch, steps, 1]`.
    fn gate(&self, hidden: &Tensor<3>) -> Tensor<3> {
        sigmoid(dense(&self.gate, hidden.clone()))
    }
}

/// (1 − g) a `[batch, steps, source]`.
fn copied(source: &CopySource, gate: Tensor<3>, weights: Tensor<3>) -> Tensor<3> {
    let shape = weights.dims();
    let weights = match &source.excluded {
        Some(excluded) => weights.mask_fill(excluded.clone().unsqueeze_dim::<3>(1).expand(shape), 0.0),
        None => weights,
    };
    weights * (gate.neg() + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(except: Vec<usize>, bias: f32, device: &Device) -> CopyGate {
        let mut gate = CopyGate::new(1, except, device);
        gate.gate.weight = gate.gate.weight.map(|weight| weight.zeros_like());
        gate.gate.bias = gate.gate.bias.map(|own| own.map(|own| own.zeros_like() + bias));
        gate
    }

    /// p for one step at the source `0 2 2`, with the attention 0.5, 0.3 and 0.2 and equal logits of four tokens.
    fn probabilities(gate: &CopyGate, device: &Device) -> Vec<f32> {
        let source = gate.prepare(Tensor::from_data([[0, 2, 2]], device));
        let weights = Tensor::from_data([[[0.5, 0.3, 0.2]]], device);
        let logits = Tensor::zeros([1, 1, 4], device);
        let hidden = Tensor::zeros([1, 1, 1], device);
        gate.forward(&source, logits, hidden, weights).exp().into_data().iter().collect()
    }

    #[track_caller]
    fn assert_close(found: &[f32], expected: [f32; 4]) {
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}, expected {expected:?}");
    }

    #[test]
    fn attention_to_a_repeated_token_adds_up() {
        let device = Device::flex();
        // g = 1/2: half of 1/4, and half of 0.5 and of 0.3 + 0.2.
        assert_close(&probabilities(&gate(vec![], 0.0, &device), &device), [0.375, 0.125, 0.375, 0.125]);
        // Half of the copied half may not be: the vocabulary has 3/4.
        assert_close(&probabilities(&gate(vec![0, 3], 0.0, &device), &device), [0.1875, 0.1875, 0.4375, 0.1875]);
        assert_close(&probabilities(&gate(vec![0, 2], 0.0, &device), &device), [0.25; 4]);
    }

    #[test]
    fn a_closed_gate_has_a_finite_logarithm() {
        let device = Device::flex();
        let gate = gate(vec![], -200.0, &device);
        assert_close(&probabilities(&gate, &device), [0.5, 0.0, 0.5, 0.0]);
        let source = gate.prepare(Tensor::from_data([[0]], &device));
        let weights = Tensor::ones([1, 1, 1], &device);
        let logits = Tensor::zeros([1, 1, 2], &device);
        let logarithms = gate.forward(&source, logits, Tensor::zeros([1, 1, 1], &device), weights).into_data();
        // ln 1e-30, by Python's math.log.
        assert_close(&[logarithms.iter::<f32>().nth(1).unwrap() / 69.077_55; 4], [-1.0; 4]);
    }
}
