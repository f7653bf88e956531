//! Sound from a pipe, as it comes: a WAV file whose end is not there yet, or raw samples.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use crate::audio::{SAMPLE_RATES, open_file};
use crate::error::{AudioError, Result, check};
use crate::signature;
use crate::wav::{CHUNK_HEADER, FORMAT_CHUNK, Format, RIFF_HEADER, STREAMED, check_riff, invalid, missing, u32_at};

/// The most bytes before the samples: other chunks may have a picture.
const MAX_HEADER_BYTES: u64 = 1 << 24;
/// The most bytes that are read at once.
const MAX_READ: usize = 1 << 16;

/// What samples without a header are: integers of 16 bits, the lowest byte first, in one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RawPcm {
    /// Samples per second.
    pub sample_rate: u32,
}

impl RawPcm {
    /// Raw samples at this rate, in Hz.
    #[must_use]
    pub fn new(sample_rate: u32) -> Self {
        Self { sample_rate }
    }
}

impl Default for RawPcm {
    fn default() -> Self {
        Self::new(16_000)
    }
}

/// Samples from a reader that may never end, such as standard input: a WAV file of any kind that
/// [`Audio::open`](crate::Audio::open) reads, or [raw samples](RawPcm). The first bytes decide.
///
/// Read to its end, a file has the same samples as by `Audio::open`, to the bit, in chunks of any size. Half a sample at
/// the end is left out. Two things differ, since a stream cannot look ahead: the chunk with the format must come before
/// the one with the samples, and a chunk of samples whose size is 0 always extends to the end of the stream, as the
/// largest sizes do, since that is how a program writes that does not know the length. After samples of a known size,
/// nothing is read any more.
///
/// ```
/// use recurrent_audio::{Audio, PcmStream, RawPcm};
///
/// # fn main() -> recurrent_audio::Result<()> {
/// let file = Audio::new(8_000, vec![0.5; 1_000]).to_wav("a.wav")?;
/// let mut stream = PcmStream::new("a.wav", &file[..], RawPcm::default())?;
/// assert_eq!(stream.sample_rate(), 8_000);
/// let mut samples = vec![];
/// while let Some(chunk) = stream.read_chunk(800)? {
///     samples.extend(chunk);
/// }
/// assert_eq!(samples, [0.5; 1_000]);
/// # Ok(())
/// # }
/// ```
pub struct PcmStream<R> {
    name: String,
    reader: R,
    format: Format,
    /// Bytes of samples that are not decoded yet: the first ones of raw samples, later less than one of all channels.
    pending: Vec<u8>,
    /// The bytes of samples by the header, if it knows.
    expected: Option<u64>,
    /// The bytes of samples that were read.
    found: u64,
    num_samples: usize,
    is_at_end: bool,
}

impl<R> fmt::Debug for PcmStream<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, format, num_samples, .. } = self;
        let mut stream = f.debug_struct("PcmStream");
        stream.field("name", name).field("format", format).field("num_samples", num_samples).finish_non_exhaustive()
    }
}

impl PcmStream<File> {
    /// Opens a file or a named pipe.
    ///
    /// # Errors
    /// If it cannot be read, and as [`PcmStream::new`].
    pub fn open(path: impl AsRef<Path>, raw: RawPcm) -> Result<Self> {
        let path = path.as_ref();
        Self::new(path.display().to_string(), open_file(path)?, raw)
    }
}

impl<R: Read> PcmStream<R> {
    /// Waits for the first bytes of a reader, and for all of the header of a WAV file. If there is none, the samples are
    /// raw ones. Errors call the reader by this name. It needs no `BufReader`.
    ///
    /// # Errors
    /// If the rate of raw samples is not among [`SAMPLE_RATES`], the reader fails, the header is wrong or incomplete or
    /// longer than 16 MiB, the coding of samples is another one, or if it is a file of another format, such as MP3. An empty
    /// stream is one of raw samples.
    pub fn new(name: impl Into<String>, mut reader: R, raw: RawPcm) -> Result<Self> {
        let name = name.into();
        let expected = format!("from {} to {} Hz", SAMPLE_RATES.start(), SAMPLE_RATES.end());
        check(SAMPLE_RATES.contains(&raw.sample_rate), "sample_rate", &expected, raw.sample_rate)?;
        let mut head = Vec::new();
        read_until(&name, &mut reader, &mut head, RIFF_HEADER)?;
        let (format, expected, pending) = if head.starts_with(b"RIFF") {
            check_riff(&name, &head)?;
            let (format, expected) = read_header(&name, &mut reader)?;
            (format, expected, Vec::new())
        } else {
            let needed = signature::num_needed(&head);
            read_until(&name, &mut reader, &mut head, needed)?;
            if let Some(found) = signature::compressed(&head) {
                return Err(AudioError::NotWav { path: name, found: found.into() });
            }
            (Format::raw(raw.sample_rate), None, head)
        };
        let found = pending.len() as u64;
        Ok(Self { name, reader, format, pending, expected, found, num_samples: 0, is_at_end: false })
    }

