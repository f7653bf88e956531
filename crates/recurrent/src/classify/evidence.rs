//! How much each token of a sentence speaks for a label, by the counts of the training split.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Error, Result, RunDir};

/// The lengths of the sequences of characters.
const CHARACTERS: std::ops::RangeInclusive<usize> = 2..=5;
/// The largest number of labels for which evidence is read: each adds three values to every token.
pub(super) const MAX_LABELS: usize = 20;

/// What evidence is counted of: the n-grams that end with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The token.
    Token,
    /// It after the one before.
    Pair,
    /// Its sequences of characters, with a space at both ends.
    Characters,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Token, Self::Pair, Self::Characters];

    /// The n-grams that end with a token; none with an empty one.
    fn ngrams(self, tokens: &[String], position: usize) -> Vec<String> {
        let token = &tokens[position];
        match self {
            _ if token.is_empty() => Vec::new(),
            Self::Token => vec![token.clone()],
            Self::Pair => {
                let before = position.checked_sub(1).map(|before| &tokens[before]);
                before.iter().map(|before| format!("{before} {token}")).collect()
            }
            Self::Characters => {
                let spaced: Vec<char> = format!(" {token} ").chars().collect();
                CHARACTERS.flat_map(|count| spaced.windows(count).map(String::from_iter)).collect()
            }
        }
    }
}

/// The weight of evidence of tokens for a label, as a linear classifier of n-grams sees it: the logarithm of how much likelier
/// they are with the label than without (Good 1950; Wang & Manning 2012, "Baselines and bigrams").
///
/// A token has three values for each label (for two labels, of the second alone): of itself, of the pair with the token before
/// it, and of its sequences of two to five characters, which are weighted by logistic regression first. Each kind is divided by
/// its standard deviation in the training split.
///
/// A network that reads them beside the embeddings begins where the linear classifier ends, and learns what follows from the
/// order of the words. The values of training sentences are cross-fitted: they come from the other training sentences, as
/// those of an unseen sentence do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The number of labels whose evidence is counted.
    labels: usize,
    /// In the order of [`Kind::ALL`].
    kinds: [Weights; Kind::ALL.len()],
}

/// The weights of evidence of one kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Weights {
    /// The standard deviation of a token's value, of each label.
    scales: Vec<f32>,
    /// Of each n-gram, of each label.
    ngrams: BTreeMap<String, Vec<f32>>,
}

impl Evidence {
    /// The name of its file in a run's folder.
    pub(super) const FILE: &'static str = "evidence.json";

    /// The number of values of a token, for so many labels.
    pub(super) fn num_features(num_labels: usize) -> usize {
        Kind::ALL.len() * counted_labels(num_labels).len()
    }

    /// The values of the tokens of a sentence, token after token: of each kind, of each label.
    #[must_use]
    pub fn of(&self, tokens: &[String]) -> Vec<f32> {
        let mut values = self.sums(tokens);
        self.scale(&mut values);
        values
    }

    /// [`of`](Self::of) each sentence.
    #[cfg(feature = "fit")]
    pub(super) fn of_all(&self, sentences: &[Vec<String>]) -> Vec<Vec<f32>> {
        sentences.iter().map(|tokens| self.of(tokens)).collect()
    }

    /// Divides the values of tokens by the scales.
    fn scale(&self, values: &mut [f32]) {
        let scales: Vec<f32> = self.kinds.iter().flat_map(|kind| kind.scales.iter().copied()).collect();
        for token in values.chunks_exact_mut(scales.len()) {
            token.iter_mut().zip(&scales).for_each(|(value, scale)| *value /= scale);
        }
    }

    /// The values before they are scaled.
    fn sums(&self, tokens: &[String]) -> Vec<f32> {
        let mut values = Vec::with_capacity(tokens.len() * self.kinds.len() * self.labels);
        for position in 0..tokens.len() {
            for (kind, weights) in Kind::ALL.into_iter().zip(&self.kinds) {
                let begin = values.len();
                values.resize(begin + self.labels, 0.0);
                for known in kind.ngrams(tokens, position).iter().filter_map(|ngram| weights.ngrams.get(ngram)) {
                    values[begin..].iter_mut().zip(known).for_each(|(value, weight)| *value += weight);
                }
            }
        }
        values
    }

