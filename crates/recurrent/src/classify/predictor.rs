//! A trained classifier of sentences.

use std::ops::Range;
use std::path::Path;

use burn::module::Module;
use burn::tensor::Device;
use burn::tensor::activation::softmax;
use recurrent_data::Tokenizer;
use recurrent_models::networks::SequenceClassifier;
use recurrent_models::{Summarize, Summary};
use serde::Serialize;

use super::ClassifyConfig;
use crate::decoding::padded_ids;
use crate::{Error, Predictor, Result, RunDir};

/// Sentences per batch.
const BATCH: usize = 256;

/// A trained classifier of sentences, loaded from the folder of a run.
///
/// ```no_run
/// use recurrent::classify::Classifier;
/// use recurrent::prelude::*;
///
/// # fn main() -> recurrent::Result<()> {
/// let classifier = Classifier::load("runs/reviews", &Default::default())?;
/// for classification in classifier.predict(&["This product is amazing"])? {
///     println!("{}: {:.0} %", classification.label, 100.0 * classification.probability);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Classifier {
    network: SequenceClassifier,
    tokenizer: Tokenizer,
    labels: Vec<String>,
    config: ClassifyConfig,
    device: Device,
    #[cfg(feature = "fit")]
    baseline: Option<super::BagOfWords>,
}

/// The classification of a sentence.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Classification {
    /// The likeliest label.
    pub label: String,
    /// Its probability.
    pub probability: f64,
    /// The probability of each label, in the order of [`labels`](Classifier::labels).
    pub probabilities: Vec<f64>,
    /// The parts of the sentence that were unknown and read as `<unk>`.
    pub unknown: Vec<String>,
    /// Whether the sentence was truncated to the maximum length.
    pub truncated: bool,
}

/// How much a part of a sentence contributed to its classification.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Attribution {
    /// Its bytes in the sentence.
    #[serde(skip)]
    pub range: Range<usize>,
    /// Its text.
    pub text: String,
    /// Gradient times input: positive if it supports the label, negative if it opposes it.
    pub score: f64,
}

impl Predictor for Classifier {
    type Config = ClassifyConfig;
    type Input = str;
    type Output = Classification;

    fn load(folder: impl AsRef<Path>, device: &Device) -> Result<Self> {
        let run_dir = RunDir::open(folder)?;
        let config: ClassifyConfig = run_dir.config()?;
        let tokenizer = run_dir.read_tokenizer("embedding.weight")?;
        let labels: Vec<String> =
            serde_json::from_str(&run_dir.read(Self::LABELS)?).map_err(|cause| Error::RunDir {
                path: run_dir.path(Self::LABELS),
                expected: "the labels of this run".into(),
                found: cause.to_string(),
            })?;
        // `attribute` needs a network in training mode, without dropout.
        let network = config.network(tokenizer.vocab_size(), labels.len()).with_dropout(0.0);
        run_dir.check_size(network.num_parameters())?;
        let mut network = network.init(device);
        run_dir.read_weights(&mut network)?;
        #[cfg(feature = "fit")]
        let baseline = super::BagOfWords::read(&run_dir, labels.len())?;
        Ok(Self {
            network,
            tokenizer,
            labels,
            config,
            device: device.clone(),
            #[cfg(feature = "fit")]
            baseline,
        })
    }

    /// Classifies sentences. Sentences of similar length are batched.
    ///
    /// # Errors
    /// If a sentence has no token.
    fn predict(&self, sentences: &[&str]) -> Result<Vec<Classification>> {
        let mut ids = Vec::with_capacity(sentences.len());
        for (index, sentence) in sentences.iter().enumerate() {
            let tokens = self.tokenizer.encode(sentence);
            if tokens.is_empty() {
                return Err(Error::Input {
                    what: "the sentences to classify".into(),
                    expected: "a word in each".into(),
                    found: format!("none in sentence {}", index + 1),
                });
            }
            ids.push(tokens);
        }
        let max_length = self.config.max_length;
        let mut order: Vec<usize> = (0..ids.len()).collect();
        order.sort_by_key(|index| ids[*index].len());
        let mut classifications: Vec<Option<Classification>> = vec![None; ids.len()];
        for chunk in order.chunks(BATCH) {
            let row = |index: &usize| &ids[*index][..ids[*index].len().min(max_length)];
            let rows: Vec<&[u32]> = chunk.iter().map(row).collect();
            let (padded, lengths) = padded_ids(&rows, self.tokenizer.special_tokens().pad, &self.device);
            let probabilities = softmax(self.network.forward(padded, &lengths), 1).into_data();
            let probabilities: Vec<f64> = probabilities.iter::<f64>().collect();
            for (index, probabilities) in chunk.iter().zip(probabilities.chunks(self.labels.len())) {
                let unknown = self.tokenizer.unknown_pieces(sentences[*index]);
                let label = argmax(probabilities);
                classifications[*index] = Some(Classification {
                    label: self.labels[label].clone(),
                    probability: probabilities[label],
                    probabilities: probabilities.to_vec(),
                    unknown: unknown.into_iter().map(|piece| piece.text).collect(),
                    truncated: ids[*index].len() > max_length,
                });
            }
        }
        Ok(classifications.into_iter().flatten().collect())
    }

