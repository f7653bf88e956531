//! In which language a report is.

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
    /// As a page names it.
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Russian => "ru",
        }
    }

    /// The language that a page names so.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::value_variants().iter().copied().find(|language| language.code() == code)
    }
}
