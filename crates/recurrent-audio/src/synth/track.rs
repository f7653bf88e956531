//! From phases to what the synthesizer is told, frame by frame: targets smoothed over time, since tongue, lips and larynx
//! have inertia.

use std::f64::consts::TAU;

use rand::Rng;

use super::phase::{Phase, Score};
use super::phoneme::Frication;
use super::pitch::PitchContour;
use super::speaker::Speaker;

/// The length of a frame, in seconds.
pub(crate) const FRAME: f64 = 0.002;

/// How long it takes to move, in seconds: the tongue, the soft palate, the vocal folds, a constriction.
const TONGUE: f64 = 0.070;
const PALATE: f64 = 0.080;
const FOLDS: f64 = 0.024;
const CONSTRICTION: f64 = 0.006;

/// What the synthesizer is to do in a frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    pub pitch: f64,
    pub voicing: f64,
    pub aspiration: f64,
    pub frication: f64,
    pub nasality: f64,
    pub formants: [f64; 3],
    pub bandwidths: [f64; 3],
    pub spectrum: Frication,
}

/// The frames of an utterance; none if nothing is said.
pub(crate) fn frames(score: &Score, speaker: &Speaker, rng: &mut impl Rng) -> Vec<Frame> {
    let pitch = PitchContour::new(score, speaker, rng);
    let targets: Vec<_> = Targets::new(&score.phases).take((score.end / FRAME).ceil() as usize).collect();
    let track = |value: fn(&Aim) -> f64, seconds: f64| {
        let values: Vec<_> = targets.iter().map(value).collect();
        smooth(&values, seconds)
    };
    let tongue = TONGUE * speaker.coarticulation / speaker.rate;
    let formants = [
        track(|aim| aim.formants[0], 0.8 * tongue),
        track(|aim| aim.formants[1], tongue),
        track(|aim| aim.formants[2], tongue),
    ];
    let bandwidths = [
        track(|aim| aim.phase.target.bandwidths[0], FOLDS),
        track(|aim| aim.phase.target.bandwidths[1], FOLDS),
        track(|aim| aim.phase.target.bandwidths[2], FOLDS),
    ];
    let voicing = track(|aim| aim.level * aim.phase.target.voicing, FOLDS);
    let aspiration = track(|aim| aim.level * aim.phase.target.aspiration, FOLDS);
    let frication = track(|aim| aim.level * aim.ramp * aim.phase.target.frication, CONSTRICTION);
    let nasality = track(|aim| aim.phase.target.nasality, PALATE);
    (0..targets.len())
        .map(|i| Frame {
            pitch: pitch.at((i as f64 + 0.5) * FRAME),
            voicing: voicing[i],
            aspiration: aspiration[i],
            frication: frication[i],
            nasality: nasality[i],
            formants: std::array::from_fn(|k| formants[k][i]),
            bandwidths: std::array::from_fn(|k| bandwidths[k][i]),
            spectrum: targets[i].phase.target.spectrum,
        })
        .collect()
}

/// What is aimed at in a frame.
struct Aim {
    phase: Phase,
    formants: [f64; 3],
    /// 0 in a pause, in which the tract stays where it was, or goes to where it will be.
    level: f64,
    /// How far the noise has risen.
    ramp: f64,
}

/// The aims, frame after frame.
struct Targets<'a> {
    phases: &'a [Phase],
    current: usize,
    index: usize,
}

impl<'a> Targets<'a> {
    fn new(phases: &'a [Phase]) -> Self {
        Self { phases, current: 0, index: 0 }
    }
}

impl Iterator for Targets<'_> {
    type Item = Aim;

    fn next(&mut self) -> Option<Aim> {
        let time = (self.index as f64 + 0.5) * FRAME;
        self.index += 1;
        // In a pause, the nearer of the two phases around it.
        while let [this, next, ..] = self.phases[self.current..]
            && time > (this.end + next.start) / 2.0
        {
            self.current += 1;
        }
        let phase = *self.phases.get(self.current)?;
        let (since, left) = (time - phase.start, phase.end - time);
        let formants = match phase.glide {
            None => phase.target.formants,
            Some(glide) => {
                // Diphthongs rest at their ends.
                let way = ((since / (since + left) - 0.25) / 0.65).clamp(0.0, 1.0);
                std::array::from_fn(|k| phase.target.formants[k] + way * (glide[k] - phase.target.formants[k]))
            }
        };
        let level = if since > 0.0 && left > 0.0 { 1.0 } else { 0.0 };
        let ramp = if phase.ramp > 0.0 { (since.min(left) / phase.ramp).clamp(0.0, 1.0) } else { 1.0 };
        Some(Aim { phase, formants, level, ramp })
    }
}

/// The values, each as a mean of those around it, weighted by a Hann window of this length.
fn smooth(values: &[f64], seconds: f64) -> Vec<f64> {
    let Some(last) = values.len().checked_sub(1) else { return Vec::new() };
    let half = (seconds / FRAME / 2.0).round() as usize;
    let weights: Vec<f64> =
        (0..=2 * half).map(|i| 0.5 - 0.5 * (TAU * (i + 1) as f64 / (2 * half + 2) as f64).cos()).collect();
    let sum: f64 = weights.iter().sum();
    // Before the beginning and behind the end is what is there.
    let value = |i: usize| values[i.saturating_sub(half).min(last)];
    let padded: Vec<_> = (0..values.len() + 2 * half).map(value).collect();
    let mean = |window: &[f64]| window.iter().zip(&weights).map(|(value, weight)| value * weight).sum::<f64>() / sum;
    padded.windows(weights.len()).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothing_keeps_constants_and_rounds_steps() {
        assert!(smooth(&[2.0; 50], 0.07).iter().all(|value| (value - 2.0).abs() < 1e-12));
        let step: Vec<_> = (0..100).map(|i| if i < 50 { 0.0 } else { 1.0 }).collect();
        let smoothed = smooth(&step, 0.04);
        assert_eq!(smoothed.len(), 100);
        assert!(smoothed.is_sorted());
        assert!(smoothed[39] == 0.0 && (smoothed[49] + smoothed[50] - 1.0).abs() < 1e-9 && smoothed[61] > 0.999);
        assert!(smooth(&[], 0.04).is_empty());
    }
}
