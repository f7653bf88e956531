//! What a forecaster puts out, and the loss of a point forecast.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a forecaster puts out for each target and step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutputKind {
    /// One value.
    #[default]
    Point,
    /// The quantiles of some levels, which never cross.
    Quantiles,
    /// The mean and the standard deviation of a normal distribution.
    Normal,
    /// The location, the scale and the degrees of freedom of Student's t-distribution, for heavier tails.
    StudentT,
    /// The mean and the shape of a negative binomial distribution, for counts (Salinas et al. 2020).
    NegativeBinomial,
}

impl OutputKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Point, Self::Quantiles, Self::Normal, Self::StudentT, Self::NegativeBinomial];
}

impl fmt::Display for OutputKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Point => "point",
            Self::Quantiles => "quantiles",
            Self::Normal => "normal",
            Self::StudentT => "student-t",
            Self::NegativeBinomial => "negative-binomial",
        })
    }
}

impl FromStr for OutputKind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|kind| kind.to_string() == name);
        known.ok_or_else(|| {
            format!("unknown output `{name}`: expected point, quantiles, normal, student-t or negative-binomial")
        })
    }
}

/// The loss of a point forecast, on scaled values. It decides which value of an uncertain future is forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ForecastLoss {
    /// The mean squared error: forecasts the mean.
    #[default]
    Mse,
    /// The mean absolute error: forecasts the median.
    Mae,
    /// Squared up to an error of 1 and linear beyond it (Huber 1964): between the two.
    Huber,
}

impl ForecastLoss {
    /// All losses.
    pub const ALL: [Self; 3] = [Self::Mse, Self::Mae, Self::Huber];
}

impl fmt::Display for ForecastLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mse => "mse",
            Self::Mae => "mae",
            Self::Huber => "huber",
        })
    }
}

impl FromStr for ForecastLoss {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|loss| loss.to_string() == name);
        known.ok_or_else(|| format!("unknown loss `{name}`: expected mse, mae or huber"))
    }
}

crate::setting_value!(OutputKind: "OUTPUT", ForecastLoss: "LOSS");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{SettingValue, Value};

    #[test]
    fn names_are_the_same_in_files_and_on_the_command_line() {
        for kind in OutputKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
            assert_eq!(OutputKind::parse_setting(&kind.to_string()), Ok(Value::String(kind.to_string())));
        }
        for loss in ForecastLoss::ALL {
            assert_eq!(loss.to_string().parse(), Ok(loss));
            assert_eq!(ForecastLoss::parse_setting(&loss.to_string()), Ok(Value::String(loss.to_string())));
        }
        assert_eq!((OutputKind::default(), ForecastLoss::default()), (OutputKind::Point, ForecastLoss::Mse));
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_known_ones() {
        let error = "gamma".parse::<OutputKind>().unwrap_err();
        let names = "point, quantiles, normal, student-t or negative-binomial";
        assert_eq!(error, format!("unknown output `gamma`: expected {names}"));
        assert_eq!("rmse".parse::<ForecastLoss>().unwrap_err(), "unknown loss `rmse`: expected mse, mae or huber");
    }
}
