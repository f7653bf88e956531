//! The import of a translator from PyTorch.

use std::path::{Path, PathBuf};

use burn::nn::{Embedding, Linear};
use burn::tensor::Device;
use recurrent_data::Tokenizer;
use recurrent_models::networks::Seq2Seq;
use recurrent_zoo::{DenseWeights, ExchangeWeights, Matrix, WeightFile};

use super::layout;
use super::weights::{NamedLayer, Seq2SeqWeights, layers};
use crate::config::check_num_parameters;
use crate::exchange::ImportConfig;
use crate::exchange::import::{NEVER, check_layer, extend, notes, write_run};
use crate::exchange::network::{into_linear, into_matrix, into_vector};
use crate::translate::{DecoderAttention, Tokenizers, TranslateConfig, TranslateSource};
use crate::{Error, Result, TaskSource};

/// Makes a run of `translate` from a state dict of PyTorch: an encoder and a decoder with the names of an
/// [export](crate::exchange::export), or `encoder.embedding`, `encoder.rnn` (or gru, lstm), `decoder.embedding`, `decoder.rnn`
/// and `decoder.out` (or fc, fc_out, linear). Returns what was assumed, for the user.
///
/// # Errors
/// If the file is no such network, the tokenizers have other tokens, the settings or the data are wrong, or the folder
/// exists.
pub fn import_translator(config: &ImportConfig, folder: impl AsRef<Path>, device: &Device) -> Result<Vec<String>> {
    let (tokenizers, paths) = tokenizers(config)?;
    let (mut weights, mut assumed) = weights(config)?;
    check_parts(config, &weights)?;
    // Two equal tables of one vocabulary are one, as long as training does not part them.
    if weights.target == weights.source && tokenizers.are_equal() {
        weights.target = None;
    }
    check_vocabularies(config, &weights, &tokenizers, paths)?;
    weights.extend(tokenizers.vocab_sizes())?;
    let source = <TranslateSource as TaskSource>::open::<TranslateConfig>(&config.settings)?;
    let defaults = TranslateConfig::new(&source)?;
    let run = config.settings.clone().apply(&TranslateConfig {
        joint: weights.is_joint(),
        one_hot: weights.source.is_none(),
        embedding_dim: weights.source.as_ref().map_or(defaults.embedding_dim, Matrix::columns),
        cell: weights.encoder.variant().cell(),
        hidden_size: weights.encoder.hidden_size(),
        num_layers: weights.encoder.num_layers(),
        bidirectional: weights.encoder.directions() == 2,
        attention: attention(config, &weights)?,
        copy: weights.layers.contains_key("gate"),
        tie_weights: weights.tied,
        ..defaults
    })?;
    if run.joint && !tokenizers.are_equal() {
        return Err(Error::setting("joint", "one tokenizer of both languages", "two that differ"));
    }
    let shape = tokenizers.network(&run);
    check_num_parameters(shape.num_parameters())?;
    let trained = into_network(config, &weights, shape.init(device))?;
    let json = serde_json::to_string(&tokenizers).expect("tokenizers can be written as JSON");
    write_run(&run, folder.as_ref(), &[(Tokenizers::FILE, json)], config.force, &trained)?;
    assumed.extend(notes(&[weights.encoder, weights.decoder]));
    Ok(assumed)
}

/// The tokenizers, and the files of both.
fn tokenizers(config: &ImportConfig) -> Result<(Tokenizers, [&PathBuf; 2])> {
    let expected = "the tokenizer of both languages, or one for each (`source_tokenizer`, `target_tokenizer`)";
    match (&config.tokenizer, &config.source_tokenizer, &config.target_tokenizer) {
        (Some(both), None, None) => Ok((Tokenizers::open(both)?, [both, both])),
        (None, Some(source), Some(target)) => {
            let tokenizers =
                Tokenizers { source: Tokenizer::open(source)?, target: Tokenizer::open(target)?, longest_target: None };
            Ok((tokenizers, [source, target]))
        }
        (None, None, None) => Err(Error::setting("tokenizer", expected, "none")),
        (Some(_), _, _) => Err(Error::setting("tokenizer", expected, "both")),
        (None, Some(_), None) => Err(Error::setting("target_tokenizer", "a file beside source_tokenizer", "none")),
        (None, None, Some(_)) => Err(Error::setting("source_tokenizer", "a file beside target_tokenizer", "none")),
    }
}

