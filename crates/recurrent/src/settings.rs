//! Settings, each declared once: name, type, default, bound and help text.
//!
//! [`settings!`](macro@crate::settings) turns a declaration into a struct with public fields and a table of [`Setting`]s,
//! which gives the command line's arguments, the checks of a settings file, the bounds, and the documentation. A
//! [`Partial`] holds the settings that a user has given; [`Partial::apply`] overrides the defaults with them.

use std::borrow::Cow;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::Table;
pub use toml::Value;

use crate::{Error, Result};

/// One setting of a task or of training.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The name of the field, which is also the key in a file.
    pub name: &'static str,
    /// The lines of its documentation; the first paragraph is the help text.
    pub docs: &'static [&'static str],
    /// The placeholder of the value in help texts, such as `N`.
    pub value_name: &'static str,
    /// The description of a default that depends on the data.
    pub default_text: Option<&'static str>,
    /// The allowed values.
    pub bound: Bound,
    /// How many values it takes.
    pub arity: Arity,
    /// Parses a value from the command line.
    pub parse: fn(&str) -> Result<Value, String>,
    /// Checks the type of a value from a file.
    pub validate: fn(&Value) -> Result<(), String>,
}

impl Setting {
    /// The setting of a field of type `T`, without a bound.
    pub const fn of<T: SettingValue>(name: &'static str, docs: &'static [&'static str]) -> Self {
        Self {
            name,
            docs,
            value_name: T::VALUE_NAME,
            default_text: None,
            bound: Bound::Any,
            arity: T::ARITY,
            parse: T::parse_setting,
            validate: validate::<T>,
        }
    }

    /// The first paragraph of the documentation, on one line and without a final period.
    pub fn help(&self) -> String {
        let first: Vec<&str> = self.docs.iter().map(|line| line.trim()).take_while(|line| !line.is_empty()).collect();
        first.join(" ").trim_end_matches('.').to_string()
    }

    /// The default as help texts show it: its description, or its value in `defaults`. `None` if it is unset by default.
    pub fn default_help(&self, defaults: &Table) -> Option<String> {
        self.default_text.map(String::from).or_else(|| defaults.get(self.name).map(display))
    }
}

fn display(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(display).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// The number of values of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arity {
    /// One value.
    One,
    /// `true` or `false`; `true` if only the name is given.
    Switch,
    /// One or more values, separated by commas.
    List,
}

/// The allowed values of a setting, or elements of a list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// All values of the type.
    Any,
    /// Integers of at least this.
    AtLeast(i64),
    /// Integers from the first to the second, both included.
    Range(i64, i64),
    /// Finite numbers of 0 or more.
    NonNegative,
    /// Numbers above 0, up to and including 1.
    Rate,
    /// Fractions in [0, 1).
    Fraction,
    /// Fractions between 0 and 1, neither included.
    OpenFraction,
}

impl Bound {
    /// Whether a value is allowed. A list needs at least one element, and all of them must be allowed.
    pub fn allows(&self, value: &Value) -> bool {
        match value {
            Value::Array(values) => *self == Self::Any || (!values.is_empty() && values.iter().all(|v| self.allows(v))),
            Value::Integer(number) => match *self {
                Self::AtLeast(least) => *number >= least,
                Self::Range(least, most) => (least..=most).contains(number),
                _ => self.allows_number(*number as f64),
            },
            Value::Float(number) => self.allows_number(*number),
            _ => true,
        }
    }

    fn allows_number(&self, number: f64) -> bool {
        match *self {
            Self::Any => true,
            Self::AtLeast(least) => number >= least as f64,
            Self::Range(least, most) => (least as f64..=most as f64).contains(&number),
            Self::NonNegative => number.is_finite() && number >= 0.0,
            Self::Rate => number > 0.0 && number <= 1.0,
            Self::Fraction => (0.0..1.0).contains(&number),
            Self::OpenFraction => number > 0.0 && number < 1.0,
        }
    }

