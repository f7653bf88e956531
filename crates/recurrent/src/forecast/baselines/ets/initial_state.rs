//! The first state of exponential smoothing, by maximum likelihood for given smoothing parameters.

use nalgebra::{DMatrix, DVector};

use super::recursion::{Recursion, Season, State, Trend};

/// The relative step of a numerical derivative.
const STEP: f64 = 1e-6;
/// Rounds of Gauss–Newton, each from the last.
const ROUNDS: usize = 5;
/// Halvings of a step that does not lower the error.
const HALVINGS: usize = 6;

/// The free values of a first state: the level, the slope if there is one, and all but the last value of the season.
/// The values of a season have a sum of 0, or a mean of 1 if they are factors.
fn state(recursion: &Recursion, free: &[f64]) -> State {
    let has_slope = recursion.form.trend != Trend::None;
    let (base, seasons) = free.split_at(1 + usize::from(has_slope));
    let sum = match recursion.form.season {
        Season::None => return State::new(base[0], base.get(1).copied().unwrap_or(0.0), Vec::new()),
        Season::Additive(_) => 0.0,
        Season::Multiplicative(rows) => rows as f64,
    };
    let last = sum - seasons.iter().sum::<f64>();
    let seasons = seasons.iter().copied().chain([last]).collect();
    State::new(base[0], base.get(1).copied().unwrap_or(0.0), seasons)
}

/// The first state with which the squared errors of the rows have the smallest sum; `None` if there is not one.
///
/// Where all parts are added, the errors are linear in the first state (Hyndman et al. 2008, section 5.2), so that it
/// is a least-squares problem. All seasonal values have the same effect on the errors, each from its own row on, so
/// that products of two of them differ from one another by a few terms.
pub(super) fn additive(recursion: &Recursion, values: &[f64]) -> Option<State> {
    let effects = Effects::of(recursion, values.len());
    // From a state near the solution, so that a large level does not cost digits.
    let mut base = vec![0.0; recursion.form.num_initial()];
    base[0] = mean(&values[..values.len().min(recursion.form.season.rows().max(1))]);
    let errors = recursion.errors(state(recursion, &base), values.iter().copied());
    let constraint = effects.constraint();
    let gram = constraint.tr_mul(&effects.gram()) * &constraint;
    let moments = constraint.tr_mul(&effects.moments(&errors));
    let change = gram.cholesky()?.solve(&-moments);
    let free: Vec<f64> = base.iter().zip(&change).map(|(base, change)| base + change).collect();
    free.iter().all(|value| value.is_finite()).then(|| state(recursion, &free))
}

/// How the errors change with the first state: a column for the level, one for the slope, one for each row of a season.
struct Effects {
    /// Those of the level, and of the slope if there is one.
    base: Vec<Vec<f64>>,
    /// That of the first row of a season.
    season: Vec<f64>,
    /// The rows of a season.
    rows: usize,
}

impl Effects {
    fn of(recursion: &Recursion, len: usize) -> Self {
        let rows = recursion.form.season.rows();
        let errors = |level, slope, first| {
            let mut seasons = vec![0.0; rows];
            seasons.iter_mut().take(1).for_each(|season| *season = first);
            recursion.errors(State::new(level, slope, seasons), std::iter::repeat_n(0.0, len))
        };
        let mut base = vec![errors(1.0, 0.0, 0.0)];
        if recursion.form.trend != Trend::None {
            base.push(errors(0.0, 1.0, 0.0));
        }
        Self { base, season: if rows > 0 { errors(0.0, 0.0, 1.0) } else { Vec::new() }, rows }
    }

    /// The products of all columns with each other.
    fn gram(&self) -> DMatrix<f64> {
        let (bases, len) = (self.base.len(), self.season.len());
        let mut gram = DMatrix::zeros(bases + self.rows, bases + self.rows);
        let mut set = |a: usize, b: usize, product: f64| {
            gram[(a, b)] = product;
            gram[(b, a)] = product;
        };
        for (a, base) in self.base.iter().enumerate() {
            (0..=a).for_each(|b| set(a, b, dot(base, &self.base[b])));
            (0..self.rows).for_each(|row| set(a, bases + row, dot(&base[row..], &self.season)));
        }
        for distance in 0..self.rows {
            // Of the first row and that at the distance; then of the second row and the next one, which lacks a term.
            let later = &self.season[distance..];
            let mut product = dot(later, &self.season);
            for row in 0..self.rows - distance {
                set(bases + row, bases + row + distance, product);
                let last = len - 1 - distance - row;
                product -= later[last] * self.season[last];
            }
        }
        gram
    }

    /// The products of all columns with the errors.
    fn moments(&self, errors: &[f64]) -> DVector<f64> {
        let base = self.base.iter().map(|base| dot(errors, base));
        let seasons = (0..self.rows).map(|row| dot(&errors[row..], &self.season));
        DVector::from_vec(base.chain(seasons).collect())
    }

    /// The matrix from the free values to all: the last seasonal value is minus the sum of the others.
    fn constraint(&self) -> DMatrix<f64> {
        let all = self.base.len() + self.rows;
        let free = self.base.len() + self.rows.saturating_sub(1);
        DMatrix::from_fn(all, free, |row, column| match (row == column, row == free && column >= self.base.len()) {
            (true, _) => 1.0,
            (_, true) => -1.0,
            _ => 0.0,
        })
    }
}

