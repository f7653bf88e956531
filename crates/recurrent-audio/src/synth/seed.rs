//! Independent streams of random numbers from one seed.

use rand::SeedableRng;
use rand::rngs::StdRng;

/// What a stream is for.
pub(crate) const SPEAKER: u64 = 1;
pub(crate) const WORDS: u64 = 2;
pub(crate) const VOICE: u64 = 3;
pub(crate) const ROOM: u64 = 4;
pub(crate) const NOISE: u64 = 5;

/// A stream for a purpose and the number of an item: item after item can be made in any order.
pub(crate) fn stream(seed: u64, purpose: u64, index: u64) -> StdRng {
    StdRng::seed_from_u64(mix(mix(seed, purpose), index))
}

/// Two numbers as one (SplitMix64, Steele, Lea and Flood 2014).
pub(crate) fn mix(a: u64, b: u64) -> u64 {
    let mut z = a.wrapping_add(b.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
