//! An additive synthesizer: every note is a sum of sine waves.
//!
//! The program of a note chooses a [`Family`] of instruments. A family says which partials a note has, how fast each of
//! them decays, and how the note begins and ends. The sum of the notes gets a little room and a common loudness.

mod envelope;
mod family;
pub(crate) mod level;
mod room;
pub(crate) mod schedule;
mod tone;
mod voice;

pub use family::Family;

use std::ops::RangeInclusive;

use crate::synth::room::Room;
use crate::synth::schedule::{Sounding, schedule};
use crate::synth::tone::Tone;
use crate::synth::voice::add_voice;
use crate::{MusicError, Piece, Result};

/// The sample rates that can be rendered, in Hz.
const SAMPLE_RATES: RangeInclusive<u32> = 8_000..=96_000;

/// A synthesizer for pieces, without any file of sounds.
///
/// The same piece gives the same samples, bit by bit, on the same machine. On another machine the last bits may differ,
/// because sine and power come from the platform.
#[derive(Debug, Clone, PartialEq)]
pub struct Synth {
    sample_rate: u32,
    room: f32,
    family: Option<Family>,
}

impl Synth {
    /// The share of the room in the sound, unless [`with_room`](Self::with_room) says otherwise.
    pub const DEFAULT_ROOM: f32 = 0.15;

    /// A synthesizer that gives so many samples a second.
    ///
    /// # Errors
    ///
    /// [`MusicError::Unknown`] for a sample rate below 8000 Hz or above 96000 Hz.
    pub fn new(sample_rate: u32) -> Result<Self> {
        check_sample_rate(sample_rate, SAMPLE_RATES)?;
        Ok(Self { sample_rate, room: Self::DEFAULT_ROOM, family: None })
    }

    /// Sets the share of the room in the sound, from 0, which is none, to 1; other values are clamped.
    #[must_use]
    pub fn with_room(self, share: f32) -> Self {
        Self { room: if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }, ..self }
    }

    /// Plays every note on one family of instruments, whatever its program says.
    #[must_use]
    pub fn with_family(self, family: Family) -> Self {
        Self { family: Some(family), ..self }
    }

    /// Samples of a second.
    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// The sound of a piece: samples of one channel, from -0.9 to 0.9.
    ///
    /// It begins at tick 0 and ends in silence after the last note was released and the room is quiet. All pieces get
    /// about the same loudness, however many voices they have. A piece without notes gives no samples.
    ///
    /// # Errors
    ///
    /// [`MusicError::Invalid`] for a piece that lasts over 30 minutes, or whose notes sound for over 16 hours in all.
    pub fn render(&self, piece: &Piece) -> Result<Vec<f32>> {
        let soundings = schedule(piece, self.sample_rate)?;
        let mut mix = vec![0.0; self.length(&soundings)];
        for sounding in &soundings {
            let tone = self.tone(sounding);
            add_voice(&mut mix, &tone, sounding.start, sounding.length, self.sample_rate);
        }
        if self.room > 0.0 {
            Room::new(self.sample_rate).add_to(&mut mix, self.room);
        }
        level::fade_out(&mut mix, self.sample_rate);
        level::normalize(&mut mix, self.sample_rate);
        Ok(mix)
    }

    fn family_of(&self, sounding: &Sounding) -> Family {
        self.family.unwrap_or_else(|| Family::of_program(sounding.note.program))
    }

    fn tone(&self, sounding: &Sounding) -> Tone {
        Tone::new(self.family_of(sounding), sounding.note.pitch, sounding.note.velocity, self.sample_rate)
    }

    /// Samples until the last note was released and the room is quiet.
    fn length(&self, soundings: &[Sounding]) -> usize {
        let samples = |seconds: f64| (seconds * f64::from(self.sample_rate)).ceil() as usize;
        let end = |sounding: &Sounding| {
            sounding.start + sounding.length + samples(self.family_of(sounding).envelope().release)
        };
        let tail = if self.room > 0.0 { samples(Room::SECONDS) } else { 0 };
        soundings.iter().map(end).max().map_or(0, |end| end + tail)
    }
}

