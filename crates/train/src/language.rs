//! The language of a report.

use clap::ValueEnum;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Language {
    #[default]
    #[value(name = "en")]
    English,
    #[value(name = "ru")]
    Russian,
}

impl Language {
    /// The value of HTML's `lang` attribute.
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Russian => "ru",
        }
    }

    /// The language of a `lang` attribute.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::value_variants().iter().copied().find(|language| language.code() == code)
    }
}
