//! The texts of tables and page, one file per language.
//!
//! Placeholders in braces are replaced by [`fill`].

mod english;
mod russian;
mod texts;

pub use texts::{Columns, Heading, TestWords, Words};

use crate::language::Language;

/// The texts of a language.
pub fn words_in(language: Language) -> &'static Words {
    match language {
        Language::English => &english::WORDS,
        Language::Russian => &russian::WORDS,
    }
}

/// `text` with the placeholders replaced by values.
pub fn fill(text: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(text.to_string(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_replaced() {
        assert_eq!(fill("{a} beats {b}", &[("a", "LSTM"), ("b", "RNN")]), "LSTM beats RNN");
    }

    #[test]
    fn both_languages_have_the_same_placeholders() {
        let [english, russian] = [&english::WORDS, &russian::WORDS];
        let pairs = [
            (english.lead, russian.lead),
            (english.tests.greater, russian.tests.greater),
            (english.tests.less, russian.tests.less),
            (english.tests.no_difference, russian.tests.no_difference),
            (english.tests.loses, russian.tests.loses),
            (english.tests.gains, russian.tests.gains),
            (english.tests.no_loss, russian.tests.no_loss),
            (english.diverged, russian.diverged),
            (english.retention_bias, russian.retention_bias),
            (english.clipped_to, russian.clipped_to),
            (english.initial_gradient, russian.initial_gradient),
            (english.trained_gradient, russian.trained_gradient),
            (english.clipping_gradient, russian.clipping_gradient),
            (english.gate_map, russian.gate_map),
            (english.prediction_accuracy, russian.prediction_accuracy),
            (english.prediction_rmse, russian.prediction_rmse),
            (english.gradients.lead, russian.gradients.lead),
            (english.cost.lead, russian.cost.lead),
            (english.corrupted_forecast, russian.corrupted_forecast),
            (english.skill_by_length, russian.skill_by_length),
            (english.accuracy_by_length, russian.accuracy_by_length),
            (english.loss_curve, russian.loss_curve),
            (english.by_hidden_size, russian.by_hidden_size),
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
