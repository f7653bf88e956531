//! What a step comes to.

use burn::tensor::{ExecutionError, Int, Tensor};

use burn::train::metric::{Adaptor, ItemLazy, LossInput};

/// The loss of a batch, and how many items it is the mean of.
#[derive(Debug, Clone)]
pub struct Loss {
    /// The mean, `[1]`.
    pub mean: Tensor<1>,
    /// Windows, sentences or tokens.
    pub items: usize,
}

impl Adaptor<LossInput> for Loss {
    fn adapt(&self) -> LossInput {
        LossInput::new(self.mean.clone())
    }
}

impl ItemLazy for Loss {
    /// Sends the work off without waiting for it, and lets go of the graph behind the loss.
    fn sync(self) -> Result<Self, ExecutionError> {
        self.mean.device().flush()?;
        Ok(Self { mean: self.mean.without_autodiff(), items: self.items })
    }
}

/// The cross-entropy of tokens, in nats a token, `[1]`: the mean of `-log softmax(logits)[target]` over all targets
/// but the padding.
///
/// `logits [batch, time, vocabulary]`, `targets [batch, time]`. With `smoothing` the target gets that share less, and
/// all tokens share it (Szegedy et al. 2016).
pub fn token_loss(logits: Tensor<3>, targets: Tensor<2, Int>, padding: Option<u32>, smoothing: f64) -> Tensor<1> {
    let [batch, time, vocabulary] = logits.dims();
    burn::nn::loss::CrossEntropyLossConfig::new()
        .with_pad_tokens(padding.map(|token| vec![token as usize]))
        .with_smoothing((smoothing > 0.0).then_some(smoothing as f32))
        .init(&logits.device())
        .forward(logits.reshape([batch * time, vocabulary]), targets.reshape([batch * time]))
}