/// The weights in the file, and what was assumed.
fn weights(config: &ImportConfig) -> Result<(Seq2SeqWeights, Vec<String>)> {
    let parts = &config.parts;
    for (setting, given) in [
        ("stacks", parts.stacks.first()),
        ("embedding", parts.embedding.as_ref()),
        ("output_layer", parts.output.as_ref()),
    ] {
        if let Some(given) = given {
            return Err(Error::setting(setting, "none: the parts of a translator have fixed names", given));
        }
    }
    let file = WeightFile::open(&config.file)?;
    let wrong = |error: recurrent_zoo::Error| config.wrong("an encoder and a decoder of PyTorch", error.to_string());
    let mut modules = file.modules().map_err(wrong)?;
    let found = layout::read(config, &mut modules).map_err(|error| match error {
        Error::Weights(error) => wrong(error),
        other => other,
    })?;
    if !parts.partial {
        modules.check_all_read().map_err(wrong)?;
    }
    Ok(found)
}

/// Refuses an encoder and a decoder that no network here has.
fn check_parts(config: &ImportConfig, weights: &Seq2SeqWeights) -> Result<()> {
    let Seq2SeqWeights { encoder, decoder, .. } = weights;
    for (stack, part) in [(encoder, "encoder"), (decoder, "decoder")] {
        check_layer(stack).map_err(|found| {
            config.wrong("layers as the networks of a task have them", format!("{found} in the {part}"))
        })?;
    }
    let kind = |of: &recurrent_zoo::StackWeights| (of.variant().cell(), of.hidden_size(), of.num_layers());
    if decoder.directions() == 2 || kind(encoder) != kind(decoder) {
        let expected =
            format!("a decoder in one direction with cell, hidden size and layers of the encoder, {encoder}");
        return Err(config.wrong(expected, decoder.to_string()));
    }
    let (source, target) = (weights.source.as_ref(), weights.target_embedding());
    for (stack, embedding, part) in [(encoder, source, "encoder"), (decoder, target, "decoder")] {
        if let Some(dim) = embedding.map(Matrix::columns).filter(|dim| *dim != stack.input_size()) {
            let expected = format!("input of {dim} features in the {part}, the embedding alone (no input feeding)");
            return Err(config.wrong(expected, stack.to_string()));
        }
    }
    if encoder.input_size() != decoder.input_size() && source.is_some() {
        let expected = format!("embeddings of one dimension, {} as the encoder's", encoder.input_size());
        return Err(config.wrong(expected, decoder.input_size().to_string()));
    }
    Ok(())
}