    #[cfg(feature = "fit")]
    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("n-grams and weights can be written as JSON")
    }

    /// The evidence of a run with this many labels.
    ///
    /// # Errors
    /// If the file is missing or damaged.
    pub(super) fn read(run_dir: &RunDir, num_labels: usize) -> Result<Self> {
        let damaged = |found: String| Error::RunDir {
            path: run_dir.path(Self::FILE),
            expected: "the weights of evidence of this run".into(),
            found,
        };
        let evidence: Self =
            serde_json::from_str(&run_dir.read(Self::FILE)?).map_err(|cause| damaged(cause.to_string()))?;
        let labels = counted_labels(num_labels).len();
        let fits = |values: &Vec<f32>| values.len() == labels && values.iter().all(|value| value.is_finite());
        let is_valid = |kind: &Weights| {
            fits(&kind.scales) && kind.scales.iter().all(|scale| *scale > 0.0) && kind.ngrams.values().all(fits)
        };
        if evidence.labels != labels || !evidence.kinds.iter().all(is_valid) {
            return Err(damaged("weights of other labels".into()));
        }
        Ok(evidence)
    }
}

/// The labels whose evidence is counted: of two the second alone, since that of the first is its opposite.
fn counted_labels(num_labels: usize) -> std::ops::Range<usize> {
    if num_labels == 2 { 1..2 } else { 0..num_labels }
}

#[cfg(feature = "fit")]
mod fit {
    use std::collections::{BTreeMap, BTreeSet, HashMap};
    use std::thread;

    use super::super::logistic_regression::LogisticRegression;
    use super::super::naive_bayes::{Weighted, index, ratios, weighted};
    use super::{Evidence, Kind, Weights, counted_labels};
    use crate::{Error, Result};

    /// The inverse strength of the penalty of the logistic regression.
    const C: f64 = 0.1;
    const ITERATIONS: u64 = 50;
    /// The parts of the training split that are left out in turn.
    const FOLDS: usize = 5;
    /// Sentences that share this part of their tokens are variants of one another, and stay together: of "good" and "not
    /// good" each would else be told the label of the other.
    const SIMILAR: f64 = 0.5;
    /// Variants share a token that at most so many sentences have.
    const RARE: usize = 40;

    impl Evidence {
        /// Counts training sentences, given as tokens, with labels below `num_labels`; returns the values of their own tokens
        /// too, cross-fitted.
        ///
        /// # Errors
        /// [`Error::Training`] if a logistic regression fails.
        pub fn fit(sentences: &[Vec<String>], labels: &[usize], num_labels: usize) -> Result<(Self, Vec<Vec<f32>>)> {
            let all: Vec<&[String]> = sentences.iter().map(Vec::as_slice).collect();
            let mut evidence = Self::count(&all, labels, num_labels)?;
            let mut values = cross_fit(sentences, labels, num_labels)?;
            let count = Self::num_features(num_labels);
            let scales = deviations(&values, count);
            for (kind, scales) in evidence.kinds.iter_mut().zip(scales.chunks_exact(evidence.labels)) {
                kind.scales = scales.to_vec();
            }
            values.iter_mut().for_each(|values| evidence.scale(values));
            Ok((evidence, values))
        }

        /// The values of the tokens of the training sentences, as [`fit`](Self::fit) has returned them.
        ///
        /// # Errors
        /// As [`fit`](Self::fit).
        pub fn cross_fitted(
            &self,
            sentences: &[Vec<String>],
            labels: &[usize],
            num_labels: usize,
        ) -> Result<Vec<Vec<f32>>> {
            let mut values = cross_fit(sentences, labels, num_labels)?;
            values.iter_mut().for_each(|values| self.scale(values));
            Ok(values)
        }

        /// The weights by some sentences, not scaled yet.
        fn count(sentences: &[&[String]], labels: &[usize], num_labels: usize) -> Result<Self> {
            let counted = counted_labels(num_labels);
            let mut kinds: [Weights; Kind::ALL.len()] = Default::default();
            for (kind, counts) in Kind::ALL.into_iter().zip(&mut kinds) {
                let of_sentence = |tokens: &&[String]| -> Vec<String> {
                    (0..tokens.len()).flat_map(|position| kind.ngrams(tokens, position)).collect()
                };
                let (vocabulary, rows) = index(sentences.iter().map(of_sentence));
                let weights = counted.clone().map(|label| weights(&rows, labels, label, vocabulary.len(), kind));
                let weights = weights.collect::<Result<Vec<Vec<f64>>>>()?;
                let of = |id: u32| weights.iter().map(|weights| weights[id as usize] as f32).collect();
                counts.ngrams = BTreeMap::from_iter(vocabulary.into_iter().map(|(ngram, id)| (ngram, of(id))));
                counts.scales = vec![1.0; counted.len()];
            }
            Ok(Self { labels: counted.len(), kinds })
        }
    }

