//! What tables and report say, in each language.
//!
//! A language is one file with one [`Words`]; words in braces are replaced by [`filled`].

mod english;
mod russian;

use crate::language::Language;

/// All texts of one language. Lists are in the order of their enum's `ALL`.
pub struct Words {
    pub title: &'static str,
    pub lead: &'static str,
    pub cells: Titled,
    pub problems: Titled,
    pub rules: Titled,
    pub memory: Titled,
    pub fails: &'static str,
    pub clipped: &'static str,
    pub gradients: Titled,
    pub explosion: &'static str,
    pub gates: Titled,
    pub cost: Titled,
    pub quality: Titled,
    pub spoiled_digits: &'static str,
    /// Where yesterday's value is off by `{error}`.
    pub spoiled_forecast: &'static str,
    pub claims: [ClaimWords; 9],
    pub verdicts: [&'static str; 4],
    pub tasks: [TaskWords; 7],
    pub damages: [&'static str; 5],
    /// The same, short enough to stand below a picture.
    pub damages_in_short: [&'static str; 5],
    pub fairness: [&'static str; 3],
    pub head: Head,
    pub tests: Tests,
    pub diverged: &'static str,
    pub nowhere: &'static str,
    pub not_measured: &'static str,
    pub orthogonal: &'static str,
    pub gaussian: &'static str,
    /// Of the forget gate, `{bias}`.
    pub forget_bias: &'static str,
    pub unclipped: &'static str,
    /// To the norm `{clip}`.
    pub clipped_to: &'static str,
    /// In the place of a share of clipped steps where no step could be.
    pub never: &'static str,
    /// Of layer `{layer}` of `{layers}`.
    pub fresh_picture: &'static str,
    pub trained_picture: &'static str,
    pub clipping_picture: &'static str,
    /// Of `{gate}`, `{cell}` and what is `{read}`.
    pub gate_picture: &'static str,
    pub read_text: &'static str,
    pub read_series: &'static str,
    /// By `{error}` standard deviations.
    pub off_by: &'static str,
    /// The names of gates, as the library has them and as readers do.
    pub gate_names: [(&'static str, &'static str); 5],
    pub unit: &'static str,
    pub open: &'static str,
    pub skill_picture: &'static str,
    pub right_picture: &'static str,
    pub curve_picture: &'static str,
    /// Of a `{quantity}` at a length `{length}`.
    pub by_hidden: &'static str,
    /// Of a `{quantity}` at a hidden size `{hidden}`.
    pub by_length: &'static str,
    pub spoiled_digits_picture: &'static str,
    pub spoiled_forecast_picture: &'static str,
}

/// A section's title, and what a reader should know first.
pub struct Titled {
    pub title: &'static str,
    pub lead: &'static str,
}

/// A claim of the lecture.
pub struct ClaimWords {
    /// What it is about.
    pub name: &'static str,
    /// What is said of RNN, LSTM and GRU.
    pub said: [&'static str; 3],
    /// What the numbers are.
    pub numbers: &'static str,
    /// When it is confirmed, and when refuted.
    pub rule: &'static str,
}

pub struct TaskWords {
    pub name: &'static str,
    pub definition: &'static str,
}

/// Columns and axes.
pub struct Head {
    pub property: &'static str,
    pub verdict: &'static str,
    pub why: &'static str,
    pub numbers: &'static str,
    pub rule: &'static str,
    pub task: &'static str,
    pub chance: &'static str,
    pub length: &'static str,
    pub hidden: &'static str,
    pub cell: &'static str,
    pub parameters: &'static str,
    pub operations: &'static str,
    pub kept: &'static str,
    pub row_operations: &'static str,
    pub row_kept: &'static str,
    pub network: &'static str,
    pub layer: &'static str,
    pub fresh: &'static str,
    pub trained: &'static str,
    pub half: &'static str,
    pub free: &'static str,
    pub clipped: &'static str,
    pub share_clipped: &'static str,
    pub largest_norm: &'static str,
    pub back: &'static str,
    pub norm: &'static str,
    pub milliseconds: &'static str,
    pub tokens: &'static str,
    pub stream: &'static str,
    pub data: &'static str,
    pub read: &'static str,
    pub foretold: &'static str,
    pub skill: &'static str,
    pub loss: &'static str,
    pub right: &'static str,
    pub error: &'static str,
    pub stretch: &'static str,
}

/// What a comparison says.
pub struct Tests {
    /// `{first}` is above `{second}`.
    pub above: &'static str,
    pub below: &'static str,
    pub chance: &'static str,
    /// The same of one cell under two circumstances.
    pub loses: &'static str,
    pub gains: &'static str,
    pub keeps: &'static str,
    /// No test was needed, or none could be made.
    pub counted: &'static str,
    pub rule: &'static str,
    pub few: &'static str,
}

impl Words {
    pub fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &english::WORDS,
            Language::Russian => &russian::WORDS,
        }
    }
}

/// `text` with a value in the place of each name in braces.
pub fn filled(text: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(text.to_string(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_braces_are_replaced() {
        assert_eq!(filled("{a} beats {b}", &[("a", "LSTM"), ("b", "RNN")]), "LSTM beats RNN");
    }

    #[test]
    fn both_languages_have_places_for_the_same_values() {
        let [english, russian] = [&english::WORDS, &russian::WORDS];
        let pairs = [
            (english.lead, russian.lead),
            (english.tests.above, russian.tests.above),
            (english.tests.below, russian.tests.below),
            (english.tests.chance, russian.tests.chance),
            (english.tests.loses, russian.tests.loses),
            (english.tests.gains, russian.tests.gains),
            (english.tests.keeps, russian.tests.keeps),
            (english.diverged, russian.diverged),
            (english.forget_bias, russian.forget_bias),
            (english.clipped_to, russian.clipped_to),
            (english.fresh_picture, russian.fresh_picture),
            (english.trained_picture, russian.trained_picture),
            (english.clipping_picture, russian.clipping_picture),
            (english.gate_picture, russian.gate_picture),
            (english.off_by, russian.off_by),
            (english.gradients.lead, russian.gradients.lead),
            (english.cost.lead, russian.cost.lead),
            (english.spoiled_forecast, russian.spoiled_forecast),
            (english.by_hidden, russian.by_hidden),
            (english.by_length, russian.by_length),
        ];
        for (english, russian) in pairs {
            let names = |text: &str| {
                let mut names: Vec<String> =
                    text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap().to_string()).collect();
                names.sort();
                names
            };
            assert_eq!(names(english), names(russian), "{english}\n{russian}");
        }
    }
}
