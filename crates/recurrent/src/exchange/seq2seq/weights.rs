//! The weights of a translator, apart from its network.

use std::collections::BTreeMap;

use burn::nn::Linear;
use recurrent_models::networks::Seq2Seq;
use recurrent_zoo::pytorch::StateDict;
use recurrent_zoo::{DenseWeights, ExchangeWeights, Matrix, StackWeights};

use crate::Result;
use crate::exchange::network::{matrix, of_linear, values};

/// The weights of the network's parts; those that it does not have are missing.
pub(super) struct Seq2SeqWeights {
    pub(super) encoder: StackWeights,
    pub(super) decoder: StackWeights,
    /// `[vocab, embedding_dim]`; one-hot vectors without.
    pub(super) source: Option<Matrix>,
    /// That of the target, unless it is the source's.
    pub(super) target: Option<Matrix>,
    /// The dense layers before the output, by their names in [`layers`].
    pub(super) layers: BTreeMap<&'static str, NamedLayer>,
    /// From hidden units to logits.
    pub(super) output: NamedLayer,
    /// Whether the output has the weights of the target's embedding.
    pub(super) tied: bool,
}

/// A dense layer, and the name of its module in a file.
#[derive(Debug, Clone)]
pub(super) struct NamedLayer {
    pub(super) module: String,
    pub(super) weights: DenseWeights,
}

/// The dense layers that a network may have before its output, with the names of their modules in an export.
pub(super) fn layers(network: &mut Seq2Seq) -> [(&'static str, Option<&mut Linear>); 8] {
    let (bridge_hidden, bridge_cell) = match &mut network.bridge {
        Some(bridge) => (Some(&mut bridge.hidden), bridge.cell.as_mut()),
        None => (None, None),
    };
    let (score, combine) = match &mut network.attention {
        Some(attention) => (Some(&mut attention.score), Some(&mut attention.combine)),
        None => (None, None),
    };
    let [query, key, energy] = match score {
        Some(score) => [&mut score.query, &mut score.key, &mut score.energy].map(Option::as_mut),
        None => [None, None, None],
    };
    [
        ("bridge_hidden", bridge_hidden),
        ("bridge_cell", bridge_cell),
        ("query", query),
        ("key", key),
        ("energy", energy),
        ("combine", combine),
        ("gate", network.copy.as_mut().map(|copy| &mut copy.gate)),
        ("projection", network.output.projection.as_mut()),
    ]
}

impl Seq2SeqWeights {
    /// The weights of a network, with the names of an export.
    pub(super) fn of(network: &Seq2Seq) -> Result<Self> {
        let named = |name: &'static str, weights| (name, NamedLayer { module: name.into(), weights });
        let mut parts = network.clone();
        let present = layers(&mut parts).into_iter().filter_map(|(name, linear)| Some((name, linear?)));
        let layers = present.map(|(name, linear)| Ok(named(name, of_linear(linear)?))).collect::<Result<_>>()?;
        let source = network.source.embedding.as_ref();
        let target = network.target.as_ref().and_then(|target| target.embedding.as_ref());
        let [source, target] =
            [source, target].map(|of| of.map(|embedding| matrix(embedding.weight.val())).transpose());
        let (source, target) = (source?, target?);
        let weight = match (&network.output.weight, target.as_ref().or(source.as_ref())) {
            (None, Some(embedding)) => embedding.clone(),
            (weight, _) => {
                let weight = weight.as_ref().expect("an output has weights of its own or those of an embedding");
                matrix(weight.val())?.transposed()
            }
        };
        let (_, output) = named("output", DenseWeights { weight, bias: Some(values(network.output.bias.val())) });
        Ok(Self {
            encoder: network.encoder.to_weights()?,
            decoder: network.decoder.to_weights()?,
            source,
            target,
            layers,
            output,
            tied: network.output.weight.is_none(),
        })
    }

    /// A state dict. Weights that are tied to an embedding's are not written again.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut dict = StateDict::new();
        dict.add_stack("encoder", &self.encoder)?;
        dict.add_stack("decoder", &self.decoder)?;
        for (name, embedding) in [("source", &self.source), ("target", &self.target)] {
            if let Some(embedding) = embedding {
                dict.add_matrix(format!("{name}.weight"), embedding)?;
            }
        }
        for layer in self.layers.values() {
            dict.add_dense(&layer.module, &layer.weights)?;
        }
        match self.tied {
            true => dict.add_bias(&self.output.module, &self.output.weights)?,
            false => dict.add_dense(&self.output.module, &self.output.weights)?,
        }
        Ok(dict.to_bytes()?)
    }

    /// The embedding of the decoder's inputs.
    pub(super) fn target_embedding(&self) -> Option<&Matrix> {
        self.target.as_ref().or(self.source.as_ref())
    }

    /// The numbers of tokens that encoder and decoder read.
    pub(super) fn vocab_sizes(&self) -> [usize; 2] {
        [
            self.source.as_ref().map_or(self.encoder.input_size(), Matrix::rows),
            self.target_embedding().map_or(self.decoder.input_size(), Matrix::rows),
        ]
    }
}
