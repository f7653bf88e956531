//! Words and how they are pronounced.

use super::language::Language;
use super::phoneme::Phoneme;
use crate::error::{AudioError, Result};

/// The mark before the vowel of a stressed syllable.
const STRESS: char = 'ˈ';

/// A word that can be spoken, in one or several pronunciations.
///
/// ```
/// use recurrent_audio::synth::{Language, Word};
///
/// let word = Word::new("radio", Language::English, &["r ˈeɪ d iː oʊ"])?;
/// assert_eq!(word.text(), "radio");
/// # Ok::<(), recurrent_audio::AudioError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    text: String,
    language: Language,
    pronunciations: Vec<Vec<Sound>>,
}

/// A phoneme in a word.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sound {
    pub phoneme: &'static Phoneme,
    /// Its place in the inventory of its language.
    pub index: usize,
    pub is_stressed: bool,
}

impl Word {
    /// A word, with pronunciations in symbols of [`Language::phonemes`] that are separated by spaces. `ˈ` stands before
    /// the vowel of the stressed syllable.
    ///
    /// # Errors
    /// If there is no pronunciation, or one of them is empty or has another symbol.
    pub fn new(text: impl Into<String>, language: Language, pronunciations: &[&str]) -> Result<Self> {
        let text = text.into();
        let pronunciations: Vec<Vec<Sound>> =
            pronunciations.iter().map(|symbols| parse(&text, language, symbols)).collect::<Result<_>>()?;
        match pronunciations.is_empty() || pronunciations.iter().any(Vec::is_empty) {
            true => Err(AudioError::NoPronunciation { word: text }),
            false => Ok(Self { text, language, pronunciations }),
        }
    }

    /// How the word is written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The language.
    #[must_use]
    pub fn language(&self) -> Language {
        self.language
    }

    /// One of the pronunciations; the first is the commonest.
    pub(crate) fn pronunciation(&self, choice: usize) -> &[Sound] {
        &self.pronunciations[choice % self.pronunciations.len()]
    }

    pub(crate) fn num_pronunciations(&self) -> usize {
        self.pronunciations.len()
    }
}

fn parse(word: &str, language: Language, symbols: &str) -> Result<Vec<Sound>> {
    let sound = |symbol: &str| {
        let (is_stressed, bare) = match symbol.strip_prefix(STRESS) {
            Some(bare) => (true, bare),
            None => (false, symbol),
        };
        let index = language.phonemes().position(|known| known == bare);
        let found = index.map(|index| Sound { phoneme: &language.inventory()[index], index, is_stressed });
        found.ok_or_else(|| AudioError::UnknownPhoneme {
            word: word.to_string(),
            language: language.name(),
            found: symbol.to_string(),
            known: language.phonemes().collect::<Vec<_>>().join(" "),
        })
    };
    symbols.split_whitespace().map(sound).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pronunciations_are_parsed() {
        let word = Word::new("шесть", Language::Russian, &["ʂ ˈɛ sʲ tʲ"]).unwrap();
        let sounds = word.pronunciation(0);
        assert_eq!(sounds.iter().map(|sound| sound.phoneme.symbol).collect::<Vec<_>>(), ["ʂ", "ɛ", "sʲ", "tʲ"]);
        assert_eq!(sounds.iter().map(|sound| sound.is_stressed).collect::<Vec<_>>(), [false, true, false, false]);
        assert_eq!(word.pronunciation(5), sounds);
    }

    #[test]
    fn unknown_symbols_and_missing_pronunciations_are_told() {
        let error = Word::new("cat", Language::English, &["k ˈa t"]).unwrap_err().to_string();
        assert!(
            error.starts_with(
                "word `cat`: expected phonemes of English, separated by spaces, found `ˈa`; there are iː ɪ"
            ),
            "{error}"
        );
        for pronunciations in [&[][..], &["k ˈæ t", " "]] {
            let error = Word::new("cat", Language::English, pronunciations).unwrap_err();
            let expected = "word `cat`: expected at least 1 pronunciation, each with phonemes, found none";
            assert_eq!(error.to_string(), expected);
        }
    }
}
