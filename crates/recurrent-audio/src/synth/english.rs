//! The phonemes of American English.
//!
//! Formants of vowels: the men of Peterson and Barney (1952), and the ends of diphthongs in Klatt (1980). Consonants: Klatt
//! (1980), tables II and III; second formants at the release of stops by the locus equations of Sussman et al. (1991).
//! Durations: Allen, Hunnicutt and Klatt (1987), *From Text to Speech: The MITalk System*; aspiration: Klatt (1975). Noises:
//! the centers of gravity in Jongman, Wayland and Wong (2000), the bursts in Stevens and Blumstein (1978).

use super::phoneme::{Frication, Phoneme, Place};

const LABIAL: Place = Place {
    locus: [200.0, 800.0, 2150.0],
    follow: [0.0, 0.8, 0.6],
    burst: Frication::new(0.2, (900.0, 900.0), (2400.0, 1500.0, 0.4), 0.15),
};
const ALVEOLAR: Place = Place {
    locus: [200.0, 1850.0, 2700.0],
    follow: [0.0, 0.43, 0.3],
    burst: Frication::new(0.7, (4300.0, 1500.0), (6500.0, 2000.0, 0.7), 0.05),
};
const VELAR: Place = Place {
    locus: [200.0, 2200.0, 2300.0],
    follow: [0.0, 0.75, 0.5],
    burst: Frication::new(0.7, (1.15, 450.0), (4000.0, 1500.0, 0.25), 0.03).following_vowel(),
};

const S: Frication = Frication::new(1.0, (4800.0, 1700.0), (7000.0, 1800.0, 0.9), 0.04);
const SH: Frication = Frication::new(1.1, (2900.0, 700.0), (4700.0, 1500.0, 0.6), 0.03);
const F: Frication = Frication::new(0.22, (7000.0, 3000.0), (1500.0, 2000.0, 0.3), 0.4);
const TH: Frication = Frication::new(0.18, (6000.0, 3000.0), (1500.0, 2000.0, 0.1), 0.4);

const ESH: Phoneme = Phoneme::fricative("ʃ", 105.0, [300.0, 1840.0, 2750.0], SH);
const EZH: Phoneme = Phoneme::fricative("ʒ", 70.0, [300.0, 1840.0, 2750.0], SH).voiced();

pub(crate) const PHONEMES: &[Phoneme] = &[
    Phoneme::vowel("iː", 155.0, [270.0, 2290.0, 3010.0]),
    Phoneme::vowel("ɪ", 135.0, [390.0, 1990.0, 2550.0]),
    Phoneme::vowel("ɛ", 150.0, [530.0, 1840.0, 2480.0]),
    Phoneme::vowel("æ", 230.0, [660.0, 1720.0, 2410.0]),
    Phoneme::vowel("ɑ", 240.0, [730.0, 1090.0, 2440.0]),
    Phoneme::vowel("ɔ", 240.0, [570.0, 840.0, 2410.0]),
    Phoneme::vowel("ʊ", 160.0, [440.0, 1020.0, 2240.0]),
    // More in front than in 1952 (Hillenbrand et al. 1995), above all behind [t].
    Phoneme::diphthong("uː", 200.0, [350.0, 1300.0, 2300.0], [320.0, 950.0, 2250.0]),
    Phoneme::vowel("ʌ", 140.0, [640.0, 1190.0, 2390.0]),
    Phoneme::vowel("ɝ", 180.0, [490.0, 1350.0, 1690.0]),
    Phoneme::vowel("ə", 100.0, [500.0, 1400.0, 2400.0]),
    Phoneme::diphthong("eɪ", 190.0, [480.0, 1980.0, 2550.0], [330.0, 2250.0, 2700.0]),
    Phoneme::diphthong("aɪ", 250.0, [710.0, 1230.0, 2500.0], [400.0, 1950.0, 2550.0]),
    Phoneme::diphthong("ɔɪ", 280.0, [550.0, 900.0, 2400.0], [370.0, 1900.0, 2500.0]),
    Phoneme::diphthong("aʊ", 260.0, [750.0, 1350.0, 2450.0], [480.0, 980.0, 2350.0]),
    Phoneme::diphthong("oʊ", 220.0, [540.0, 1080.0, 2350.0], [400.0, 860.0, 2300.0]),
    Phoneme::approximant("w", 80.0, [290.0, 610.0, 2150.0]),
    Phoneme::approximant("j", 80.0, [260.0, 2150.0, 3020.0]),
    Phoneme::approximant("r", 80.0, [330.0, 1100.0, 1450.0]),
    Phoneme::approximant("l", 80.0, [350.0, 1000.0, 2750.0]),
    // At the end of a syllable it is dark.
    Phoneme::approximant("ɫ", 90.0, [430.0, 800.0, 2650.0]),
    Phoneme::nasal("m", 75.0, [300.0, 1100.0, 2130.0], [0.0, 0.5, 0.4]),
    Phoneme::nasal("n", 70.0, [300.0, 1500.0, 2550.0], [0.0, 0.35, 0.3]),
    Phoneme::nasal("ŋ", 95.0, [300.0, 1990.0, 2500.0], [0.0, 0.6, 0.4]),
    Phoneme::fricative("f", 100.0, [340.0, 1100.0, 2080.0], F),
    Phoneme::fricative("v", 65.0, [250.0, 1100.0, 2080.0], F).voiced(),
    Phoneme::fricative("θ", 95.0, [320.0, 1350.0, 2540.0], TH),
    Phoneme::fricative("ð", 55.0, [270.0, 1350.0, 2540.0], TH).voiced(),
    Phoneme::fricative("s", 110.0, [320.0, 1500.0, 2530.0], S),
    Phoneme::fricative("z", 80.0, [260.0, 1500.0, 2530.0], S).voiced(),
    ESH,
    EZH,
    Phoneme::aspirate("h", 70.0),
    Phoneme::stop("p", 80.0, 47.0, LABIAL),
    Phoneme::stop("b", 70.0, 10.0, LABIAL).voiced(),
    Phoneme::stop("t", 65.0, 60.0, ALVEOLAR),
    Phoneme::stop("d", 60.0, 14.0, ALVEOLAR).voiced(),
    Phoneme::stop("k", 70.0, 65.0, VELAR),
    Phoneme::stop("g", 65.0, 22.0, VELAR).voiced(),
    Phoneme::affricate("tʃ", 55.0, 75.0, ESH),
    Phoneme::affricate("dʒ", 50.0, 55.0, EZH),
];