    /// A description of the allowed values, for errors.
    pub fn expected(&self) -> String {
        match self {
            Self::Any => "any value".into(),
            Self::AtLeast(least) => format!("at least {least}"),
            Self::Range(least, most) => format!("between {least} and {most}"),
            Self::NonNegative => "0 or a positive number".into(),
            Self::Rate => "a positive number of at most 1".into(),
            Self::Fraction => "a fraction in [0, 1)".into(),
            Self::OpenFraction => "a fraction between 0 and 1".into(),
        }
    }

    /// Checks a value of the named setting.
    ///
    /// # Errors
    /// [`Error::Setting`] if it is not allowed.
    pub fn check(&self, setting: &'static str, value: impl Into<Value>) -> Result<()> {
        let value = value.into();
        if self.allows(&value) {
            return Ok(());
        }
        Err(Error::setting(setting, self.expected(), display(&value)))
    }
}

/// A type of settings.
pub trait SettingValue: Serialize + DeserializeOwned {
    /// The placeholder of the value in help texts, such as `N`.
    const VALUE_NAME: &'static str;
    /// How many values it takes.
    const ARITY: Arity = Arity::One;

    /// Parses a value from the command line.
    ///
    /// # Errors
    /// A message, if the text is not a value of this type.
    fn parse_setting(text: &str) -> Result<Value, String>;
}

fn validate<T: SettingValue>(value: &Value) -> Result<(), String> {
    match value.clone().try_into::<T>() {
        Ok(_) => Ok(()),
        Err(cause) => Err(cause.message().to_string()),
    }
}

/// Implements [`SettingValue`](crate::settings::SettingValue) for types with `FromStr` and `Serialize`.
///
/// `recurrent::setting_value!(Schedule: "SCHEDULE");` also gives the placeholder of the value in help texts.
#[macro_export]
macro_rules! setting_value {
    ($($type:ty: $value_name:literal),+ $(,)?) => { $(
        impl $crate::settings::SettingValue for $type {
            const VALUE_NAME: &'static str = $value_name;

            fn parse_setting(text: &str) -> ::std::result::Result<$crate::settings::Value, String> {
                let value = text.parse::<$type>().map_err(|cause| cause.to_string())?;
                $crate::settings::Value::try_from(value).map_err(|cause| cause.to_string())
            }
        }
    )+ };
}

setting_value! {
    usize: "N",
    u64: "N",
    f64: "X",
    String: "TEXT",
    recurrent_data::Missing: "POLICY",
    recurrent_data::Ratios: "TRAIN,VALID,TEST",
    recurrent_data::ScalerKind: "SCALER",
    recurrent_data::TokenizerKind: "KIND",
    recurrent_models::CellKind: "CELL",
    recurrent_models::networks::Pooling: "POOLING",
}

impl SettingValue for bool {
    const VALUE_NAME: &'static str = "true|false";
    const ARITY: Arity = Arity::Switch;

    fn parse_setting(text: &str) -> Result<Value, String> {
        text.parse().map(Value::Boolean).map_err(|_| "expected true or false".into())
    }
}

impl<T: SettingValue> SettingValue for Option<T> {
    const VALUE_NAME: &'static str = T::VALUE_NAME;
    const ARITY: Arity = T::ARITY;

    fn parse_setting(text: &str) -> Result<Value, String> {
        T::parse_setting(text)
    }
}

impl<T: SettingValue> SettingValue for Vec<T> {
    const VALUE_NAME: &'static str = T::VALUE_NAME;
    const ARITY: Arity = Arity::List;

    fn parse_setting(text: &str) -> Result<Value, String> {
        text.split(',').map(T::parse_setting).collect::<Result<_, _>>().map(Value::Array)
    }
}

/// A struct of settings, as declared by [`settings!`](macro@crate::settings).
pub trait Settings: Serialize + DeserializeOwned {
    /// The settings of this struct, in the order of declaration.
    const OWN: &'static [Setting];
    /// The settings that it shares with other structs: those of training.
    const SHARED: &'static [Setting];

    /// The defaults that do not depend on data.
    fn defaults() -> Self;

