//! A trained classifier of sentences.

use std::ops::Range;
use std::path::Path;

use burn::module::Module;
use burn::tensor::Device;
use burn::tensor::activation::softmax;
use recurrent_data::TextCodec;
use recurrent_models::networks::SequenceClassifier;
use recurrent_models::{Summarize, Summary};
use serde::Serialize;

use super::SentimentPlan;
use crate::decoding::side_by_side;
use crate::run::Plan;
use crate::{Bundle, Error, Result};

/// Sentences that are judged at once.
const TOGETHER: usize = 256;

/// A trained classifier of sentences: load it from a run's folder and let it judge.
///
/// ```no_run
/// use recurrent::sentiment::SentimentClassifier;
///
/// # fn main() -> recurrent::Result<()> {
/// let classifier = SentimentClassifier::load("runs/reviews".as_ref(), &Default::default())?;
/// for judgement in classifier.judge(&["This product is amazing"])? {
///     println!("{}: {:.0} %", judgement.label, 100.0 * judgement.probability);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SentimentClassifier {
    network: SequenceClassifier,
    codec: TextCodec,
    labels: Vec<String>,
    plan: SentimentPlan,
    device: Device,
    #[cfg(feature = "fit")]
    baseline: Option<super::BagOfWords>,
}

/// What a sentence is judged to be.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judgement {
    /// The likeliest label.
    pub label: String,
    /// How likely it is.
    pub probability: f64,
    /// How likely each label is, in the order of [`labels`](SentimentClassifier::labels).
    pub probabilities: Vec<f64>,
    /// What of the sentence is not known, and was read as `<unk>`.
    pub unknown: Vec<String>,
    /// Whether the sentence was cut at the longest that the run reads.
    pub cut: bool,
}

/// How much a piece of a sentence moved its judgement.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Moved {
    /// Where it is in the sentence, in bytes.
    #[serde(skip)]
    pub at: Range<usize>,
    /// The piece.
    pub text: String,
    /// Gradient times input: above 0 it spoke for the label, below against it.
    pub by: f64,
}

impl SentimentClassifier {
    /// Loads a classifier from the folder of a run. The sentences that it was trained on are not needed.
    ///
    /// # Errors
    /// If the folder is not a run's, is damaged, or has no weights yet.
    pub fn load(folder: &Path, device: &Device) -> Result<Self> {
        let bundle = Bundle::open(folder)?;
        let plan = <SentimentPlan as Plan>::of(&bundle)?;
        let codec = bundle.read_codec("embedding.weight")?;
        let labels: Vec<String> =
            serde_json::from_str(&bundle.read("labels.json")?).map_err(|cause| Error::Bundle {
                path: bundle.path("labels.json"),
                expected: "the labels of this run".into(),
                found: cause.to_string(),
            })?;
        // Judgements are made, and explained, without dropout.
        let mut network = plan.network(codec.len(), labels.len()).with_dropout(0.0).init(device);
        bundle.read_weights(&mut network)?;
        Ok(Self {
            network,
            codec,
            labels,
            plan,
            device: device.clone(),
            #[cfg(feature = "fit")]
            baseline: super::BagOfWords::read(&bundle)?,
        })
    }

    /// The plan that it was trained by.
    pub fn plan(&self) -> &SentimentPlan {
        &self.plan
    }

    /// What the labels are called.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The layers of its network.
    pub fn summary(&self) -> Summary {
        self.network.summary(&[self.plan.longest])
    }

