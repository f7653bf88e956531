//! The settings that a user has given.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::Table;

use crate::run_header::{line_at, take_header};
use crate::settings::{Setting, Value, to_table};
use crate::{Error, Result, TaskConfig};

/// The settings that a user has given, on the command line or in a file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Partial {
    values: Table,
}

impl Partial {
    /// Reads a settings file: a TOML table of these settings, or the `config.toml` of a run of `task`.
    ///
    /// # Errors
    /// [`Error::SettingsFile`], with the line, if the file is no TOML, or has an unknown setting or a value of the wrong
    /// type; [`Error::RunDir`] if it cannot be read, or is of another task or format.
    pub fn read<'a>(
        path: impl AsRef<Path>,
        task: &str,
        settings: impl IntoIterator<Item = &'a Setting>,
    ) -> Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|cause| Error::RunDir {
            path: path.into(),
            expected: "a file of settings".into(),
            found: cause.to_string(),
        })?;
        Self::parse(path, &text, task, settings)
    }

    /// The settings in the text of the file at `path`, as [`read`](Self::read).
    pub(crate) fn parse<'a>(
        path: &Path,
        text: &str,
        task: &str,
        settings: impl IntoIterator<Item = &'a Setting>,
    ) -> Result<Self> {
        let wrong = |line: usize, message: String| Error::SettingsFile { path: path.into(), line, message };
        let syntax = |cause: toml::de::Error| {
            wrong(cause.span().map_or(1, |span| line_at(text, span.start)), cause.message().to_string())
        };
        let spans = toml::de::DeTable::parse(text).map_err(syntax)?;
        let mut values: Table = toml::from_str(text).map_err(syntax)?;
        take_header(path, &mut values, task)?;
        let settings: Vec<&Setting> = settings.into_iter().collect();
        for (name, value) in &values {
            let (key, spanned) =
                spans.get_ref().get_key_value(name.as_str()).expect("both are parsed from the same text");
            match settings.iter().find(|setting| setting.name == name) {
                None if name == "sha256" => {}
                None => {
                    let known: Vec<&str> = settings.iter().map(|setting| setting.name).collect();
                    let line = line_at(text, key.span().start);
                    return Err(wrong(line, format!("unknown setting `{name}`, expected one of {}", known.join(", "))));
                }
                Some(setting) => {
                    let line = line_at(text, spanned.span().start);
                    (setting.validate)(value).map_err(|cause| wrong(line, format!("{name}: {cause}")))?;
                }
            }
        }
        Ok(Self { values })
    }

    /// Sets a value; a list is appended to an earlier one.
    pub fn set(&mut self, name: &str, value: Value) {
        match (self.values.get_mut(name), value) {
            (Some(Value::Array(list)), Value::Array(more)) => list.extend(more),
            (_, value) => {
                self.values.insert(name.into(), value);
            }
        }
    }

    /// These settings, and those of `other` that are not set here.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let mut values = other.values;
        values.extend(self.values);
        Self { values }
    }

    /// The value of a setting, if it is set.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.values.get(name).and_then(|value| value.clone().try_into().ok())
    }

    /// Those of these names alone.
    #[cfg(feature = "fit")]
    pub(crate) fn only(mut self, names: &[&str]) -> Self {
        self.values.retain(|name, _| names.contains(&name));
        self
    }

    /// The values by their names.
    #[cfg(feature = "fit")]
    pub(crate) fn values(&self) -> &Table {
        &self.values
    }

    /// The name or path of the data, or the task's default.
    pub fn data<C: TaskConfig>(&self) -> String {
        self.get("data").unwrap_or_else(|| C::defaults().data().to_string())
    }

    /// Overrides default settings that were made for the data that these settings name. The names and checksum of the data
    /// in `defaults` take precedence.
    ///
    /// # Errors
    /// [`Error::Setting`] if the result is not allowed.
    pub fn apply<C: TaskConfig>(mut self, defaults: &C) -> Result<C> {
        for of_data in ["data", "target_data", "sha256"] {
            self.values.remove(of_data);
        }
        let mut values = to_table(defaults);
        values.extend(self.values);
        let config: C = Value::Table(values)
            .try_into()
            .map_err(|cause| Error::setting("settings", "values of their types", cause.message()))?;
        config.check()?;
        Ok(config)
    }
}

impl<S: Serialize> From<&S> for Partial {
    /// All settings of a struct.
    fn from(settings: &S) -> Self {
        Self { values: to_table(settings) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::GenerateConfig;
    use crate::settings::Settings;

    fn read(text: &str) -> Result<Partial> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        std::fs::write(&path, text).unwrap();
        Partial::read(&path, "generate", GenerateConfig::settings())
    }

    #[test]
    fn the_command_line_overrides_the_file_and_the_file_the_defaults() {
        let mut typed = Partial::default();
        typed.set("epochs", Value::Integer(7));
        typed.set("tie_weights", Value::Boolean(true));
        let defaults = GenerateConfig::defaults();
        let config = typed.or(read("hidden_size = 12\nepochs = 3\n").unwrap()).apply(&defaults).unwrap();
        assert_eq!((config.hidden_size, config.fit.epochs, config.tie_weights), (12, 7, true));
        assert_eq!((config.embedding_dim, config.fit.batch_size), (defaults.embedding_dim, defaults.fit.batch_size));
    }

    #[test]
    fn errors_in_a_settings_file_name_the_line() {
        let error = |text: &str| read(text).unwrap_err().to_string();
        assert!(
            error("epochs = 3\nhiden_size = 4\n").contains("line 2: unknown setting `hiden_size`, expected one of")
        );
        assert!(
            error("\n\nepochs = \"many\"\n").contains("line 3: epochs: invalid type"),
            "{}",
            error("epochs = \"x\"")
        );
        assert!(error("epochs = \n").contains("line 1: "));
        let other = error("format_version = 1\nwritten_by = \"recurrent\"\ntask = \"translate\"\nmax_length = 60\n");
        assert!(other.contains("expected settings of `generate`, found those of `translate`"), "{other}");
    }
}
