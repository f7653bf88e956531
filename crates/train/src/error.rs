//! Errors in the terms of the command line.

use std::fmt;

use recurrent::data::DataError;
use recurrent::fit::FitConfig;
use recurrent::settings::{Setting, Settings};

/// An error in the user's input that this crate finds.
#[derive(Debug)]
pub struct BadInput(pub String);

impl fmt::Display for BadInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadInput {}

/// Whether an error is in the user's input, and not in this program or machine.
pub fn is_bad_input(error: &anyhow::Error) -> bool {
    let ours = error.downcast_ref::<BadInput>().is_some();
    let library = error.downcast_ref::<recurrent::Error>().is_some_and(recurrent::Error::is_bad_input);
    ours || library
}

/// The message of an error, with the flags of settings in place of the fields that the libraries name.
pub fn describe(error: &anyhow::Error) -> String {
    match error.downcast_ref::<recurrent::Error>() {
        Some(recurrent::Error::Setting { setting, .. }) => {
            let text = error.to_string();
            format!("{}{}", flag(setting), &text[setting.len()..])
        }
        Some(recurrent::Error::Diverged { .. }) => with_flags(&error.to_string(), FitConfig::settings()),
        Some(recurrent::Error::Exists { .. }) => {
            format!("{error}; choose another folder with --out, or replace a run with --force")
        }
        Some(recurrent::Error::Data(data)) => describe_data(data),
        _ => error.to_string(),
    }
}

/// The message of an error in data, with the flag of its setting, or with the command that fetches the data.
fn describe_data(error: &DataError) -> String {
    let text = error.to_string();
    match (error.setting(), error) {
        (Some(setting), _) if text.starts_with(setting) => {
            // The streams of a text are what other tasks call the batch.
            let field = if setting == "streams" { "batch_size" } else { setting };
            format!("{}{}", flag(field), &text[setting.len()..])
        }
        (_, DataError::NotFetched { name, .. } | DataError::ChecksumMismatch { name, .. }) => {
            format!("{text}; to fetch it, run `train data fetch {name}`")
        }
        _ => text,
    }
}

/// A text of the libraries, with the flags of settings in place of their names in backticks: `lr` becomes --lr.
pub fn with_flags<'a>(text: &str, settings: impl Iterator<Item = &'a Setting>) -> String {
    settings.fold(text.to_string(), |text, setting| text.replace(&format!("`{}`", setting.name), &flag(setting.name)))
}

fn flag(setting: &str) -> String {
    format!("--{}", setting.replace('_', "-"))
}
