//! The phonemes of Russian.
//!
//! Formants of vowels: rounded from the measurements in Fant (1960), *Acoustic Theory of Speech Production, with
//! Calculations Based on X-Ray Studies of Russian Articulations*. There is also where consonants stand: second formants are
//! low beside plain consonants, which are velarized, and high, near that of [i], beside palatalized ones. Unstressed vowels
//! lie between the stressed ones. Stops have hardly any aspiration; palatalized [tʲ] ends in noise (Jones and Ward 1969,
//! *The Phonetics of Russian*).

use super::phoneme::{Frication, Phoneme, Place, Triple};

const PLAIN_FOLLOW: Triple = [0.0, 0.55, 0.4];
const SOFT_FOLLOW: Triple = [0.0, 0.25, 0.25];

const LABIAL: Place = Place {
    locus: [200.0, 750.0, 2150.0],
    follow: [0.0, 0.7, 0.6],
    burst: Frication::new(0.2, (900.0, 900.0), (2400.0, 1500.0, 0.4), 0.15),
};
const SOFT_LABIAL: Place = Place {
    locus: [200.0, 2050.0, 2750.0],
    follow: SOFT_FOLLOW,
    burst: Frication::new(0.25, (1600.0, 1200.0), (3200.0, 1500.0, 0.6), 0.15),
};
const DENTAL: Place = Place {
    locus: [200.0, 1400.0, 2600.0],
    follow: PLAIN_FOLLOW,
    burst: Frication::new(0.6, (3900.0, 1500.0), (6000.0, 2000.0, 0.6), 0.06),
};
const SOFT_DENTAL: Place = Place {
    locus: [200.0, 2050.0, 2850.0],
    follow: SOFT_FOLLOW,
    burst: Frication::new(0.8, (4500.0, 1300.0), (6800.0, 1800.0, 0.9), 0.04),
};
const VELAR: Place = Place {
    locus: [200.0, 2000.0, 2300.0],
    follow: [0.0, 0.8, 0.5],
    burst: Frication::new(0.7, (1.15, 450.0), (4000.0, 1500.0, 0.2), 0.03).following_vowel(),
};

const S: Frication = Frication::new(1.0, (4700.0, 1700.0), (6900.0, 1800.0, 0.9), 0.04);
const SOFT_S: Frication = Frication::new(1.0, (5100.0, 1700.0), (7200.0, 1600.0, 0.8), 0.04);
const SH: Frication = Frication::new(1.1, (2100.0, 500.0), (4100.0, 1300.0, 0.5), 0.03);
const SHCH: Frication = Frication::new(1.1, (3400.0, 800.0), (5300.0, 1500.0, 0.6), 0.03);
const F: Frication = Frication::new(0.22, (7000.0, 3000.0), (1300.0, 1500.0, 0.3), 0.4);
const KH: Frication = Frication::new(0.5, (1.1, 400.0), (3300.0, 1200.0, 0.3), 0.05).following_vowel();

const TS: Phoneme = Phoneme::fricative("s", 110.0, [320.0, 1400.0, 2530.0], S);
const SOFT_SH: Phoneme = soft(Phoneme::fricative("ɕ", 150.0, [300.0, 2050.0, 2800.0], SHCH));

const fn soft(phoneme: Phoneme) -> Phoneme {
    Phoneme { follow: SOFT_FOLLOW, ..phoneme }
}

const fn plain(phoneme: Phoneme) -> Phoneme {
    Phoneme { follow: PLAIN_FOLLOW, ..phoneme }
}

