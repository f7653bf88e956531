//! The loss of a batch.

use burn::tensor::{ExecutionError, Int, Tensor};
use burn::train::metric::{Adaptor, ItemLazy, LossInput};
use recurrent_models::kernels::{TokenLogProbs, token_log_probs};

/// The mean loss of a batch, and the number of items that it is the mean of.
#[derive(Debug, Clone)]
pub struct Loss {
    /// The mean loss per item, `[1]`.
    pub mean: Tensor<1>,
    /// The number of items: windows, sentences or tokens.
    pub items: usize,
}

impl Adaptor<LossInput> for Loss {
    fn adapt(&self) -> LossInput {
        LossInput::new(self.mean.clone())
    }
}

impl ItemLazy for Loss {
    /// Submits the queued work without waiting for it, and drops the autodiff graph of the loss.
    fn sync(self) -> Result<Self, ExecutionError> {
        self.mean.device().flush()?;
        Ok(Self { mean: self.mean.without_autodiff(), items: self.items })
    }
}

/// The cross-entropy in nats per token, `[1]`: the mean of `-log softmax(logits)[target]` over all targets that are not
/// `padding`.
///
/// - `logits`: `[batch, time, vocab]`;
/// - `targets`: token ids, `[batch, time]`.
pub fn token_loss(logits: Tensor<3>, targets: Tensor<2, Int>, padding: Option<u32>) -> Tensor<1> {
    let [batch, time, vocab] = logits.dims();
    let log_probs = token_log_probs(logits.reshape([batch * time, vocab]), targets.clone().reshape([batch * time]));
    smoothed_token_loss(log_probs, targets, padding, 0.0)
}

/// The cross-entropy of [`token_loss`] with label smoothing, `[1]`.
///
/// - `log_probs`: those of each target, `[batch * time]`;
/// - `targets`: token ids, `[batch, time]`;
/// - `label_smoothing`: the fraction of the target distribution that is spread evenly over all tokens (Szegedy et al.
///   2016).
pub fn smoothed_token_loss(
    log_probs: TokenLogProbs,
    targets: Tensor<2, Int>,
    padding: Option<u32>,
    label_smoothing: f64,
) -> Tensor<1> {
    let TokenLogProbs { target, mean } = log_probs;
    let losses = match label_smoothing {
        0.0 => target.neg(),
        smoothing => (target * (1.0 - smoothing) + mean * smoothing).neg(),
    };
    let Some(padding) = padding else {
        return losses.mean();
    };
    let rows = losses.dims();
    let is_padding = targets.reshape(rows).equal_elem(padding);
    let count = is_padding.clone().bool_not().float().cast(losses.dtype()).sum();
    losses.mask_fill(is_padding, 0.0).sum() / count
}

#[cfg(test)]
mod tests {
    use burn::nn::loss::CrossEntropyLossConfig;
    use burn::tensor::{Device, Distribution, Tolerance};

    use super::*;

    #[test]
    fn loss_is_that_of_burn_with_its_gradient() {
        let device = Device::flex().autodiff();
        let logits = Tensor::<2>::random([6, 7], Distribution::Normal(0.0, 3.0), &device);
        let targets = Tensor::<2, Int>::from_data([[6, 0, 3], [5, 2, 0]], &device);
        for (padding, smoothing) in [(None, 0.0), (Some(0), 0.0), (None, 0.1), (Some(0), 0.1)] {
            let burn = |logits: Tensor<2>| {
                CrossEntropyLossConfig::new()
                    .with_pad_tokens(padding.map(|token| vec![token as usize]))
                    .with_smoothing((smoothing > 0.0).then_some(smoothing as f32))
                    .init(&device)
                    .forward(logits, targets.clone().reshape([6]))
            };
            let ours = |logits: Tensor<2>| {
                let log_probs = token_log_probs(logits, targets.clone().reshape([6]));
                smoothed_token_loss(log_probs, targets.clone(), padding, smoothing)
            };
            let with_gradient = |loss: &dyn Fn(Tensor<2>) -> Tensor<1>| {
                let logits = logits.clone().detach().require_grad();
                let loss = loss(logits.clone());
                let gradient = logits.grad(&loss.backward()).expect("a gradient");
                (loss.into_data(), gradient.into_data())
            };
            let (ours, burn) = (with_gradient(&ours), with_gradient(&burn));
            let tolerance = Tolerance::absolute(1e-6);
            ours.0.assert_approx_eq::<f32>(&burn.0, tolerance);
            ours.1.assert_approx_eq::<f32>(&burn.1, tolerance);
        }
    }
}