/// A first state from which to search one whose seasonal values are factors: the means of the first seasons, and of
/// each row in them (Hyndman et al. 2008, section 2.6.1).
pub(super) fn multiplicative_start(recursion: &Recursion, values: &[f64]) -> State {
    let rows = recursion.form.season.rows();
    let seasons: Vec<&[f64]> = values.chunks_exact(rows).take(5).collect();
    let means: Vec<f64> = seasons.iter().map(|season| mean(season)).collect();
    let factor = |row: usize| {
        let of_seasons: Vec<f64> = seasons.iter().zip(&means).map(|(season, mean)| season[row] / mean).collect();
        mean(&of_seasons)
    };
    let change = (means[means.len() - 1] - means[0]) / (rows * (means.len() - 1).max(1)) as f64;
    let slope = if recursion.form.trend == Trend::None { 0.0 } else { change };
    State::new(means[0] - slope * (rows as f64 - 1.0) / 2.0, slope, (0..rows).map(factor).collect())
}

/// A first state of smaller error than `from` where seasonal values are factors, by Gauss–Newton.
pub(super) fn improve(recursion: &Recursion, values: &[f64], from: &State) -> State {
    let mut free = vec![from.level];
    free.extend((recursion.form.trend != Trend::None).then_some(from.slope));
    let bases = free.len();
    free.extend(from.seasons.iter().take(from.seasons.len().saturating_sub(1)));
    let errors = |free: &[f64]| DVector::from_vec(recursion.errors(state(recursion, free), values.iter().copied()));
    let mut current = errors(&free);
    for _ in 0..ROUNDS {
        // In the unit of the values; seasonal ones are factors near 1.
        let size = |index: usize| if index < bases { STEP * free[0].abs().max(f64::MIN_POSITIVE) } else { STEP };
        let columns: Vec<DVector<f64>> = (0..free.len())
            .map(|index| {
                let (mut moved, step) = (free.clone(), size(index));
                moved[index] += step;
                (errors(&moved) - &current) / step
            })
            .collect();
        let jacobian = DMatrix::from_columns(&columns);
        let Some(factor) = jacobian.tr_mul(&jacobian).cholesky() else { break };
        let change = factor.solve(&-jacobian.tr_mul(&current));
        let steps = (0..=HALVINGS).map(|halvings| 0.5_f64.powi(halvings as i32));
        let moved = steps.map(|step| free.iter().zip(&change).map(|(a, b)| a + step * b).collect::<Vec<f64>>());
        let mut tried = moved.map(|free| (errors(&free), free));
        let Some((better, at)) = tried.find(|(errors, _)| errors.norm_squared() < current.norm_squared()) else {
            break;
        };
        (current, free) = (better, at);
    }
    state(recursion, &free)
}

/// The sum of products, up to the end of the shorter.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::super::recursion::{Form, Smoothing};
    use super::*;

    fn recursion(trend: Trend, season: Season) -> Recursion {
        let phi = if trend == Trend::Damped { 0.9 } else { 1.0 };
        let beta = if trend == Trend::None { 0.0 } else { 0.1 };
        let gamma = if season == Season::None { 0.0 } else { 0.2 };
        Recursion { form: Form { trend, season }, smoothing: Smoothing { alpha: 0.3, beta, gamma, phi } }
    }

    fn values() -> Vec<f64> {
        (0..40)
            .map(|row| {
                50.0 + 0.5 * f64::from(row) + [3.0, -1.0, 4.0, -6.0][row as usize % 4] + (1.7 * f64::from(row)).sin()
            })
            .collect()
    }

    /// The products that are updated from one another are those of the columns themselves.
    #[test]
    fn products_are_those_of_the_columns() {
        let recursion = recursion(Trend::Damped, Season::Additive(4));
        let effects = Effects::of(&recursion, 40);
        let zero = |index: usize, at: usize| f64::from(u8::from(index == at));
        let column = |at: usize| {
            let seasons = (2..6).map(|index| zero(index, at)).collect();
            recursion.errors(State::new(zero(0, at), zero(1, at), seasons), [0.0; 40])
        };
        let gram = effects.gram();
        for a in 0..6 {
            assert!((effects.moments(&values())[a] - dot(&column(a), &values())).abs() < 1e-9);
            (0..6).for_each(|b| assert!((gram[(a, b)] - dot(&column(a), &column(b))).abs() < 1e-12, "{a}, {b}"));
        }
    }

    #[test]
    fn no_state_nearby_has_a_smaller_error() {
        for trend in [Trend::None, Trend::Additive, Trend::Damped] {
            for season in [Season::None, Season::Additive(4), Season::Multiplicative(4)] {
                let (recursion, values) = (recursion(trend, season), values());
                let best = match season {
                    Season::Multiplicative(_) => {
                        improve(&recursion, &values, &multiplicative_start(&recursion, &values))
                    }
                    _ => additive(&recursion, &values).unwrap(),
                };
                let error = |state: &State| recursion.squared_error(state.clone(), &values);
                let least = error(&best);
                for step in [-1e-3, 1e-3] {
                    let mut moved = vec![State { level: best.level + step, ..best.clone() }];
                    if trend != Trend::None {
                        moved.push(State { slope: best.slope + step, ..best.clone() });
                    }
                    for row in 1..season.rows() {
                        let mut other = best.clone();
                        other.seasons[0] += step;
                        other.seasons[row] -= step;
                        moved.push(other);
                    }
                    assert!(moved.iter().all(|moved| error(moved) > least), "{trend:?} {season:?}");
                }
                let sum: f64 = best.seasons.iter().sum();
                let expected = if matches!(season, Season::Multiplicative(_)) { 4.0 } else { 0.0 };
                assert!((sum - expected).abs() < 1e-9);
            }
        }
    }
}