/// Refuses a sample rate outside of a range.
pub(crate) fn check_sample_rate(sample_rate: u32, range: RangeInclusive<u32>) -> Result<()> {
    if range.contains(&sample_rate) {
        return Ok(());
    }
    let expected = format!("{} to {} Hz", range.start(), range.end());
    Err(MusicError::unknown("sample rate", expected, sample_rate.to_string()))
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use proptest::prelude::*;

    use super::*;
    use crate::{Note, Pitch};

    const RATE: u32 = 16_000;

    fn note(start: u32, number: u8, duration: u32, program: u8) -> Note {
        Note { start, pitch: Pitch::new(number).unwrap(), duration, velocity: 90, program }
    }

    /// A piece with 1000 ticks a second.
    fn piece(notes: &[Note]) -> Piece {
        let mut notes = notes.to_vec();
        notes.sort_unstable();
        Piece { ticks_per_quarter: 500, notes, ..Piece::default() }
    }

    fn dry() -> Synth {
        Synth::new(RATE).unwrap().with_room(0.0)
    }

    fn render(notes: &[Note]) -> Vec<f32> {
        dry().render(&piece(notes)).unwrap()
    }

    fn one_of_each_family(number: u8) -> impl Iterator<Item = (Family, Vec<f32>)> {
        let render = move |family| dry().with_family(family).render(&piece(&[note(0, number, 1000, 0)])).unwrap();
        Family::ALL.into_iter().map(move |family| (family, render(family)))
    }

    /// The amplitude of a sine wave in samples, by correlation under a Hann window.
    fn amplitude(samples: &[f32], frequency: f64, rate: u32) -> f64 {
        let n = samples.len() as f64;
        let part = |wave: fn(f64) -> f64| -> f64 {
            let term = |(i, sample): (usize, &f32)| {
                let window = 0.5 - 0.5 * (TAU * i as f64 / n).cos();
                window * f64::from(*sample) * wave(TAU * frequency * i as f64 / f64::from(rate))
            };
            samples.iter().enumerate().map(term).sum()
        };
        part(f64::sin).hypot(part(f64::cos)) * 4.0 / n
    }

    fn largest_step(samples: &[f32]) -> f32 {
        samples.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
    }

    fn rms(samples: &[f32]) -> f64 {
        let power: f64 = samples.iter().map(|sample| f64::from(sample * sample)).sum();
        (power / samples.len() as f64).sqrt()
    }

    #[test]
    fn the_fundamental_of_a4_is_at_440_hz_in_every_family() {
        for (family, samples) in one_of_each_family(69) {
            let at = |cents: i32| amplitude(&samples[..16_000], 440.0 * (f64::from(cents) / 1200.0).exp2(), RATE);
            let best = (-20..=20).step_by(2).max_by_key(|cents| (at(*cents) * 1e6) as u32).unwrap();
            assert!(best.abs() <= 2, "{family:?}: {best} cents");
            assert!(at(0) > 0.02, "{family:?}");
        }
    }

    #[test]
    fn an_octave_doubles_the_frequency_and_a_semitone_multiplies_it_by_the_twelfth_root_of_2() {
        for (number, frequency) in [(57, 220.0), (81, 880.0), (70, 440.0 * 2f64.powf(1.0 / 12.0)), (60, 261.6256)] {
            let samples = &render(&[note(0, number, 1000, 19)])[..16_000];
            let there = amplitude(samples, frequency, RATE);
            let beside = [0.97, 1.03].map(|factor| amplitude(samples, frequency * factor, RATE));
            assert!(there > 20.0 * beside[0].max(beside[1]), "{number}: {there} {beside:?}");
        }
    }

    #[test]
    fn no_partial_is_folded_back_at_nyquist() {
        // C8 has its second partial at 8372 Hz, which would fold back to 7628 Hz at 16 kHz.
        for (family, samples) in one_of_each_family(108) {
            let fundamental = amplitude(&samples, 4186.0, RATE);
            for folded in [7628.0, 3442.0, 744.0] {
                let folded = amplitude(&samples, folded, RATE);
                assert!(folded < 0.01 * fundamental, "{family:?}: {folded} {fundamental}");
            }
        }
    }

    #[test]
    fn a_piece_without_notes_gives_no_samples() {
        assert!(Synth::new(RATE).unwrap().render(&Piece::default()).unwrap().is_empty());
        assert!(render(&[]).is_empty());
    }

    #[test]
    fn rests_are_silent_and_the_end_is_too() {
        let samples = render(&[note(500, 60, 250, 19), note(1500, 64, 250, 19)]);
        let at = |seconds: f64| &samples[(seconds * 16_000.0) as usize..][..1600];
        assert!(at(0.2).iter().chain(at(1.2)).all(|sample| *sample == 0.0));
        assert!(rms(at(0.55)) > 0.05 && rms(at(1.55)) > 0.05);
        assert_eq!(samples.last(), Some(&0.0));
        let release = Family::Organ.envelope().release;
        assert_eq!(samples.len(), ((1.75 + release) * 16_000.0).ceil() as usize);

        let roomy = Synth::new(RATE).unwrap().render(&piece(&[note(0, 60, 500, 19)])).unwrap();
        let tail = &roomy[roomy.len() - 1600..];
        assert!(rms(tail) < 0.001 && tail.last() == Some(&0.0), "{}", rms(tail));
    }

    #[test]
    fn changes_of_tempo_move_notes() {
        let slow = Piece { tempos: vec![(0, 500_000), (1000, 1_000_000)], ..piece(&[note(1250, 60, 250, 19)]) };
        let samples = dry().render(&slow).unwrap();
        let start = samples.iter().position(|sample| *sample != 0.0).unwrap();
        assert!((24_000..24_010).contains(&start), "{start}");
    }

    #[test]
    fn no_note_clicks_where_it_begins_or_ends() {
        for (family, samples) in one_of_each_family(57) {
            let held = largest_step(&samples[100..15_000]);
            let edges = [&samples[..100], &samples[15_000..]].map(largest_step);
            assert!(edges[0] <= 1.1 * held && edges[1] <= 1.1 * held, "{family:?}: {edges:?} {held}");
            assert!(samples[0] == 0.0 && samples.last() == Some(&0.0), "{family:?}");
        }
    }

    #[test]
    fn a_note_shorter_than_its_attack_does_not_click() {
        for family in Family::ALL {
            let samples = dry().with_family(family).render(&piece(&[note(0, 45, 1, 0)])).unwrap();
            let full = dry().with_family(family).render(&piece(&[note(0, 45, 1000, 0)])).unwrap();
            let peak = |samples: &[f32]| samples.iter().fold(0f32, |peak, sample| peak.max(sample.abs()));
            let relative = |samples: &[f32]| largest_step(samples) / peak(samples);
            assert!(relative(&samples) < 2.0 * relative(&full) + 0.05, "{family:?}");
        }
    }

    #[test]
    fn struck_notes_decay_and_blown_notes_do_not() {
        for (family, samples) in one_of_each_family(69) {
            let ratio = rms(&samples[13_000..15_000]) / rms(&samples[2000..4000]);
            let decays = matches!(family, Family::Piano | Family::Mallet | Family::Plucked);
            assert_eq!(ratio < 0.7, decays, "{family:?}: {ratio}");
        }
    }

    #[test]
    fn louder_notes_are_louder_and_brighter() {
        let [soft, loud] = [40, 120].map(|velocity| Note { velocity, ..note(0, 57, 500, 0) });
        let samples = render(&[soft, Note { start: 1000, ..loud }]);
        let [soft, loud] = [&samples[..8000], &samples[16_000..24_000]];
        assert!(rms(loud) > 4.0 * rms(soft));
        let brightness = |samples| amplitude(samples, 5.0 * 220.0, RATE) / amplitude(samples, 220.0, RATE);
        assert!(brightness(loud) > 1.2 * brightness(soft));
    }

    #[test]
    fn loudness_does_not_depend_on_the_number_of_voices() {
        let chord = [48, 55, 64, 72, 76, 79].map(|number| note(0, number, 2000, 0));
        let loudness = [1, 4, 6].map(|voices| rms(&render(&chord[..voices])[..32_000]));
        let ratio = loudness.iter().fold(0f64, |a, b| a.max(*b)) / loudness.iter().fold(1f64, |a, b| a.min(*b));
        assert!(ratio < 1.26, "over 2 dB: {loudness:?}");
    }

    #[test]
    fn what_cannot_be_rendered_is_refused() {
        let error = |result: Result<_>| result.map(|_: Vec<f32>| ()).unwrap_err().to_string();
        for rate in [0, 7999, 96_001, u32::MAX] {
            let error = Synth::new(rate).unwrap_err().to_string();
            assert_eq!(error, format!("sample rate: expected 8000 to 96000 Hz, found `{rate}`"));
        }
        let long = piece(&[note(1_800_000, 60, 1000, 0)]);
        assert_eq!(error(dry().render(&long)), "piece: expected at most 30 minutes of music, found 30.02 minutes");
        let dense = Piece { name: "dense".into(), ..piece(&vec![note(0, 60, 1_700_000, 0); 40]) };
        assert!(error(dry().render(&dense)).starts_with("dense: expected notes that sound for at most 16 hours"));
        let late = piece(&[note(u32::MAX, 60, u32::MAX, 0)]);
        assert!(error(dry().render(&late)).contains("30 minutes"));
    }

    fn any_piece() -> impl Strategy<Value = Piece> {
        let note = (0u32..2000, 21u8..=108, 1u32..800, 1u8..=127, 0u8..=127).prop_map(
            |(start, number, duration, velocity, program)| Note {
                start,
                pitch: Pitch::new(number).unwrap(),
                duration,
                velocity,
                program,
            },
        );
        prop::collection::vec(note, 0..12).prop_map(|notes| piece(&notes))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn samples_are_bounded_and_the_same_again(piece in any_piece(), room in 0f32..=1.0) {
            let synth = Synth::new(8000).unwrap().with_room(room);
            let samples = synth.render(&piece).unwrap();
            prop_assert!(samples.iter().all(|sample| sample.abs() <= 0.9));
            prop_assert_eq!(samples.is_empty(), piece.notes.is_empty());
            let again = synth.render(&piece).unwrap();
            prop_assert!(samples.iter().map(|s| s.to_bits()).eq(again.iter().map(|s| s.to_bits())));
        }
    }
}
