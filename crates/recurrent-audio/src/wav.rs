//! WAV files: a reader of the chunks of RIFF that is as tolerant as players are, and a writer of 16-bit samples.
//!
//! The format is that of Microsoft and IBM, *Multimedia Programming Interface and Data Specifications 1.0* (1991), with
//! `WAVE_FORMAT_EXTENSIBLE` of *Multiple channel audio data and WAVE files* (Microsoft, 2001).

use crate::audio::{Audio, MAX_FILE_BYTES, SAMPLE_RATES};
use crate::error::{AudioError, Result};
use crate::signature;

/// The code of integer samples.
const PCM: u16 = 1;
/// The code of float samples.
const FLOAT: u16 = 3;
/// The code that says that the real one is further behind.
const EXTENSIBLE: u16 = 0xFFFE;
/// The bytes of an extensible `fmt ` chunk, the longest one.
pub(crate) const FORMAT_CHUNK: usize = 40;
/// How the codes continue to identifiers of 16 bytes in an extensible header.
const SUBTYPE_TAIL: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];
/// From this size on, a chunk of samples is one of a stream, whose writer did not know its end: FFmpeg writes
/// 0xFFFFFFFF, SoX 0x7FFFF000.
pub(crate) const STREAMED: u32 = 0x7FFF_F000;
/// The bytes of a RIFF header, and of the header of a chunk.
pub(crate) const RIFF_HEADER: usize = 12;
pub(crate) const CHUNK_HEADER: usize = 8;
/// The bytes before the samples of the files that we write.
const HEADER: u32 = 44;

/// Reads a WAV file. It allocates four bytes per sample of one channel, never more.
pub(crate) fn decode(path: &str, bytes: &[u8]) -> Result<Audio> {
    check_riff(path, bytes)?;
    let chunks = Chunks::find(bytes);
    let format = chunks.format.ok_or_else(|| missing(path, "fmt "))?;
    let format = Format::parse(path, format)?;
    let data = chunks.data.ok_or_else(|| missing(path, "data"))?;
    let samples = format.mix(path, 0, data.samples(path, bytes)?)?;
    match samples.is_empty() {
        true => Err(AudioError::NoSamples { path: path.to_string() }),
        false => Ok(Audio::new(format.sample_rate, samples)),
    }
}

/// Writes a WAV file of one channel with 16 bits.
pub(crate) fn encode(path: &str, audio: &Audio) -> Result<Vec<u8>> {
    check_rate(path, audio.sample_rate)?;
    let num_bytes = audio.samples.len() as u64 * 2;
    if num_bytes + u64::from(HEADER) > MAX_FILE_BYTES {
        return Err(AudioError::TooLarge { path: path.to_string(), limit: MAX_FILE_BYTES });
    }
    if num_bytes == 0 {
        return Err(AudioError::NoSamples { path: path.to_string() });
    }
    let mut bytes = header(audio.sample_rate, num_bytes as u32);
    for (index, sample) in audio.samples.iter().enumerate() {
        check_finite(path, *sample, index, 0)?;
        let level = (sample * 32768.0).round().clamp(-32768.0, 32767.0) as i16;
        bytes.extend(level.to_le_bytes());
    }
    Ok(bytes)
}

fn header(sample_rate: u32, num_bytes: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity((HEADER + num_bytes) as usize);
    bytes.extend(b"RIFF");
    bytes.extend((HEADER - 8 + num_bytes).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16_u32.to_le_bytes());
    bytes.extend(PCM.to_le_bytes());
    bytes.extend(1_u16.to_le_bytes());
    bytes.extend(sample_rate.to_le_bytes());
    bytes.extend((2 * sample_rate).to_le_bytes());
    bytes.extend(2_u16.to_le_bytes());
    bytes.extend(16_u16.to_le_bytes());
    bytes.extend(b"data");
    bytes.extend(num_bytes.to_le_bytes());
    bytes
}

pub(crate) fn missing(path: &str, chunk: &'static str) -> AudioError {
    AudioError::MissingChunk { path: path.to_string(), chunk }
}

pub(crate) fn check_riff(path: &str, bytes: &[u8]) -> Result<()> {
    let found = match (bytes.get(..4), bytes.get(8..RIFF_HEADER)) {
        (Some(b"RIFF"), Some(b"WAVE")) => return Ok(()),
        (Some(b"RIFF"), Some(kind)) => format!("a RIFF file of the kind `{}`", kind.escape_ascii()),
        _ => signature::describe(bytes),
    };
    Err(AudioError::NotWav { path: path.to_string(), found })
}

