//! Which columns of a table to read, and what to do about missing values.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::error::{DataError, Result};

/// The policy for missing values: cells that are empty or hold `NA`, `N/A`, `null` or `-` (in any case).
///
/// There is no interpolation, because an interpolated value depends on a later one. `NaN` is not a missing value but an
/// error: it is the result of a failed computation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Missing {
    /// Reject the table.
    #[default]
    Error,
    /// Repeat the last value of the column (forward fill). The first row must have one.
    Forward,
    /// Drop each row with a missing value in one of the selected columns.
    Drop,
}

impl Missing {
    pub(crate) const CHOICES: [&str; 3] = ["error", "forward", "drop"];
}

impl FromStr for Missing {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "error" => Ok(Self::Error),
            "forward" => Ok(Self::Forward),
            "drop" => Ok(Self::Drop),
            _ => Err(DataError::UnknownChoice {
                what: "policy for missing values",
                found: text.to_string(),
                choices: &Self::CHOICES,
            }),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Forward => "forward",
            Self::Drop => "drop",
        })
    }
}

/// Which columns of a [`Table`](crate::Table) to read, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ColumnSelection {
    /// The date column. `None`: [`Table::date_column`](crate::Table::date_column); if there is none, the rows are taken
    /// to be in time order.
    pub date: Option<String>,
    /// The numeric columns, in the wanted order; a repeated name is read once. Empty:
    /// [`Table::numeric_columns`](crate::Table::numeric_columns).
    pub columns: Vec<String>,
    /// What to do about missing values.
    pub missing: Missing,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_parse_from_their_display() {
        for word in Missing::CHOICES {
            assert_eq!(word.parse::<Missing>().unwrap().to_string(), word);
        }
        assert_eq!(
            "guess".parse::<Missing>().unwrap_err().to_string(),
            "expected a policy for missing values, one of error, forward, drop; found `guess`"
        );
    }
}
