//! Loudness and the end of a sound.

/// The largest absolute value of a sample.
const PEAK: f64 = 0.9;
/// The root mean square of the parts that can be heard: 18.4 dB below full scale.
const LOUDNESS: f64 = 0.12;
/// Parts whose power is this share of the loudest part, or less, are silence.
const GATE: f64 = 1e-3;
/// The length of a part, in seconds.
const PART: f64 = 0.05;
/// How long the sound fades at its end, in seconds.
const FADE: f64 = 0.03;

/// Gives samples a common loudness, or less where a peak would exceed 0.9. Silence stays silence.
pub(crate) fn normalize(samples: &mut [f32], sample_rate: u32) {
    let peak = samples.iter().map(|sample| f64::from(sample.abs())).fold(0.0, f64::max);
    if peak == 0.0 {
        return;
    }
    let gain = (LOUDNESS / loudness(samples, sample_rate)).min(PEAK / peak);
    for sample in samples {
        // The clamp is for the rounding of the product.
        *sample = ((f64::from(*sample) * gain) as f32).clamp(-PEAK as f32, PEAK as f32);
    }
}

/// The root mean square of the parts that can be heard.
fn loudness(samples: &[f32], sample_rate: u32) -> f64 {
    let power = |part: &[f32]| part.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / part.len() as f64;
    let length = ((PART * f64::from(sample_rate)) as usize).max(1);
    let powers: Vec<_> = samples.chunks(length).map(power).collect();
    let gate = GATE * powers.iter().copied().fold(0.0, f64::max);
    let heard: Vec<_> = powers.into_iter().filter(|power| *power > gate).collect();
    (heard.iter().sum::<f64>() / heard.len().max(1) as f64).sqrt()
}

/// Lets the last samples fade to 0.
pub(crate) fn fade_out(samples: &mut [f32], sample_rate: u32) {
    let length = ((FADE * f64::from(sample_rate)) as usize).max(1);
    for (left, sample) in samples.iter_mut().rev().take(length).enumerate() {
        *sample *= left as f32 / length as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(amplitude: f32, length: usize) -> impl Iterator<Item = f32> {
        (0..length).map(move |i| amplitude * (i as f32 * 0.3).sin())
    }

    #[test]
    fn loudness_does_not_depend_on_amplitude_or_on_rests() {
        let [mut quiet, mut loud] = [1e-3, 50.0].map(|amplitude| wave(amplitude, 8000).collect::<Vec<_>>());
        let mut rests: Vec<_> = wave(0.2, 8000).chain(vec![0.0; 40_000]).collect();
        for samples in [&mut quiet, &mut loud, &mut rests] {
            normalize(samples, 8000);
            assert!((loudness(&samples[..8000], 8000) - LOUDNESS).abs() < 1e-3);
        }
    }

    #[test]
    fn a_single_peak_stays_below_the_limit() {
        let mut samples = vec![0.0; 8000];
        samples[100] = 3.0;
        normalize(&mut samples, 8000);
        assert_eq!(samples[100], 0.9);
    }

    #[test]
    fn silence_stays_silence() {
        let mut samples = vec![0.0; 100];
        normalize(&mut samples, 8000);
        assert_eq!(samples, [0.0; 100]);
        normalize(&mut [], 8000);
    }

    #[test]
    fn the_end_fades_to_nothing() {
        let mut samples = vec![1.0; 1000];
        fade_out(&mut samples, 8000);
        assert_eq!((samples[0], samples[759], samples[999]), (1.0, 1.0, 0.0));
        assert!(samples[760..].is_sorted_by(|a, b| a > b));
    }
}
