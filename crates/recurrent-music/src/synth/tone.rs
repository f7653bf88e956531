//! The partials of a note.

use std::f64::consts::PI;

use crate::Pitch;
use crate::synth::envelope::Envelope;
use crate::synth::family::{Family, Recipe, Source, Spectrum};

/// The most harmonics that a string gets.
const HARMONICS: u32 = 24;
/// Partials that are weaker than this, relative to the strongest one, are left out.
const FLOOR: f64 = 1e-3;
/// The share of the sample rate up to which there are partials, a little below Nyquist.
const HIGHEST: f64 = 0.47;
/// The natural logarithm of 60 dB, as a ratio of amplitudes.
const LN_60_DB: f64 = 6.907_755_278_982_137;
/// The frequency of middle C, in Hz.
const MIDDLE_C: f64 = 261.625_565_300_598_6;

/// A sine wave that may decay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Partial {
    /// In Hz.
    pub(crate) frequency: f64,
    /// The amplitude at the beginning.
    pub(crate) amplitude: f64,
    /// In radians.
    pub(crate) phase: f64,
    /// The amplitude falls by a factor of e in the inverse of this, in 1/s.
    pub(crate) decay: f64,
}

/// What a note sounds like.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tone {
    /// All are below Nyquist.
    pub(crate) partials: Vec<Partial>,
    /// How it begins and ends.
    pub(crate) envelope: Envelope,
}

impl Tone {
    /// The sound of a pitch that is played with a velocity.
    pub(crate) fn new(family: Family, pitch: Pitch, velocity: u8, sample_rate: u32) -> Self {
        let recipe = family.recipe();
        let force = f64::from(velocity.min(127)) / 127.0;
        let mut partials = partials(&recipe, pitch, force);
        partials.retain(|partial| partial.frequency < HIGHEST * f64::from(sample_rate));
        scale_to(&mut partials, gain(force, frequency(pitch)));
        Self { partials, envelope: family.envelope() }
    }

    /// Seconds until all partials have decayed by 80 dB; infinite if one does not decay.
    pub(crate) fn ring(&self) -> f64 {
        let slowest = self.partials.iter().map(|partial| partial.decay).fold(f64::INFINITY, f64::min);
        LN_60_DB * 80.0 / 60.0 / slowest
    }
}

/// The frequency of a pitch in equal temperament, A4 at 440 Hz.
fn frequency(pitch: Pitch) -> f64 {
    440.0 * ((f64::from(pitch.number()) - 69.0) / 12.0).exp2()
}

/// The amplitude of a note: the square of the force, as in General MIDI 2, and a little less for high notes, to which
/// the ear is more sensitive.
fn gain(force: f64, frequency: f64) -> f64 {
    force * force * (MIDDLE_C / frequency).powf(0.2)
}

/// Gives partials a common power, so that families are equally loud.
fn scale_to(partials: &mut [Partial], gain: f64) {
    let power: f64 = partials.iter().map(|partial| partial.amplitude * partial.amplitude).sum();
    if power > 0.0 {
        let factor = gain / power.sqrt();
        partials.iter_mut().for_each(|partial| partial.amplitude *= factor);
    }
}

fn partials(recipe: &Recipe, pitch: Pitch, force: f64) -> Vec<Partial> {
    let fundamental = frequency(pitch);
    let stiffness = if recipe.stiff { inharmonicity(pitch) } else { 0.0 };
    let reach = recipe.brightness * (0.3 + 0.7 * force);
    let mut modes = modes(recipe.spectrum);
    for (ratio, amplitude) in &mut modes {
        *ratio *= ((1.0 + stiffness * *ratio * *ratio) / (1.0 + stiffness)).sqrt();
        *amplitude *= (-(*ratio - 1.0) * fundamental / reach).exp();
    }
    let strongest = modes.iter().map(|mode| mode.1).fold(0.0, f64::max);
    modes.retain(|mode| mode.1 >= FLOOR * strongest);
    let count = modes.len() as f64;
    let partial = |(index, (ratio, amplitude)): (usize, &(f64, f64)), source: &Source| Partial {
        frequency: fundamental * ratio * (source.cents / 1200.0).exp2(),
        amplitude: amplitude * source.level,
        // Phases that keep the peaks low, after Schroeder (1970), "Synthesis of low-peak-factor signals".
        phase: PI * (index * index) as f64 / count,
        decay: decay(recipe, fundamental, *ratio) * source.decay,
    };
    let of = |source| modes.iter().enumerate().map(move |mode| partial(mode, source));
    recipe.sources.iter().flat_map(of).collect()
}

