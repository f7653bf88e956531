//! A recording in memory.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use crate::error::{AudioError, Result};
use crate::wav;

/// The sample rates that are read, written and resampled, in Hz.
pub const SAMPLE_RATES: std::ops::RangeInclusive<u32> = 1_000..=768_000;

/// The size of the largest file that is read: 1 GiB, nine hours of 16-bit speech at 16 kHz.
pub const MAX_FILE_BYTES: u64 = 1 << 30;

/// A recording: one channel of samples.
///
/// ```
/// use recurrent_audio::Audio;
///
/// let tone: Vec<f32> = (0..8_000).map(|n| 0.5 * (0.1 * n as f32).sin()).collect();
/// let audio = Audio::new(16_000, tone);
/// assert_eq!(audio.seconds(), 0.5);
/// let read = Audio::from_bytes("tone.wav", &audio.to_wav("tone.wav")?)?;
/// assert!((read.samples[100] - audio.samples[100]).abs() < 1e-4);
/// # Ok::<(), recurrent_audio::AudioError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Audio {
    /// Samples per second.
    pub sample_rate: u32,
    /// The samples, where ±1 is full scale. Files of float samples may go beyond it.
    pub samples: Vec<f32>,
}

impl Audio {
    /// Samples from elsewhere, such as a microphone.
    #[must_use]
    pub fn new(sample_rate: u32, samples: Vec<f32>) -> Self {
        Self { sample_rate, samples }
    }

    /// Reads a WAV file: integer samples of 8, 16, 24 or 32 bits, or float samples of 32 or 64 bits; any sample rate
    /// from 1 to 768 kHz; any number of channels, which are mixed down to their mean.
    ///
    /// Streamed files, whose header does not know the length, are read to their end.
    ///
    /// # Errors
    /// If the file cannot be read, is larger than [`MAX_FILE_BYTES`], is no WAV file, has another coding of samples, is
    /// truncated, or has no samples or one that is not finite.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::from_bytes(path.display().to_string(), &read_file(path)?)
    }

    /// Reads the bytes of a WAV file, as [`Audio::open`]. Errors call them by this name.
    ///
    /// # Errors
    /// As [`Audio::open`].
    pub fn from_bytes(name: impl Into<String>, bytes: &[u8]) -> Result<Self> {
        wav::decode(&name.into(), bytes)
    }

    /// Writes a WAV file of 16-bit samples. Samples beyond full scale are clipped.
    ///
    /// # Errors
    /// As [`Audio::to_wav`], or if the file cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let bytes = self.to_wav(&name)?;
        fs::write(path, bytes).map_err(|cause| AudioError::Unwritable { path: name, cause })
    }

    /// The bytes of a WAV file of 16-bit samples. Samples beyond full scale are clipped. Errors call it by this name.
    ///
    /// # Errors
    /// If a sample is not finite, or if [`Audio::open`] would refuse the file: for its size, its sample rate, or because it
    /// has no samples.
    pub fn to_wav(&self, name: &str) -> Result<Vec<u8>> {
        wav::encode(name, self)
    }

    /// The length in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.sample_rate)
    }

    /// The root mean square of the samples; 0 if there are none.
    #[must_use]
    pub fn rms(&self) -> f64 {
        mean_square(&self.samples).sqrt()
    }

    /// The root mean square of the speech alone: of all blocks of 20 ms that are within 20 dB of the loudest one. So it does
    /// not depend on how long the pauses are, as in ITU-T P.56. 0 if there are no samples.
    #[must_use]
    pub fn loudness(&self) -> f64 {
        let block = (self.sample_rate as usize / 50).max(1);
        let energies: Vec<f64> = self.samples.chunks(block).map(mean_square).collect();
        let loudest = energies.iter().copied().fold(0.0, f64::max);
        let loud: Vec<f64> = energies.into_iter().filter(|energy| *energy >= loudest / 100.0).collect();
        (loud.iter().sum::<f64>() / loud.len().max(1) as f64).sqrt()
    }
}

/// The mean of the squares of samples; 0 if there are none.
pub(crate) fn mean_square(samples: &[f32]) -> f64 {
    let energy: f64 = samples.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
    energy / samples.len().max(1) as f64
}

/// The gain of an amplitude that is this many decibels.
pub(crate) fn from_decibels(decibels: f64) -> f64 {
    10.0_f64.powf(decibels / 20.0)
}

/// Opens a file or a pipe to read it.
pub(crate) fn open_file(path: &Path) -> Result<File> {
    let name = || path.display().to_string();
    if path.is_dir() {
        return Err(AudioError::IsDirectory { path: name() });
    }
    File::open(path).map_err(|cause| AudioError::Unreadable { path: name(), cause })
}

fn read_file(path: &Path) -> Result<Vec<u8>> {
    let name = || path.display().to_string();
    let unreadable = |cause| AudioError::Unreadable { path: name(), cause };
    let too_large = || AudioError::TooLarge { path: name(), limit: MAX_FILE_BYTES };
    let file = open_file(path)?;
    if file.metadata().map_err(unreadable)?.len() > MAX_FILE_BYTES {
        return Err(too_large());
    }
    // A pipe has no length.
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE_BYTES { Err(too_large()) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_files_are_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tone.wav");
        // Multiples of 1/32768 have no rounding error; the last two are clipped.
        let audio = Audio::new(8_000, vec![0.0, 0.5, -0.25, 1.0 / 32768.0, -1.0, 1.5, -2.0]);
        audio.write(&path).unwrap();
        let read = Audio::open(&path).unwrap();
        assert_eq!(read.sample_rate, 8_000);
        assert_eq!(read.samples, [0.0, 0.5, -0.25, 1.0 / 32768.0, -1.0, 32767.0 / 32768.0, -1.0]);
    }

    #[test]
    fn unreadable_places_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = Audio::open(folder.path()).unwrap_err();
        assert!(error.to_string().ends_with(": expected a file, found a directory"), "{error}");
        let missing = folder.path().join("none.wav");
        assert!(matches!(Audio::open(&missing), Err(AudioError::Unreadable { .. })));
        let nowhere = folder.path().join("none").join("a.wav");
        let error = Audio::new(8_000, vec![0.0]).write(&nowhere).unwrap_err();
        assert!(matches!(error, AudioError::Unwritable { .. }), "{error}");
    }

    #[test]
    fn files_over_the_limit_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long.wav");
        // A hole in the file takes no place on the disk.
        File::create(&path).unwrap().set_len(MAX_FILE_BYTES + 1).unwrap();
        let error = Audio::open(&path).unwrap_err();
        assert!(error.to_string().ends_with("expected a file of at most 1073741824 bytes, found more"), "{error}");
    }

    #[test]
    fn loudness_is_measured() {
        assert_eq!(Audio::new(4, vec![0.5, -0.5]).rms(), 0.5);
        assert_eq!(Audio::new(4, vec![]).rms(), 0.0);
        // A pause takes nothing from the loudness.
        let mut samples = vec![0.5; 320];
        samples.resize(3_200, 0.0);
        let audio = Audio::new(16_000, samples);
        assert!((audio.loudness() - 0.5).abs() < 1e-9 && audio.rms() < 0.2);
        assert_eq!(Audio::new(16_000, vec![]).loudness(), 0.0);
        assert!((from_decibels(-20.0) - 0.1).abs() < 1e-12);
    }
}