    /// Judges sentences. Those of like length are judged together.
    ///
    /// # Errors
    /// If a sentence is empty.
    pub fn judge(&self, sentences: &[impl AsRef<str>]) -> Result<Vec<Judgement>> {
        let mut ids = Vec::with_capacity(sentences.len());
        for (index, sentence) in sentences.iter().enumerate() {
            let tokens = self.codec.encode(sentence.as_ref());
            if tokens.is_empty() {
                return Err(Error::Plan {
                    setting: "the sentences to judge",
                    expected: "a word in each".into(),
                    found: format!("none in sentence {}", index + 1),
                });
            }
            ids.push(tokens);
        }
        let longest = self.plan.longest;
        let mut order: Vec<usize> = (0..ids.len()).collect();
        order.sort_by_key(|index| ids[*index].len());
        let mut judged: Vec<Option<Judgement>> = vec![None; ids.len()];
        for chunk in order.chunks(TOGETHER) {
            let rows: Vec<&[u32]> = chunk.iter().map(|index| &ids[*index][..ids[*index].len().min(longest)]).collect();
            let (numbers, lengths) = side_by_side(&rows, self.codec.specials().pad, &self.device);
            let said = softmax(self.network.forward(numbers, &lengths), 1).into_data();
            let said: Vec<f64> = said.iter::<f64>().collect();
            for (index, probabilities) in chunk.iter().zip(said.chunks(self.labels.len())) {
                let unknown = self.codec.unknown(sentences[*index].as_ref());
                let label = likeliest(probabilities);
                judged[*index] = Some(Judgement {
                    label: self.labels[label].clone(),
                    probability: probabilities[label],
                    probabilities: probabilities.to_vec(),
                    unknown: unknown.into_iter().map(|piece| piece.text).collect(),
                    cut: ids[*index].len() > longest,
                });
            }
        }
        Ok(judged.into_iter().flatten().collect())
    }

    /// How likely the baseline, a bag of words, takes each label to be; `None` if the run has none yet.
    ///
    /// # Errors
    /// None that a fitted bag would give.
    #[cfg(feature = "fit")]
    pub fn judge_by_words(&self, sentences: &[impl AsRef<str>]) -> Result<Option<Vec<Vec<f64>>>> {
        let sentences: Vec<&str> = sentences.iter().map(AsRef::as_ref).collect();
        self.baseline.as_ref().map(|bag| bag.judge(&sentences)).transpose()
    }

    /// How much each word of a sentence moved its judgement: the gradient of the likeliest label's logit with respect
    /// to the word's embedding, times the embedding (Shrikumar et al. 2017). Subwords of one word are added up.
    pub fn explain(&self, sentence: &str) -> Vec<Moved> {
        let mut spans = self.codec.spans(sentence);
        spans.truncate(self.plan.longest);
        let ids: Vec<u32> = spans.iter().map(|(id, _)| *id).collect();
        if ids.is_empty() {
            return Vec::new();
        }
        let network = self.network.clone().train();
        let device = self.device.clone().autodiff();
        let (numbers, lengths) = side_by_side(&[&ids], self.codec.specials().pad, &device);
        let embedded = network.embed(numbers).detach().require_grad();
        let logits = network.forward_values(embedded.clone(), &lengths);
        let gradients = logits.max_dim(1).sum().backward();
        let Some(gradient) = embedded.grad(&gradients) else {
            return Vec::new();
        };
        let by = (gradient * embedded.without_autodiff()).sum_dim(2);
        let by: Vec<f64> = by.into_data().iter::<f64>().collect();
        let mut moved: Vec<Moved> = Vec::new();
        for ((_, at), by) in spans.into_iter().zip(by) {
            match moved.last_mut().filter(|last| is_one_word(sentence, &last.at, &at)) {
                Some(last) => {
                    last.at.end = last.at.end.max(at.end);
                    last.by += by;
                }
                None => moved.push(Moved { at, text: String::new(), by }),
            }
        }
        for piece in &mut moved {
            piece.text = sentence.get(piece.at.clone()).unwrap_or_default().trim().to_string();
        }
        moved.retain(|piece| !piece.text.is_empty());
        moved
    }
}

/// Whether two neighbouring pieces are parts of one word: nothing but letters and digits where they meet.
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

fn likeliest(probabilities: &[f64]) -> usize {
    let order = |a: &usize, b: &usize| probabilities[*a].total_cmp(&probabilities[*b]).then(b.cmp(a));
    (0..probabilities.len()).max_by(order).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_a_word_belong_together_and_words_do_not() {
        let sentence = "unhappy, I say";
        assert!(is_one_word(sentence, &(0..2), &(2..7)));
        assert!(!is_one_word(sentence, &(0..7), &(7..8)));
        assert!(!is_one_word(sentence, &(8..10), &(10..14)));
        assert!(is_one_word(sentence, &(0..2), &(2..2)));
    }

    #[test]
    fn the_first_of_equals_is_said() {
        assert_eq!(likeliest(&[0.4, 0.4, 0.2]), 0);
        assert_eq!(likeliest(&[0.1, 0.8, 0.1]), 1);
    }
}
