//! The vocal tract: sources through filters.

use rand::Rng;

use super::glottis::Glottis;
use super::resonator::{AntiResonator, BandPass, Resonator};
use super::speaker::Speaker;
use super::track::{FRAME, Frame};
use crate::random::uniform;

/// The sample rate of synthetic speech, in Hz.
pub const SYNTH_SAMPLE_RATE: u32 = 16_000;

const RATE: f64 = SYNTH_SAMPLE_RATE as f64;
/// The formants from the fourth on do not move: those of a tube of 17.5 cm, and their bandwidths.
const UPPER: [(f64, f64); 5] =
    [(3_450.0, 200.0), (4_450.0, 300.0), (5_500.0, 400.0), (6_500.0, 500.0), (7_500.0, 600.0)];
/// Higher formants are left out, since the sample rate has no room for them.
const HIGHEST: f64 = 7_700.0;
/// The pole of the nose and its zero, which cancel each other unless air flows through it (Klatt 1980), in Hz.
const NASAL_POLE: f64 = 270.0;
const NASAL_ZERO: f64 = 500.0;
const NASAL_BANDWIDTH: f64 = 100.0;
/// The levels of the sources relative to each other.
const ASPIRATION: f64 = 0.25;
const FRICATION: f64 = 1.0;
/// What the vocal folds let through of the noise of breath when they are closed.
const CLOSED: f64 = 0.4;

/// The vocal tract of a speaker: vowels and nasals through resonators one after the other, noises of the mouth through
/// band-passes side by side (Klatt 1980).
#[derive(Debug)]
pub(crate) struct VocalTract {
    glottis: Glottis,
    breathiness: f64,
    scale: f64,
    nasal_pole: Resonator,
    nasal_zero: AntiResonator,
    formants: [Resonator; 3],
    upper: Vec<Resonator>,
    /// Each peak twice, so that little is left beside it.
    peaks: [[BandPass; 2]; 2],
    /// The sample before and the output before, of a high-pass that takes away what the flow has of 0 Hz.
    x1: f64,
    y1: f64,
}

impl VocalTract {
    pub fn new(speaker: &Speaker) -> Self {
        let glottis = Glottis::new(RATE, speaker.open_quotient, speaker.return_time, speaker.jitter, speaker.shimmer);
        let upper = UPPER.iter().map(|(frequency, bandwidth)| (frequency * speaker.formant_scale, *bandwidth));
        let upper = upper.filter(|(frequency, _)| *frequency < HIGHEST).map(|(frequency, bandwidth)| {
            let mut resonator = Resonator::default();
            resonator.tune(frequency, bandwidth, RATE);
            resonator
        });
        let mut nasal_pole = Resonator::default();
        nasal_pole.tune(NASAL_POLE * speaker.formant_scale, NASAL_BANDWIDTH, RATE);
        Self {
            glottis,
            breathiness: speaker.breathiness,
            scale: speaker.formant_scale,
            nasal_pole,
            nasal_zero: AntiResonator::default(),
            formants: Default::default(),
            upper: upper.collect(),
            peaks: Default::default(),
            x1: 0.0,
            y1: 0.0,
        }
    }

    /// The samples of the frames.
    pub fn speak(mut self, frames: &[Frame], rng: &mut impl Rng) -> Vec<f64> {
        let length = (FRAME * RATE) as usize;
        let mut samples = Vec::with_capacity(frames.len() * length);
        let mut last = None;
        for frame in frames {
            self.tune(frame);
            let from = last.unwrap_or(frame);
            for n in 0..length {
                let way = (n + 1) as f64 / length as f64;
                let level = |value: fn(&Frame) -> f64| value(from) + way * (value(frame) - value(from));
                let (voicing, aspiration) = (level(|frame| frame.voicing), level(|frame| frame.aspiration));
                let frication = level(|frame| frame.frication);
                samples.push(self.sample(frame, voicing, aspiration, frication, rng));
            }
            last = Some(frame);
        }
        samples
    }

    fn tune(&mut self, frame: &Frame) {
        for (resonator, (frequency, bandwidth)) in
            self.formants.iter_mut().zip(frame.formants.iter().zip(frame.bandwidths))
        {
            resonator.tune(*frequency, bandwidth, RATE);
        }
        let zero = NASAL_POLE + frame.nasality * (NASAL_ZERO - NASAL_POLE);
        self.nasal_zero.tune(zero * self.scale, NASAL_BANDWIDTH, RATE);
        if frame.frication > 0.0 {
            for (bands, peak) in self.peaks.iter_mut().zip(frame.spectrum.peaks) {
                // Two band-passes are as wide together if each is wider by this.
                bands.iter_mut().for_each(|band| band.tune(peak.frequency.min(HIGHEST), 1.55 * peak.bandwidth, RATE));
            }
        }
    }

    fn sample(&mut self, frame: &Frame, voicing: f64, aspiration: f64, frication: f64, rng: &mut impl Rng) -> f64 {
        let noise = uniform(rng);
        let flow = self.glottis.next(frame.pitch, rng);
        // Noise comes in puffs where there is a voice.
        let puff = if self.glottis.is_open() { 1.0 } else { CLOSED };
        let breath = aspiration + self.breathiness * voicing;
        let mut cascade = voicing * flow + ASPIRATION * breath * puff * noise;
        cascade = self.nasal_pole.filter(self.nasal_zero.filter(cascade));
        for resonator in self.formants.iter_mut().chain(&mut self.upper) {
            cascade = resonator.filter(cascade);
        }
        let mouth = if frication > 0.0 { self.frication(frame, frication, uniform(rng)) } else { 0.0 };
        self.high_pass(cascade + mouth)
    }

    fn frication(&mut self, frame: &Frame, level: f64, noise: f64) -> f64 {
        let source = FRICATION * level * noise;
        let mut sum = frame.spectrum.floor * source;
        for (bands, peak) in self.peaks.iter_mut().zip(frame.spectrum.peaks) {
            sum += peak.gain * bands.iter_mut().fold(source, |x, band| band.filter(x));
        }
        sum
    }

    fn high_pass(&mut self, x: f64) -> f64 {
        self.y1 = x - self.x1 + 0.985 * self.y1;
        self.x1 = x;
        self.y1
    }
}
