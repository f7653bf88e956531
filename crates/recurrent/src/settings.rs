//! Settings, each declared once: name, type, default, bound and help text.
//!
//! [`settings!`](crate::settings) turns a declaration into a struct with public fields and into a table of [`Setting`]s.
//! From that table come the command line's arguments, the checks of a file of settings, the bounds, and the
//! documentation. A [`Partial`] holds the settings that somebody has given; [`Partial::apply`] puts them over a recipe.

use std::borrow::Cow;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::Table;
pub use toml::Value;

use crate::run_dir::{line_at, take_header};
use crate::{Error, Result};

/// One setting of a task or of training.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The field's name, which is also the key in a file.
    pub name: &'static str,
    /// The lines of its documentation; the first paragraph is the help text.
    pub docs: &'static [&'static str],
    /// What stands for the value in a help text.
    pub value_name: &'static str,
    /// The default in words, where it depends on the data.
    pub default_text: Option<&'static str>,
    /// Which values are allowed.
    pub bound: Bound,
    /// How many values it takes.
    pub arity: Arity,
    /// Reads the value from a word of the command line.
    pub parse: fn(&str) -> Result<Value, String>,
    /// Checks that a value from a file has the setting's type.
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

    /// The first paragraph of the documentation, on one line and without its full stop.
    pub fn help(&self) -> String {
        let first: Vec<&str> = self.docs.iter().map(|line| line.trim()).take_while(|line| !line.is_empty()).collect();
        first.join(" ").trim_end_matches('.').to_string()
    }

    /// The default as a reader sees it: in words, or the value in `defaults`; `None` if the setting is off by default.
    pub fn default_help(&self, defaults: &Table) -> Option<String> {
        self.default_text.map(String::from).or_else(|| defaults.get(self.name).map(display))
    }
}

fn display(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(display).collect::<Vec<_>>().join(","),
        // `1`, where TOML has `1.0`.
        Value::Float(number) => number.to_string(),
        other => other.to_string(),
    }
}

/// How many values a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arity {
    /// One.
    One,
    /// `true` or `false`; `true` where only the name is given.
    Switch,
    /// Several, separated by commas.
    List,
}

/// Which values of a setting are allowed; of a list, which elements.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// All of the type.
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
    /// Whether a value is allowed; of a list, whether there are elements and all of them are.
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

    /// The allowed values in words.
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

    /// Checks a value of a setting.
    ///
    /// # Errors
    /// [`Error::Setting`] if it is not allowed, with what was expected and found.
    pub fn check(&self, setting: &'static str, value: impl Into<Value>) -> Result<()> {
        let value = value.into();
        if self.allows(&value) {
            return Ok(());
        }
        Err(match &value {
            Value::Array(values) => {
                let found = if values.is_empty() { "none".into() } else { display(&value) };
                Error::setting(setting, format!("one or more values, each {}", self.expected()), found)
            }
            _ => Error::setting(setting, self.expected(), display(&value)),
        })
    }
}

/// A type that a setting can have.
pub trait SettingValue: Serialize + DeserializeOwned {
    /// What stands for the value in a help text.
    const VALUE_NAME: &'static str;
    /// How many values it takes.
    const ARITY: Arity = Arity::One;

    /// Reads a word of the command line.
    ///
    /// # Errors
    /// In words, if it is no such value.
    fn parse_setting(text: &str) -> Result<Value, String>;
}

fn validate<T: SettingValue>(value: &Value) -> Result<(), String> {
    match value.clone().try_into::<T>() {
        Ok(_) => Ok(()),
        Err(cause) => Err(cause.message().to_string()),
    }
}

/// Implements [`SettingValue`] for types that are read by `FromStr`.
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
    recurrent_data::SplitFractions: "TRAIN,VALID,TEST",
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

/// A struct of settings, as [`settings!`](crate::settings) declares it.
pub trait Settings: Serialize + DeserializeOwned {
    /// Its own settings, in the order of declaration.
    const OWN: &'static [Setting];
    /// Settings that it shares with others: those of training.
    const SHARED: &'static [Setting];