/// The attention's score, by the layers that there are.
fn attention(config: &ImportConfig, weights: &Seq2SeqWeights) -> Result<DecoderAttention> {
    let has = |name| weights.layers.contains_key(name);
    Ok(match (has("combine"), [has("query"), has("key"), has("energy")]) {
        (false, [false, false, false]) => DecoderAttention::None,
        (true, [false, false, false]) => DecoderAttention::Dot,
        (true, [false, true, false]) => DecoderAttention::General,
        (true, [true, true, true]) => DecoderAttention::Additive,
        _ => {
            let parts = ["combine", "query", "key", "energy"].into_iter().filter(|name| has(name));
            let expected = "`combine` alone or beside it `key`, or `query`, `key` and `energy` of an attention";
            return Err(config.wrong(expected, parts.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")));
        }
    })
}

/// Refuses tokenizers of other tokens than the network has. Special tokens may be more, unless their meaning would have to be
/// learned: a sentence that is read ends with one, and one that is written begins and ends with one.
fn check_vocabularies(
    config: &ImportConfig,
    weights: &Seq2SeqWeights,
    tokenizers: &Tokenizers,
    paths: [&PathBuf; 2],
) -> Result<()> {
    let check = |side: &str, tokens: usize, tokenizer: &Tokenizer, path: &Path, learned: &[u32]| {
        config.check_tokens(tokens, tokenizer, path, &format!("{tokens} of the {side}"))?;
        let adds_to_one_hot = weights.source.is_none() && tokens != tokenizer.vocab_size();
        if adds_to_one_hot || learned.iter().any(|token| *token as usize >= tokens) {
            let expected = format!("the beginning and the end of a sentence among the {tokens} tokens of the {side}");
            return Err(config.wrong(expected, format!("{}, which adds them", path.display())));
        }
        Ok(())
    };
    let ([source, tokens], [of_source, of_target]) = (weights.vocab_sizes(), tokenizers.special_tokens());
    check("source", source, &tokenizers.source, paths[0], &[of_source.eos])?;
    check("target", tokens, &tokenizers.target, paths[1], &[of_target.bos, of_target.eos])?;
    let NamedLayer { module, weights } = &weights.output;
    if weights.weight.rows() != tokens {
        let expected = format!("{tokens} outputs of `{module}`, one for each token of the target");
        return Err(config.wrong(expected, weights.weight.rows().to_string()));
    }
    Ok(())
}

impl Seq2SeqWeights {
    /// Whether one table is the embedding of both languages.
    fn is_joint(&self) -> bool {
        self.source.is_some() && self.target.is_none()
    }

    /// Adds embeddings of zeros, and logits that are never generated, for the tokens that tokenizers add.
    fn extend(&mut self, [source, target]: [usize; 2]) -> Result<()> {
        for (table, tokens) in [(&mut self.source, source), (&mut self.target, target)] {
            *table = table.take().map(|table| extend(&table, tokens)).transpose()?;
        }
        let DenseWeights { weight, bias } = &mut self.output.weights;
        if weight.rows() < target {
            bias.get_or_insert_with(|| vec![0.0; weight.rows()]).resize(target, NEVER);
            *weight = extend(weight, target)?;
        }
        Ok(())
    }
}

/// A network with all these weights, and no others.
fn into_network(config: &ImportConfig, weights: &Seq2SeqWeights, mut network: Seq2Seq) -> Result<Seq2Seq> {
    network.encoder = network.encoder.with_weights(&weights.encoder)?;
    network.decoder = network.decoder.with_weights(&weights.decoder)?;
    load_embedding(config, "source", network.source.embedding.as_mut(), weights.source.as_ref())?;
    let target = network.target.as_mut().and_then(|target| target.embedding.as_mut());
    load_embedding(config, "target", target, weights.target.as_ref())?;
    for (name, layer) in layers(&mut network) {
        match (layer, weights.layers.get(name)) {
            (Some(layer), Some(found)) => load_layer(config, layer, found)?,
            (None, None) => {}
            (Some(_), None) => return Err(config.wrong(format!("a layer `{name}`"), "none")),
            (None, Some(found)) => {
                return Err(config.wrong("no other layers than the network has", format!("`{}`", found.module)));
            }
        }
    }
    let NamedLayer { module, weights: output } = &weights.output;
    match &mut network.output.weight {
        Some(own) => {
            let [inputs, outputs] = own.dims();
            check_shape(config, module, &output.weight, [outputs, inputs])?;
            *own = into_matrix(own, &output.weight.transposed());
        }
        None if weights.tied => {}
        None => {
            let expected = format!("`{module}.weight` of the target's embedding, since they are tied (`tie_weights`)");
            return Err(config.wrong(expected, "others"));
        }
    }
    let zeros = vec![0.0; output.weight.rows()];
    network.output.bias = into_vector(&network.output.bias, output.bias.as_ref().unwrap_or(&zeros));
    Ok(network)
}

fn load_embedding(
    config: &ImportConfig,
    side: &str,
    embedding: Option<&mut Embedding>,
    vectors: Option<&Matrix>,
) -> Result<()> {
    match (embedding, vectors) {
        (Some(embedding), Some(vectors)) => {
            check_shape(config, side, vectors, embedding.weight.dims())?;
            embedding.weight = into_matrix(&embedding.weight, vectors);
            Ok(())
        }
        (None, None) => Ok(()),
        (own, _) => {
            let words = |has| if has { "an embedding" } else { "none" };
            Err(config.wrong(format!("{} of the {side} tokens", words(own.is_some())), words(own.is_none())))
        }
    }
}

fn load_layer(config: &ImportConfig, layer: &mut Linear, found: &NamedLayer) -> Result<()> {
    let NamedLayer { module, weights } = found;
    let [inputs, outputs] = layer.weight.dims();
    check_shape(config, module, &weights.weight, [outputs, inputs])?;
    let is_zero = weights.bias.iter().flatten().all(|bias| *bias == 0.0);
    if layer.bias.is_none() && !is_zero {
        return Err(config.wrong(format!("`{module}` without a bias"), format!("`{module}.bias`")));
    }
    *layer = into_linear(layer.clone(), weights);
    Ok(())
}

fn check_shape(config: &ImportConfig, module: &str, found: &Matrix, expected: [usize; 2]) -> Result<()> {
    let found = [found.rows(), found.columns()];
    if found == expected {
        return Ok(());
    }
    Err(config.wrong(format!("`{module}.weight` of shape {expected:?}"), format!("{found:?}")))
}
