//! The recursions of exponential smoothing.

/// How the slope goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trend {
    None,
    Additive,
    /// It shrinks by the factor φ with each row.
    Damped,
}

/// A season, with its number of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Season {
    None,
    Additive(usize),
    Multiplicative(usize),
}

impl Season {
    /// Its number of rows; 0 without a season.
    pub(super) fn rows(self) -> usize {
        match self {
            Self::None => 0,
            Self::Additive(rows) | Self::Multiplicative(rows) => rows,
        }
    }
}

/// The form of a model with additive errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) trend: Trend,
    pub(super) season: Season,
}

impl Form {
    /// The number of smoothing parameters.
    pub(super) fn num_smoothing(self) -> usize {
        let of_trend = match self.trend {
            Trend::None => 0,
            Trend::Additive => 1,
            Trend::Damped => 2,
        };
        1 + of_trend + usize::from(self.season != Season::None)
    }

    /// The number of free values of the first state: seasonal ones have a fixed sum.
    pub(super) fn num_initial(self) -> usize {
        1 + usize::from(self.trend != Trend::None) + self.season.rows().saturating_sub(1)
    }
}

/// The smoothing parameters: of the level (α), the slope (β) and the season (γ), and the damping factor (φ). Without a
/// slope β is 0 and φ is 1, without a season γ is 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Smoothing {
    pub(super) alpha: f64,
    pub(super) beta: f64,
    pub(super) gamma: f64,
    pub(super) phi: f64,
}

/// A form with its smoothing parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Recursion {
    pub(super) form: Form,
    pub(super) smoothing: Smoothing,
}

/// The state after a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct State {
    pub(super) level: f64,
    pub(super) slope: f64,
    /// The last value of each row of the season.
    pub(super) seasons: Vec<f64>,
    /// The one that the next row has.
    pub(super) next: usize,
}

impl State {
    /// The state before a first row, which has the first of these seasonal values.
    pub(super) fn new(level: f64, slope: f64, seasons: Vec<f64>) -> Self {
        Self { level, slope, seasons, next: 0 }
    }
}

impl Recursion {
    /// Takes in the value of the next row, and returns its error, e = y − ŷ:
    ///
    /// ```text
    /// season            none          additive           multiplicative
    /// ŷ                 l + φb        l + φb + s         (l + φb) · s
    /// l ← l + φb +      αe            αe                 αe / s
    /// b ← φb +          βe            βe                 βe / s
    /// s ← s +                         γe                 γe / (l + φb)
    /// ```
    pub(super) fn update(&self, state: &mut State, value: f64) -> f64 {
        let Smoothing { alpha, beta, gamma, phi } = self.smoothing;
        let slope = phi * state.slope;
        let base = state.level + slope;
        let season = state.seasons.get(state.next).copied().unwrap_or(0.0);
        let (forecast, per_season, per_base) = match self.form.season {
            Season::None => (base, 1.0, 0.0),
            Season::Additive(_) => (base + season, 1.0, 1.0),
            Season::Multiplicative(_) => (base * season, 1.0 / season, 1.0 / base),
        };
        let error = value - forecast;
        state.level = base + alpha * error * per_season;
        state.slope = slope + beta * error * per_season;
        if let Some(season) = state.seasons.get_mut(state.next) {
            *season += gamma * error * per_base;
            state.next = (state.next + 1) % state.seasons.len();
        }
        error
    }

    /// The errors of consecutive rows after a state.
    pub(super) fn errors(&self, mut state: State, values: impl IntoIterator<Item = f64>) -> Vec<f64> {
        values.into_iter().map(|value| self.update(&mut state, value)).collect()
    }

    /// The sum of the squared errors of consecutive rows after a state.
    pub(super) fn squared_error(&self, mut state: State, values: &[f64]) -> f64 {
        values.iter().map(|value| self.update(&mut state, *value).powi(2)).sum()
    }

    /// The means of the next `horizon` rows after a state.
    pub(super) fn forecast(&self, state: &State, horizon: usize) -> Vec<f64> {
        let (mut damping, mut slopes) = (1.0, 0.0);
        let step = |step: usize| {
            damping *= self.smoothing.phi;
            slopes += damping;
            let base = state.level + slopes * state.slope;
            let season = || state.seasons[(state.next + step) % state.seasons.len()];
            match self.form.season {
                Season::None => base,
                Season::Additive(_) => base + season(),
                Season::Multiplicative(_) => base * season(),
            }
        };
        (0..horizon).map(step).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recursion(trend: Trend, season: Season) -> Recursion {
        let beta = if trend == Trend::None { 0.0 } else { 0.25 };
        let phi = if trend == Trend::Damped { 0.8 } else { 1.0 };
        Recursion { form: Form { trend, season }, smoothing: Smoothing { alpha: 0.5, beta, gamma: 0.1, phi } }
    }

    /// By hand, from the equations.
    #[test]
    fn a_row_changes_the_state() {
        let damped = recursion(Trend::Damped, Season::Additive(2));
        let mut state = State::new(10.0, 1.0, vec![2.0, -2.0]);
        // ŷ = 10 + 0.8 + 2
        assert!((damped.update(&mut state, 14.8) - 2.0).abs() < 1e-12);
        assert!((state.level - 11.8).abs() < 1e-12 && (state.slope - 1.3).abs() < 1e-12);
        assert!((state.seasons[0] - 2.2).abs() < 1e-12 && state.seasons[1] == -2.0);
        // l + φb + s, l + (φ + φ²)b + s
        let forecast = damped.forecast(&state, 2);
        assert!((forecast[0] - (11.8 + 1.04 - 2.0)).abs() < 1e-12, "{forecast:?}");
        assert!((forecast[1] - (11.8 + 1.44 * 1.3 + 2.2)).abs() < 1e-12, "{forecast:?}");

        let multiplicative = recursion(Trend::None, Season::Multiplicative(2));
        let mut state = State::new(10.0, 0.0, vec![2.0, 0.5]);
        assert!((multiplicative.update(&mut state, 24.0) - 4.0).abs() < 1e-12);
        assert!((state.level - 11.0).abs() < 1e-12 && (state.seasons[0] - 2.04).abs() < 1e-12);
        assert!((multiplicative.forecast(&state, 2)[1] - 11.0 * 2.04).abs() < 1e-12);
    }
}
