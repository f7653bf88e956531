//! A trained translator.

use std::path::Path;

use burn::tensor::Device;
use recurrent_data::Tokenizer;
use recurrent_models::networks::Seq2Seq;
use recurrent_models::{Summarize, Summary};
use serde::{Deserialize, Serialize};

use super::TranslateConfig;
use super::config::check_alpha;
use super::decode::{Sides, translate};
use crate::decoding::side_by_side;
use crate::run::{Plan, at_least_one};
use crate::{Error, Result, RunDir};

/// A trained translator: load it from a run's folder and give it sentences.
///
/// ```no_run
/// use recurrent::translate::Translator;
///
/// # fn main() -> recurrent::Result<()> {
/// let translator = Translator::load("runs/phrases".as_ref(), &Default::default())?;
/// for translation in translator.translate(&["How are you?", "Where is the station?"])? {
///     println!("{}", translation.text);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Translator {
    network: Seq2Seq,
    codecs: TranslateCodecs,
    plan: TranslateConfig,
    device: Device,
}

/// How the tokens of both languages are numbered; fitted on the training part alone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct TranslateCodecs {
    pub source: Tokenizer,
    pub target: Tokenizer,
}

impl TranslateCodecs {
    /// Reads them, and sees that the weights, if there are any yet, are for as many tokens.
    pub fn read(run_dir: &RunDir, plan: &TranslateConfig) -> Result<Self> {
        let path = run_dir.path("codec.json");
        let codecs: Self = serde_json::from_str(&run_dir.read("codec.json")?).map_err(|cause| Error::RunDir {
            path,
            expected: "the codecs of both languages".into(),
            found: cause.to_string(),
        })?;
        if run_dir.has_weights() && !plan.one_hot {
            run_dir.check_rows("source.embedding.weight", codecs.source.len())?;
            run_dir.check_rows("target.embedding.weight", codecs.target.len())?;
        }
        Ok(codecs)
    }

    pub fn sides(&self) -> Sides {
        Sides { source: self.source.specials(), target: self.target.specials() }
    }

    /// A sentence as the encoder reads it, in training too: its tokens, cut to at most `longest`, and the end; and
    /// whether it was cut.
    pub fn source(&self, sentence: &str, longest: usize) -> (Vec<u32>, bool) {
        let mut ids = self.source.encode(sentence);
        let cut = ids.len() > longest;
        ids.truncate(longest);
        ids.push(self.source.specials().eos);
        (ids, cut)
    }
}

/// How translations are looked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BeamConfig {
    /// How many are followed at once; 1 is greedy.
    pub beam: usize,
    /// The power of the length that divides a translation's log-probability.
    pub alpha: f64,
}

/// A translated sentence.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Translation {
    /// The likeliest translation.
    pub text: String,
    /// How likely it is, as the network sees it.
    pub probability: f64,
    /// Further ones, the likeliest first.
    pub alternatives: Vec<String>,
    /// What of the sentence is not known, and was read as `<unk>`.
    pub unknown: Vec<String>,
    /// Whether the sentence was cut at the longest that the run has seen.
    pub cut: bool,
}

/// Where a translation looked back at, token by token.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttentionMap {
    /// The sentence's tokens, its end among them.
    pub source: Vec<String>,
    /// The translation's.
    pub target: Vec<String>,
    /// `[target][source]`, each row with a sum of 1.
    pub weights: Vec<Vec<f64>>,
}

impl Translator {
    /// Loads a translator from the folder of a run. The pairs that it was trained on are not needed.
    ///
    /// # Errors
    /// If the folder is not a run's, is damaged, or has no weights yet.
    pub fn load(folder: &Path, device: &Device) -> Result<Self> {
        let run_dir = RunDir::open(folder)?;
        let plan = <TranslateConfig as Plan>::of(&run_dir)?;
        let codecs = TranslateCodecs::read(&run_dir, &plan)?;
        let mut network = plan.network(codecs.source.len(), codecs.target.len()).init(device);
        run_dir.read_weights(&mut network)?;
        Ok(Self { network, codecs, plan, device: device.clone() })
    }

    /// The plan that it was trained by.
    pub fn plan(&self) -> &TranslateConfig {
        &self.plan
    }

    /// The layers of its network.
    pub fn summary(&self) -> Summary {
        self.network.summary(&[self.plan.longest])
    }

    /// Translates sentences as the run was scored.
    ///
    /// # Errors
    /// If a sentence is empty.
    pub fn translate(&self, sentences: &[impl AsRef<str>]) -> Result<Vec<Translation>> {
        self.translate_by(sentences, BeamConfig { beam: self.plan.beam, alpha: self.plan.alpha })
    }

    /// Translates sentences, looking for the translations in a way of your own. Those of like length are translated
    /// together.
    ///
    /// # Errors
    /// If a sentence is empty, or the beam has no width.
    pub fn translate_by(&self, sentences: &[impl AsRef<str>], by: BeamConfig) -> Result<Vec<Translation>> {
        at_least_one("--beam", by.beam)?;
        check_alpha(by.alpha)?;
        let mut sources = Vec::with_capacity(sentences.len());
        for (index, sentence) in sentences.iter().enumerate() {
            if sentence.as_ref().trim().is_empty() {
                return Err(Error::Plan {
                    setting: "the sentences to translate",
                    expected: "a sentence on each line".into(),
                    found: format!("an empty line {}", index + 1),
                });
            }
            sources.push(self.codecs.source(sentence.as_ref().trim(), self.plan.longest));
        }
        let ids: Vec<Vec<u32>> = sources.iter().map(|(ids, _)| ids.clone()).collect();
        let found =
            translate(&self.network, &ids, self.codecs.sides(), (by.beam, by.alpha, self.plan.longest), &self.device);
        let translations = found.into_iter().zip(sources).zip(sentences).map(|((hypotheses, (_, cut)), sentence)| {
            let mut texts = hypotheses.iter().map(|found| self.codecs.target.decode(&found.tokens));
            let unknown = self.codecs.source.unknown(sentence.as_ref());
            Translation {
                text: texts.next().unwrap_or_default(),
                probability: hypotheses.first().map_or(0.0, |found| found.log_probability.exp()),
                alternatives: texts.collect(),
                unknown: unknown.into_iter().map(|piece| piece.text).collect(),
                cut,
            }
        });
        Ok(translations.collect())
    }

    /// Where the network looks back at in the sentence while it says the translation; `None` without attention.
    pub fn looked(&self, sentence: &str, translation: &str) -> Option<AttentionMap> {
        let (source, _) = self.codecs.source(sentence, self.plan.longest);
        let specials = self.codecs.target.specials();
        let said: Vec<u32> = self.codecs.target.encode(translation).into_iter().chain([specials.eos]).collect();
        let inputs: Vec<u32> = [&[specials.bos], &said[..said.len() - 1]].concat();
        let (inputs, _) = side_by_side(&[&inputs], specials.pad, &self.device);
        let (ids, lengths) = side_by_side(&[&source], self.codecs.source.specials().pad, &self.device);
        let encoded = self.network.encode(ids, &lengths);
        let weights: Vec<f64> = self.network.decode(&encoded, inputs).weights?.into_data().iter::<f64>().collect();
        let names = |codec: &Tokenizer, ids: &[u32]| ids.iter().map(|id| codec.token(*id)).collect();
        Some(AttentionMap {
            source: names(&self.codecs.source, &source),
            target: names(&self.codecs.target, &said),
            weights: weights.chunks(source.len()).map(<[f64]>::to_vec).collect(),
        })
    }
}
