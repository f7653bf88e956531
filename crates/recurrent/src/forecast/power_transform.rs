//! Power transforms of columns whose deviations grow with their level.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A transform of a column of positive values before it is scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PowerTransform {
    /// The values as they are.
    #[default]
    None,
    /// The natural logarithm.
    Log,
    /// The Box–Cox transform, with the power that makes the training rows most like a normal sample.
    BoxCox,
}

impl PowerTransform {
    /// All transforms.
    pub const ALL: [Self; 3] = [Self::None, Self::Log, Self::BoxCox];
}

impl fmt::Display for PowerTransform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Log => "log",
            Self::BoxCox => "box-cox",
        })
    }
}

impl FromStr for PowerTransform {
    type Err = String;

    fn from_str(name: &str) -> std::result::Result<Self, String> {
        let known = Self::ALL.into_iter().find(|transform| transform.to_string() == name);
        known.ok_or_else(|| format!("unknown transform `{name}`: expected none, log or box-cox"))
    }
}

crate::setting_value!(PowerTransform: "TRANSFORM");

/// The smallest and the largest power.
const LAMBDAS: (f64, f64) = (-1.0, 2.0);

/// The Box–Cox transform of a column of positive values (Box & Cox 1964): `(x^λ - 1) / λ`, and `ln x` for `λ = 0`.
///
/// Its inverse has values between a thousandth of the smallest and a thousand times the largest training value. Beyond
/// these, where the inverse need not exist (`λ y ≤ -1`) or not be finite, it is the nearer of the two.
///
/// A mean of transformed values is no mean of values: for `λ = 0` its inverse is the geometric mean. Quantiles stay
/// quantiles.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct PowerScale {
    lambda: f64,
    lowest: f64,
    highest: f64,
}

/// A [`PowerScale`] from a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    lambda: f64,
    lowest: f64,
    highest: f64,
}

impl TryFrom<Saved> for PowerScale {
    type Error = String;

    fn try_from(Saved { lambda, lowest, highest }: Saved) -> std::result::Result<Self, String> {
        if !(LAMBDAS.0..=LAMBDAS.1).contains(&lambda) {
            return Err(format!("expected lambda between {} and {}, found {lambda}", LAMBDAS.0, LAMBDAS.1));
        }
        if !(0.0 < lowest && lowest < highest && highest.is_finite()) {
            return Err(format!("expected 0 < lowest < highest, found {lowest} and {highest}"));
        }
        Ok(Self { lambda, lowest, highest })
    }
}

impl PowerScale {
    /// The smallest value that the inverse has.
    pub fn lowest(&self) -> f64 {
        self.lowest
    }

    /// The power.
    pub fn lambda(&self) -> f64 {
        self.lambda
    }

    /// The transformed value; NaN unless `value` is positive.
    #[must_use]
    pub fn forward(&self, value: f64) -> f64 {
        power(value.ln(), self.lambda)
    }

    /// The value of a transformed one: positive and finite, and never smaller for a larger one.
    #[must_use]
    pub fn inverse(&self, transformed: f64) -> f64 {
        let argument = self.lambda * transformed;
        let value = match self.lambda {
            0.0 => transformed.exp(),
            // No power of a positive number: beyond the values that the transform has.
            lambda if argument <= -1.0 && lambda > 0.0 => self.lowest,
            _ if argument <= -1.0 => self.highest,
            lambda => (argument.ln_1p() / lambda).exp(),
        };
        value.clamp(self.lowest, self.highest)
    }

    /// The transformed values of a column. Rows are numbered from 1.
    ///
    /// # Errors
    /// If a value is not positive; it names the first one's row.
    pub fn transform(&self, column: &str, values: &[f64]) -> Result<Vec<f64>> {
        check_positive(column, values)?;
        Ok(values.iter().map(|value| self.forward(*value)).collect())
    }
}

/// The transform of a value, from its logarithm.
fn power(log: f64, lambda: f64) -> f64 {
    if lambda == 0.0 { log } else { (lambda * log).exp_m1() / lambda }
}

fn check_positive(column: &str, values: &[f64]) -> Result<()> {
    let is_positive = |value: &f64| *value > 0.0;
    values.iter().position(|value| !is_positive(value)).map_or(Ok(()), |row| {
        Err(Error::Input {
            what: format!("column `{column}`, row {}", row + 1),
            expected: "a positive value, as the transforms log and box-cox need".into(),
            found: values[row].to_string(),
        })
    })
}

#[cfg(feature = "fit")]
mod fit {
    use argmin::core::{CostFunction, Executor, IterState};
    use argmin::solver::brent::BrentOpt;

    use super::{LAMBDAS, PowerScale, PowerTransform, check_positive, power};
    use crate::{Error, Result};

