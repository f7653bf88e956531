//! Rooms and microphones.

use std::f64::consts::{FRAC_1_SQRT_2, TAU};

use rand::{Rng, RngExt};
use serde::Serialize;

use super::seed;
use crate::audio::{Audio, from_decibels};
use crate::augment::add_noise;
use crate::noise::NoiseColor;

/// What lies between a mouth and a file: reverberation, noise, and a microphone. Values that no room has are taken for the
/// nearest that one could have.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Room {
    /// How long sound takes to decay by 60 dB, in seconds; 0 for no reverberation.
    pub reverberation: f64,
    /// How many decibels louder than the reverberation the direct sound is.
    pub direct_db: f64,
    /// The spectrum of the background noise.
    pub noise: NoiseColor,
    /// How many decibels louder than the noise speech is.
    pub snr_db: f64,
    /// Below this the microphone hears less, in Hz.
    pub low_cut: f64,
    /// Above this the microphone hears less, in Hz.
    pub high_cut: f64,
    /// The gain of the recording, in decibels.
    pub gain_db: f64,
}

/// The echoes in a second, enough to sound smooth (Karjalainen and Järveläinen 2007).
const ECHOES: f64 = 1_200.0;
/// When the first echo comes, in seconds.
const FIRST_ECHO: f64 = 0.004;
/// Samples to which all echoes are added before the next ones.
const LANES: usize = 32;
/// The level of noise where there is no speech to be louder than it.
const SILENT_ROOM: f64 = 1e-3;

impl Room {
    /// The room with a number: 5 to 40 dB of noise below the speech, and 0.08 to 0.4 s of reverberation.
    #[must_use]
    pub fn random(number: u64) -> Self {
        let mut rng = seed::stream(number, seed::ROOM, 0);
        Self {
            reverberation: rng.random_range(0.08..0.4),
            direct_db: rng.random_range(3.0..18.0),
            noise: NoiseColor::ALL[rng.random_range(0..NoiseColor::ALL.len())],
            snr_db: rng.random_range(5.0..40.0),
            low_cut: rng.random_range(40.0..200.0),
            high_cut: rng.random_range(3_600.0..7_800.0),
            gain_db: rng.random_range(-14.0..4.0),
        }
    }

    /// A room with a good microphone and hardly any noise.
    #[must_use]
    pub fn quiet() -> Self {
        Self {
            reverberation: 0.0,
            direct_db: 20.0,
            noise: NoiseColor::White,
            snr_db: 50.0,
            low_cut: 40.0,
            high_cut: 7_800.0,
            gain_db: 0.0,
        }
    }

    /// What a microphone in the room records of a speech. Times stay what they are, since the direct sound comes at once.
    #[must_use]
    pub fn record(&self, speech: &Audio, rng: &mut impl Rng) -> Audio {
        let room = self.within_bounds(f64::from(speech.sample_rate));
        let mut audio = room.reverberate(speech, rng);
        let noise = room.noise.samples(audio.samples.len(), audio.sample_rate, rng);
        match audio.loudness() > 0.0 {
            true => add_noise(&mut audio, &noise, room.snr_db),
            false => audio.samples = noise.iter().map(|sample| SILENT_ROOM as f32 * sample).collect(),
        }
        room.listen(&mut audio);
        audio
    }

    /// The same room within the bounds of what can be computed, at a sample rate in Hz.
    fn within_bounds(&self, rate: f64) -> Self {
        Self {
            reverberation: self.reverberation.clamp(0.0, 3.0),
            direct_db: self.direct_db.clamp(-20.0, 100.0),
            noise: self.noise,
            snr_db: self.snr_db.clamp(-50.0, 150.0),
            low_cut: self.low_cut.clamp(1.0, 0.4 * rate),
            high_cut: self.high_cut.clamp(0.1 * rate, rate),
            gain_db: self.gain_db.clamp(-100.0, 100.0),
        }
    }