    /// The weight of each n-gram of a kind for a label: its ratio, which is weighted by logistic regression for characters.
    fn weights(rows: &[Vec<u32>], labels: &[usize], label: usize, features: usize, kind: Kind) -> Result<Vec<f64>> {
        if kind != Kind::Characters {
            return Ok(ratios(rows, labels, label, features));
        }
        let Weighted { ratios, rows, targets } = weighted(rows, labels, label, features);
        let fitted = LogisticRegression::fit(&rows, &targets, (2, features), C, ITERATIONS);
        let fitted = fitted.map_err(|cause| Error::Training(format!("the weights of evidence: {cause}")))?;
        Ok(fitted.weights().iter().zip(ratios).map(|(weight, ratio)| weight * ratio).collect())
    }

    /// The values of each sentence by the sentences of other parts, not scaled.
    fn cross_fit(sentences: &[Vec<String>], labels: &[usize], num_labels: usize) -> Result<Vec<Vec<f32>>> {
        let folds = folds(sentences);
        let without = |fold: usize| {
            let kept = || (0..sentences.len()).filter(|index| folds[*index] != fold);
            let sentences: Vec<&[String]> = kept().map(|index| &*sentences[index]).collect();
            let labels: Vec<usize> = kept().map(|index| labels[index]).collect();
            Evidence::count(&sentences, &labels, num_labels)
        };
        let counted: Result<Vec<Evidence>> = thread::scope(|scope| {
            let without = &without;
            let counts: Vec<_> = (0..FOLDS).map(|fold| scope.spawn(move || without(fold))).collect();
            counts.into_iter().map(|count| count.join().expect("counting does not panic")).collect()
        });
        let counted = counted?;
        Ok(sentences.iter().zip(folds).map(|(tokens, fold)| counted[fold].sums(tokens)).collect())
    }

    /// The fold of each sentence: as large as the others, and the same for variants of a sentence.
    fn folds(sentences: &[Vec<String>]) -> Vec<usize> {
        let groups = variants(sentences);
        let mut sizes: HashMap<usize, usize> = HashMap::new();
        groups.iter().for_each(|group| *sizes.entry(*group).or_default() += 1);
        let mut filled = [0; FOLDS];
        let mut fold_of: HashMap<usize, usize> = HashMap::new();
        let place = |group: &usize| {
            *fold_of.entry(*group).or_insert_with(|| {
                let emptiest = (0..FOLDS).min_by_key(|fold| filled[*fold]).unwrap_or(0);
                filled[emptiest] += sizes[group];
                emptiest
            })
        };
        groups.iter().map(place).collect()
    }

    /// The group of each sentence, named by its first one: sentences that are [`SIMILAR`], directly or by way of others.
    fn variants(sentences: &[Vec<String>]) -> Vec<usize> {
        let sets: Vec<BTreeSet<&str>> =
            sentences.iter().map(|tokens| tokens.iter().map(String::as_str).collect()).collect();
        let mut with_token: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, set) in sets.iter().enumerate() {
            set.iter().for_each(|token| with_token.entry(token).or_default().push(index));
        }
        let mut groups: Vec<usize> = (0..sentences.len()).collect();
        for with in with_token.values().filter(|with| with.len() <= RARE) {
            for (position, second) in with.iter().enumerate() {
                for first in &with[..position] {
                    let [one, other] = [root(&groups, *first), root(&groups, *second)];
                    if one != other && similarity(&sets[*first], &sets[*second]) >= SIMILAR {
                        groups[one.max(other)] = one.min(other);
                    }
                }
            }
        }
        (0..groups.len()).map(|index| root(&groups, index)).collect()
    }

    /// The first sentence of a sentence's group.
    fn root(groups: &[usize], mut index: usize) -> usize {
        while groups[index] != index {
            index = groups[index];
        }
        index
    }

    /// The part of the tokens of either sentence that both have (Jaccard 1912).
    fn similarity(first: &BTreeSet<&str>, second: &BTreeSet<&str>) -> f64 {
        let shared = first.intersection(second).count();
        shared as f64 / (first.len() + second.len() - shared).max(1) as f64
    }

    /// The standard deviation of each of the values of all tokens; 1 where they do not vary.
    fn deviations(values: &[Vec<f32>], count: usize) -> Vec<f32> {
        let deviation = |column: usize| {
            let of_column =
                || values.iter().flat_map(|row| row.iter().skip(column).step_by(count)).map(|v| f64::from(*v));
            let tokens = of_column().count().max(1) as f64;
            let mean = of_column().sum::<f64>() / tokens;
            let deviation = (of_column().map(|value| (value - mean).powi(2)).sum::<f64>() / tokens).sqrt();
            if deviation > 1e-6 { deviation as f32 } else { 1.0 }
        };
        (0..count).map(deviation).collect()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn variants_of_a_sentence_are_in_one_fold() {
            let texts = ["the soup was good", "a cold room", "the soup was not good", "the soup was bad", "nice film"];
            let sentences: Vec<Vec<String>> = texts.map(|text| text.split(' ').map(String::from).collect()).into();
            assert_eq!(variants(&sentences), [0, 1, 0, 0, 4]);
            assert_eq!(folds(&sentences), [0, 1, 0, 0, 2]);
            let many: Vec<Vec<String>> = (0..100).map(|n| vec![format!("a{n}"), format!("b{n}")]).collect();
            let folds = folds(&many);
            assert!((0..FOLDS).all(|fold| folds.iter().filter(|own| **own == fold).count() == 20));
        }
    }
}

