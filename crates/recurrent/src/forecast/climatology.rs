//! Climatology: the mean course of the cycles of the calendar.

use std::f64::consts::TAU;

use recurrent_data::{Cycle, DateTime};
use serde::{Deserialize, Serialize};

/// Something that repeats.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Period {
    Calendar(Cycle),
    /// So many rows.
    Rows(usize),
}

/// A point in time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) row: usize,
    pub(super) date: Option<DateTime>,
}

impl Moment {
    /// That of a row of a series.
    #[cfg(feature = "fit")]
    pub(super) fn of(series: &recurrent_data::Series, row: usize) -> Self {
        Self { row, date: series.dates().and_then(|dates| dates.timestamps().get(row).copied()) }
    }
}

impl Period {
    /// The part of the period that has passed; `None` without a date that it needs.
    fn phase(self, at: Moment) -> Option<f64> {
        match self {
            Self::Rows(rows) => Some((at.row % rows) as f64 / rows as f64),
            Self::Calendar(cycle) => at.date.map(|date| cycle.phase(date)),
        }
    }
}

/// Some harmonics of a period.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Harmonics {
    pub(super) period: Period,
    pub(super) count: usize,
}

/// A harmonic regression on the phases of the cycles of the calendar (or of a known season, without dates): the mean
/// course of a year, a week and a day. It knows the training rows and the date, and nothing of the days before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Climatology {
    harmonics: Vec<Harmonics>,
    /// Of a constant, and of the sine and the cosine of each harmonic.
    coefficients: Vec<f64>,
}

impl Climatology {
    /// A climatology of these harmonics and coefficients.
    #[cfg(feature = "fit")]
    pub(super) fn new(harmonics: Vec<Harmonics>, coefficients: Vec<f64>) -> Self {
        Self { harmonics, coefficients }
    }

    /// The mean at a point in time; `None` without a date that it needs.
    pub(super) fn mean(&self, at: Moment) -> Option<f64> {
        let mut inputs = vec![0.0; num_inputs(&self.harmonics)];
        write_inputs(&self.harmonics, at, &mut inputs)?;
        Some(inputs.iter().zip(&self.coefficients).map(|(input, coefficient)| input * coefficient).sum())
    }

    /// Whether it is one of the calendar, with a finite coefficient for each input; one from a file may not be.
    pub(super) fn is_valid(&self) -> bool {
        let of_calendar =
            |harmonics: &Harmonics| matches!(harmonics.period, Period::Calendar(_)) && harmonics.count < 100;
        self.harmonics.iter().all(of_calendar)
            && self.coefficients.len() == num_inputs(&self.harmonics)
            && self.coefficients.iter().all(|coefficient| coefficient.is_finite())
    }

    /// Whether it is the same at all times.
    #[cfg(feature = "fit")]
    pub(super) fn is_constant(&self) -> bool {
        self.harmonics.iter().all(|harmonics| harmonics.count == 0)
    }

    /// Its harmonics in words: `2 of the year, 1 of the week`.
    #[cfg(feature = "fit")]
    pub(super) fn describe(&self) -> String {
        let used = self.harmonics.iter().filter(|harmonics| harmonics.count > 0);
        let words = used.map(|Harmonics { period, count }| match period {
            Period::Calendar(cycle) => format!("{count} of the {}", cycle.name()),
            Period::Rows(rows) => format!("{count} of {rows} rows"),
        });
        words.collect::<Vec<_>>().join(", ")
    }
}

/// The number of inputs of a regression: a constant, and a sine and a cosine of each harmonic.
pub(super) fn num_inputs(harmonics: &[Harmonics]) -> usize {
    1 + 2 * harmonics.iter().map(|harmonics| harmonics.count).sum::<usize>()
}

/// Writes the inputs at a point in time; `None` without a date that they need.
pub(super) fn write_inputs(harmonics: &[Harmonics], at: Moment, to: &mut [f64]) -> Option<()> {
    to[0] = 1.0;
    let mut pairs = to[1..].chunks_exact_mut(2);
    for Harmonics { period, count } in harmonics {
        let phase = period.phase(at)?;
        for (harmonic, pair) in (1..=*count).zip(&mut pairs) {
            let (sin, cos) = (TAU * harmonic as f64 * phase).sin_cos();
            pair.copy_from_slice(&[sin, cos]);
        }
    }
    Some(())
}