pub(crate) const PHONEMES: &[Phoneme] = &[
    Phoneme::vowel("a", 170.0, [700.0, 1200.0, 2500.0]),
    Phoneme::vowel("e", 160.0, [440.0, 1900.0, 2600.0]),
    Phoneme::vowel("ɛ", 160.0, [520.0, 1700.0, 2500.0]),
    Phoneme::vowel("æ", 170.0, [620.0, 1650.0, 2500.0]),
    Phoneme::vowel("i", 150.0, [250.0, 2250.0, 3100.0]),
    Phoneme::vowel("ɨ", 150.0, [300.0, 1500.0, 2300.0]),
    // A vowel that opens: [uo].
    Phoneme::diphthong("o", 175.0, [480.0, 750.0, 2450.0], [540.0, 880.0, 2450.0]),
    Phoneme::vowel("u", 150.0, [300.0, 630.0, 2400.0]),
    Phoneme::vowel("ɐ", 100.0, [600.0, 1250.0, 2450.0]),
    Phoneme::vowel("ə", 75.0, [500.0, 1400.0, 2400.0]),
    Phoneme::vowel("ɪ", 80.0, [350.0, 2000.0, 2650.0]),
    Phoneme::approximant("j", 75.0, [260.0, 2200.0, 3050.0]),
    plain(Phoneme::approximant("l", 75.0, [380.0, 900.0, 2600.0])),
    soft(Phoneme::approximant("lʲ", 80.0, [320.0, 1950.0, 2750.0])),
    Phoneme::trill("r", 85.0, [450.0, 1250.0, 2250.0]),
    Phoneme::trill("rʲ", 80.0, [380.0, 1900.0, 2500.0]),
    Phoneme::nasal("m", 80.0, [300.0, 950.0, 2130.0], PLAIN_FOLLOW),
    Phoneme::nasal("mʲ", 80.0, [300.0, 1950.0, 2600.0], SOFT_FOLLOW),
    Phoneme::nasal("n", 75.0, [300.0, 1350.0, 2500.0], PLAIN_FOLLOW),
    Phoneme::nasal("nʲ", 75.0, [300.0, 2000.0, 2750.0], SOFT_FOLLOW),
    plain(Phoneme::fricative("f", 100.0, [340.0, 950.0, 2080.0], F)),
    soft(Phoneme::fricative("fʲ", 100.0, [320.0, 1950.0, 2600.0], F)),
    plain(Phoneme::fricative("v", 65.0, [250.0, 950.0, 2080.0], F).voiced()),
    soft(Phoneme::fricative("vʲ", 65.0, [250.0, 1950.0, 2600.0], F).voiced()),
    TS,
    soft(Phoneme::fricative("sʲ", 110.0, [300.0, 2000.0, 2750.0], SOFT_S)),
    Phoneme::fricative("z", 80.0, [260.0, 1400.0, 2530.0], S).voiced(),
    soft(Phoneme::fricative("zʲ", 80.0, [260.0, 2000.0, 2750.0], SOFT_S).voiced()),
    plain(Phoneme::fricative("ʂ", 120.0, [320.0, 1350.0, 2300.0], SH)),
    plain(Phoneme::fricative("ʐ", 85.0, [280.0, 1350.0, 2300.0], SH).voiced()),
    SOFT_SH,
    plain(Phoneme::fricative("x", 95.0, [400.0, 1300.0, 2400.0], KH)),
    Phoneme::stop("p", 85.0, 12.0, LABIAL),
    Phoneme::stop("pʲ", 85.0, 25.0, SOFT_LABIAL),
    Phoneme::stop("b", 75.0, 5.0, LABIAL).voiced(),
    Phoneme::stop("bʲ", 75.0, 8.0, SOFT_LABIAL).voiced(),
    Phoneme::stop("t", 80.0, 16.0, DENTAL),
    Phoneme::stop("d", 70.0, 6.0, DENTAL).voiced(),
    Phoneme::affricate("tʲ", 65.0, 45.0, Phoneme::stop("tʲ", 65.0, 40.0, SOFT_DENTAL)),
    Phoneme::stop("dʲ", 65.0, 15.0, SOFT_DENTAL).voiced(),
    Phoneme::stop("k", 80.0, 25.0, VELAR),
    Phoneme::stop("g", 70.0, 12.0, VELAR).voiced(),
    Phoneme::affricate("ts", 60.0, 80.0, TS),
    Phoneme::affricate("tɕ", 55.0, 85.0, SOFT_SH),
];