    /// How far the inverse reaches beyond the training values.
    const REACH: f64 = 1000.0;
    /// The tolerance of the power, and the steps of the search for it.
    const TOLERANCE: f64 = 1e-8;
    const MAX_STEPS: u64 = 200;

    impl PowerTransform {
        /// Fits the transform on the training rows of a column; `None` if there is none. Rows are numbered from 1.
        ///
        /// The power of Box–Cox is the one between -1 and 2 of the highest likelihood (Box & Cox 1964, eq. 8), by Brent's
        /// method. A constant column has the power 1.
        ///
        /// # Errors
        /// If a value is not positive, or there is none.
        pub fn fit(self, column: &str, training: &[f64]) -> Result<Option<PowerScale>> {
            if self == Self::None {
                return Ok(None);
            }
            if training.is_empty() {
                let what = format!("the training rows of column `{column}`");
                return Err(Error::Input { what, expected: "at least one".into(), found: "none".into() });
            }
            check_positive(column, training)?;
            let smallest = training.iter().copied().fold(f64::INFINITY, f64::min);
            let largest = training.iter().copied().fold(0.0, f64::max);
            let lambda = match self {
                Self::None | Self::Log => 0.0,
                Self::BoxCox if smallest == largest => 1.0,
                Self::BoxCox => likeliest_power(training)?,
            };
            let lowest = (smallest / REACH).max(f64::MIN_POSITIVE);
            Ok(Some(PowerScale { lambda, lowest, highest: (largest * REACH).min(f64::MAX) }))
        }
    }

    /// The negative log-likelihood of a power per row, up to a constant, with the logarithms of the values divided by their
    /// geometric mean.
    struct NegativeLikelihood {
        logs: Vec<f64>,
    }

    impl CostFunction for NegativeLikelihood {
        type Param = f64;
        type Output = f64;

        fn cost(&self, lambda: &f64) -> std::result::Result<f64, argmin::core::Error> {
            let count = self.logs.len() as f64;
            let transformed = || self.logs.iter().map(|log| power(*log, *lambda));
            let mean = transformed().sum::<f64>() / count;
            let variance = transformed().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
            Ok(0.5 * variance.ln())
        }
    }

