//! Families of instruments.

use crate::synth::envelope::Envelope;

/// A family of instruments with a common kind of sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Struck strings: pianos, harpsichord, clavinet.
    Piano,
    /// Struck bars and bells: vibraphone, marimba, celesta.
    Mallet,
    /// Pipes and everything else that sounds without change as long as a key is held.
    Organ,
    /// Plucked strings: guitars, basses, harp, pizzicato.
    Plucked,
    /// Bowed strings, choirs and soft synthesizer sounds.
    Strings,
    /// Brass, saxophones, oboes, clarinets.
    Reed,
    /// Flutes, recorders, whistles.
    Flute,
}

/// Which partials a note has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Spectrum {
    /// All harmonics of a string. The amplitude of number n falls with n to the power of `tilt`. A string that is struck
    /// or plucked at a point of its length lacks the harmonics with a node there; 0 for a bowed one.
    String { tilt: f64, point: f64 },
    /// Ratios to the fundamental, and amplitudes.
    Listed(&'static [(f64, f64)]),
}

/// One of several detuned sources of a note, such as the strings of a piano.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Source {
    /// How much higher it is tuned, in cents.
    pub(crate) cents: f64,
    /// Its amplitude.
    pub(crate) level: f64,
    /// How fast it decays, relative to others.
    pub(crate) decay: f64,
}

/// The sound of a family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Recipe {
    pub(crate) spectrum: Spectrum,
    pub(crate) sources: &'static [Source],
    /// In Hz: how far partials reach above the fundamental at full velocity.
    pub(crate) brightness: f64,
    /// In seconds: how long a middle C needs to decay by 60 dB; `None` if it does not decay.
    pub(crate) ring: Option<f64>,
    /// How much faster each next harmonic decays, as a share of the decay of the fundamental.
    pub(crate) damping: f64,
    /// Whether the strings are stiff, so that high partials are sharp.
    pub(crate) stiff: bool,
}

const ONE: &[Source] = &[Source { cents: 0.0, level: 1.0, decay: 1.0 }];
/// Two strings of a piano. The second one decays slower, which gives the two stages of the decay of a piano, after
/// Weinreich (1977), "Coupled piano strings".
const PAIR: &[Source] =
    &[Source { cents: -0.3, level: 0.75, decay: 1.0 }, Source { cents: 0.3, level: 0.35, decay: 0.35 }];
const RANKS: &[Source] =
    &[Source { cents: 0.0, level: 1.0, decay: 1.0 }, Source { cents: 1.5, level: 0.2, decay: 1.0 }];
const SECTION: &[Source] = &[
    Source { cents: 0.0, level: 1.0, decay: 1.0 },
    Source { cents: -5.0, level: 0.3, decay: 1.0 },
    Source { cents: 6.0, level: 0.25, decay: 1.0 },
];

/// Bars tuned as those of a vibraphone or a marimba, about 1 : 4 : 10.
const BAR: &[(f64, f64)] = &[(1.0, 1.0), (3.99, 0.3), (9.9, 0.08)];
/// Stops of 8, 4, 2 2/3, 2, 1 1/3 and 1 foot.
const STOPS: &[(f64, f64)] = &[(1.0, 1.0), (2.0, 0.7), (3.0, 0.35), (4.0, 0.4), (6.0, 0.15), (8.0, 0.15)];
const REED: &[(f64, f64)] = &[
    (1.0, 0.8),
    (2.0, 0.7),
    (3.0, 0.8),
    (4.0, 0.45),
    (5.0, 0.4),
    (6.0, 0.25),
    (7.0, 0.2),
    (8.0, 0.12),
    (9.0, 0.1),
    (10.0, 0.06),
];
const FLUTE: &[(f64, f64)] = &[(1.0, 1.0), (2.0, 0.3), (3.0, 0.12), (4.0, 0.05), (5.0, 0.02)];

impl Family {
    /// All families.
    pub const ALL: [Self; 7] =
        [Self::Piano, Self::Mallet, Self::Organ, Self::Plucked, Self::Strings, Self::Reed, Self::Flute];

    /// The nearest family to a General MIDI program, from 0; numbers above 127 are pianos.
    pub fn of_program(program: u8) -> Self {
        match program {
            8..=15 | 47 | 98 | 108 | 112..=119 => Self::Mallet,
            16..=23 | 80..=87 => Self::Organ,
            24..=39 | 45 | 46 | 104..=107 | 120 => Self::Plucked,
            40..=44 | 48..=55 | 88..=97 | 99..=103 | 110 => Self::Strings,
            56..=71 | 109 | 111 => Self::Reed,
            72..=79 | 121..=123 => Self::Flute,
            _ => Self::Piano,
        }
    }

    /// How notes of the family begin and end.
    pub(crate) fn envelope(self) -> Envelope {
        let [attack, decay, sustain, release] = match self {
            Self::Piano => [0.004, 0.05, 1.0, 0.2],
            Self::Mallet => [0.003, 0.05, 1.0, 0.4],
            Self::Organ => [0.025, 0.05, 1.0, 0.09],
            Self::Plucked => [0.003, 0.05, 1.0, 0.15],
            Self::Strings => [0.09, 0.25, 0.9, 0.22],
            Self::Reed => [0.04, 0.12, 0.8, 0.1],
            Self::Flute => [0.05, 0.15, 0.9, 0.12],
        };
        Envelope { attack, decay, sustain, release }
    }

    /// How notes of the family sound.
    pub(crate) fn recipe(self) -> Recipe {
        let sustained = |spectrum, sources, brightness| Recipe {
            spectrum,
            sources,
            brightness,
            ring: None,
            damping: 0.0,
            stiff: false,
        };
        match self {
            Self::Piano => Recipe {
                ring: Some(7.0),
                damping: 0.35,
                stiff: true,
                ..sustained(Spectrum::String { tilt: 0.9, point: 1.0 / 8.0 }, PAIR, 2200.0)
            },
            Self::Mallet => Recipe { ring: Some(4.0), damping: 1.0, ..sustained(Spectrum::Listed(BAR), ONE, 4000.0) },
            Self::Organ => sustained(Spectrum::Listed(STOPS), RANKS, 6000.0),
            Self::Plucked => Recipe {
                ring: Some(3.5),
                damping: 0.5,
                ..sustained(Spectrum::String { tilt: 1.2, point: 1.0 / 5.0 }, ONE, 3000.0)
            },
            Self::Strings => sustained(Spectrum::String { tilt: 1.1, point: 0.0 }, SECTION, 3000.0),
            Self::Reed => sustained(Spectrum::Listed(REED), ONE, 3500.0),
            Self::Flute => sustained(Spectrum::Listed(FLUTE), RANKS, 5000.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_have_their_family() {
        let cases = [
            (0, Family::Piano),
            (11, Family::Mallet),
            (19, Family::Organ),
            (24, Family::Plucked),
            (40, Family::Strings),
            (45, Family::Plucked),
            (56, Family::Reed),
            (73, Family::Flute),
            (255, Family::Piano),
        ];
        for (program, family) in cases {
            assert_eq!(Family::of_program(program), family, "{program}");
        }
    }

    #[test]
    fn every_family_is_that_of_a_program() {
        for family in Family::ALL {
            assert!((0..128).any(|program| Family::of_program(program) == family), "{family:?}");
        }
    }
}
