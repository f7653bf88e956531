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

/// The policy for gaps: places in a series where rows are missing, as the dates of the others show, or where the distance
/// of two rows is not that of a number of rows.
///
/// A distance is that of so many rows if it is within a quarter of a row of it. In series that have rows
/// on some weekdays alone, as many days as a week has may be missing in a row, since there are holidays; in less than three
/// weeks, two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gaps {
    /// Reject the table.
    #[default]
    Error,
    /// Insert the missing rows, at most as many as the series has (or 1000), in which each column repeats its last value
    /// (forward fill).
    Fill,
    /// Begin a new segment, so that no window crosses the gap.
    Split,
    /// Take the rows as equally spaced.
    Ignore,
}

impl Gaps {
    pub(crate) const CHOICES: [&str; 4] = ["error", "fill", "split", "ignore"];
}

impl FromStr for Gaps {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "error" => Ok(Self::Error),
            "fill" => Ok(Self::Fill),
            "split" => Ok(Self::Split),
            "ignore" => Ok(Self::Ignore),
            _ => Err(DataError::UnknownChoice {
                what: "policy for gaps",
                found: text.to_string(),
                choices: &Self::CHOICES,
            }),
        }
    }
}

impl fmt::Display for Gaps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Fill => "fill",
            Self::Split => "split",
            Self::Ignore => "ignore",
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
    /// The column that says to which of several series a row belongs, by an id: any word or number. Rows of different
    /// series may alternate; those of one are in time order. `None`: there is one series.
    pub series: Option<String>,
    /// What to do about gaps between the dates of a series.
    pub gaps: Gaps,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_parse_from_their_display() {
        for word in Missing::CHOICES {
            assert_eq!(word.parse::<Missing>().unwrap().to_string(), word);
        }
        for word in Gaps::CHOICES {
            assert_eq!(word.parse::<Gaps>().unwrap().to_string(), word);
        }
        assert_eq!(
            "cross".parse::<Gaps>().unwrap_err().to_string(),
            "expected a policy for gaps, one of error, fill, split, ignore; found `cross`"
        );
        assert_eq!(
            "guess".parse::<Missing>().unwrap_err().to_string(),
            "expected a policy for missing values, one of error, forward, drop; found `guess`"
        );
    }
}
