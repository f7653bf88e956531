//! The fractions of a split.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::error::{DataError, Result};

/// The fractions of a data set for training, validation and test: positive, with a sum of 1.
///
/// Written `0.7,0.15,0.15` on a command line and `[0.7, 0.15, 0.15]` in a file.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "[f64; 3]", into = "[f64; 3]")]
pub struct SplitFractions {
    train: f64,
    valid: f64,
    test: f64,
}

impl SplitFractions {
    /// Checks the fractions.
    ///
    /// # Errors
    /// If one is not positive or they do not sum to 1.
    pub fn new(train: f64, valid: f64, test: f64) -> Result<Self> {
        let positive = [train, valid, test].iter().all(|fraction| *fraction > 0.0);
        if positive && (train + valid + test - 1.0).abs() <= 1e-6 {
            Ok(Self { train, valid, test })
        } else {
            Err(DataError::InvalidFractions { found: format!("{train},{valid},{test}") })
        }
    }

    /// The training fraction.
    pub fn train(&self) -> f64 {
        self.train
    }

    /// The validation fraction.
    pub fn valid(&self) -> f64 {
        self.valid
    }

    /// The test fraction.
    pub fn test(&self) -> f64 {
        self.test
    }

    /// The first validation row and the first test row of so many rows.
    pub(crate) fn cuts(&self, rows: usize) -> (usize, usize) {
        let cut = |fraction: f64| ((rows as f64 * fraction).round() as usize).min(rows);
        (cut(self.train), cut(self.train + self.valid))
    }
}

impl Default for SplitFractions {
    /// 70 % training, 15 % validation, 15 % test.
    fn default() -> Self {
        Self { train: 0.70, valid: 0.15, test: 0.15 }
    }
}

impl TryFrom<[f64; 3]> for SplitFractions {
    type Error = DataError;

    fn try_from([train, valid, test]: [f64; 3]) -> Result<Self> {
        Self::new(train, valid, test)
    }
}

impl From<SplitFractions> for [f64; 3] {
    fn from(fractions: SplitFractions) -> Self {
        [fractions.train, fractions.valid, fractions.test]
    }
}

impl FromStr for SplitFractions {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self> {
        let invalid = || DataError::InvalidFractions { found: text.to_string() };
        let fraction = |fraction: &str| fraction.trim().parse().map_err(|_| invalid());
        let fractions: Vec<f64> = text.split(',').map(fraction).collect::<Result<_>>()?;
        let fractions: [f64; 3] = fractions.try_into().map_err(|_| invalid())?;
        Self::try_from(fractions)
    }
}

impl fmt::Display for SplitFractions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{}", self.train, self.valid, self.test)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_must_be_positive_and_sum_to_one() {
        for [train, valid, test] in [[0.7, 0.2, 0.2], [1.0, 0.0, 0.0], [1.2, -0.1, -0.1], [f64::NAN, 0.5, 0.5]] {
            let error = SplitFractions::new(train, valid, test).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "expected three positive fractions (train, valid, test) that sum to 1, such as \
                     0.7,0.15,0.15; found {train},{valid},{test}"
                )
            );
        }
    }

    #[test]
    fn fractions_are_parsed_from_text_and_json() {
        let fractions: SplitFractions = "0.8, 0.1,0.1".parse().unwrap();
        assert_eq!(fractions.to_string(), "0.8,0.1,0.1");
        assert!("0.8,0.2".parse::<SplitFractions>().is_err());
        assert!("most,some,few".parse::<SplitFractions>().is_err());

        let json = serde_json::to_string(&SplitFractions::default()).unwrap();
        assert_eq!(json, "[0.7,0.15,0.15]");
        assert!(serde_json::from_str::<SplitFractions>("[0.7,0.7,0.7]").is_err());
    }
}
