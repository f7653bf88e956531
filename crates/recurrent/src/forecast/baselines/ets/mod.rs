//! Exponential smoothing as a state-space model.
//!
//! The crate `augurs-ets` was looked at: it has no seasonal forms yet, and its fitted model forecasts from the last row
//! that it was fitted to alone, so that each later origin would be a new fit.

mod initial_state;
mod recursion;

use std::f64::consts::TAU;

use argmin::core::{CostFunction, Executor, IterState};
use argmin::solver::neldermead::NelderMead;
use recurrent_data::{Subset, Train};

use self::recursion::{Form, Recursion, Season, Smoothing, State, Trend};
use super::{Baseline, History, Problem};

/// The largest number of training rows.
const MAX_ROWS: usize = 5000;
/// The largest number of rows of a season.
const MAX_SEASON: usize = 60;
/// Steps of a search for smoothing parameters.
const MAX_STEPS: u64 = 400;
/// The deviation of the costs of a simplex at which a search ends.
const TOLERANCE: f64 = 1e-7;
/// Searches for smoothing parameters and for a first state, in turn, where both cannot be found at once.
const MAX_TURNS: usize = 20;
/// Where searches begin, of each parameter on its way from its lower to its upper bound.
const STARTS: [[f64; 4]; 2] = [[0.1, 0.05, 0.05, 0.9], [0.6, 0.1, 0.1, 0.9]];
/// What stands for an error that is not finite.
const NO_COST: f64 = 1e12;

/// The bounds of α, β / α and γ / (1 − α).
const SMOOTHING: (f64, f64) = (1e-4, 1.0 - 1e-4);
/// The bounds of φ.
const DAMPING: (f64, f64) = (0.8, 0.98);

/// Exponential smoothing with additive errors (Hyndman, Koehler, Ord & Snyder 2008): without trend, with one, or with a
/// damped one; without season, with an additive or a multiplicative one. Smoothing parameters and first state maximize
/// the likelihood of the training rows; the form is the one with the smallest AICc.
///
/// A forecast runs over all rows up to its origin, some ten nanoseconds each, and keeps nothing.
#[derive(Debug, Clone)]
pub struct Ets {
    recursion: Recursion,
    initial: State,
    log_likelihood: f64,
    rows: usize,
}

impl Ets {
    /// The model of the training rows; `None` if they are more than 5,000, too few, or constant. Known seasons of at
    /// most 60 rows are tried.
    pub fn fit(train: &Subset<Train>, problem: &Problem) -> Option<Self> {
        let values: Vec<f64> = train.rows().map(|row| train.series().value(row, problem.column)).collect();
        let (low, high) = values
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)));
        // Of the training rows alone, up to rounding.
        let is_constant = high - low <= 64.0 * f64::EPSILON * high.abs().max(low.abs());
        if values.len() > MAX_ROWS || is_constant {
            return None;
        }
        let fitted = forms(&problem.seasons, low > 0.0).into_iter().filter_map(|form| Self::of(form, &values));
        fitted.min_by(|a, b| a.aicc().total_cmp(&b.aicc()))
    }

    /// The model of a form.
    fn of(form: Form, values: &[f64]) -> Option<Self> {
        if values.len() < num_parameters(form) + 3 || values.len() < 2 * form.season.rows() {
            return None;
        }
        let fit = match form.season {
            Season::Multiplicative(_) => fit_in_turns,
            _ => fit_at_once,
        };
        let fitted = STARTS.iter().filter_map(|start| fit(form, values, start));
        let (recursion, initial, error) = fitted.min_by(|a, b| a.2.total_cmp(&b.2))?;
        // Smaller errors than rounding makes say nothing about the form.
        let largest = values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        let rounding = values.len() as f64 * (f64::EPSILON * largest).powi(2);
        let (rows, log_likelihood) = (values.len(), log_likelihood(error.max(rounding), values.len()));
        log_likelihood.is_finite().then_some(Self { recursion, initial, log_likelihood, rows })
    }

    /// The corrected information criterion of Akaike (Hurvich & Tsai 1989): −2 log L + 2k + 2k(k + 1) / (n − k − 1).
    fn aicc(&self) -> f64 {
        let (rows, count) = (self.rows as f64, num_parameters(self.recursion.form) as f64);
        -2.0 * self.log_likelihood + 2.0 * count + 2.0 * count * (count + 1.0) / (rows - count - 1.0)
    }
}

