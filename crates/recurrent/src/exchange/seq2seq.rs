//! The export of a translator to PyTorch.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};
use recurrent_models::networks::Seq2Seq;
use recurrent_zoo::pytorch::StateDict;
use recurrent_zoo::{DenseWeights, ExchangeWeights, Matrix, StackWeights};
use safetensors::Dtype;
use serde_json::json;

use super::export::{Files, MADE_BY, floats, int64, layer, pattern, pretty, tensors_to_bytes, tokens};
use super::network::{matrix, of_linear, values};
use crate::translate::{TranslateConfig, Translator};
use crate::{Result, TaskConfig};

const SOURCE: [usize; 2] = [2, 6];
const TARGET: [usize; 2] = [2, 5];
/// The valid steps of the example's rows.
const LENGTHS: [usize; 2] = [6, 4];

/// The files of the export.
pub(super) fn files(translator: &Translator, device: &Device) -> Result<Files> {
    let network = translator.network();
    let weights = Weights::of(network)?;
    let [source, target] = translator.tokenizers();
    let [source_size, target_size] = [source.vocab_size(), target.vocab_size()];
    let special = target.special_tokens();
    let config = json!({
        "made_by": MADE_BY,
        "format": "pytorch",
        "task": TranslateConfig::TASK,
        "source_vocab_size": source_size,
        "target_vocab_size": target_size,
        "bos": special.bos,
        "eos": special.eos,
        "encoder": layer(&weights.encoder),
        "decoder": layer(&weights.decoder),
        "own_target": network.target.is_some(),
        "tied": network.output.weight.is_none(),
        "sum_directions": network.attention.as_ref().is_some_and(|attention| attention.sums_directions()),
        "copy_except": network.copy.as_ref().map(|gate| gate.except()),
    });
    Ok(vec![
        ("model.safetensors", weights.to_bytes()?),
        ("config.json", pretty(&config)),
        ("vocabulary.json", pretty(&json!({"source": tokens(source), "target": tokens(target)}))),
        ("example.safetensors", example(network, [source_size, target_size], device)?),
        ("load.py", include_str!("load/pytorch_seq2seq.py").into()),
    ])
}

/// The weights of the network's parts; those that it does not have are missing.
struct Weights {
    encoder: StackWeights,
    decoder: StackWeights,
    embeddings: Vec<(&'static str, Matrix)>,
    dense: Vec<(&'static str, DenseWeights)>,
    /// The bias of an output that has the weights of an embedding.
    tied_output: Option<DenseWeights>,
}

impl Weights {
    fn of(network: &Seq2Seq) -> Result<Self> {
        let inputs = [("source", Some(&network.source)), ("target", network.target.as_ref())];
        let embeddings = inputs.into_iter().filter_map(|(name, input)| Some((name, input?.embedding.as_ref()?)));
        let embeddings: Vec<(&str, Matrix)> =
            embeddings.map(|(name, of)| Ok((name, matrix(of.weight.val())?))).collect::<Result<_>>()?;
        let (bridge, attention) = (network.bridge.as_ref(), network.attention.as_ref());
        let linears = [
            ("bridge_hidden", bridge.map(|bridge| &bridge.hidden)),
            ("bridge_cell", bridge.and_then(|bridge| bridge.cell.as_ref())),
            ("query", attention.and_then(|attention| attention.score.query.as_ref())),
            ("key", attention.and_then(|attention| attention.score.key.as_ref())),
            ("energy", attention.and_then(|attention| attention.score.energy.as_ref())),
            ("combine", attention.map(|attention| &attention.combine)),
            ("gate", network.copy.as_ref().map(|copy| &copy.gate)),
            ("projection", network.output.projection.as_ref()),
        ];
        let present = linears.into_iter().filter_map(|(name, linear)| Some((name, linear?)));
        let mut dense: Vec<(&str, DenseWeights)> =
            present.map(|(name, linear)| Ok((name, of_linear(linear)?))).collect::<Result<_>>()?;
        let bias = Some(values(network.output.bias.val()));
        let mut tied_output = None;
        match (&network.output.weight, embeddings.last()) {
            (Some(weight), _) => {
                dense.push(("output", DenseWeights { weight: matrix(weight.val())?.transposed(), bias }));
            }
            (None, Some((_, weight))) => tied_output = Some(DenseWeights { weight: weight.clone(), bias }),
            (None, None) => {}
        }
        let (encoder, decoder) = (network.encoder.to_weights()?, network.decoder.to_weights()?);
        Ok(Self { encoder, decoder, embeddings, dense, tied_output })
    }

    fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut dict = StateDict::new();
        dict.add_stack("encoder", &self.encoder)?;
        dict.add_stack("decoder", &self.decoder)?;
        for (name, embedding) in &self.embeddings {
            dict.add_matrix(format!("{name}.weight"), embedding)?;
        }
        for (name, layer) in &self.dense {
            dict.add_dense(name, layer)?;
        }
        if let Some(output) = &self.tied_output {
            dict.add_bias("output", output)?;
        }
        Ok(dict.to_bytes()?)
    }
}

/// Token ids with a pattern and no meaning, and the logarithms of the probabilities of the next tokens.
fn example(network: &Seq2Seq, [source_size, target_size]: [usize; 2], device: &Device) -> Result<Vec<u8>> {
    let ids = |[rows, steps]: [usize; 2], size| pattern(rows * steps, size);
    let (source, inputs) = (ids(SOURCE, source_size), ids(TARGET, target_size));
    let tensor = |ids: &[i64], shape| Tensor::<2, Int>::from_data(TensorData::new(ids.to_vec(), shape), device);
    let logits = network.forward(tensor(&source, SOURCE), &LENGTHS, tensor(&inputs, TARGET));
    let output = log_softmax(logits, 2);
    let shape = output.dims().to_vec();
    let lengths: Vec<i64> = LENGTHS.iter().map(|&length| length as i64).collect();
    tensors_to_bytes(&[
        ("source", Dtype::I64, SOURCE.to_vec(), int64(&source)),
        ("lengths", Dtype::I64, vec![LENGTHS.len()], int64(&lengths)),
        ("inputs", Dtype::I64, TARGET.to_vec(), int64(&inputs)),
        ("output", Dtype::F32, shape, floats(&values(output))),
    ])
}
