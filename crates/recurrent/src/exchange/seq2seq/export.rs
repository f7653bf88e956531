//! The export of a translator to PyTorch.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};
use recurrent_models::networks::Seq2Seq;
use safetensors::Dtype;
use serde_json::json;

use super::weights::Seq2SeqWeights;
use crate::exchange::export::{Files, MADE_BY, floats, int64, layer, pattern, pretty, tensors_to_bytes, tokens};
use crate::exchange::network::values;
use crate::translate::{TranslateConfig, Translator};
use crate::{Result, TaskConfig};

const SOURCE: [usize; 2] = [2, 6];
const TARGET: [usize; 2] = [2, 5];
/// The valid steps of the example's rows.
const LENGTHS: [usize; 2] = [6, 4];

/// The files of the export.
pub(in crate::exchange) fn files(translator: &Translator, device: &Device) -> Result<Files> {
    let network = translator.network();
    let weights = Seq2SeqWeights::of(network)?;
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
        "tied": weights.tied,
        "sum_directions": network.attention.as_ref().is_some_and(|attention| attention.sums_directions()),
        "copy_except": network.copy.as_ref().map(|gate| gate.except()),
    });
    Ok(vec![
        ("model.safetensors", weights.to_bytes()?),
        ("config.json", pretty(&config)),
        ("vocabulary.json", pretty(&json!({"source": tokens(source), "target": tokens(target)}))),
        ("example.safetensors", example(network, [source_size, target_size], device)?),
        ("load.py", include_str!("../load/pytorch_seq2seq.py").into()),
    ])
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