impl Baseline for Ets {
    /// `ETS(A,Ad,N)`; with the rows of a season, `ETS(A,N,A), season 7`.
    fn name(&self) -> String {
        let Form { trend, season } = self.recursion.form;
        let trend = match trend {
            Trend::None => "N",
            Trend::Additive => "A",
            Trend::Damped => "Ad",
        };
        match season {
            Season::None => format!("ETS(A,{trend},N)"),
            Season::Additive(rows) => format!("ETS(A,{trend},A), season {rows}"),
            Season::Multiplicative(rows) => format!("ETS(A,{trend},M), season {rows}"),
        }
    }

    fn forecast(&self, history: &History, horizon: usize) -> Option<Vec<f64>> {
        let mut state = self.initial.clone();
        for row in history.start()..=history.origin() {
            self.recursion.update(&mut state, history.value(row));
        }
        Some(self.recursion.forecast(&state, horizon))
    }
}

/// All forms to choose from.
fn forms(seasons: &[usize], are_positive: bool) -> Vec<Form> {
    let known = seasons.iter().copied().filter(|rows| (2..=MAX_SEASON).contains(rows));
    let seasonal = known.flat_map(|rows| {
        [Some(Season::Additive(rows)), are_positive.then_some(Season::Multiplicative(rows))].into_iter().flatten()
    });
    let all = [Season::None].into_iter().chain(seasonal);
    let trends = [Trend::None, Trend::Additive, Trend::Damped];
    all.flat_map(|season| trends.map(|trend| Form { trend, season })).collect()
}

/// The parameters that are estimated, the variance of the errors among them.
fn num_parameters(form: Form) -> usize {
    form.num_smoothing() + form.num_initial() + 1
}

/// That of Gaussian errors with the variance that maximizes it.
fn log_likelihood(squared_error: f64, rows: usize) -> f64 {
    let rows = rows as f64;
    -0.5 * rows * ((TAU * squared_error / rows).ln() + 1.0)
}

/// The recursion with parameters that are given without bounds, those that the form has: of α, β / α, γ / (1 − α), φ.
fn recursion(form: Form, unbounded: &[f64]) -> Recursion {
    let bounded = |(low, high): (f64, f64), x: f64| low + (high - low) / (1.0 + (-x).exp());
    let mut parameters = unbounded.iter().copied();
    let mut next = |bounds: (f64, f64), is_used: bool, otherwise: f64| match is_used {
        true => parameters.next().map_or(otherwise, |x| bounded(bounds, x)),
        false => otherwise,
    };
    let alpha = next(SMOOTHING, true, 0.0);
    let beta = alpha * next(SMOOTHING, form.trend != Trend::None, 0.0);
    let gamma = (1.0 - alpha) * next(SMOOTHING, form.season != Season::None, 0.0);
    let phi = next(DAMPING, form.trend == Trend::Damped, 1.0);
    Recursion { form, smoothing: Smoothing { alpha, beta, gamma, phi } }
}

/// The parameters without bounds where a search begins, those that the form has.
fn unbounded(form: Form, start: &[f64; 4]) -> Vec<f64> {
    let is_used = [true, form.trend != Trend::None, form.season != Season::None, form.trend == Trend::Damped];
    let used = start.iter().zip(is_used).filter(|(_, is_used)| *is_used);
    used.map(|(fraction, _)| (fraction / (1.0 - fraction)).ln()).collect()
}

/// A recursion, its first state, and the sum of its squared errors.
type Fitted = (Recursion, State, f64);

/// Smoothing parameters, each with the first state that is best for them.
fn fit_at_once(form: Form, values: &[f64], start: &[f64; 4]) -> Option<Fitted> {
    let with_state = |parameters: &[f64]| {
        let recursion = recursion(form, parameters);
        let initial = initial_state::additive(&recursion, values)?;
        let error = recursion.squared_error(initial.clone(), values);
        Some((recursion, initial, error))
    };
    let error = |parameters: &[f64]| with_state(parameters).map_or(f64::NAN, |(_, _, error)| error);
    with_state(&search(error, unbounded(form, start), values.len())?)
}

/// Smoothing parameters for a first state, and a first state for them, in turn until the error hardly changes.
fn fit_in_turns(form: Form, values: &[f64], start: &[f64; 4]) -> Option<Fitted> {
    let mut parameters = unbounded(form, start);
    let mut initial = initial_state::multiplicative_start(&recursion(form, &parameters), values);
    let mut least = f64::INFINITY;
    for _ in 0..MAX_TURNS {
        let of = |parameters: &[f64]| recursion(form, parameters).squared_error(initial.clone(), values);
        parameters = search(of, parameters, values.len())?;
        let recursion = recursion(form, &parameters);
        initial = initial_state::improve(&recursion, values, &initial);
        let error = recursion.squared_error(initial.clone(), values);
        let is_done = error > least * (1.0 - 1e-7);
        least = error;
        if is_done {
            break;
        }
    }
    least.is_finite().then(|| (recursion(form, &parameters), initial, least))
}

