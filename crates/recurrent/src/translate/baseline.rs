//! The nearest-neighbor baseline of translation.

use std::collections::HashMap;

/// Translates by looking up the nearest training sentence.
///
/// Sentences are bags of words with inverse document frequencies (`ln(sentences / sentences with the word)`), compared
/// by cosine similarity; of equals the first is taken. A sentence without a known word is copied.
#[derive(Debug, Clone)]
pub struct NearestNeighborBaseline {
    targets: Vec<String>,
    /// For each word, the sentences that have it.
    postings: HashMap<String, Vec<usize>>,
    norms: Vec<f64>,
}

impl NearestNeighborBaseline {
    /// A baseline from training sentences and their translations.
    pub fn new<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut targets = Vec::new();
        let mut postings: HashMap<String, Vec<usize>> = HashMap::new();
        let mut bags = Vec::new();
        for (index, (source, target)) in pairs.enumerate() {
            targets.push(target.to_string());
            let words = words(source);
            for word in &words {
                postings.entry(word.clone()).or_default().push(index);
            }
            bags.push(words);
        }
        let count = targets.len();
        let square = |word: &String| inverse_document_frequency(count, postings[word].len()).powi(2);
        let norms = bags.iter().map(|words| words.iter().map(square).sum::<f64>().sqrt()).collect();
        Self { targets, postings, norms }
    }

    /// The translation of the nearest sentence.
    pub fn translate(&self, source: &str) -> String {
        let mut shared: HashMap<usize, f64> = HashMap::new();
        for word in words(source) {
            let Some(sentences) = self.postings.get(&word) else { continue };
            let weight = inverse_document_frequency(self.targets.len(), sentences.len()).powi(2);
            for sentence in sentences {
                *shared.entry(*sentence).or_default() += weight;
            }
        }
        let nearest = shared.into_iter().map(|(sentence, dot)| (dot / self.norms[sentence].max(1e-9), sentence));
        let nearest = nearest.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
        nearest.map_or_else(|| source.to_string(), |(_, sentence)| self.targets[sentence].clone())
    }
}

fn inverse_document_frequency(sentences: usize, with_word: usize) -> f64 {
    (sentences as f64 / with_word as f64).ln()
}

/// The distinct words of a sentence, in lower case.
fn words(sentence: &str) -> Vec<String> {
    let words = sentence.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let mut words: Vec<String> = words.map(str::to_lowercase).collect();
    words.sort_unstable();
    words.dedup();
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_sentence_shares_the_rarest_words() {
        let pairs = [
            ("Where is the station?", "Где вокзал?"),
            ("Where is the park?", "Где парк?"),
            ("I like the park.", "Мне нравится парк."),
        ];
        let baseline = NearestNeighborBaseline::new(pairs.into_iter());
        assert_eq!(baseline.translate("WHERE is the station"), "Где вокзал?");
        assert_eq!(baseline.translate("The station is old."), "Где вокзал?");
        assert_eq!(baseline.translate("I like it."), "Мне нравится парк.");
        assert_eq!(baseline.translate("Hello!"), "Hello!");
    }

    #[test]
    fn of_equals_the_first_is_taken() {
        let baseline = NearestNeighborBaseline::new([("a b", "1"), ("a b", "2"), ("c", "3")].into_iter());
        assert_eq!(baseline.translate("b a"), "1");
        assert_eq!(NearestNeighborBaseline::new(std::iter::empty()).translate("x"), "x");
    }
}
