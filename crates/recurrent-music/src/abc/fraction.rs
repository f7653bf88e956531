//! Lengths of notes as fractions.

use crate::divisor::greatest_common_divisor;

/// Ticks of a quarter note in every piece that is read from ABC: 2⁶·3²·5·7.
///
/// All lengths down to a 256th note and all tuplets of 3, 5, 6, 7 and 9 of a 32nd note are whole numbers of ticks.
pub(super) const TICKS_PER_QUARTER: u16 = 20_160;

/// A positive fraction in lowest terms, such as the length of a note in whole notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fraction {
    numerator: u32,
    denominator: u32,
}

impl Fraction {
    pub(super) const ONE: Self = Self { numerator: 1, denominator: 1 };
    pub(super) const EIGHTH: Self = Self { numerator: 1, denominator: 8 };
    pub(super) const SIXTEENTH: Self = Self { numerator: 1, denominator: 16 };

    /// The fraction; `None` if a part is 0 or, in lowest terms, above `u32::MAX`.
    pub(super) fn new(numerator: u64, denominator: u64) -> Option<Self> {
        if numerator == 0 || denominator == 0 {
            return None;
        }
        let divisor = greatest_common_divisor(numerator, denominator);
        let [numerator, denominator] = [numerator, denominator].map(|part| u32::try_from(part / divisor));
        Some(Self { numerator: numerator.ok()?, denominator: denominator.ok()? })
    }

    /// Reads `3/8` or `2`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (numerator, denominator) = text.split_once('/').unwrap_or((text, "1"));
        let part = |text: &str| text.trim().parse::<u16>().ok().map(u64::from);
        Self::new(part(numerator)?, part(denominator)?)
    }

    pub(super) fn times(self, other: Self) -> Option<Self> {
        let product = |a: u32, b: u32| u64::from(a) * u64::from(b);
        Self::new(product(self.numerator, other.numerator), product(self.denominator, other.denominator))
    }

    pub(super) fn plus(self, other: Self) -> Option<Self> {
        let part = |a: u32, b: u32| u64::from(a) * u64::from(b);
        let left = part(self.numerator, other.denominator);
        let sum = left.checked_add(part(other.numerator, self.denominator))?;
        Self::new(sum, part(self.denominator, other.denominator))
    }

    /// A length in whole notes as ticks; `None` if it is no whole number of them, or above `u32::MAX`.
    pub(super) fn ticks(self) -> Option<u32> {
        let ticks = u64::from(self.numerator) * 4 * u64::from(TICKS_PER_QUARTER);
        let denominator = u64::from(self.denominator);
        if ticks.is_multiple_of(denominator) { u32::try_from(ticks / denominator).ok() } else { None }
    }

    /// How many of these lengths a minute holds, as microseconds of a quarter note, rounded; `None` if it is beyond
    /// what a MIDI file can say (24 bits).
    pub(super) fn microseconds_per_quarter(self, per_minute: u32) -> Option<u32> {
        let quarters = u64::from(self.numerator) * 4 * u64::from(per_minute);
        let time = 60_000_000 * u64::from(self.denominator);
        let rounded = (time + quarters / 2).checked_div(quarters)?;
        u32::try_from(rounded).ok().filter(|time| (1..1 << 24).contains(time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_multiply_and_add_in_lowest_terms() {
        let of = |text: &str| Fraction::parse(text).unwrap();
        assert_eq!(of("3/8").times(of("2/3")), Some(of("1/4")));
        assert_eq!(of("1/4").plus(of("3/8")), Some(of("5/8")));
        assert_eq!(of("65535").times(of("65535")).and_then(|large| large.times(of("2"))), None);
        assert_eq!([Fraction::parse("0/4"), Fraction::parse("1/0"), Fraction::parse("1/x")], [None; 3]);
    }

    #[test]
    fn lengths_are_whole_numbers_of_ticks_or_nothing() {
        let ticks = |text: &str| Fraction::parse(text).unwrap().ticks();
        assert_eq!([ticks("1/4"), ticks("1/12"), ticks("1/256")], [Some(20_160), Some(6720), Some(315)]);
        assert_eq!([ticks("1/11"), ticks("1/1024"), ticks("65535")], [None, None, None]);
    }

    #[test]
    fn a_tempo_counts_its_own_length() {
        let tempo = |text: &str, count| Fraction::parse(text).unwrap().microseconds_per_quarter(count);
        assert_eq!(
            [tempo("1/4", 120), tempo("3/8", 80), tempo("1/8", 120)],
            [Some(500_000), Some(500_000), Some(1_000_000)]
        );
        assert_eq!([tempo("1/4", 0), tempo("1/4", 1)], [None, None]);
    }
}