fn check_rate(path: &str, sample_rate: u32) -> Result<()> {
    if SAMPLE_RATES.contains(&sample_rate) {
        return Ok(());
    }
    let expected = format!("from {} to {} Hz", SAMPLE_RATES.start(), SAMPLE_RATES.end());
    invalid(path, "sample rate", expected, sample_rate)
}

fn check_finite(path: &str, sample: f32, index: usize, channel: usize) -> Result<()> {
    match sample.is_finite() {
        true => Ok(()),
        false => Err(AudioError::NotFinite { path: path.to_string(), index, channel, found: sample.into() }),
    }
}

pub(crate) fn invalid<T>(
    path: &str,
    field: &'static str,
    expected: impl Into<String>,
    found: impl ToString,
) -> Result<T> {
    Err(AudioError::InvalidHeader {
        path: path.to_string(),
        field,
        expected: expected.into(),
        found: found.to_string(),
    })
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// Where the two chunks are that matter.
#[derive(Debug, Default)]
struct Chunks<'a> {
    format: Option<&'a [u8]>,
    data: Option<Data>,
}

impl<'a> Chunks<'a> {
    /// Goes from chunk to chunk, whatever else there is, until both are found or the file ends.
    fn find(bytes: &'a [u8]) -> Self {
        let mut found = Self::default();
        let mut at = RIFF_HEADER;
        while let (Some(name), Some(size)) = (bytes.get(at..at + 4), u32_at(bytes, at + 4)) {
            let start = at + CHUNK_HEADER;
            let end = start.saturating_add(size as usize);
            match name {
                b"fmt " if found.format.is_none() => found.format = Some(&bytes[start..end.min(bytes.len())]),
                b"data" if found.data.is_none() => found.data = Some(Data { start, size }),
                _ => {}
            }
            if found.format.is_some() && found.data.is_some() {
                break;
            }
            // Chunks begin at even places.
            at = end.saturating_add(end % 2);
            if at >= bytes.len() {
                break;
            }
        }
        found
    }
}

/// The chunk with the samples, whose size may be a lie.
#[derive(Debug)]
struct Data {
    start: usize,
    size: u32,
}

impl Data {
    fn samples<'a>(&self, path: &str, bytes: &'a [u8]) -> Result<&'a [u8]> {
        let rest = &bytes[self.start..];
        if self.is_streamed(bytes) {
            return Ok(rest);
        }
        rest.get(..self.size as usize).ok_or_else(|| AudioError::Truncated {
            path: path.to_string(),
            expected: self.size.into(),
            found: rest.len() as u64,
        })
    }

    /// Whether the size was written before the samples, and never corrected. A size of 0 is right in a file whose other
    /// size, that of the whole, is right.
    fn is_streamed(&self, bytes: &[u8]) -> bool {
        let whole_is_right = u32_at(bytes, 4).is_some_and(|size| size as usize + CHUNK_HEADER == bytes.len());
        self.size >= STREAMED || (self.size == 0 && !whole_is_right)
    }
}

/// How samples are coded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Format {
    pub sample_rate: u32,
    channels: usize,
    coding: Coding,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Coding {
    U8,
    I16,
    I24,
    I32,
    F32,
    F64,
}

impl Format {
    /// Samples of 16 bits in one channel, without a header.
    pub fn raw(sample_rate: u32) -> Self {
        Self { sample_rate, channels: 1, coding: Coding::I16 }
    }

    pub fn parse(path: &str, chunk: &[u8]) -> Result<Self> {
        let (Some(code), Some(channels), Some(sample_rate), Some(block), Some(bits)) =
            (u16_at(chunk, 0), u16_at(chunk, 2), u32_at(chunk, 4), u16_at(chunk, 12), u16_at(chunk, 14))
        else {
            return invalid(path, "`fmt ` chunk", "at least 16 bytes", chunk.len());
        };
        let code = if code == EXTENSIBLE { subtype(path, chunk)? } else { code };
        if code != PCM && code != FLOAT {
            return Err(AudioError::UnsupportedEncoding { path: path.to_string(), found: name_of(code) });
        }
        if channels == 0 {
            return invalid(path, "channels", "at least 1", 0);
        }
        check_rate(path, sample_rate)?;
        // What counts is the place of a sample, of which its bits may leave some empty: the lowest ones.
        if block == 0 || block % channels != 0 {
            return invalid(path, "block align", format!("a multiple of {channels} channels"), block);
        }
        let coding = Coding::new(path, code, block / channels, bits)?;
        Ok(Self { sample_rate, channels: channels.into(), coding })
    }

