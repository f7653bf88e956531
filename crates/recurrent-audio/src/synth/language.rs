//! The languages that can be spoken.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::phoneme::Phoneme;
use super::{english, russian};

/// A language with phonemes of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Language {
    /// American English.
    English,
    /// Russian.
    Russian,
}

impl Language {
    /// All languages.
    pub const ALL: [Self; 2] = [Self::English, Self::Russian];

    /// The symbols of its phonemes, in the International Phonetic Alphabet.
    pub fn phonemes(self) -> impl ExactSizeIterator<Item = &'static str> {
        self.inventory().iter().map(|phoneme| phoneme.symbol)
    }

    pub(crate) fn inventory(self) -> &'static [Phoneme] {
        match self {
            Self::English => english::PHONEMES,
            Self::Russian => russian::PHONEMES,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Russian => "Russian",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phonemes_are_distinct_and_can_be_spoken() {
        for language in Language::ALL {
            let mut symbols: Vec<_> = language.phonemes().collect();
            symbols.sort_unstable();
            symbols.dedup();
            assert_eq!(symbols.len(), language.inventory().len());
            for phoneme in language.inventory() {
                let [f1, f2, f3] = phoneme.formants;
                assert!(150.0 < f1 && f1 < f2 && f2 < f3 && f3 < 3_500.0, "{}", phoneme.symbol);
                assert!(phoneme.follow.iter().all(|slope| (0.0..=1.0).contains(slope)), "{}", phoneme.symbol);
                assert!((40.0..400.0).contains(&phoneme.milliseconds), "{}", phoneme.symbol);
                // What hisses has a noise, and nothing else has.
                let is_noisy = !phoneme.is_voiced && phoneme.symbol != "h" || phoneme.frication.level > 0.0;
                assert_eq!(is_noisy, phoneme.frication.level > 0.0, "{}", phoneme.symbol);
            }
        }
    }
}