    fn config(&self) -> &ClassifyConfig {
        &self.config
    }
}

impl Classifier {
    /// The layers of its network, with shapes and parameters.
    pub fn summary(&self) -> Summary {
        self.network.summary(&[self.config.max_length])
    }
    /// The file of the labels in a run's folder.
    pub(super) const LABELS: &'static str = "labels.json";

    /// The labels, in the order of their indices.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// What the baseline is: `bag of words`, or `bag of characters`; `None` if the run has none.
    #[cfg(feature = "fit")]
    pub fn baseline_name(&self) -> Option<&'static str> {
        self.baseline.as_ref().map(super::BagOfWords::name)
    }

    /// The probability of each label by the baseline, a bag of words; `None` if the run has not been evaluated yet.
    #[cfg(feature = "fit")]
    pub fn predict_baseline(&self, sentences: &[impl AsRef<str>]) -> Option<Vec<Vec<f64>>> {
        let sentences: Vec<&str> = sentences.iter().map(AsRef::as_ref).collect();
        self.baseline.as_ref().map(|bag| bag.predict(&sentences))
    }

    /// The contribution of each word of a sentence to its classification: the gradient of the likeliest label's logit with
    /// respect to the word's embedding, times the embedding (Shrikumar et al. 2017). Subwords of one word are added up.
    pub fn attribute(&self, sentence: &str) -> Vec<Attribution> {
        let mut spans = self.tokenizer.encode_with_offsets(sentence);
        spans.truncate(self.config.max_length);
        let ids: Vec<u32> = spans.iter().map(|(id, _)| *id).collect();
        if ids.is_empty() {
            return Vec::new();
        }
        let network = self.network.clone().train();
        let device = self.device.clone().autodiff();
        let (padded, lengths) = padded_ids(&[&ids], self.tokenizer.special_tokens().pad, &device);
        let embedded = network.embed(padded).detach().require_grad();
        let logits = network.forward_values(embedded.clone(), &lengths);
        let gradients = logits.max_dim(1).sum().backward();
        let Some(gradient) = embedded.grad(&gradients) else {
            return Vec::new();
        };
        let scores = (gradient * embedded.without_autodiff()).sum_dim(2);
        let scores: Vec<f64> = scores.into_data().iter::<f64>().collect();
        let mut attributions: Vec<Attribution> = Vec::new();
        for ((_, range), score) in spans.into_iter().zip(scores) {
            match attributions.last_mut().filter(|last| is_one_word(sentence, &last.range, &range)) {
                Some(last) => {
                    last.range.end = last.range.end.max(range.end);
                    last.score += score;
                }
                None => attributions.push(Attribution { range, text: String::new(), score }),
            }
        }
        for part in &mut attributions {
            part.text = sentence.get(part.range.clone()).unwrap_or_default().trim().to_string();
        }
        attributions.retain(|part| !part.text.is_empty());
        attributions
    }
}

/// Whether two adjacent tokens belong to one word: letters or digits on both sides of their boundary.
fn is_one_word(sentence: &str, left: &Range<usize>, right: &Range<usize>) -> bool {
    let meets = |text: Option<&str>, last: bool| {
        let mut chars = text.unwrap_or_default().chars();
        let at = if last { chars.next_back() } else { chars.next() };
        at.is_some_and(char::is_alphanumeric)
    };
    let touch = left.end >= right.start;
    let inside = right.is_empty() || left.is_empty();
    touch && (inside || (meets(sentence.get(left.clone()), true) && meets(sentence.get(right.clone()), false)))
}

fn argmax(probabilities: &[f64]) -> usize {
    let order = |a: &usize, b: &usize| probabilities[*a].total_cmp(&probabilities[*b]).then(b.cmp(a));
    (0..probabilities.len()).max_by(order).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subwords_of_a_word_are_joined() {
        let sentence = "unhappy, I say";
        assert!(is_one_word(sentence, &(0..2), &(2..7)));
        assert!(!is_one_word(sentence, &(0..7), &(7..8)));
        assert!(!is_one_word(sentence, &(8..10), &(10..14)));
        assert!(is_one_word(sentence, &(0..2), &(2..2)));
    }

    #[test]
    fn of_equals_the_first_is_taken() {
        assert_eq!(argmax(&[0.4, 0.4, 0.2]), 0);
        assert_eq!(argmax(&[0.1, 0.8, 0.1]), 1);
    }
}