    /// The values of all settings where nothing is known of the data.
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

/// Settings by their names; those that are `None` are left out.
pub fn to_table(settings: &impl Serialize) -> Table {
    Table::try_from(settings).expect("settings have a form in TOML")
}

/// Settings that were given, on a command line or in a file. What is not given keeps the recipe's value.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Partial {
    values: Table,
}

impl Partial {
    /// Reads a file of settings: a table of the given names, or the `config.toml` of a run of `task`.
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
        let wrong = |line: usize, message: String| Error::SettingsFile { path: path.into(), line, message };
        let text = std::fs::read_to_string(path).map_err(|cause| Error::RunDir {
            path: path.into(),
            expected: "a file of settings".into(),
            found: cause.to_string(),
        })?;
        let syntax = |cause: toml::de::Error| {
            wrong(cause.span().map_or(1, |span| line_at(&text, span.start)), cause.message().to_string())
        };
        let spans = toml::de::DeTable::parse(&text).map_err(syntax)?;
        let mut values: Table = toml::from_str(&text).map_err(syntax)?;
        take_header(path, &mut values, task)?;
        let settings: Vec<&Setting> = settings.into_iter().collect();
        for (name, value) in &values {
            let (key, place) = spans.get_ref().get_key_value(name.as_str()).expect("both were read from one text");
            match settings.iter().find(|setting| setting.name == name) {
                None if name == "sha256" => {}
                None => {
                    let known: Vec<&str> = settings.iter().map(|setting| setting.name).collect();
                    let line = line_at(&text, key.span().start);
                    return Err(wrong(line, format!("unknown setting `{name}`, expected one of {}", known.join(", "))));
                }
                Some(setting) => {
                    let line = line_at(&text, place.span().start);
                    (setting.validate)(value).map_err(|cause| wrong(line, format!("{name}: {cause}")))?;
                }
            }
        }
        Ok(Self { values })
    }

    /// Gives a setting a value; a list is appended to one that was given before.
    pub fn set(&mut self, name: &str, value: Value) {
        match (self.values.get_mut(name), value) {
            (Some(Value::Array(list)), Value::Array(more)) => list.extend(more),
            (_, value) => {
                self.values.insert(name.into(), value);
            }
        }
    }

    /// These settings, and those of `other` where these say nothing.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let mut values = other.values;
        values.extend(self.values);
        Self { values }
    }

    /// The value of a setting, if it was given.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.values.get(name).and_then(|value| value.clone().try_into().ok())
    }

    /// The name or path of the data, or the default one of a task.
    pub fn data<C: crate::TaskConfig>(&self) -> String {
        self.get("data").unwrap_or_else(|| C::defaults().data().to_string())
    }

    /// The recipe with the given settings in their places. What names the data stays as the recipe says: it was made
    /// for the data that these settings name.
    ///
    /// # Errors
    /// [`Error::Setting`] if the result is not allowed.
    pub fn apply<C: crate::TaskConfig>(mut self, recipe: &C) -> Result<C> {
        for settled in ["data", "target_data", "sha256"] {
            self.values.remove(settled);
        }
        let mut values = to_table(recipe);
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

/// A setting's name as text, borrowed where it is a field's.
pub(crate) type Name = Cow<'static, str>;

/// Declares a struct of settings.
///
/// Each field has documentation, a type, a default, and where needed `bound`, `value_name` and `default_text`:
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
/// The configuration of a task adds `task`, its name; `fit`, how it is trained by default; and `check`, a function that
/// looks at settings that depend on each other. It also gets a field `sha256` for the data's checksum and implements
/// [`TaskConfig`](crate::TaskConfig).
#[macro_export]
macro_rules! settings {
    (
        @struct [$($meta:tt)*] $config:ident {
            $($(#[doc = $doc:literal])+ $name:ident: $type:ty = $default:expr $(, $key:ident = $value:expr)*;)*
        }
        [$($field:tt)*] [$($field_default:tt)*] $shared:expr
    ) => {
        $($meta)*
        #[derive(Debug, Clone, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $config {
            $($(#[doc = $doc])+ pub $name: $type,)*
            $($field)*
        }

        impl $crate::settings::Settings for $config {
            const OWN: &'static [$crate::settings::Setting] = &[
                $($crate::settings::Setting {
                    $($key: $value,)*
                    ..$crate::settings::Setting::of::<$type>(stringify!($name), &[$($doc),+])
                }),*
            ];
            const SHARED: &'static [$crate::settings::Setting] = $shared;

            fn defaults() -> Self {
                Self { $($name: $default,)* $($field_default)* }
            }
        }
    };
    ($(#[$meta:meta])* pub struct $config:ident $settings:tt) => {
        $crate::settings!(@struct [$(#[$meta])*] $config $settings [] [] &[]);
    };
    (
        $(#[$meta:meta])* pub struct $config:ident $settings:tt
        task: $task:literal,
        check: $check:expr,
        fit: $fit:expr $(,)?
    ) => {
        $crate::settings!(
            @struct [$(#[$meta])*] $config $settings
            [
                /// The SHA-256 of the data, so that a run is resumed with the data that it began with.
                pub sha256: String,
                /// How the network is trained.
                #[serde(flatten)]
                pub fit: $crate::fit::FitConfig,
            ]
            [sha256: String::new(), fit: $fit]
            <$crate::fit::FitConfig as $crate::settings::Settings>::OWN
        );

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
    fn the_command_line_precedes_the_file_and_the_file_the_recipe() {
        let mut typed = Partial::default();
        typed.set("epochs", Value::Integer(7));
        typed.set("tie_weights", Value::Boolean(true));
        let recipe = GenerateConfig::defaults();
        let config = typed.or(read("hidden_size = 12\nepochs = 3\n").unwrap()).apply(&recipe).unwrap();
        assert_eq!((config.hidden_size, config.fit.epochs, config.tie_weights), (12, 7, true));
        assert_eq!((config.embedding_dim, config.fit.batch_size), (recipe.embedding_dim, recipe.fit.batch_size));
    }

    #[test]
    fn a_file_of_settings_is_checked_with_its_lines() {
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
    fn bounds_hold_for_each_element_of_a_list() {
        let list = |values: &[i64]| Value::Array(values.iter().map(|v| Value::Integer(*v)).collect());
        assert!(Bound::AtLeast(1).allows(&list(&[1, 2])));
        assert!(!Bound::AtLeast(1).allows(&list(&[1, 0])));
        assert!(!Bound::AtLeast(1).allows(&list(&[])));
        assert!(!Bound::Fraction.allows(&Value::Float(f64::NAN)));
        assert!(!Bound::NonNegative.allows(&Value::Float(f64::INFINITY)));
        assert!(Bound::Rate.allows(&Value::Integer(1)) && !Bound::Rate.allows(&Value::Integer(2)));
    }

    #[test]
    fn bound_errors_name_the_values() {
        let error = |value: Value| Bound::AtLeast(1).check("hidden_size", value).unwrap_err().to_string();
        let list = |values: &[i64]| Value::Array(values.iter().map(|v| Value::Integer(*v)).collect());
        assert_eq!(error(list(&[8, 0])), "hidden_size: expected one or more values, each at least 1, found 8,0");
        assert_eq!(error(list(&[])), "hidden_size: expected one or more values, each at least 1, found none");
        assert_eq!(error(Value::Integer(0)), "hidden_size: expected at least 1, found 0");
        let error = Bound::Fraction.check("dropout", 1.0).unwrap_err();
        assert_eq!(error.to_string(), "dropout: expected a fraction in [0, 1), found 1");
    }

    #[test]
    fn help_is_the_first_paragraph_on_one_line() {
        let setting = Setting::of::<usize>("n", &[" Rows of", " a window.", "", " More of it."]);
        assert_eq!(setting.help(), "Rows of a window");
        assert_eq!((setting.value_name, setting.arity), ("N", Arity::One));
    }
}
