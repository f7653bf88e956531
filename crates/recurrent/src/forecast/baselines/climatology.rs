//! Fitting a climatology.

use recurrent_data::{Cycle, Subset, Train, Valid};

use super::least_squares::{NormalEquations, TINY_PENALTY};
use super::{Baseline, History, Problem, best};
use crate::forecast::climatology::{Climatology, Harmonics, Moment, Period, num_inputs, write_inputs};

/// The largest number of harmonics of a cycle.
const MAX_HARMONICS: usize = 6;

/// The periods that the training rows pass through, with their number of rows: those of the calendar, or, without dates,
/// the known seasons.
fn periods(train: &Subset<Train>, problem: &Problem) -> Vec<(Period, f64)> {
    if train.series().dates().is_some() {
        let cycles = Cycle::ALL.into_iter();
        return cycles.filter_map(|cycle| Some((Period::Calendar(cycle), train.rows_in(cycle)?))).collect();
    }
    let seasons = problem.seasons.iter().filter(|season| **season > 2 && 2 * **season <= train.num_rows());
    seasons.map(|season| (Period::Rows(*season), *season as f64)).collect()
}

/// Every choice of harmonics up to `limit` of each period, and none.
pub(super) fn choices(train: &Subset<Train>, problem: &Problem, limit: usize) -> Vec<Vec<Harmonics>> {
    let mut choices = vec![Vec::new()];
    for (period, rows) in periods(train, problem) {
        // A harmonic of less than two rows is one of more than two.
        let most = (((rows - 1.0) / 2.0).floor() as usize).min(limit);
        let with = |choice: &Vec<Harmonics>| {
            let choice = choice.clone();
            (0..=most).map(move |count| [&choice[..], &[Harmonics { period, count }]].concat())
        };
        choices = choices.iter().flat_map(with).collect();
    }
    choices
}

impl Climatology {
    /// The climatology of the training rows, with the number of harmonics of each cycle that is best on the validation
    /// rows; `None` without a cycle.
    pub fn fit(train: &Subset<Train>, valid: &Subset<Valid>, problem: &Problem) -> Option<Self> {
        let choices = choices(train, problem, MAX_HARMONICS).into_iter().filter(|choice| num_inputs(choice) > 1);
        best(choices.filter_map(|choice| Self::with(choice, train, problem.column)), valid, problem)
    }

    /// The climatology of the training rows with given harmonics.
    pub(super) fn with(harmonics: Vec<Harmonics>, train: &Subset<Train>, column: usize) -> Option<Self> {
        let series = train.series();
        let fill = |row: usize, x: &mut [f64], y: &mut [f64]| {
            write_inputs(&harmonics, Moment::of(series, row), x).expect("a row has a date if any row has one");
            y[0] = series.value(row, column);
        };
        let rows: Vec<usize> = train.segments().iter().flat_map(|segment| segment.rows.clone()).collect();
        let equations = NormalEquations::new(rows.into_iter(), (num_inputs(&harmonics), 1), fill);
        let coefficients = equations.solve(TINY_PENALTY)?.column(0).iter().copied().collect();
        Some(Self::new(harmonics, coefficients))
    }
}

impl Baseline for Climatology {
    fn name(&self) -> String {
        format!("climatology ({})", self.describe())
    }

    fn forecast(&self, history: &History, horizon: usize) -> Option<Vec<f64>> {
        (1..=horizon).map(|step| self.mean(Moment::of(history.series, history.origin + step))).collect()
    }
}
