//! A trained translator.

use std::path::Path;

use burn::tensor::Device;
use recurrent_data::Tokenizer;
use recurrent_models::networks::Seq2Seq;
use recurrent_models::{Summarize, Summary};
use serde::Serialize;

use super::TranslateConfig;
use super::decode::{BeamConfig, translate};
use super::tokenizers::Tokenizers;
use crate::decoding::padded_ids;
use crate::{Error, Predictor, Result, RunDir};

/// A trained translator, loaded from the folder of a run.
///
/// ```no_run
/// use recurrent::prelude::*;
/// use recurrent::translate::Translator;
///
/// # fn main() -> recurrent::Result<()> {
/// let translator = Translator::load("runs/phrases", &Default::default())?;
/// for translation in translator.predict(&["How are you?", "Where is the station?"])? {
///     println!("{}", translation.text);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Translator {
    network: Seq2Seq,
    tokenizers: Tokenizers,
    config: TranslateConfig,
    beam: BeamConfig,
    device: Device,
}

/// A translated sentence.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Translation {
    /// The best translation.
    pub text: String,
    /// Its probability.
    pub probability: f64,
    /// The other hypotheses of the beam search, best first.
    pub alternatives: Vec<String>,
    /// The parts of the sentence that were unknown and read as `<unk>`.
    pub unknown: Vec<String>,
    /// Whether the sentence was truncated to the maximum length.
    pub truncated: bool,
    /// Whether the translation has no end, since it reached the maximum length.
    pub cut: bool,
}

/// The attention weights of a translation.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AttentionMap {
    /// The tokens of the sentence, with its end token.
    pub source: Vec<String>,
    /// The tokens of the translation, with its end token.
    pub target: Vec<String>,
    /// `[target][source]`; each row adds up to 1.
    pub weights: Vec<Vec<f64>>,
}

impl Predictor for Translator {
    type Config = TranslateConfig;
    type Input = str;
    type Output = Translation;

    fn load(folder: impl AsRef<Path>, device: &Device) -> Result<Self> {
        let run_dir = RunDir::open(folder)?;
        let config: TranslateConfig = run_dir.config()?;
        let tokenizers = Tokenizers::read(&run_dir, &config)?;
        let beam = BeamConfig::of_run(&run_dir, &config)?;
        let network = tokenizers.network(&config);
        run_dir.check_size(network.num_parameters())?;
        let mut network = network.init(device);
        run_dir.read_weights(&mut network)?;
        Ok(Self { network, tokenizers, config, beam, device: device.clone() })
    }

    /// Translates sentences with the beam search of the run's evaluation.
    ///
    /// # Errors
    /// If a sentence is empty.
    fn predict(&self, sentences: &[&str]) -> Result<Vec<Translation>> {
        self.translate_with(sentences, self.beam)
    }

    fn config(&self) -> &TranslateConfig {
        &self.config
    }
}

impl Translator {
    /// Its network.
    #[cfg(feature = "exchange")]
    pub(crate) fn network(&self) -> &Seq2Seq {
        &self.network
    }

    /// The tokenizers of the source and the target.
    pub fn tokenizers(&self) -> [&Tokenizer; 2] {
        [&self.tokenizers.source, &self.tokenizers.target]
    }

    /// [`predict`](Predictor::predict), for a program that does not import the trait.
    ///
    /// # Errors
    /// If a sentence is empty.
    pub fn translate(&self, sentences: &[&str]) -> Result<Vec<Translation>> {
        self.predict(sentences)
    }

    /// The layers of its network, with shapes and parameters.
    pub fn summary(&self) -> Summary {
        self.network.summary(&[self.config.max_length])
    }

    /// The beam search of the run's evaluation. A length penalty that the settings leave open is chosen there; before the
    /// first evaluation it is 0.6.
    pub fn beam(&self) -> BeamConfig {
        self.beam
    }

    /// Translates sentences with other settings of the beam search. Sentences of similar length are batched; no translation
    /// depends on the others.
    ///
    /// # Errors
    /// If a sentence is empty, or a setting of the search is out of bounds.
    pub fn translate_with(&self, sentences: &[impl AsRef<str>], beam: BeamConfig) -> Result<Vec<Translation>> {
        beam.check()?;
        let max_length = self.config.max_length;
        let mut sources = Vec::with_capacity(sentences.len());
        for (index, sentence) in sentences.iter().enumerate() {
            if sentence.as_ref().trim().is_empty() {
                return Err(Error::Input {
                    what: "the sentences to translate".into(),
                    expected: "a sentence on each line".into(),
                    found: format!("an empty line {}", index + 1),
                });
            }
            sources.push(self.tokenizers.encode_source(sentence.as_ref().trim(), max_length));
        }
        let ids: Vec<Vec<u32>> = sources.iter().map(|(ids, _)| ids.clone()).collect();
        let limit = beam.limit(&self.tokenizers, &self.config);
        let found = translate(&self.network, &ids, &self.tokenizers, beam, limit, &self.device);
        let rows = found.into_iter().zip(sources).zip(sentences);
        let translations = rows.map(|((hypotheses, (_, truncated)), sentence)| {
            let mut texts = hypotheses.iter().map(|found| self.tokenizers.target.decode(&found.tokens));
            let unknown = self.tokenizers.source.unknown_pieces(sentence.as_ref());
            Translation {
                text: texts.next().unwrap_or_default(),
                probability: hypotheses.first().map_or(0.0, |found| found.log_probability.exp()),
                alternatives: texts.collect(),
                unknown: unknown.into_iter().map(|piece| piece.text).collect(),
                truncated,
                cut: hypotheses.first().is_some_and(|found| !found.ended),
            }
        });
        Ok(translations.collect())
    }

    /// The attention weights of the decoder for a sentence and its translation; `None` if the network has no attention.
    pub fn attention(&self, sentence: &str, translation: &str) -> Option<AttentionMap> {
        let (source, _) = self.tokenizers.encode_source(sentence, self.config.max_length);
        let [source_tokens, target_tokens] = self.tokenizers.special_tokens();
        let target: Vec<u32> =
            self.tokenizers.target.encode(translation).into_iter().chain([target_tokens.eos]).collect();
        let inputs: Vec<u32> = [&[target_tokens.bos], &target[..target.len() - 1]].concat();
        let (inputs, _) = padded_ids(&[&inputs], target_tokens.pad, &self.device);
        let (ids, lengths) = padded_ids(&[&source], source_tokens.pad, &self.device);
        let encoded = self.network.encode(ids, &lengths);
        let weights: Vec<f64> = self.network.decode(&encoded, inputs).weights?.into_data().iter::<f64>().collect();
        let names = |tokenizer: &Tokenizer, ids: &[u32]| ids.iter().map(|id| tokenizer.display_token(*id)).collect();
        Some(AttentionMap {
            source: names(&self.tokenizers.source, &source),
            target: names(&self.tokenizers.target, &target),
            weights: weights.chunks(source.len()).map(<[f64]>::to_vec).collect(),
        })
    }
}