/// Ratios to the fundamental, and amplitudes.
fn modes(spectrum: Spectrum) -> Vec<(f64, f64)> {
    match spectrum {
        Spectrum::Listed(modes) => modes.to_vec(),
        Spectrum::String { tilt, point } => (1..=HARMONICS)
            .map(|n| {
                let n = f64::from(n);
                let excited = if point > 0.0 { (n * PI * point).sin().abs() } else { 1.0 };
                (n, excited * n.powf(-tilt))
            })
            .collect(),
    }
}

/// How fast a partial decays, in 1/s: high notes decay faster than low ones, and high partials faster than low ones.
fn decay(recipe: &Recipe, fundamental: f64, ratio: f64) -> f64 {
    let of = |ring: f64| LN_60_DB / ring * (fundamental / MIDDLE_C).powf(0.6);
    recipe.ring.map_or(0.0, |ring| of(ring) * (1.0 + recipe.damping * (ratio - 1.0)))
}

/// The inharmonicity coefficient of a piano string: partial n is at n f sqrt(1 + B n²).
///
/// One exponential for the bass bridge and one for the treble bridge, after Rigaud, David and Daudet (2013), "A
/// parametric model and estimation techniques for the inharmonicity and tuning of the piano".
fn inharmonicity(pitch: Pitch) -> f64 {
    let number = f64::from(pitch.number());
    (0.0926 * number - 13.64).exp() + (-0.0847 * number - 5.82).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(family: Family, number: u8, velocity: u8) -> Tone {
        Tone::new(family, Pitch::new(number).unwrap(), velocity, 44_100)
    }

    #[test]
    fn every_pitch_of_every_family_has_a_fundamental_and_nothing_above_nyquist() {
        for family in Family::ALL {
            for number in 21..=108 {
                let pitch = Pitch::new(number).unwrap();
                let tone = Tone::new(family, pitch, 100, 8000);
                // At 8 kHz, the highest pitches of a piano cannot be heard at all.
                assert_eq!(tone.partials.is_empty(), frequency(pitch) > HIGHEST * 8000.0, "{family:?} {number}");
                assert!(tone.partials.iter().all(|partial| partial.frequency < 4000.0 && partial.amplitude > 0.0));
            }
        }
    }

    #[test]
    fn partials_of_a_piano_are_sharp_and_those_of_an_organ_are_not() {
        let ratio = |family, n: usize| {
            tone(family, 45, 100).partials[n].frequency / tone(family, 45, 100).partials[0].frequency
        };
        let eighth = ratio(Family::Piano, 6) / 7.0;
        assert!((1.0005..1.02).contains(&eighth), "{eighth}");
        assert!((ratio(Family::Organ, 3) - 4.0).abs() < 1e-9);
    }

    #[test]
    fn notes_of_one_velocity_have_one_power_in_every_family() {
        for family in Family::ALL {
            let power: f64 = tone(family, 60, 127).partials.iter().map(|p| p.amplitude * p.amplitude).sum();
            assert!((power - 1.0).abs() < 1e-9, "{family:?}: {power}");
        }
    }

    #[test]
    fn low_strings_ring_longer() {
        assert!(tone(Family::Piano, 30, 100).ring() > 2.0 * tone(Family::Piano, 80, 100).ring());
        assert_eq!(tone(Family::Organ, 60, 100).ring(), f64::INFINITY);
    }
}
