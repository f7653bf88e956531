//! Settings, each declared once: name, type, default, bound and help text.
//!
//! [`settings!`](macro@crate::settings) turns a declaration into a struct with public fields and a table of [`Setting`]s,
//! which gives the command line's arguments, the checks of a settings file, the bounds, and the documentation. A
//! [`Partial`](crate::Partial) holds the settings that a user has given, and `apply` overrides the defaults with them.

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::Table;
pub use toml::Value;

use crate::{Error, Result};

/// The maximum of hidden units and of embedding dimensions.
pub(crate) const MAX_UNITS: i64 = 1 << 16;

/// The maximum number of layers.
pub(crate) const MAX_LAYERS: i64 = 64;

/// The maximum size of a vocabulary, and of a count of tokens.
pub(crate) const MAX_TOKENS: i64 = 1_000_000;

/// The maximum number of steps of a sequence: rows or tokens.
pub(crate) const MAX_STEPS: i64 = 1_000_000;

/// The maximum number of sequences in a batch.
pub(crate) const MAX_BATCH: i64 = 1_000_000;

/// The maximum number of epochs.
pub(crate) const MAX_EPOCHS: i64 = 1_000_000;

/// The maximum number of beams of a search.
pub(crate) const MAX_BEAMS: i64 = 1000;

/// The maximum exponent of a length penalty.
pub(crate) const MAX_LENGTH_PENALTY: f64 = 100.0;

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
        // `1`, where TOML has `1.0`.
        Value::Float(number) => number.to_string(),
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
    /// Numbers from 0 to this one, both included.
    UpTo(f64),
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
            Self::UpTo(most) => (0.0..=most).contains(&number),
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
            Self::UpTo(most) => format!("a number from 0 to {most}"),
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

impl SettingValue for usize {
    const VALUE_NAME: &'static str = "N";

    fn parse_setting(text: &str) -> Result<Value, String> {
        let number = text.parse::<Self>().map_err(|cause| cause.to_string())?;
        // TOML has no larger integers.
        i64::try_from(number)
            .map(Value::Integer)
            .map_err(|_| format!("number too large, expected at most {}", i64::MAX))
    }
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
        // An integer above those of TOML is above all bounds.
        let values = Table::try_from(self).map_err(|cause| {
            Error::setting("settings", format!("integers of at most {}", i64::MAX), cause.to_string())
        })?;
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

/// Declares a struct of settings.
///
/// Each field has documentation, a type, a default, and optionally the other fields of a [`Setting`], such as `bound`:
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
        @struct [$($meta:tt)*] $config:ident {
            $(
                $(#[doc = $doc:literal])+
                $(#[serde($($serde:tt)+)])?
                $name:ident: $type:ty = $default:expr $(, $key:ident = $value:expr)*;
            )*
        }
        [$($field:tt)*] [$($field_default:tt)*] $shared:expr
    ) => {
        $($meta)*
        #[derive(Debug, Clone, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $config {
            $($(#[doc = $doc])+ $(#[serde($($serde)+)])? pub $name: $type,)*
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

    #[test]
    fn bounds_apply_to_each_element_of_a_list() {
        let list = |values: &[i64]| Value::Array(values.iter().map(|v| Value::Integer(*v)).collect());
        assert!(Bound::AtLeast(1).allows(&list(&[1, 2])));
        assert!(!Bound::AtLeast(1).allows(&list(&[1, 0])));
        assert!(!Bound::AtLeast(1).allows(&list(&[])));
        assert!(!Bound::Fraction.allows(&Value::Float(f64::NAN)));
        assert!(
            !Bound::UpTo(2.0).allows(&Value::Float(f64::INFINITY)) && !Bound::UpTo(2.0).allows(&Value::Integer(-1))
        );
        assert!(Bound::UpTo(2.0).allows(&Value::Integer(2)) && !Bound::UpTo(2.0).allows(&Value::Float(f64::NAN)));
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
