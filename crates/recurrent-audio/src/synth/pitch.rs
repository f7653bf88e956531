//! The pitch of an utterance over time.

use std::f64::consts::TAU;

use rand::{Rng, RngExt};

use super::phase::Score;
use super::speaker::Speaker;

/// The contour of the pitch: it declines over the utterance, rises on the accent of each word, and falls or rises at the
/// end (Fujisaki 1983 has such a sum of the slow and the fast). Slow drifts are those of Klatt and Klatt (1990).
#[derive(Debug)]
pub(crate) struct PitchContour {
    base: f64,
    end: f64,
    /// In semitones from the beginning to the end.
    decline: f64,
    /// The times and the heights in semitones of accents.
    accents: Vec<(f64, f64)>,
    /// How far the pitch moves at the end, in semitones, and when this begins.
    last: f64,
    last_start: f64,
    phases: [f64; 3],
}

/// Half the length of an accent, in seconds.
const ACCENT: f64 = 0.18;
/// The drift of the pitch: frequencies in Hz, and the height in semitones.
const DRIFT: [f64; 3] = [12.7, 7.1, 4.7];
const DRIFT_HEIGHT: f64 = 0.12;

impl PitchContour {
    pub fn new(score: &Score, speaker: &Speaker, rng: &mut impl Rng) -> Self {
        let range = speaker.intonation;
        let accents = score.spans.iter().map(|span| (span.accent, range * rng.random_range(0.5..4.0))).collect();
        // Some speakers rise, as in a list or a question.
        let last = if rng.random_bool(0.25) { rng.random_range(1.0..4.0) } else { rng.random_range(-5.0..-1.5) };
        let last_start = score.spans.last().map_or(score.end, |span| (span.accent + span.start) / 2.0);
        Self {
            base: speaker.pitch * 2.0_f64.powf(range * rng.random_range(-1.0..1.0) / 12.0),
            end: score.spans.last().map_or(score.end, |span| span.end),
            decline: range * rng.random_range(1.0..4.0),
            accents,
            last: range * last,
            last_start,
            phases: std::array::from_fn(|_| rng.random_range(0.0..TAU)),
        }
    }

    /// The pitch at a time, in Hz.
    pub fn at(&self, time: f64) -> f64 {
        let decline = -self.decline * (time / self.end - 0.5);
        let accent = |(at, height): &(f64, f64)| height * bump((time - at) / ACCENT);
        let accents: f64 = self.accents.iter().map(accent).sum();
        let last = self.last * ((time - self.last_start) / (self.end - self.last_start)).clamp(0.0, 1.0);
        let drift: f64 = DRIFT.iter().zip(self.phases).map(|(hertz, phase)| (TAU * hertz * time + phase).sin()).sum();
        let semitones = decline + accents + last + DRIFT_HEIGHT * drift;
        (self.base * 2.0_f64.powf(semitones / 12.0)).clamp(50.0, 500.0)
    }
}

/// 1 at 0, 0 from ±1 on.
fn bump(x: f64) -> f64 {
    if x.abs() < 1.0 { 0.5 + 0.5 * (0.5 * TAU * x).cos() } else { 0.0 }
}