    /// The direct sound, and echoes at random times whose levels decay (velvet noise, a cheap form of the model of Polack
    /// 1988).
    fn reverberate(&self, speech: &Audio, rng: &mut impl Rng) -> Audio {
        let rate = f64::from(speech.sample_rate);
        let echoes = self.echoes(rate, rng);
        let energy: f64 = echoes.iter().map(|(_, level)| level * level).sum();
        let gain = if energy > 0.0 { from_decibels(-self.direct_db) / energy.sqrt() } else { 0.0 };
        let echoes: Vec<(usize, f32)> =
            echoes.into_iter().map(|(delay, level)| (delay, (gain * level) as f32)).collect();
        let longest = echoes.iter().map(|(delay, _)| *delay).max().unwrap_or(0);
        let source = [&*vec![0.0; longest], &speech.samples, &[0.0; LANES]].concat();
        let mut samples = speech.samples.clone();
        for (now, heard) in (longest..).step_by(LANES).zip(samples.chunks_mut(LANES)) {
            // Of a fixed size, so that the sums of all echoes stay in registers.
            let mut sums = [0.0; LANES];
            sums[..heard.len()].copy_from_slice(heard);
            for (delay, level) in &echoes {
                let source = &source[now - delay..][..LANES];
                sums.iter_mut().zip(source).for_each(|(sum, sample)| *sum += level * sample);
            }
            heard.copy_from_slice(&sums[..heard.len()]);
        }
        Audio::new(speech.sample_rate, samples)
    }

    /// The delays of echoes in samples, and their levels, until they are 40 dB below the first.
    fn echoes(&self, rate: f64, rng: &mut impl Rng) -> Vec<(usize, f64)> {
        let count = (ECHOES * self.reverberation * 2.0 / 3.0) as usize;
        let echo = |i: usize| {
            let time = FIRST_ECHO + (i as f64 + rng.random::<f64>()) / ECHOES;
            let level = from_decibels(-60.0 * time / self.reverberation);
            ((time * rate) as usize, if rng.random() { level } else { -level })
        };
        (0..count).map(echo).collect()
    }

    /// The microphone: its band, and its gain, with which loud peaks are clipped.
    fn listen(&self, audio: &mut Audio) {
        let rate = f64::from(audio.sample_rate);
        let mut low_cut = Biquad::high_pass(self.low_cut, rate);
        // Close to the end of the spectrum there is nothing left to cut.
        let mut high_cut = (self.high_cut < 0.47 * rate).then(|| Biquad::low_pass(self.high_cut, rate));
        let gain = from_decibels(self.gain_db);
        for sample in &mut audio.samples {
            let high = low_cut.filter((*sample).into());
            let heard = high_cut.as_mut().map_or(high, |high_cut| high_cut.filter(high));
            *sample = (gain * heard).clamp(-1.0, 1.0) as f32;
        }
    }
}

/// A Butterworth filter of the second order, by the bilinear transform.
#[derive(Debug)]
struct Biquad {
    b: [f64; 3],
    a: [f64; 2],
    x: [f64; 2],
    y: [f64; 2],
}

impl Biquad {
    fn new(frequency: f64, rate: f64, b: impl Fn(f64) -> [f64; 3]) -> Self {
        let (sin, cos) = (TAU * frequency / rate).sin_cos();
        let alpha = sin * FRAC_1_SQRT_2;
        let scale = 1.0 / (1.0 + alpha);
        Self { b: b(cos).map(|b| scale * b), a: [scale * -2.0 * cos, scale * (1.0 - alpha)], x: [0.0; 2], y: [0.0; 2] }
    }

    fn low_pass(frequency: f64, rate: f64) -> Self {
        Self::new(frequency, rate, |cos| [(1.0 - cos) / 2.0, 1.0 - cos, (1.0 - cos) / 2.0])
    }

    fn high_pass(frequency: f64, rate: f64) -> Self {
        Self::new(frequency, rate, |cos| [(1.0 + cos) / 2.0, -(1.0 + cos), (1.0 + cos) / 2.0])
    }