/// Minus twice the log-likelihood but for a constant.
struct Cost<F> {
    squared_error: F,
    rows: usize,
}

impl<F: Fn(&[f64]) -> f64> CostFunction for Cost<F> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, parameters: &Vec<f64>) -> Result<f64, argmin::core::Error> {
        let rows = self.rows as f64;
        let cost = rows * ((self.squared_error)(parameters) / rows).max(f64::MIN_POSITIVE).ln();
        Ok(if cost.is_finite() { cost } else { NO_COST })
    }
}

/// The parameters of the smallest error, by the method of Nelder & Mead (1965); `None` if none has a finite one.
fn search(squared_error: impl Fn(&[f64]) -> f64, start: Vec<f64>, rows: usize) -> Option<Vec<f64>> {
    let moved = (0..start.len()).map(|index| {
        let mut moved = start.clone();
        moved[index] += 1.0;
        moved
    });
    let simplex = std::iter::once(start.clone()).chain(moved).collect();
    let solver = NelderMead::new(simplex).with_sd_tolerance(TOLERANCE).ok()?;
    let configure = |state: IterState<Vec<f64>, (), (), (), (), f64>| state.max_iters(MAX_STEPS);
    let mut result = Executor::new(Cost { squared_error, rows }, solver).configure(configure).run().ok()?;
    let is_found = result.state.best_cost < NO_COST;
    is_found.then(|| result.state.take_best_param()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use recurrent_data::{ColumnSelection, Series, Split, SplitFractions, Table};
    use serde::Deserialize;

    use super::*;

    /// By `scripts/golden_forecast.py`: from statsmodels, and from scipy where statsmodels has other equations.
    const GOLDEN: &str = include_str!("../../../../tests/goldens/ets.json");

    #[derive(Deserialize)]
    struct Golden {
        cases: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        trend: String,
        season: String,
        rows: usize,
        values: Vec<f64>,
        given: Given,
        fitted: Expected,
    }

    /// With parameters and a first state that are given.
    #[derive(Deserialize)]
    struct Given {
        /// α, β, γ and φ.
        smoothing: [f64; 4],
        level: f64,
        slope: f64,
        seasons: Vec<f64>,
        #[serde(flatten)]
        expected: Expected,
    }

    #[derive(Deserialize)]
    struct Expected {
        log_likelihood: f64,
        forecast: Vec<f64>,
    }

    fn cases() -> Vec<Case> {
        serde_json::from_str::<Golden>(GOLDEN).unwrap().cases
    }

    impl Case {
        fn form(&self) -> Form {
            let trend = match &*self.trend {
                "N" => Trend::None,
                "A" => Trend::Additive,
                _ => Trend::Damped,
            };
            let season = match &*self.season {
                "N" => Season::None,
                "A" => Season::Additive(self.rows),
                _ => Season::Multiplicative(self.rows),
            };
            Form { trend, season }
        }

        fn name(&self) -> String {
            format!("ETS(A,{},{})", self.trend, self.season)
        }
    }

    fn forecast(recursion: &Recursion, mut state: State, values: &[f64], horizon: usize) -> Vec<f64> {
        for value in values {
            recursion.update(&mut state, *value);
        }
        recursion.forecast(&state, horizon)
    }

    #[test]
    fn agrees_for_given_parameters() {
        for case in cases() {
            let [alpha, beta, gamma, phi] = case.given.smoothing;
            let recursion = Recursion { form: case.form(), smoothing: Smoothing { alpha, beta, gamma, phi } };
            let state = State::new(case.given.level, case.given.slope, case.given.seasons.clone());
            let error = recursion.squared_error(state.clone(), &case.values);
            let found = log_likelihood(error, case.values.len());
            let Expected { log_likelihood, forecast: expected } = &case.given.expected;
            assert!((found - log_likelihood).abs() < 1e-8, "{}: {found}, not {log_likelihood}", case.name());
            for (found, expected) in forecast(&recursion, state, &case.values, expected.len()).iter().zip(expected) {
                assert!((found - expected).abs() < 1e-8, "{}: {found}, not {expected}", case.name());
            }
        }
    }

    /// The other searches try all values of the first state too, and may stop before the maximum.
    #[test]
    fn is_as_likely_as_the_fit_of_others() {
        for case in cases() {
            let ets = Ets::of(case.form(), &case.values).unwrap();
            let Expected { log_likelihood, forecast: expected } = &case.fitted;
            let gain = ets.log_likelihood - log_likelihood;
            assert!((-1e-3..0.5).contains(&gain), "{}: {} and {log_likelihood}", case.name(), ets.log_likelihood);
            let found = forecast(&ets.recursion, ets.initial, &case.values, expected.len());
            let largest = case.values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 0.01 * largest, "{}: {found} and {expected}", case.name());
            }
        }
    }

    /// The AICc by hand: α, β, φ, level, slope and variance are 6 parameters.
    #[test]
    fn the_criterion_counts_all_parameters() {
        let form = Form { trend: Trend::Damped, season: Season::None };
        assert_eq!(num_parameters(form), 6);
        assert_eq!(num_parameters(Form { trend: Trend::None, season: Season::Additive(4) }), 7);
        let ets = Ets {
            recursion: recursion(form, &[0.0; 3]),
            initial: State::new(0.0, 0.0, Vec::new()),
            log_likelihood: -10.0,
            rows: 20,
        };
        assert!((ets.aicc() - (20.0 + 12.0 + 84.0 / 13.0)).abs() < 1e-12);
    }

    fn series(values: &[f64]) -> Series {
        let text: String = values.iter().map(|value| format!("{value}\n")).collect();
        let table = Table::from_bytes("y.csv", format!("y\n{text}").as_bytes(), None).unwrap();
        table.series(&ColumnSelection::default()).unwrap()
    }

    fn split(values: &[f64]) -> Split {
        series(values).split(&SplitFractions::default()).unwrap()
    }

    fn problem(seasons: Vec<usize>) -> Problem {
        Problem { column: 0, features: vec![0], future: Vec::new(), window: 4, horizon: 3, seasons }
    }

    /// A series with a trend and a season of 4 rows.
    fn quarters(rows: usize, unit: f64) -> Vec<f64> {
        let value = |row: usize| {
            let noise = (row as f64 * 12.9898).sin() * 43758.5453;
            unit * (50.0 + 0.3 * row as f64 + [3.0, -1.0, 4.0, -6.0][row % 4] + noise.fract())
        };
        (0..rows).map(value).collect()
    }

    #[test]
    fn the_form_is_that_of_the_data_in_any_unit() {
        for unit in [1.0, 1e-9] {
            let values = quarters(120, unit);
            let ets = Ets::fit(&split(&values).train, &problem(vec![4, 90])).unwrap();
            assert_eq!(ets.name(), "ETS(A,A,A), season 4");
            let forecast = ets.forecast(&History::new(&series(&values), 0, 0..100), 3).unwrap();
            for (forecast, actual) in forecast.iter().zip(&values[100..]) {
                assert!((forecast / unit - actual / unit).abs() < 2.0, "{forecast}, {actual}");
            }
        }
    }

    #[test]
    fn is_not_fitted_to_constant_few_or_very_many_rows() {
        let fit = |values: &[f64]| Ets::fit(&split(values).train, &problem(Vec::new()));
        assert!(fit(&[0.1; 100]).is_none() && fit(&quarters(6, 1.0)).is_none());
        assert!(fit(&quarters(7200, 1.0)).is_none());
        // A line is forecast exactly.
        let line: Vec<f64> = (0..60).map(f64::from).collect();
        let forecast = fit(&line).unwrap().forecast(&History::new(&series(&line), 0, 0..51), 2).unwrap();
        assert!((forecast[1] - 52.0).abs() < 1e-3, "{forecast:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        /// Neither the fit nor the state at an origin depends on rows that it must not see.
        #[test]
        fn later_rows_change_nothing(later in prop::collection::vec(-1e3..1e3, 36), origin in 84_usize..119) {
            let values = quarters(120, 1.0);
            let forecast = |values: &[f64]| {
                let ets = Ets::fit(&split(values).train, &problem(vec![4])).unwrap();
                ets.forecast(&History::new(&series(values), 0, 0..origin + 1), 5).unwrap()
            };
            let mut changed = values.clone();
            changed[origin + 1..].iter_mut().zip(later).for_each(|(value, later)| *value = later);
            prop_assert_eq!(forecast(&values), forecast(&changed));
        }
    }
}