    /// Samples per second: those of the header, or of raw samples.
    pub fn sample_rate(&self) -> u32 {
        self.format.sample_rate
    }

    /// The next samples, where ±1 is full scale: the mean of the channels. It waits until there is at least one sample, and
    /// returns what there is then, so that live sound is not delayed; at most `max_samples`, or 1 if that is 0. `None` at
    /// the end.
    ///
    /// # Errors
    /// If the reader fails, a sample is not finite, or the stream ends without any sample, or before all that the header
    /// promised. The samples up to such an early end were returned before.
    pub fn read_chunk(&mut self, max_samples: usize) -> Result<Option<Vec<f32>>> {
        let frame = self.format.frame_bytes();
        let max_bytes = frame * max_samples.clamp(1, (MAX_READ / frame).max(1));
        while self.pending.len() < frame {
            if !self.read_some(max_bytes)? {
                return self.end();
            }
        }
        let whole = self.pending.len() / frame * frame;
        let bytes = &self.pending[..whole.min(max_bytes)];
        let samples = self.format.mix(&self.name, self.num_samples, bytes)?;
        self.pending.drain(..samples.len() * frame);
        self.num_samples += samples.len();
        Ok(Some(samples))
    }

    /// Reads what is there, until so many bytes are pending; `false` at the end of the samples.
    fn read_some(&mut self, max_bytes: usize) -> Result<bool> {
        let left = self.expected.map_or(u64::MAX, |expected| expected - self.found);
        let limit = usize::try_from(left).unwrap_or(usize::MAX).min(max_bytes - self.pending.len());
        if limit == 0 || self.is_at_end {
            return Ok(false);
        }
        let num_read = read_some(&self.name, &mut self.reader, &mut self.pending, limit)?;
        self.found += num_read as u64;
        // A terminal could be read again.
        self.is_at_end = num_read == 0;
        Ok(num_read > 0)
    }

    fn end(&self) -> Result<Option<Vec<f32>>> {
        let path = || self.name.clone();
        match self.expected {
            Some(expected) if self.found < expected => {
                Err(AudioError::Truncated { path: path(), expected, found: self.found })
            }
            _ if self.num_samples == 0 => Err(AudioError::NoSamples { path: path() }),
            _ => Ok(None),
        }
    }
}

/// Reads the chunks up to the samples: their format, and their bytes if these are known.
fn read_header(name: &str, reader: &mut impl Read) -> Result<(Format, Option<u64>)> {
    let mut format: Option<Vec<u8>> = None;
    let mut left = MAX_HEADER_BYTES;
    loop {
        let mut chunk = Vec::new();
        read_until(name, reader, &mut chunk, CHUNK_HEADER)?;
        let (Some(kind), Some(size)) = (chunk.get(..4), u32_at(&chunk, 4)) else { break };
        if kind == b"data" {
            let Some(format) = format else {
                return invalid(name, "`data` chunk", "a `fmt ` chunk before it in a stream", "none");
            };
            let is_known = size != 0 && size < STREAMED;
            return Ok((Format::parse(name, &format)?, is_known.then_some(size.into())));
        }
        // Chunks begin at even places.
        let mut size = u64::from(size) + u64::from(size % 2);
        let Some(rest) = left.checked_sub(size + CHUNK_HEADER as u64) else {
            let expected = format!("within the first {MAX_HEADER_BYTES} bytes of a stream");
            return invalid(name, "`data` chunk", expected, "larger chunks before it");
        };
        left = rest;
        if kind == b"fmt " && format.is_none() {
            let mut bytes = Vec::new();
            let unpadded = u32_at(&chunk, 4).unwrap_or_default() as usize;
            read_until(name, reader, &mut bytes, unpadded.min(FORMAT_CHUNK))?;
            size -= bytes.len() as u64;
            format = Some(bytes);
        }
        io::copy(&mut reader.by_ref().take(size), &mut io::sink()).map_err(|cause| unreadable(name, cause))?;
    }
    let format = format.ok_or_else(|| missing(name, "fmt "))?;
    Format::parse(name, &format)?;
    Err(missing(name, "data"))
}

/// Reads until there are so many bytes, or the stream ends.
fn read_until(name: &str, reader: &mut impl Read, bytes: &mut Vec<u8>, length: usize) -> Result<()> {
    while bytes.len() < length && read_some(name, reader, bytes, length - bytes.len())? > 0 {}
    Ok(())
}

/// Appends the bytes that are there, at most `limit`; 0 at the end of the stream.
fn read_some(name: &str, reader: &mut impl Read, bytes: &mut Vec<u8>, limit: usize) -> Result<usize> {
    let start = bytes.len();
    bytes.resize(start + limit, 0);
    let read = loop {
        match reader.read(&mut bytes[start..]) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => break read,
        }
    };
    bytes.truncate(start + read.as_ref().copied().unwrap_or(0));
    read.map_err(|cause| unreadable(name, cause))
}

fn unreadable(name: &str, cause: io::Error) -> AudioError {
    AudioError::Unreadable { path: name.to_string(), cause }
}