    fn filter(&mut self, x: f64) -> f64 {
        let y = self.b[0] * x + self.b[1] * self.x[0] + self.b[2] * self.x[1]
            - self.a[0] * self.y[0]
            - self.a[1] * self.y[1];
        self.x = [x, self.x[0]];
        self.y = [y, self.y[0]];
        y
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    fn rng() -> StdRng {
        StdRng::seed_from_u64(1)
    }

    #[test]
    fn rooms_differ_and_stay_within_bounds() {
        let rooms: Vec<_> = (0..100).map(Room::random).collect();
        assert!(rooms.windows(2).all(|pair| pair[0] != pair[1]));
        assert!(rooms.iter().all(|room| (5.0..40.0).contains(&room.snr_db)));
        for color in NoiseColor::ALL {
            assert!(rooms.iter().any(|room| room.noise == color), "{color:?}");
        }
    }

    #[test]
    fn echoes_decay_and_come_after_the_direct_sound() {
        let mut click = vec![0.0; 8_000];
        click[100] = 1.0;
        let room = Room { reverberation: 0.3, direct_db: 6.0, ..Room::quiet() };
        let heard = room.reverberate(&Audio::new(16_000, click), &mut rng()).samples;
        assert!(heard[..100].iter().all(|x| *x == 0.0) && heard[100] == 1.0);
        let energy = |samples: &[f32]| samples.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
        assert!((10.0 * energy(&heard[101..]).log10() + 6.0).abs() < 1e-3);
        // 20 dB in a third of the time of 60 dB.
        let (early, late) = (energy(&heard[200..1_000]), energy(&heard[1_800..2_600]));
        assert!((10.0 * (early / late).log10() - 20.0).abs() < 3.0);
    }

    #[test]
    fn echoes_are_the_same_at_any_time() {
        let room = Room { reverberation: 0.3, direct_db: 6.0, ..Room::quiet() };
        let heard = |at: usize| {
            let mut click = vec![0.0; 10_000];
            click[at] = 1.0;
            room.reverberate(&Audio::new(16_000, click), &mut rng()).samples
        };
        let first = heard(0);
        for at in [1, LANES - 1, LANES, 100, 5_005] {
            let later = heard(at);
            assert!(later[..at].iter().all(|x| *x == 0.0));
            assert_eq!(later[at..], first[..first.len() - at]);
        }
    }

    #[test]
    fn the_band_is_cut_and_the_gain_clips() {
        let tone = |hertz: f64| {
            let sample = |n| (0.5 * (TAU * hertz * f64::from(n) / 16_000.0).sin()) as f32;
            Audio::new(16_000, (0..16_000).map(sample).collect())
        };
        let room = Room { low_cut: 200.0, high_cut: 4_000.0, ..Room::quiet() };
        let rms = |hertz, room: &Room| {
            let mut audio = tone(hertz);
            room.listen(&mut audio);
            audio.rms()
        };
        let middle = rms(1_000.0, &room);
        assert!((middle - 0.5 * FRAC_1_SQRT_2).abs() < 0.01);
        assert!(rms(50.0, &room) < 0.1 * middle && rms(7_500.0, &room) < 0.1 * middle);
        assert!((rms(4_000.0, &room) / middle - FRAC_1_SQRT_2).abs() < 0.01);
        let loud = Room { gain_db: 20.0, ..Room::quiet() };
        let mut audio = tone(1_000.0);
        loud.listen(&mut audio);
        assert!(audio.samples.iter().all(|x| x.abs() <= 1.0) && audio.samples.contains(&1.0));
    }

    #[test]
    fn nothing_said_is_noise() {
        let heard = Room::random(3).record(&Audio::new(16_000, vec![0.0; 1_600]), &mut rng());
        assert!(heard.rms() > 0.0 && heard.rms() < 0.01);
        assert!(Room::random(3).record(&Audio::new(16_000, vec![]), &mut rng()).samples.is_empty());
    }

    #[test]
    fn any_room_can_be_recorded_in() {
        for x in [0.0, -1.0, 1e12, -1e12] {
            let (reverberation, direct_db, snr_db, low_cut, high_cut, gain_db) = (x, x, x, x, x, x);
            let room = Room { reverberation, direct_db, snr_db, low_cut, high_cut, gain_db, ..Room::quiet() };
            for sample_rate in [1_000, 16_000] {
                let speech = Audio::new(sample_rate, (0..500).map(|n| (0.1 * n as f32).sin()).collect());
                let heard = room.record(&speech, &mut rng()).samples;
                assert!(heard.iter().all(|sample| sample.is_finite()), "{x}");
            }
        }
    }
}
