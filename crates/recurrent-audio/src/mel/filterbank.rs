//! Triangular filters on the mel scale.

use super::config::LogMelConfig;
use crate::error::Result;

/// The mel scale of HTK: `2595 log10(1 + f / 700)` (O'Shaughnessy 1987; Young et al., *The HTK Book*, 5.4).
pub(crate) fn mel(hertz: f64) -> f64 {
    2595.0 * (1.0 + hertz / 700.0).log10()
}

pub(crate) fn hertz(mel: f64) -> f64 {
    700.0 * (10.0_f64.powf(mel / 2595.0) - 1.0)
}

/// A filter: its weights from the first frequency on that it lets through.
#[derive(Debug, Clone)]
struct Filter {
    first: usize,
    weights: Vec<f64>,
}

/// Triangles whose corners are equally spaced in mels: each rises from the center of the one before to 1 at its own, and
/// falls to the center of the next. They are straight in Hz, and not normalized.
#[derive(Debug, Clone)]
pub(crate) struct Filterbank(Vec<Filter>);

impl Filterbank {
    /// Filters for the spectrum of a transform of `fft_size` samples.
    pub fn new(config: &LogMelConfig, fft_size: usize) -> Result<Self> {
        let (low, high) = (mel(config.f_min), mel(config.f_max()));
        let corner = |i: usize| hertz(low + (high - low) * i as f64 / (config.num_mels + 1) as f64);
        let bin = f64::from(config.sample_rate) / fft_size as f64;
        let filter = |i| {
            let (start, center, end) = (corner(i), corner(i + 1), corner(i + 2));
            let weight = |k: usize| {
                let f = k as f64 * bin;
                ((f - start) / (center - start)).min((end - f) / (end - center)).max(0.0)
            };
            let first = (0..=fft_size / 2).find(|k| weight(*k) > 0.0).ok_or_else(|| config.too_many_mels(i + 1))?;
            let weights = (first..=fft_size / 2).map(weight).take_while(|weight| *weight > 0.0).collect();
            Ok(Filter { first, weights })
        };
        (0..config.num_mels).map(filter).collect::<Result<_>>().map(Self)
    }

    /// The energy in each filter, of a power spectrum: `[fft_size / 2 + 1]` → `[num_mels]`.
    pub fn energies<'a>(&'a self, power: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        self.0.iter().map(|filter| filter.weights.iter().zip(&power[filter.first..]).map(|(w, p)| w * p).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_htk_s() {
        // By HTK's formula, 1000 Hz are 1000 mel.
        assert!((mel(1000.0) - 1000.0).abs() < 0.02);
        assert!((hertz(mel(3210.0)) - 3210.0).abs() < 1e-9);
    }

    #[test]
    fn neighbors_add_up_to_one_between_the_outer_centers() {
        let config = LogMelConfig::default();
        let bank = Filterbank::new(&config, 512).unwrap();
        let mut sums = vec![0.0; 257];
        for filter in &bank.0 {
            filter.weights.iter().enumerate().for_each(|(k, weight)| sums[filter.first + k] += weight);
        }
        for (k, sum) in sums.iter().enumerate().filter(|(k, _)| (4..=239).contains(k)) {
            assert!((sum - 1.0).abs() < 1e-9, "{k}: {sum}");
        }
    }

    #[test]
    fn a_filter_between_two_frequencies_is_refused() {
        let config = LogMelConfig::default().with_num_mels(200);
        assert_eq!(
            Filterbank::new(&config, 512).unwrap_err().to_string(),
            "num_mels: expected few enough filters that each has a frequency of the window, unlike number 3, found 200"
        );
    }
}
