//! The networks and their inputs.

use burn::module::Module;
use burn::nn::loss::{MseLoss, Reduction};
use burn::nn::{Embedding, EmbeddingConfig, Linear, LinearConfig};
use burn::tensor::{Device, Distribution, Int, Tensor};
use recurrent::fit::token_loss;

use crate::case::{Shape, Sizes};
use crate::layer::Layer;

/// A random batch for any [`Shape`].
#[derive(Clone)]
pub struct Batch {
    /// `[batch, time, input]`.
    x: Tensor<3>,
    /// The input of the decoder, as `x`.
    decoder_input: Tensor<3>,
    /// Token ids, `[batch, time]`.
    ids: Tensor<2, Int>,
    target: Target,
}

#[derive(Clone)]
enum Target {
    /// The shape of the output.
    Values(Tensor<3>),
    /// Token ids, `[batch, time]`.
    Tokens(Tensor<2, Int>),
}

impl Batch {
    /// A batch of random values.
    pub fn new(shape: Shape, device: &Device) -> Self {
        let Sizes { batch, time, input, hidden, output } = shape.sizes();
        let values = |shape: [usize; 3]| Tensor::random(shape, Distribution::Normal(0.0, 1.0), device);
        let ids = || {
            let range = Distribution::Uniform(0.0, output.unwrap_or(2) as f64);
            Tensor::<2, Int>::random([batch, time], range, device)
        };
        let target = match shape {
            Shape::Forecast { .. } => Target::Values(values([batch, 1, 1])),
            Shape::Seq2Seq | Shape::Language => Target::Tokens(ids()),
            Shape::Big | Shape::Stream => Target::Values(values([batch, time, hidden])),
        };
        Self { x: values([batch, time, input]), decoder_input: values([batch, time, input]), ids: ids(), target }
    }

    /// The input of the first layer, if the network has no embedding.
    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    pub fn x(&self) -> &Tensor<3> {
        &self.x
    }

    /// The same batch with another `x`.
    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    pub fn with(&self, x: Tensor<3>) -> Self {
        Self { x, ..self.clone() }
    }

    /// The steps of `x`, `[batch, 1, input]` each, as separate tensors.
    pub fn steps(&self) -> Vec<Tensor<3>> {
        self.x.clone().split(1, 1).into_iter().map(|step| Tensor::from_data(step.to_data(), &step.device())).collect()
    }
}

/// The network of any [`Shape`].
#[derive(Module, Debug)]
pub struct Network<L: Module> {
    embedding: Option<Embedding>,
    /// The encoder, or the first layer.
    bottom: L,
    /// The decoder, or a second layer.
    top: Option<L>,
    dense: Option<Linear>,
    #[module(skip)]
    shape: Shape,
}

impl<L: Layer> Network<L> {
    /// A network with fresh weights.
    pub fn new(shape: Shape, device: &Device) -> Self {
        let Sizes { input, hidden, output, .. } = shape.sizes();
        let vocab_size = output.filter(|_| shape == Shape::Language);
        Self {
            embedding: vocab_size.map(|vocab_size| EmbeddingConfig::new(vocab_size, input).init(device)),
            bottom: L::new(input, hidden, device),
            top: match shape {
                Shape::Forecast { .. } => Some(L::new(hidden, hidden, device)),
                Shape::Seq2Seq => Some(L::new(input, hidden, device)),
                Shape::Language | Shape::Big | Shape::Stream => None,
            },
            dense: output.map(|output| LinearConfig::new(hidden, output).init(device)),
            shape,
        }
    }

    /// The output, `[batch, time, output]`; of a forecast, `[batch, 1, 1]`.
    pub fn forward(&self, batch: &Batch) -> Tensor<3> {
        let x = match &self.embedding {
            Some(embedding) => embedding.forward(batch.ids.clone()),
            None => batch.x.clone(),
        };
        let (mut hidden, state) = self.bottom.forward(x, None);
        if let Some(top) = &self.top {
            hidden = match self.shape {
                Shape::Seq2Seq => top.forward(batch.decoder_input.clone(), Some(state)).0,
                _ => top.forward(hidden, None).0,
            };
        }
        if let Shape::Forecast { time } = self.shape {
            hidden = hidden.narrow(1, time - 1, 1);
        }
        match &self.dense {
            Some(dense) => dense.forward(hidden),
            None => hidden,
        }
    }

    /// The loss, `[1]`: the mean squared error, or the cross-entropy of tokens.
    pub fn loss(&self, batch: &Batch) -> Tensor<1> {
        let output = self.forward(batch);
        match &batch.target {
            Target::Values(values) => MseLoss::new().forward(output, values.clone(), Reduction::Mean),
            Target::Tokens(ids) => token_loss(output, ids.clone(), None),
        }
    }

    /// The layer that is run step by step in a stream.
    pub fn layer(&self) -> &L {
        &self.bottom
    }
}
