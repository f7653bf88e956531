//! The names of a translator's modules in a file.

use std::collections::BTreeMap;

use recurrent_models::CellKind;
use recurrent_zoo::{DenseWeights, Matrix, NetworkModules, StackWeights};

use super::weights::{NamedLayer, Seq2SeqWeights};
use crate::Result;
use crate::exchange::ImportConfig;

/// The dense layers of an export, but for its output.
const EXPORTED: [&str; 8] = ["bridge_hidden", "bridge_cell", "query", "key", "energy", "combine", "gate", "projection"];
/// What tutorials call recurrent layers.
const RECURRENT: [&str; 3] = ["rnn", "gru", "lstm"];
/// What they call the layer from hidden units to logits.
const OUTPUT: [&str; 4] = ["decoder.out", "decoder.fc", "decoder.fc_out", "decoder.linear"];
/// What they call the matrix of a general attention.
const ATTENTION: [&str; 4] = ["decoder.attention", "decoder.attn", "decoder.attention.attn", "decoder.attn.attn"];
/// What they call the layer that combines the attention's context with the hidden state.
const COMBINE: [&str; 2] = ["decoder.combine", "decoder.concat"];
/// What they call the layer from a bidirectional encoder's final state to the decoder's initial state.
const BRIDGE: &str = "encoder.fc";

/// The weights of a translator in a file, and what was assumed, for the user.
pub(super) fn read(config: &ImportConfig, modules: &mut NetworkModules) -> Result<(Seq2SeqWeights, Vec<String>)> {
    let names: Vec<String> = modules.stack_names().map(Into::into).collect();
    let is_there = |name: &&str| names.iter().any(|of| of == name);
    if ["encoder", "decoder"].iter().all(is_there) {
        return Ok((exported(config, modules)?, Vec::new()));
    }
    let named = |part: &str| {
        let candidates = RECURRENT.map(|layer| format!("{part}.{layer}"));
        candidates.into_iter().find(|name| is_there(&name.as_str()))
    };
    match (named("encoder"), named("decoder")) {
        (Some(encoder), Some(decoder)) => tutorial(config, modules, [&encoder, &decoder]),
        _ => {
            let expected = "recurrent layers `encoder` and `decoder`, as `train export` names them, or `encoder.rnn` and \
                            `decoder.rnn` (or gru, lstm)";
            let found: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            Err(config.wrong(expected, if found.is_empty() { "none".into() } else { found.join(", ") }))
        }
    }
}

/// As [`Seq2SeqWeights::to_bytes`] writes them.
fn exported(config: &ImportConfig, modules: &mut NetworkModules) -> Result<Seq2SeqWeights> {
    let (source, target) = (modules.matrix("source")?, modules.matrix("target")?);
    if source.is_none() && target.is_some() {
        return Err(config.wrong("`source.weight` beside `target.weight`", "none"));
    }
    let mut layers = BTreeMap::new();
    for name in EXPORTED {
        if let Some(weights) = modules.dense(name)? {
            layers.insert(name, NamedLayer { module: name.into(), weights });
        }
    }
    let (weights, tied) = match (modules.dense("output")?, target.as_ref().or(source.as_ref())) {
        (Some(weights), _) => (weights, false),
        (None, Some(embedding)) => (DenseWeights { weight: embedding.clone(), bias: modules.bias("output")? }, true),
        (None, None) => return Err(config.wrong("`output.weight`", "none")),
    };
    let output = NamedLayer { module: "output".into(), weights };
    let (encoder, decoder) = (modules.stack("encoder")?, modules.stack("decoder")?);
    Ok(Seq2SeqWeights { encoder, decoder, source, target, layers, output, tied })
}