    fn likeliest_power(values: &[f64]) -> Result<f64> {
        let mean = values.iter().map(|value| value.ln()).sum::<f64>() / values.len() as f64;
        let logs = values.iter().map(|value| value.ln() - mean).collect();
        let solver = BrentOpt::new(LAMBDAS.0, LAMBDAS.1).set_tolerance(f64::EPSILON.sqrt(), TOLERANCE);
        let result = Executor::new(NegativeLikelihood { logs }, solver)
            .configure(|state: IterState<f64, (), (), (), (), f64>| state.max_iters(MAX_STEPS))
            .run()
            .map_err(|cause| Error::Training(format!("no power of the Box–Cox transform was found: {cause}")))?;
        Ok(result.state.best_param.unwrap_or(1.0).clamp(LAMBDAS.0, LAMBDAS.1))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn assert_close(found: f64, expected: f64, tolerance: f64) {
        assert!((found - expected).abs() < tolerance, "{found} {expected}");
    }

    fn scale(lambda: f64) -> PowerScale {
        PowerScale { lambda, lowest: 1e-3, highest: 1e6 }
    }

    #[test]
    fn names_are_parsed_as_they_are_written() {
        for transform in PowerTransform::ALL {
            assert_eq!(transform.to_string().parse(), Ok(transform));
            assert_eq!(toml::Value::try_from(transform).unwrap().as_str(), Some(&*transform.to_string()));
        }
        let error = "sqrt".parse::<PowerTransform>().unwrap_err();
        assert_eq!(error, "unknown transform `sqrt`: expected none, log or box-cox");
    }

    /// By hand: (9^½ - 1)/½, (2⁻¹ - 1)/-1, ln 10.
    #[test]
    fn transforms_agree_with_a_calculation_by_hand() {
        assert_close(scale(0.5).forward(9.0), 4.0, 1e-12);
        assert_close(scale(-1.0).forward(2.0), 0.5, 1e-12);
        assert_close(scale(0.0).forward(10.0), std::f64::consts::LN_10, 1e-12);
        assert!(scale(0.5).forward(-1.0).is_nan() && scale(0.0).forward(-1.0).is_nan());
    }

    #[test]
    fn the_inverse_stays_in_reach() {
        assert_eq!(scale(0.5).inverse(-2.5), 1e-3);
        assert_eq!(scale(-0.5).inverse(2.5), 1e6);
        assert_eq!((scale(0.0).inverse(1e300), scale(0.0).inverse(-1e300)), (1e6, 1e-3));
    }

    #[test]
    fn a_damaged_scale_is_refused() {
        let text = toml::to_string(&scale(0.3)).unwrap();
        assert_eq!(toml::from_str::<PowerScale>(&text).unwrap(), scale(0.3));
        for (lambda, lowest, highest) in [("2.5", "1.0", "2.0"), ("nan", "1.0", "2.0"), ("0.5", "0.0", "2.0")] {
            let text = format!("lambda = {lambda}\nlowest = {lowest}\nhighest = {highest}\n");
            assert!(toml::from_str::<PowerScale>(&text).unwrap_err().to_string().contains("expected"), "{text}");
        }
        assert!(toml::from_str::<PowerScale>("lambda = 0.5\nlowest = 2.0\nhighest = inf\n").is_err());
    }

    #[cfg(feature = "fit")]
    mod fit {
        use super::*;

        const SPREAD: [f64; 10] = [0.5, 2.0, 1.0, 4.0, 0.25, 9.0, 3.0, 0.125, 20.0, 1.5];
        const PASSENGERS: [f64; 24] = [
            112.0, 118.0, 132.0, 129.0, 121.0, 135.0, 148.0, 148.0, 136.0, 119.0, 104.0, 118.0, 115.0, 126.0, 141.0,
            135.0, 125.0, 149.0, 170.0, 170.0, 158.0, 133.0, 114.0, 140.0,
        ];

        fn fit(values: &[f64]) -> PowerScale {
            PowerTransform::BoxCox.fit("x", values).unwrap().unwrap()
        }

        /// By `scipy.stats.boxcox`, of √(10⁹ n) too.
        #[test]
        fn powers_agree_with_scipy() {
            let scale = fit(&SPREAD);
            assert_close(scale.lambda(), 0.018111489827813954, 1e-6);
            let transformed = scale.transform("x", &SPREAD).unwrap();
            for (found, expected) in transformed.iter().zip([-0.6888144704185476, 0.6975163045768633, 0.0]) {
                assert_close(*found, expected, 1e-6);
            }
            let roots: Vec<f64> = (1..=10).map(|n| (f64::from(n) * 1e9).sqrt()).collect();
            assert_close(fit(&roots).lambda(), 1.4439280957205036, 1e-6);
            // The likeliest power is -1.011.
            assert_close(fit(&PASSENGERS).lambda(), -1.0, 1e-6);
        }

        #[test]
        fn the_power_does_not_depend_on_the_unit() {
            let scaled: Vec<f64> = SPREAD.iter().map(|value| value * 1e30).collect();
            assert_close(fit(&scaled).lambda(), fit(&SPREAD).lambda(), 1e-6);
        }

        #[test]
        fn log_and_constants_have_their_powers() {
            assert_eq!(PowerTransform::None.fit("x", &[-1.0]).unwrap(), None);
            assert_eq!(PowerTransform::Log.fit("x", &SPREAD).unwrap().unwrap().lambda(), 0.0);
            assert_eq!(fit(&[3.0; 5]).lambda(), 1.0);
            assert_close(fit(&[3.0; 5]).inverse(fit(&[3.0; 5]).forward(3.0)), 3.0, 1e-12);
        }

        #[test]
        fn values_that_are_not_positive_are_refused() {
            let expected = "expected a positive value, as the transforms log and box-cox need";
            for transform in [PowerTransform::Log, PowerTransform::BoxCox] {
                let error = transform.fit("sold", &[1.0, 0.0, -2.0]).unwrap_err().to_string();
                assert_eq!(error, format!("column `sold`, row 2: {expected}, found 0"));
                assert!(transform.fit("sold", &[]).is_err());
            }
            let error = fit(&SPREAD).transform("sold", &[1.0, 2.0, -2.0]).unwrap_err().to_string();
            assert_eq!(error, format!("column `sold`, row 3: {expected}, found -2"));
        }
    }

    proptest! {
        #[test]
        fn the_inverse_is_finite_positive_and_rises(
            lambda in prop_oneof![-1.0..2.0f64, Just(0.0), Just(1e-300)],
            values in prop::collection::vec(prop_oneof![-1e3..1e3f64, -10.0..10.0f64, Just(f64::MAX), Just(f64::MIN)], 2),
        ) {
            let scale = scale(lambda);
            let mut values = values;
            values.sort_by(f64::total_cmp);
            let found: Vec<f64> = values.iter().map(|value| scale.inverse(*value)).collect();
            prop_assert!(found.iter().all(|value| value.is_finite() && *value > 0.0) && found.is_sorted(), "{found:?}");
        }

        #[test]
        fn the_inverse_undoes_the_transform(lambda in prop_oneof![-1.0..2.0f64, Just(0.0)], value in 1e-2..1e4f64) {
            let scale = scale(lambda);
            let found = scale.inverse(scale.forward(value));
            // Near the bound of a negative power, digits are lost.
            prop_assert!((found - value).abs() < 1e-9 * value * value.max(1.0), "{found} {value}");
        }
    }
}