    /// All settings.
    fn settings() -> impl Iterator<Item = &'static Setting> {
        Self::OWN.iter().chain(Self::SHARED)
    }

    /// Checks each setting against its bound.
    ///
    /// # Errors
    /// [`Error::Setting`] for the first that is out of bounds.
    fn check_bounds(&self) -> Result<()> {
        let values = to_table(self);
        for setting in Self::settings() {
            if let Some(value) = values.get(setting.name) {
                setting.bound.check(setting.name, value.clone())?;
            }
        }
        Ok(())
    }
}

/// Settings as a table by name; `None` values are left out.
pub fn to_table(settings: &impl Serialize) -> Table {
    Table::try_from(settings).expect("settings can be written as TOML")
}

/// The settings that a user has given, on the command line or in a file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Partial {
    values: Table,
}

impl Partial {
    /// Reads a settings file: a TOML table of these settings, or the `config.toml` of a run of `task`.
    ///
    /// # Errors
    /// [`Error::SettingsFile`], with the line, if the file is not TOML, belongs to another task or format, or has an
    /// unknown setting or a value of the wrong type.
    pub fn read<'a>(
        path: impl AsRef<Path>,
        task: &str,
        settings: impl IntoIterator<Item = &'a Setting>,
    ) -> Result<Self> {
        let path = path.as_ref();
        let wrong = |line: usize, message: String| Error::SettingsFile { path: path.into(), line, message };
        let text = std::fs::read_to_string(path)
            .map_err(|cause| wrong(1, format!("expected a file of settings, found none: {cause}")))?;
        let line_of = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
        let syntax = |cause: toml::de::Error| {
            wrong(cause.span().map_or(1, |span| line_of(span.start)), cause.message().to_string())
        };
        let spans = toml::de::DeTable::parse(&text).map_err(syntax)?;
        let mut values: Table = toml::from_str(&text).map_err(syntax)?;
        crate::run_dir::check_header(&mut values, task).map_err(|message| wrong(1, message))?;
        let settings: Vec<&Setting> = settings.into_iter().collect();
        for (name, value) in &values {
            let (key, spanned) =
                spans.get_ref().get_key_value(name.as_str()).expect("both are parsed from the same text");
            match settings.iter().find(|setting| setting.name == name) {
                None if name == "sha256" => {}
                None => {
                    let known: Vec<&str> = settings.iter().map(|setting| setting.name).collect();
                    let line = line_of(key.span().start);
                    return Err(wrong(line, format!("unknown setting `{name}`, expected one of {}", known.join(", "))));
                }
                Some(setting) => {
                    let line = line_of(spanned.span().start);
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

    /// The name or path of the data, or the task's default.
    pub fn data<C: crate::TaskConfig>(&self) -> String {
        self.get("data").unwrap_or_else(|| C::defaults().data().to_string())
    }

    /// Overrides default settings that were made for the data that these settings name. The names and checksum of the data
    /// in `defaults` take precedence.
    ///
    /// # Errors
    /// [`Error::Setting`] if the result is not allowed.
    pub fn apply<C: crate::TaskConfig>(mut self, defaults: &C) -> Result<C> {
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

/// The name of a setting.
pub(crate) type Name = Cow<'static, str>;

/// Declares a struct of settings.
///
/// Each field has documentation, a type, a default, and optionally `bound`, `value_name` and `default_text`:
///
/// ```
/// use recurrent::settings::{Bound, Settings};
///
/// recurrent::settings! {
///     /// Settings of a layer.
///     pub struct LayerSettings {
///         /// Hidden units.
///         hidden_size: usize = 32, bound = Bound::AtLeast(1);
///         /// Dropout between layers.
///         dropout: f64 = 0.0, bound = Bound::Fraction, value_name = "FRACTION";
///     }
/// }
///
/// assert_eq!(LayerSettings::defaults().hidden_size, 32);
/// assert!(LayerSettings { hidden_size: 0, dropout: 0.0 }.check_bounds().is_err());
/// ```
///
/// The configuration of a task has a field `data`, and adds `task`, its name; `check`, a function `fn(&Self) -> Result<()>`
/// for settings that depend on each other; and `fit`, its default [`FitConfig`](crate::fit::FitConfig). It gets the fields
/// `sha256` (the data's checksum) and `fit`, and implements [`TaskConfig`](crate::TaskConfig).
#[macro_export]
macro_rules! settings {
    (
        $(#[$meta:meta])*
        pub struct $config:ident {
            $($(#[doc = $doc:literal])+ $name:ident: $type:ty = $default:expr $(, $key:ident = $value:expr)*;)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $config {
            $($(#[doc = $doc])+ pub $name: $type,)*
        }

        impl $crate::settings::Settings for $config {
            const OWN: &'static [$crate::settings::Setting] = &[
                $($crate::settings::Setting {
                    $($key: $value,)*
                    ..$crate::settings::Setting::of::<$type>(stringify!($name), &[$($doc),+])
                }),*
            ];
            const SHARED: &'static [$crate::settings::Setting] = &[];

            fn defaults() -> Self {
                Self { $($name: $default,)* }
            }
        }
    };
    (
        $(#[$meta:meta])*
        pub struct $config:ident {
            $($(#[doc = $doc:literal])+ $name:ident: $type:ty = $default:expr $(, $key:ident = $value:expr)*;)*
        }
        task: $task:literal,
        check: $check:expr,
        fit: $fit:expr $(,)?
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $config {
            $($(#[doc = $doc])+ pub $name: $type,)*
            /// The SHA-256 of the data; a run can only be resumed with the data that it began with.
            pub sha256: String,
            /// How the network is trained.
            #[serde(flatten)]
            pub fit: $crate::fit::FitConfig,
        }

        impl $crate::settings::Settings for $config {
            const OWN: &'static [$crate::settings::Setting] = &[
                $($crate::settings::Setting {
                    $($key: $value,)*
                    ..$crate::settings::Setting::of::<$type>(stringify!($name), &[$($doc),+])
                }),*
            ];
            const SHARED: &'static [$crate::settings::Setting] =
                <$crate::fit::FitConfig as $crate::settings::Settings>::OWN;

            fn defaults() -> Self {
                Self { $($name: $default,)* sha256: String::new(), fit: $fit }
            }
        }

        impl $crate::TaskConfig for $config {
            const TASK: &'static str = $task;

            fn data(&self) -> &str {
                &self.data
            }

            fn sha256(&self) -> &str {
                &self.sha256
            }

            fn fit(&self) -> &$crate::fit::FitConfig {
                &self.fit
            }

            fn fit_mut(&mut self) -> &mut $crate::fit::FitConfig {
                &mut self.fit
            }

            fn check(&self) -> $crate::Result<()> {
                $crate::settings::Settings::check_bounds(self)?;
                let check: fn(&Self) -> $crate::Result<()> = $check;
                check(self)
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::GenerateConfig;

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

    #[test]
    fn bounds_apply_to_each_element_of_a_list() {
        let list = |values: &[i64]| Value::Array(values.iter().map(|v| Value::Integer(*v)).collect());
        assert!(Bound::AtLeast(1).allows(&list(&[1, 2])));
        assert!(!Bound::AtLeast(1).allows(&list(&[1, 0])));
        assert!(!Bound::AtLeast(1).allows(&list(&[])));
        assert!(!Bound::Fraction.allows(&Value::Float(f64::NAN)));
        assert!(!Bound::NonNegative.allows(&Value::Float(f64::INFINITY)));
        assert!(Bound::Rate.allows(&Value::Integer(1)) && !Bound::Rate.allows(&Value::Integer(2)));
    }

    #[test]
    fn help_is_the_first_paragraph_on_one_line() {
        let setting = Setting::of::<usize>("n", &[" Rows of", " a window.", "", " More of it."]);
        assert_eq!(setting.help(), "Rows of a window");
        assert_eq!((setting.value_name, setting.arity), ("N", Arity::One));
    }
}
