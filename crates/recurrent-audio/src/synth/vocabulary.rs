//! Small vocabularies.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::language::Language;
use super::word::Word;

/// A set of words that a small network can learn to tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Vocabulary {
    /// From zero to nine.
    EnglishDigits,
    /// From ноль to девять.
    RussianDigits,
    /// Twelve commands: yes, no, up, down, left, right, on, off, stop, go, start, help.
    EnglishCommands,
}

const ENGLISH_DIGITS: &[(&str, &[&str])] = &[
    ("zero", &["z ˈɪ r oʊ", "z ˈiː r oʊ"]),
    ("one", &["w ˈʌ n"]),
    ("two", &["t ˈuː"]),
    ("three", &["θ r ˈiː"]),
    ("four", &["f ˈɔ r", "f ˈɔ"]),
    ("five", &["f ˈaɪ v"]),
    ("six", &["s ˈɪ k s"]),
    ("seven", &["s ˈɛ v ə n"]),
    ("eight", &["ˈeɪ t"]),
    ("nine", &["n ˈaɪ n"]),
];

const RUSSIAN_DIGITS: &[(&str, &[&str])] = &[
    ("ноль", &["n ˈo lʲ"]),
    ("один", &["ɐ dʲ ˈi n"]),
    ("два", &["d v ˈa"]),
    ("три", &["t rʲ ˈi"]),
    ("четыре", &["tɕ ɪ t ˈɨ rʲ ɪ", "tɕ ɪ t ˈɨ rʲ ə"]),
    ("пять", &["pʲ ˈæ tʲ"]),
    ("шесть", &["ʂ ˈɛ sʲ tʲ"]),
    ("семь", &["sʲ ˈe mʲ"]),
    ("восемь", &["v ˈo sʲ ɪ mʲ"]),
    ("девять", &["dʲ ˈe vʲ ɪ tʲ"]),
];

const ENGLISH_COMMANDS: &[(&str, &[&str])] = &[
    ("yes", &["j ˈɛ s"]),
    ("no", &["n ˈoʊ"]),
    ("up", &["ˈʌ p"]),
    ("down", &["d ˈaʊ n"]),
    ("left", &["l ˈɛ f t"]),
    ("right", &["r ˈaɪ t"]),
    ("on", &["ˈɑ n", "ˈɔ n"]),
    ("off", &["ˈɔ f", "ˈɑ f"]),
    ("stop", &["s t ˈɑ p"]),
    ("go", &["g ˈoʊ"]),
    ("start", &["s t ˈɑ r t"]),
    ("help", &["h ˈɛ ɫ p"]),
];

impl Vocabulary {
    /// All vocabularies.
    pub const ALL: [Self; 3] = [Self::EnglishDigits, Self::RussianDigits, Self::EnglishCommands];

    /// The language.
    #[must_use]
    pub fn language(self) -> Language {
        match self {
            Self::EnglishDigits | Self::EnglishCommands => Language::English,
            Self::RussianDigits => Language::Russian,
        }
    }

    /// Its words; of digits, in the order of their values.
    #[must_use]
    pub fn words(self) -> Vec<Word> {
        let entries = match self {
            Self::EnglishDigits => ENGLISH_DIGITS,
            Self::RussianDigits => RUSSIAN_DIGITS,
            Self::EnglishCommands => ENGLISH_COMMANDS,
        };
        let word = |(text, pronunciations): &(&str, &[&str])| Word::new(*text, self.language(), pronunciations);
        entries.iter().map(word).collect::<Result<_, _>>().expect("the pronunciations have phonemes of the language")
    }
}

impl fmt::Display for Vocabulary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EnglishDigits => "english-digits",
            Self::RussianDigits => "russian-digits",
            Self::EnglishCommands => "english-commands",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_one_stressed_vowel() {
        for vocabulary in Vocabulary::ALL {
            let words = vocabulary.words();
            assert_eq!(words.len(), if vocabulary == Vocabulary::EnglishCommands { 12 } else { 10 });
            for word in words {
                for choice in 0..word.num_pronunciations() {
                    let stressed: Vec<_> = word.pronunciation(choice).iter().filter(|s| s.is_stressed).collect();
                    assert!(stressed.len() == 1 && stressed[0].phoneme.is_vowel(), "{}", word.text());
                }
            }
        }
    }

    #[test]
    fn names_are_those_of_the_saved_form() {
        for vocabulary in Vocabulary::ALL {
            assert_eq!(serde_json::to_string(&vocabulary).unwrap(), format!("\"{vocabulary}\""));
        }
    }
}
