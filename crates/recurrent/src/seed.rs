//! Random seeds in settings. The integers of TOML have 63 bits, so larger seeds are strings of digits.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::settings::Value;

#[derive(Deserialize)]
#[serde(untagged)]
enum Seed {
    Number(u64),
    Digits(String),
}

pub(crate) fn serialize<S: Serializer>(seed: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    value(*seed).serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match Seed::deserialize(deserializer) {
        Ok(Seed::Number(seed)) => Some(seed),
        Ok(Seed::Digits(digits)) => digits.parse().ok(),
        Err(_) => None,
    }
    .ok_or_else(|| serde::de::Error::custom(expected()))
}

/// Parses a seed from the command line.
pub(crate) fn parse(text: &str) -> Result<Value, String> {
    text.parse().map(value).map_err(|_| expected())
}

/// Checks the value of a seed in a file.
pub(crate) fn validate(value: &Value) -> Result<(), String> {
    let valid = match value {
        Value::Integer(seed) => *seed >= 0,
        Value::String(digits) => digits.parse::<u64>().is_ok(),
        _ => false,
    };
    if valid { Ok(()) } else { Err(format!("{}, found {value}", expected())) }
}

fn value(seed: u64) -> Value {
    i64::try_from(seed).map_or_else(|_| Value::String(seed.to_string()), Value::Integer)
}

fn expected() -> String {
    format!("expected an integer from 0 to {} (above {}: in quotes in a file)", u64::MAX, i64::MAX)
}

#[cfg(test)]
mod tests {
    use crate::fit::FitConfig;
    use crate::settings::{Settings, Value, to_table};

    #[test]
    fn seeds_have_64_bits() {
        let seed = FitConfig::settings().find(|setting| setting.name == "seed").unwrap();
        for value in [0, 1, i64::MAX as u64, 1 << 63, u64::MAX] {
            let config = FitConfig { seed: value, ..FitConfig::default() };
            let text = crate::run_dir::to_toml(&config);
            assert_eq!(toml::from_str::<FitConfig>(&text).unwrap(), config, "{text}");
            let parsed = (seed.parse)(&value.to_string()).unwrap();
            assert_eq!(parsed, to_table(&config)["seed"]);
            assert_eq!((seed.validate)(&parsed), Ok(()));
        }
        assert!(crate::run_dir::to_toml(&FitConfig::default()).contains("\nseed = 0\n"));
        for text in ["-1", "18446744073709551616", "", "1.0", "NaN"] {
            assert!((seed.parse)(text).is_err() && (seed.validate)(&Value::String(text.into())).is_err(), "{text}");
        }
        assert!((seed.validate)(&Value::Integer(-1)).is_err());
        let error = toml::from_str::<FitConfig>(
            &crate::run_dir::to_toml(&FitConfig::default()).replace("seed = 0", "seed = -1"),
        );
        assert!(error.unwrap_err().to_string().contains("expected an integer from 0 to 18446744073709551615"));
    }
}
