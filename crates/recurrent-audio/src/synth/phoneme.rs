//! What a phoneme is to the vocal tract.

/// Three formants or three bandwidths, in Hz.
pub(crate) type Triple = [f64; 3];

/// A phoneme of an adult man; other speakers scale it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Phoneme {
    /// Its symbol in the International Phonetic Alphabet.
    pub symbol: &'static str,
    pub manner: Manner,
    pub is_voiced: bool,
    /// How long it takes in a stressed word on its own. Of a stop, its closure.
    pub milliseconds: f64,
    pub formants: Triple,
    pub bandwidths: Triple,
    /// Where the formants are at the end, if they move: a diphthong.
    pub glide: Option<Triple>,
    /// How far the formants of a consonant follow those of the vowel beside it, from 0 to 1: the slope of a locus equation
    /// (Sussman, McCaffrey and Matthews 1991), `at the onset = locus + slope (in the vowel − locus)`.
    pub follow: Triple,
    /// The noise of its constriction.
    pub frication: Frication,
}

/// How a phoneme is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Manner {
    Vowel,
    Approximant,
    Nasal,
    Fricative,
    /// The noise is made in the throat, and goes through the formants of the vowel beside it.
    Aspirate,
    /// A closure, a burst, and an aspiration that takes so many milliseconds.
    Stop {
        aspiration: f64,
    },
    /// A closure, and a noise that takes so many milliseconds.
    Affricate {
        noise: f64,
    },
    /// Taps of the tongue.
    Trill,
}

/// The spectrum of a noise that is made in the mouth: two peaks over a flat floor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Frication {
    /// The level, 1 for [s].
    pub level: f64,
    pub peaks: [Peak; 2],
    /// The level between the peaks, relative to them.
    pub floor: f64,
    /// Whether the first peak is a multiple of the second formant of the vowel beside it, as where the tongue closes the
    /// tract behind a cavity of changing length: [k].
    pub follows_vowel: bool,
}

/// A peak of a spectrum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Peak {
    /// In Hz, or as a multiple of the second formant.
    pub frequency: f64,
    /// In Hz.
    pub bandwidth: f64,
    pub gain: f64,
}

const NO_PEAK: Peak = Peak { frequency: 1_000.0, bandwidth: 500.0, gain: 0.0 };

impl Frication {
    pub const NONE: Self = Self { level: 0.0, peaks: [NO_PEAK; 2], floor: 0.0, follows_vowel: false };

    pub const fn new(level: f64, first: (f64, f64), second: (f64, f64, f64), floor: f64) -> Self {
        let first = Peak { frequency: first.0, bandwidth: first.1, gain: 1.0 };
        let second = Peak { frequency: second.0, bandwidth: second.1, gain: second.2 };
        Self { level, peaks: [first, second], floor, follows_vowel: false }
    }

    pub const fn following_vowel(self) -> Self {
        Self { follows_vowel: true, ..self }
    }
}

impl Phoneme {
    const fn new(symbol: &'static str, manner: Manner, milliseconds: f64, formants: Triple) -> Self {
        Self {
            symbol,
            manner,
            is_voiced: true,
            milliseconds,
            formants,
            bandwidths: [60.0, 90.0, 150.0],
            glide: None,
            follow: [0.0; 3],
            frication: Frication::NONE,
        }
    }

    pub const fn vowel(symbol: &'static str, milliseconds: f64, formants: Triple) -> Self {
        Self::new(symbol, Manner::Vowel, milliseconds, formants)
    }

    pub const fn diphthong(symbol: &'static str, milliseconds: f64, from: Triple, to: Triple) -> Self {
        Self { glide: Some(to), ..Self::vowel(symbol, milliseconds, from) }
    }

    pub const fn approximant(symbol: &'static str, milliseconds: f64, formants: Triple) -> Self {
        Self {
            bandwidths: [70.0, 100.0, 150.0],
            follow: [0.1, 0.2, 0.2],
            ..Self::new(symbol, Manner::Approximant, milliseconds, formants)
        }
    }

    pub const fn trill(symbol: &'static str, milliseconds: f64, formants: Triple) -> Self {
        Self { follow: [0.4, 0.4, 0.3], ..Self::new(symbol, Manner::Trill, milliseconds, formants) }
    }

    pub const fn nasal(symbol: &'static str, milliseconds: f64, formants: Triple, follow: Triple) -> Self {
        let bandwidths = [60.0, 250.0, 300.0];
        Self { bandwidths, follow, ..Self::new(symbol, Manner::Nasal, milliseconds, formants) }
    }

    pub const fn fricative(symbol: &'static str, milliseconds: f64, formants: Triple, frication: Frication) -> Self {
        Self {
            is_voiced: false,
            bandwidths: [200.0, 120.0, 150.0],
            follow: [0.0, 0.4, 0.3],
            frication,
            ..Self::new(symbol, Manner::Fricative, milliseconds, formants)
        }
    }

    pub const fn aspirate(symbol: &'static str, milliseconds: f64) -> Self {
        Self {
            is_voiced: false,
            bandwidths: [250.0, 150.0, 200.0],
            follow: [1.0; 3],
            ..Self::new(symbol, Manner::Aspirate, milliseconds, [500.0, 1500.0, 2500.0])
        }
    }

    /// A stop of a place of articulation; unvoiced, its aspiration takes so many milliseconds.
    pub const fn stop(symbol: &'static str, milliseconds: f64, aspiration: f64, place: Place) -> Self {
        Self {
            is_voiced: false,
            bandwidths: [150.0, 120.0, 180.0],
            follow: place.follow,
            frication: place.burst,
            ..Self::new(symbol, Manner::Stop { aspiration }, milliseconds, place.locus)
        }
    }

    pub const fn affricate(symbol: &'static str, milliseconds: f64, noise: f64, like: Self) -> Self {
        Self { symbol, manner: Manner::Affricate { noise }, milliseconds, ..like }
    }

    pub const fn voiced(self) -> Self {
        Self { is_voiced: true, ..self }
    }

    /// The formants beside a vowel with these.
    pub fn formants_beside(&self, vowel: Option<Triple>) -> Triple {
        let Some(vowel) = vowel else { return self.formants };
        std::array::from_fn(|i| self.formants[i] + self.follow[i] * (vowel[i] - self.formants[i]))
    }

    /// Whether it is a consonant that can be held as a vowel can.
    pub fn is_sonorant(&self) -> bool {
        matches!(self.manner, Manner::Nasal | Manner::Approximant)
    }

    pub fn is_vowel(&self) -> bool {
        self.manner == Manner::Vowel
    }
}

/// Where the tongue or the lips close the tract: where formants come from and go to, and what a burst sounds like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub locus: Triple,
    pub follow: Triple,
    pub burst: Frication,
}
