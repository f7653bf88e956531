//! How often a checkpoint is written inside an epoch.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The units of a time, in seconds.
const UNITS: [(char, u64); 3] = [('h', 3600), ('m', 60), ('s', 1)];
/// The largest number of steps or seconds.
const MAX: u64 = 1_000_000_000;

/// Gradient steps, or a time, after which a checkpoint is written: `500`, `90s`, `10m`, `2h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum CheckpointEvery {
    /// A number of gradient steps, counted from the beginning of each epoch.
    Steps(usize),
    /// A time since the last checkpoint.
    Time(Duration),
}

impl FromStr for CheckpointEvery {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unit = UNITS.into_iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)));
        let (number, seconds) = unit.map_or((text, None), |(number, seconds)| (number, Some(seconds)));
        let most = MAX / seconds.unwrap_or(1);
        let number = number.parse::<u64>().ok().filter(|number| (1..=most).contains(number)).ok_or_else(|| {
            format!(
                "expected gradient steps (500) or a time (90s, 10m, 2h) of 1 to {MAX} steps or seconds, found `{text}`"
            )
        })?;
        Ok(match seconds {
            Some(seconds) => Self::Time(Duration::from_secs(number * seconds)),
            None => Self::Steps(number as usize),
        })
    }
}

impl fmt::Display for CheckpointEvery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Steps(steps) => steps.fmt(f),
            Self::Time(time) => {
                let time = time.as_secs();
                let (unit, seconds) =
                    UNITS.into_iter().find(|(_, seconds)| time % seconds == 0).expect("whole seconds");
                write!(f, "{}{unit}", time / seconds)
            }
        }
    }
}

impl TryFrom<String> for CheckpointEvery {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<CheckpointEvery> for String {
    fn from(every: CheckpointEvery) -> Self {
        every.to_string()
    }
}

crate::setting_value!(CheckpointEvery: "STEPS|TIME");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_and_times_are_read_and_written() {
        for (text, expected, written) in [
            ("500", CheckpointEvery::Steps(500), "500"),
            ("90s", CheckpointEvery::Time(Duration::from_secs(90)), "90s"),
            ("120s", CheckpointEvery::Time(Duration::from_secs(120)), "2m"),
            ("10m", CheckpointEvery::Time(Duration::from_secs(600)), "10m"),
            ("2h", CheckpointEvery::Time(Duration::from_secs(7200)), "2h"),
        ] {
            assert_eq!(text.parse(), Ok(expected));
            assert_eq!(expected.to_string(), written);
        }
    }

    #[test]
    fn what_is_no_interval_is_refused() {
        for text in ["", "0", "0m", "-1", "1.5h", "m", "5d", "10 m", "1000000001", "99999999999999999999h"] {
            let error = text.parse::<CheckpointEvery>().unwrap_err();
            assert!(error.ends_with(&format!("found `{text}`")), "{error}");
        }
    }
}
