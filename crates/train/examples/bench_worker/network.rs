//! The networks that are timed, and what goes into them.

use burn::module::Module;
use burn::nn::loss::{MseLoss, Reduction};
use burn::nn::{Embedding, EmbeddingConfig, Linear, LinearConfig};
use burn::tensor::{Device, Distribution, Int, Tensor};
use recurrent::fit::token_loss;

use crate::case::{Shape, Sizes};
use crate::layer::Layer;

/// A batch for any [`Shape`], drawn at random.
#[derive(Clone)]
pub struct Batch {
    /// `[batch, time, input]`.
    x: Tensor<3>,
    /// As `x`, for the decoder.
    decoded: Tensor<3>,
    /// Symbols to read, `[batch, time]`.
    ids: Tensor<2, Int>,
    target: Target,
}

#[derive(Clone)]
enum Target {
    /// As the output.
    Values(Tensor<3>),
    /// Symbols, `[batch, time]`.
    Symbols(Tensor<2, Int>),
}

impl Batch {
    /// A fresh one.
    pub fn new(shape: Shape, device: &Device) -> Self {
        let Sizes { batch, time, input, hidden, output } = shape.sizes();
        let values = |shape: [usize; 3]| Tensor::random(shape, Distribution::Normal(0.0, 1.0), device);
        let symbols = || {
            let every = Distribution::Uniform(0.0, output.unwrap_or(2) as f64);
            Tensor::<2, Int>::random([batch, time], every, device)
        };
        let target = match shape {
            Shape::Forecast { .. } => Target::Values(values([batch, 1, 1])),
            Shape::Seq2Seq | Shape::Language => Target::Symbols(symbols()),
            Shape::Big | Shape::Stream => Target::Values(values([batch, time, hidden])),
        };
        Self { x: values([batch, time, input]), decoded: values([batch, time, input]), ids: symbols(), target }
    }

    /// What goes into the bottom layer, if it has no embedding.
    pub fn x(&self) -> &Tensor<3> {
        &self.x
    }

    /// The same batch with another `x`.
    pub fn with(&self, x: Tensor<3>) -> Self {
        Self { x, ..self.clone() }
    }

    /// The steps of `x`, `[batch, 1, input]` each, every one in memory of its own.
    pub fn steps(&self) -> Vec<Tensor<3>> {
        self.x.clone().split(1, 1).into_iter().map(|step| Tensor::from_data(step.to_data(), &step.device())).collect()
    }
}

/// The network of any [`Shape`].
#[derive(Module, Debug)]
pub struct Network<L: Module> {
    embedding: Option<Embedding>,
    /// The encoder, or the only layer.
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
        let symbols = output.filter(|_| shape == Shape::Language);
        Self {
            embedding: symbols.map(|symbols| EmbeddingConfig::new(symbols, input).init(device)),
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

    /// What the network says, `[batch, time, output]`, or `[batch, 1, 1]` of a forecast.
    pub fn forward(&self, batch: &Batch) -> Tensor<3> {
        let x = match &self.embedding {
            Some(embedding) => embedding.forward(batch.ids.clone()),
            None => batch.x.clone(),
        };
        let (mut hidden, state) = self.bottom.forward(x, None);
        if let Some(top) = &self.top {
            hidden = match self.shape {
                Shape::Seq2Seq => top.forward(batch.decoded.clone(), Some(state)).0,
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

    /// How far that is from the target, `[1]`: the mean squared error, or the cross-entropy of symbols.
    pub fn loss(&self, batch: &Batch) -> Tensor<1> {
        let said = self.forward(batch);
        match &batch.target {
            Target::Values(values) => MseLoss::new().forward(said, values.clone(), Reduction::Mean),
            Target::Symbols(symbols) => token_loss(said, symbols.clone(), None, 0.0),
        }
    }

    /// The layer that goes step by step in a stream.
    pub fn layer(&self) -> &L {
        &self.bottom
    }
}
