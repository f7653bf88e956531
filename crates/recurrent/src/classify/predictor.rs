//! A trained classifier of sentences.

use std::ops::Range;
use std::path::Path;

use burn::module::Module;
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Int, Tensor};
use recurrent_data::{Tokenizer, padded_features};
use recurrent_models::networks::SequenceClassifier;
use recurrent_models::{Summarize, Summary};
use serde::Serialize;

use super::{ClassifyConfig, Evidence};
use crate::decoding::padded_ids;
use crate::{Ensemble, Error, Predictor, Result, RunDir};

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
    network: Ensemble<SequenceClassifier>,
    tokenizer: Tokenizer,
    labels: Vec<String>,
    evidence: Option<Evidence>,
    config: ClassifyConfig,
    device: Device,
    #[cfg(feature = "fit")]
    baseline: Option<super::BagOfWords>,
}

/// A token and its bytes in the sentence.
type Span = (u32, Range<usize>);

/// A batch of sentences.
struct Input {
    /// `[batch, time]`.
    ids: Tensor<2, Int>,
    /// The evidence of the tokens, `[batch, time, features]`, if the networks read it.
    features: Option<Tensor<3>>,
    /// The tokens of each sentence.
    lengths: Vec<usize>,
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
        let tokenizer = run_dir.read_tokenizer(Self::EMBEDDING)?;
        let labels = Self::read_labels(&run_dir)?;
        // `attribute` needs a network in training mode, without dropout.
        let network = config.network(tokenizer.vocab_size(), labels.len()).with_dropout(0.0);
        run_dir.check_size(network.num_parameters().saturating_mul(config.ensemble))?;
        let mut network = Ensemble::new(config.ensemble, || network.init(device));
        run_dir.read_weights(&mut network)?;
        let evidence = match config.reads_evidence(labels.len()) {
            true => Some(Evidence::read(&run_dir, labels.len())?),
            false => None,
        };
        #[cfg(feature = "fit")]
        let baseline = super::BagOfWords::read(&run_dir, labels.len())?;
        Ok(Self {
            network,
            tokenizer,
            labels,
            evidence,
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
        let mut tokens = Vec::with_capacity(sentences.len());
        for (index, sentence) in sentences.iter().enumerate() {
            let spans = self.tokenizer.encode_with_offsets(sentence);
            if spans.is_empty() {
                return Err(Error::Input {
                    what: "the sentences to classify".into(),
                    expected: "a word in each".into(),
                    found: format!("none in sentence {}", index + 1),
                });
            }
            tokens.push(spans);
        }
        let mut order: Vec<usize> = (0..tokens.len()).collect();
        order.sort_by_key(|index| tokens[*index].len());
        let mut classifications: Vec<Option<Classification>> = vec![None; tokens.len()];
        for chunk in order.chunks(BATCH) {
            let asked = chunk.iter().map(|index| (sentences[*index], &*tokens[*index]));
            let Input { ids, features, lengths } = self.input(asked, &self.device);
            let values = |member: &_| values(member, ids.clone(), features.as_ref());
            let probabilities =
                self.network.mean(|member| softmax(member.forward_values(values(member), &lengths), 1)).into_data();
            let probabilities: Vec<f64> = probabilities.iter::<f64>().collect();
            for (index, probabilities) in chunk.iter().zip(probabilities.chunks(self.labels.len())) {
                let unknown = self.tokenizer.unknown_pieces(sentences[*index]);
                let label = argmax(probabilities);
                classifications[*index] = Some(Classification {
                    label: self.labels[label].clone(),
                    probability: probabilities[label],
                    probabilities: probabilities.to_vec(),
                    unknown: unknown.into_iter().map(|piece| piece.text).collect(),
                    truncated: tokens[*index].len() > self.config.max_length,
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
    /// The labels of a run, in the order of their indices.
    pub(super) fn read_labels(run_dir: &RunDir) -> Result<Vec<String>> {
        serde_json::from_str(&run_dir.read(Self::LABELS)?).map_err(|cause| Error::RunDir {
            path: run_dir.path(Self::LABELS),
            expected: "the labels of this run".into(),
            found: cause.to_string(),
        })
    }

    /// Its tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Its networks.
    #[cfg(feature = "exchange")]
    pub(crate) fn network(&self) -> &Ensemble<SequenceClassifier> {
        &self.network
    }

    /// [`predict`](Predictor::predict), for a program that does not import the trait.
    ///
    /// # Errors
    /// If a sentence has no token.
    pub fn classify(&self, sentences: &[&str]) -> Result<Vec<Classification>> {
        self.predict(sentences)
    }

    /// The layers of its network, with shapes and parameters.
    pub fn summary(&self) -> Summary {
        self.network.summary(&[self.config.max_length])
    }

    /// The first weights with a row for each token.
    pub(super) const EMBEDDING: &'static str = "members.0.embedding.weight";
    /// The file of the labels in a run's folder.
    pub(crate) const LABELS: &'static str = "labels.json";

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

    /// A batch of sentences with their tokens, truncated to the maximum length.
    fn input<'a>(&self, asked: impl Iterator<Item = (&'a str, &'a [Span])>, device: &Device) -> Input {
        let truncated =
            |(sentence, spans): (&'a str, &'a [Span])| (sentence, &spans[..spans.len().min(self.config.max_length)]);
        let asked: Vec<(&str, &[Span])> = asked.map(truncated).collect();
        let rows: Vec<Vec<u32>> = asked.iter().map(|(_, spans)| spans.iter().map(|(id, _)| *id).collect()).collect();
        let rows: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
        let (ids, lengths) = padded_ids(&rows, self.tokenizer.special_tokens().pad, device);
        let features = self.evidence.as_ref().map(|evidence| {
            let values: Vec<Vec<f32>> =
                asked.iter().map(|(sentence, spans)| evidence.of(&pieces(sentence, spans))).collect();
            let rows: Vec<&[f32]> = values.iter().map(Vec::as_slice).collect();
            padded_features(&rows, Evidence::num_features(self.labels.len()), ids.dims()[1], device)
        });
        Input { ids, features, lengths }
    }

    /// The contribution of each word of a sentence to its classification: the gradient of the likeliest label's logit with
    /// respect to what the network reads of the word, its embedding and evidence, times these values (Shrikumar et al.
    /// 2017), as a mean over the networks. Subwords of one word are added up.
    pub fn attribute(&self, sentence: &str) -> Vec<Attribution> {
        let mut spans = self.tokenizer.encode_with_offsets(sentence);
        spans.truncate(self.config.max_length);
        if spans.is_empty() {
            return Vec::new();
        }
        let network = self.network.clone().train();
        let device = self.device.clone().autodiff();
        let Input { ids, features, lengths } = self.input([(sentence, &*spans)].into_iter(), &device);
        let read = |member: &_| values(member, ids.clone(), features.as_ref()).detach().require_grad();
        let values: Vec<Tensor<3>> = network.members.iter().map(read).collect();
        let logits = network.members.iter().zip(&values);
        let logits: Vec<Tensor<2>> =
            logits.map(|(member, values)| member.forward_values(values.clone(), &lengths)).collect();
        let total = |parts: Vec<Tensor<2>>| parts.into_iter().reduce(|sum, part| sum + part).expect("a member");
        // The predicted label has the largest mean probability, not the largest mean logit.
        let probabilities = total(logits.iter().map(|logits| softmax(logits.clone().detach(), 1)).collect());
        let label = argmax(&probabilities.into_data().iter::<f64>().collect::<Vec<_>>());
        let gradients = total(logits).narrow(1, label, 1).sum().div_scalar(values.len() as f64).backward();
        let mut scores = vec![0.0; spans.len()];
        for values in values {
            let Some(gradient) = values.grad(&gradients) else { continue };
            let contributions = (gradient * values.without_autodiff()).sum_dim(2).into_data();
            scores.iter_mut().zip(contributions.iter::<f64>()).for_each(|(score, contribution)| *score += contribution);
        }
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

/// The tokens of a sentence as evidence counts them: in lower case, without spaces around them.
pub(super) fn pieces(sentence: &str, spans: &[Span]) -> Vec<String> {
    let piece = |range: &Range<usize>| sentence.get(range.clone()).unwrap_or_default().trim().to_lowercase();
    spans.iter().map(|(_, range)| piece(range)).collect()
}

/// What a network reads of tokens, `[batch, time, features]`: their embeddings, and their own features if there are some.
pub(super) fn values(network: &SequenceClassifier, ids: Tensor<2, Int>, features: Option<&Tensor<3>>) -> Tensor<3> {
    match features {
        Some(features) => network.embed_with_features(ids, features.clone()),
        None => network.embed(ids),
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
