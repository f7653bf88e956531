//! The loss of a batch.

use burn::tensor::{ExecutionError, Int, Tensor};
use burn::train::metric::{Adaptor, ItemLazy, LossInput};

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
/// - `targets`: token ids, `[batch, time]`;
/// - `label_smoothing`: the fraction of the target distribution that is spread evenly over all tokens (Szegedy et al.
///   2016).
pub fn token_loss(logits: Tensor<3>, targets: Tensor<2, Int>, padding: Option<u32>, label_smoothing: f64) -> Tensor<1> {
    let [batch, time, vocab] = logits.dims();
    burn::nn::loss::CrossEntropyLossConfig::new()
        .with_pad_tokens(padding.map(|token| vec![token as usize]))
        .with_smoothing((label_smoothing > 0.0).then_some(label_smoothing as f32))
        .init(&logits.device())
        .forward(logits.reshape([batch * time, vocab]), targets.reshape([batch * time]))
}