    /// The bytes of a sample of all channels.
    pub fn frame_bytes(&self) -> usize {
        self.channels * self.coding.width()
    }

    /// The mean of the channels. What is too short for all channels at the end is left out. Errors count from the first
    /// sample.
    pub fn mix(&self, path: &str, first: usize, bytes: &[u8]) -> Result<Vec<f32>> {
        match self.coding {
            Coding::U8 => self.mix_by(path, first, bytes, |[x]: [u8; 1]| (f32::from(x) - 128.0) / 128.0),
            Coding::I16 => self.mix_by(path, first, bytes, |x| f32::from(i16::from_le_bytes(x)) / 32768.0),
            Coding::I24 => self.mix_by(path, first, bytes, |[a, b, c]| from_i32(i32::from_le_bytes([0, a, b, c]))),
            Coding::I32 => self.mix_by(path, first, bytes, |x| from_i32(i32::from_le_bytes(x))),
            Coding::F32 => self.mix_by(path, first, bytes, f32::from_le_bytes),
            Coding::F64 => self.mix_by(path, first, bytes, |x| f64::from_le_bytes(x) as f32),
        }
    }

    fn mix_by<const N: usize>(
        &self,
        path: &str,
        first: usize,
        bytes: &[u8],
        decode: impl Fn([u8; N]) -> f32,
    ) -> Result<Vec<f32>> {
        let frames = bytes.chunks_exact(N * self.channels);
        let mut mixed = Vec::with_capacity(frames.len());
        for (index, frame) in frames.enumerate() {
            let mut sum = 0.0;
            for (channel, sample) in frame.as_chunks().0.iter().enumerate() {
                let sample = decode(*sample);
                check_finite(path, sample, first + index, channel)?;
                sum += f64::from(sample);
            }
            mixed.push((sum / self.channels as f64) as f32);
        }
        Ok(mixed)
    }
}

fn from_i32(sample: i32) -> f32 {
    (f64::from(sample) / 2.0_f64.powi(31)) as f32
}

impl Coding {
    /// The bytes of a sample of one channel.
    fn width(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::I16 => 2,
            Self::I24 => 3,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    fn new(path: &str, code: u16, width: u16, bits: u16) -> Result<Self> {
        let coding = match (code, width) {
            (PCM, 1) => Self::U8,
            (PCM, 2) => Self::I16,
            (PCM, 3) => Self::I24,
            (PCM, 4) => Self::I32,
            (FLOAT, 4) => Self::F32,
            (FLOAT, 8) => Self::F64,
            (PCM, _) => return invalid(path, "bytes per sample", "1, 2, 3 or 4 for integers", width),
            _ => return invalid(path, "bytes per sample", "4 or 8 for floats", width),
        };
        match (1..=8 * width).contains(&bits) {
            true => Ok(coding),
            false => invalid(path, "bits per sample", format!("from 1 to {}", 8 * width), bits),
        }
    }
}

/// The code in an extensible header: the first two bytes of an identifier.
fn subtype(path: &str, chunk: &[u8]) -> Result<u16> {
    match (u16_at(chunk, 24), chunk.get(26..FORMAT_CHUNK)) {
        (Some(code), Some(tail)) if tail == SUBTYPE_TAIL => Ok(code),
        (Some(_), Some(_)) => Err(AudioError::UnsupportedEncoding {
            path: path.to_string(),
            found: "a coding with an identifier of its own".into(),
        }),
        _ => invalid(path, "`fmt ` chunk", "at least 40 bytes in an extensible header", chunk.len()),
    }
}

/// The name of a coding that is not read.
fn name_of(code: u16) -> String {
    match code {
        0x0002 => "Microsoft ADPCM".into(),
        0x0006 => "A-law".into(),
        0x0007 => "µ-law".into(),
        0x0011 => "IMA ADPCM".into(),
        0x0031 => "GSM 6.10".into(),
        0x0040 | 0x0045 | 0x0064 => "G.72x ADPCM".into(),
        0x0050 => "MPEG audio".into(),
        0x0055 => "MP3".into(),
        0x00FF | 0x1610 => "AAC".into(),
        0x0161 => "Windows Media Audio".into(),
        _ => format!("the coding 0x{code:04X}"),
    }
}
