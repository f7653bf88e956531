//! Climatology: the mean course of the cycles of the calendar.

use std::f64::consts::TAU;
use std::fmt::Write;

use recurrent_data::{Cycle, Series, Subset, Train, Valid};

use super::least_squares::NormalEquations;
use super::{Baseline, History, Problem, best};

/// The largest number of harmonics of a cycle.
const MAX_HARMONICS: usize = 6;
/// A penalty so small that it matters only if inputs are collinear.
const PENALTY: f64 = 1e-9;

/// Something that repeats.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Period {
    Calendar(Cycle),
    /// So many rows.
    Rows(usize),
}

impl Period {
    /// The periods that the training rows pass through, with their number of rows: those of the calendar, or, without
    /// dates, the known seasons.
    fn all(train: &Subset<Train>, problem: &Problem) -> Vec<(Self, f64)> {
        let rows = train.rows().len();
        match train.series().dates() {
            Some(dates) => {
                let cycles = Cycle::ALL.into_iter();
                cycles.filter_map(|cycle| Some((Self::Calendar(cycle), dates.rows_in(cycle, rows)?))).collect()
            }
            None => {
                let seasons = problem.seasons.iter().filter(|season| **season > 2 && 2 * **season <= rows);
                seasons.map(|season| (Self::Rows(*season), *season as f64)).collect()
            }
        }
    }

    /// The part of the period that has passed in a row; `None` for a row without a date.
    fn phase(self, series: &Series, row: usize) -> Option<f64> {
        match self {
            Self::Rows(rows) => Some((row % rows) as f64 / rows as f64),
            Self::Calendar(cycle) => Some(cycle.phase(*series.dates()?.timestamps().get(row)?)),
        }
    }
}

/// The harmonics of some periods: `sin 2πkφ` and `cos 2πkφ` of their phases φ.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Harmonics(Vec<(Period, usize)>);

impl Harmonics {
    /// Every choice of harmonics up to `limit` of each period, and none.
    pub(super) fn choices(train: &Subset<Train>, problem: &Problem, limit: usize) -> Vec<Self> {
        let mut choices = vec![Self(Vec::new())];
        for (period, rows) in Period::all(train, problem) {
            // A harmonic of less than two rows is one of more than two.
            let most = (((rows - 1.0) / 2.0).floor() as usize).min(limit);
            let with = |choice: &Self| {
                let choice = choice.clone();
                (0..=most).map(move |count| Self([&choice.0[..], &[(period, count)]].concat()))
            };
            choices = choices.iter().flat_map(with).collect();
        }
        choices
    }

    /// The number of inputs of a regression: a constant, and a sine and a cosine of each harmonic.
    fn inputs(&self) -> usize {
        1 + 2 * self.0.iter().map(|(_, count)| count).sum::<usize>()
    }

    /// Writes the inputs of a row; `None` for a row without a date.
    fn write(&self, series: &Series, row: usize, to: &mut [f64]) -> Option<()> {
        to[0] = 1.0;
        let mut pairs = to[1..].chunks_exact_mut(2);
        for (period, count) in &self.0 {
            let phase = period.phase(series, row)?;
            for (harmonic, pair) in (1..=*count).zip(&mut pairs) {
                let (sin, cos) = (TAU * harmonic as f64 * phase).sin_cos();
                pair.copy_from_slice(&[sin, cos]);
            }
        }
        Some(())
    }

    /// `2 of the year, 1 of the week`.
    fn describe(&self) -> String {
        let mut text = String::new();
        for (period, count) in self.0.iter().filter(|(_, count)| *count > 0) {
            let separator = if text.is_empty() { "" } else { ", " };
            let _ = match period {
                Period::Calendar(cycle) => write!(text, "{separator}{count} of the {}", cycle.name()),
                Period::Rows(rows) => write!(text, "{separator}{count} of {rows} rows"),
            };
        }
        text
    }
}

/// A harmonic regression on the phases of the cycles of the calendar (or of the known season, without dates): the mean
/// course of a year, a week and a day. It knows the training rows and the date, and nothing of the days before.
#[derive(Debug, Clone)]
pub struct Climatology {
    harmonics: Harmonics,
    coefficients: Vec<f64>,
}

impl Climatology {
    /// The climatology of the training rows, with the number of harmonics of each cycle that is best on the validation
    /// rows; `None` without a cycle.
    pub fn fit(train: &Subset<Train>, valid: &Subset<Valid>, problem: &Problem) -> Option<Self> {
        let choices = Harmonics::choices(train, problem, MAX_HARMONICS).into_iter();
        let choices = choices.filter(|choice| choice.inputs() > 1);
        best(choices.filter_map(|choice| Self::of(choice, train, problem.column)), valid, problem)
    }

    /// The climatology with given harmonics.
    pub(super) fn of(harmonics: Harmonics, train: &Subset<Train>, column: usize) -> Option<Self> {
        let series = train.series();
        let fill = |row: usize, x: &mut [f64], y: &mut [f64]| {
            harmonics.write(series, row, x).expect("a training row has a date if any row has one");
            y[0] = series.value(row, column);
        };
        let equations = NormalEquations::new(train.rows(), (harmonics.inputs(), 1), fill);
        let coefficients = equations.solve(PENALTY)?.column(0).iter().copied().collect();
        Some(Self { harmonics, coefficients })
    }

    /// The mean of a row; `None` for a row without a date.
    pub(super) fn mean(&self, series: &Series, row: usize) -> Option<f64> {
        let mut inputs = vec![0.0; self.harmonics.inputs()];
        self.harmonics.write(series, row, &mut inputs)?;
        Some(inputs.iter().zip(&self.coefficients).map(|(input, coefficient)| input * coefficient).sum())
    }

    /// Its harmonics in words.
    pub(super) fn describe(&self) -> String {
        self.harmonics.describe()
    }
}

impl Baseline for Climatology {
    fn name(&self) -> String {
        format!("climatology ({})", self.describe())
    }

    fn forecast(&self, history: &History, horizon: usize) -> Option<Vec<f64>> {
        (1..=horizon).map(|step| self.mean(history.series, history.origin + step)).collect()
    }
}