/// The layout of tutorials: modules `encoder` and `decoder`, each with an embedding and recurrent layers.
fn tutorial(
    config: &ImportConfig,
    modules: &mut NetworkModules,
    [encoder_name, decoder_name]: [&str; 2],
) -> Result<(Seq2SeqWeights, Vec<String>)> {
    let (encoder, decoder) = (modules.stack(encoder_name)?, modules.stack(decoder_name)?);
    let source = embedding(config, modules, "encoder.embedding")?;
    let target = embedding(config, modules, "decoder.embedding")?;
    let Some(output) = one_of(config, modules, &OUTPUT)? else {
        return Err(config.wrong(format!("one of {}", quoted(&OUTPUT)), "none"));
    };
    let (mut layers, mut notes) = (BTreeMap::new(), Vec::new());
    if encoder.directions() == 2 {
        layers.insert("bridge_hidden", bridge(config, modules, &encoder)?);
        notes.push(format!("the file does not say whether a tanh follows `{BRIDGE}`: it is taken as having one"));
    }
    if let Some(mut attention) = one_of(config, modules, &ATTENTION)? {
        let Some(combine) = one_of(config, modules, &COMBINE)? else {
            let expected =
                format!("one of {} beside `{}`, for context and hidden state", quoted(&COMBINE), attention.module);
            return Err(config.wrong(expected, "none"));
        };
        notes.push(format!(
            "the file does not say how `{}` and `{}` are used: scores are taken as hidden * W * output without a scale, and \
             the combined state as tanh(W [context; hidden]) (Luong et al. 2015)",
            attention.module, combine.module
        ));
        attention.weights = general_score(&attention.weights, encoder.hidden_size())?;
        layers.extend([("key", attention), ("combine", combine)]);
    }
    let tied = output.weights.weight == target;
    let (source, target) = (Some(source), Some(target));
    Ok((Seq2SeqWeights { encoder, decoder, source, target, layers, output, tied }, notes))
}

fn embedding(config: &ImportConfig, modules: &mut NetworkModules, name: &str) -> Result<Matrix> {
    modules.matrix(name)?.ok_or_else(|| config.wrong(format!("`{name}.weight`"), "none"))
}

/// The layer after a bidirectional encoder. Of several layers, tutorials use the top one's states alone; an LSTM has two
/// states, and a file does not say what becomes of each.
fn bridge(config: &ImportConfig, modules: &mut NetworkModules, encoder: &StackWeights) -> Result<NamedLayer> {
    if encoder.variant().cell() == CellKind::Lstm || encoder.num_layers() > 1 {
        return Err(
            config.wrong("an encoder in one direction, or of a single layer of rnn or gru", encoder.to_string())
        );
    }
    match modules.dense(BRIDGE)? {
        Some(weights) => Ok(NamedLayer { module: BRIDGE.into(), weights }),
        None => {
            let expected =
                format!("`{BRIDGE}`, from a bidirectional encoder's final state to the decoder's initial state");
            Err(config.wrong(expected, "none"))
        }
    }
}

/// The weights of a score without a scale, for a score that is divided by the root of the hidden size. A bias adds the same
/// to all scores of a query, which changes no weight of the attention.
fn general_score(layer: &DenseWeights, hidden_size: usize) -> Result<DenseWeights> {
    let scale = (hidden_size as f32).sqrt();
    let values = layer.weight.values().iter().map(|value| value * scale).collect();
    Ok(DenseWeights { weight: Matrix::new(layer.weight.rows(), layer.weight.columns(), values)?, bias: None })
}

/// The only layer of these names, if there is one.
fn one_of(config: &ImportConfig, modules: &mut NetworkModules, names: &[&str]) -> Result<Option<NamedLayer>> {
    let mut found: Vec<NamedLayer> = Vec::new();
    for name in names {
        if let Some(weights) = modules.dense(name)? {
            found.push(NamedLayer { module: (*name).into(), weights });
        }
    }
    if found.len() > 1 {
        let found: Vec<&str> = found.iter().map(|layer| layer.module.as_str()).collect();
        return Err(config.wrong(format!("one of {}", quoted(names)), quoted(&found)));
    }
    Ok(found.pop())
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