#[cfg(all(test, feature = "fit"))]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<String> {
        text.split(' ').map(String::from).collect()
    }

    /// Forty sentences of two labels.
    fn sentences() -> (Vec<Vec<String>>, Vec<usize>) {
        let text = |index: usize| match index % 4 {
            0 => "a good film",
            1 => "a bad film",
            2 => "not bad at all",
            _ => "not good at all",
        };
        ((0..40).map(|index| tokens(text(index))).collect(), (0..40).map(|index| [1, 0, 1, 0][index % 4]).collect())
    }

    #[test]
    fn a_token_has_its_words_pairs_and_characters() {
        let ngrams = |tokens: &[String], position| Kind::ALL.map(|kind| kind.ngrams(tokens, position));
        let found = ngrams(&tokens("so go"), 1);
        assert_eq!(
            found,
            [vec!["go".into()], vec!["so go".to_string()], {
                [" g", "go", "o ", " go", "go ", " go "].map(String::from).to_vec()
            }]
        );
        assert!(ngrams(&tokens("so go"), 0)[1].is_empty());
        assert_eq!(ngrams(&[String::new()], 0), <[Vec<String>; 3]>::default());
    }

    #[test]
    fn weights_agree_with_a_calculation_by_hand() {
        let (sentences, labels) = sentences();
        let (evidence, _) = Evidence::fit(&sentences, &labels, 2).unwrap();
        // `not bad` is in 10 of the 20 sentences with the label, in none without; there are 7 pairs, 50 with and without.
        let expected = (11.0_f32 / 57.0 / (1.0 / 57.0)).ln();
        assert!((evidence.kinds[1].ngrams["not bad"][0] - expected).abs() < 1e-6);
        // Alone, `bad` says nothing.
        assert_eq!(evidence.kinds[0].ngrams["bad"], [0.0]);
        let values = evidence.of(&tokens("not bad"));
        assert_eq!(values.len(), 2 * Evidence::num_features(2));
        assert!((values[4] - expected / evidence.kinds[1].scales[0]).abs() < 1e-6);
    }

    #[test]
    fn values_of_training_sentences_are_those_of_unseen_ones() {
        let (mut sentences, mut labels) = sentences();
        // A word that one sentence alone has says nothing about that sentence.
        sentences[0] = tokens("a superb film");
        labels[0] = 1;
        let (evidence, values) = Evidence::fit(&sentences, &labels, 2).unwrap();
        assert_eq!(values[0][3], 0.0);
        assert!(evidence.of(&sentences[0])[3] > 0.0);
        let all = values.iter().flat_map(|values| values.iter().step_by(3)).map(|value| f64::from(*value));
        let (count, sum, squares) =
            all.fold((0.0, 0.0, 0.0), |(n, sum, squares), v| (n + 1.0, sum + v, squares + v * v));
        let variance: f64 = squares / count - (sum / count) * (sum / count);
        assert!((variance - 1.0).abs() < 1e-4 || variance == 0.0, "{variance}");
    }

    #[test]
    fn three_labels_have_a_value_each() {
        let (sentences, labels) = sentences();
        let labels: Vec<usize> = labels
            .iter()
            .zip(0_usize..)
            .map(|(label, index)| if index.is_multiple_of(5) { 2 } else { *label })
            .collect();
        let (evidence, values) = Evidence::fit(&sentences, &labels, 3).unwrap();
        assert_eq!(values[0].len(), 9 * sentences[0].len());
        let again: Evidence = serde_json::from_str(&evidence.to_json()).unwrap();
        assert_eq!(again, evidence);
    }
}
