//! Sound from pipes gives the samples of the file, however it comes.

mod riff;

use std::io::{self, Read};

use proptest::prelude::*;
use recurrent_audio::{Audio, AudioError, PcmStream, RawPcm, Result};

use riff::{Header, MONO, TAIL, any_changed_file, extensible, format_chunk, riff, wav};

/// A reader that gives as many bytes at a time as it is told, again and again, and is interrupted in between.
struct Pipe<'a> {
    bytes: &'a [u8],
    sizes: &'a [usize],
    reads: usize,
}

impl Read for Pipe<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reads += 1;
        if self.reads.is_multiple_of(3) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let size = self.sizes[self.reads % self.sizes.len()].min(buffer.len());
        self.bytes.read(&mut buffer[..size])
    }
}

fn open<'a>(bytes: &'a [u8], sizes: &'a [usize]) -> Result<PcmStream<Pipe<'a>>> {
    PcmStream::new("a.wav", Pipe { bytes, sizes, reads: 0 }, RawPcm::new(8_000))
}

/// Sample rate and samples of a stream, and how it ended.
fn read_in(bytes: &[u8], sizes: &[usize], max_samples: usize) -> (u32, Vec<f32>, Result<()>) {
    let mut stream = match open(bytes, sizes) {
        Ok(stream) => stream,
        Err(error) => return (0, Vec::new(), Err(error)),
    };
    let mut samples = Vec::new();
    loop {
        match stream.read_chunk(max_samples) {
            Ok(Some(chunk)) => {
                assert!((1..=max_samples.max(1)).contains(&chunk.len()), "{} samples", chunk.len());
                samples.extend(chunk);
            }
            end => return (stream.sample_rate(), samples, end.map(drop)),
        }
    }
}

fn read(bytes: &[u8]) -> Result<Audio> {
    let (sample_rate, samples, end) = read_in(bytes, &[4_096], 1_000);
    end.map(|()| Audio::new(sample_rate, samples))
}

fn samples(bytes: &[u8]) -> Vec<f32> {
    read(bytes).unwrap().samples
}

fn message(bytes: &[u8]) -> String {
    read(bytes).unwrap_err().to_string()
}

fn with_sizes(mut bytes: Vec<u8>, riff_size: u32, data_size: u32) -> Vec<u8> {
    bytes[4..8].copy_from_slice(&riff_size.to_le_bytes());
    bytes[40..44].copy_from_slice(&data_size.to_le_bytes());
    bytes
}

#[test]
fn files_of_all_codings_give_their_samples_to_the_bit() {
    let floats: Vec<f32> = (0..60).map(|n| (0.7 * n as f32).sin()).collect();
    let doubles: Vec<u8> = floats.iter().flat_map(|x| f64::from(*x).to_le_bytes()).collect();
    let singles: Vec<u8> = floats.iter().flat_map(|x| x.to_le_bytes()).collect();
    let integers: Vec<u8> = (0..240).map(|n| (n * 37 % 256) as u8).collect();
    for (code, bits, data) in [
        (1, 8, &integers),
        (1, 12, &integers),
        (1, 16, &integers),
        (1, 24, &integers),
        (1, 32, &integers),
        (3, 32, &singles),
        (3, 64, &doubles),
    ] {
        for channels in 1..=3 {
            // The last sample is incomplete.
            let bytes = wav(&Header { code, channels, bits, sample_rate: 44_100 }, &data[..data.len() - 1]);
            let expected = Audio::from_bytes("a.wav", &bytes).unwrap();
            for (sizes, max_samples) in [(&[1][..], 1), (&[1], 1_000), (&[4_096], 7), (&[3, 1, 50], 0)] {
                let (sample_rate, samples, end) = read_in(&bytes, sizes, max_samples);
                end.unwrap();
                assert_eq!(Audio::new(sample_rate, samples), expected, "{bits} bits, {channels} channels");
            }
        }
    }
    let bytes = riff(&[(b"fmt ", &extensible(1, TAIL)), (b"data", &[0, 0x40])]);
    assert_eq!(samples(&bytes), [0.5]);
}

#[test]
fn samples_are_returned_as_soon_as_they_are_there() {
    let bytes = wav(&MONO, &[0, 0x40, 0, 0xC0, 0, 0x20]);
    let mut stream = open(&bytes, &[2]).unwrap();
    for sample in [0.5, -0.5, 0.25] {
        assert_eq!(stream.read_chunk(1_000).unwrap(), Some(vec![sample]));
    }
    assert_eq!(stream.read_chunk(1_000).unwrap(), None);
    assert_eq!(stream.read_chunk(1_000).unwrap(), None);
}

#[test]
fn unknown_sizes_extend_to_the_end() {
    let file = wav(&MONO, &[0, 0x40, 0, 0xC0, 7]);
    for (riff_size, data_size) in [(0, 0), (36, 0), (u32::MAX, u32::MAX), (0x7FFF_F024, 0x7FFF_F000), (0, 1 << 31)] {
        assert_eq!(samples(&with_sizes(file.clone(), riff_size, data_size))[..2], [0.5, -0.5]);
    }
}

#[test]
fn chunks_around_the_samples_are_skipped() {
    let format = format_chunk(&MONO);
    let chunks: [(&[u8; 4], &[u8]); 4] =
        [(b"LIST", b"odd"), (b"fmt ", &format), (b"fact", &[0; 4]), (b"data", &[0, 0x40])];
    assert_eq!(samples(&riff(&chunks)), [0.5]);
    assert_eq!(samples(&riff(&[chunks[1], chunks[3], chunks[0]])), [0.5]);
    // The format is longer than needed, and a second one is ignored.
    let long = [&format[..], &[9; 51]].concat();
    assert_eq!(samples(&riff(&[(b"fmt ", &long), (b"fmt ", b"other"), chunks[3]])), [0.5]);
    assert_eq!(
        message(&riff(&[chunks[3], chunks[1]])),
        "a.wav, `data` chunk: expected a `fmt ` chunk before it in a stream, found none"
    );
    let mut endless = riff(&chunks);
    endless[16..20].copy_from_slice(&(1_u32 << 24).to_le_bytes());
    assert_eq!(
        message(&endless),
        "a.wav, `data` chunk: expected within the first 16777216 bytes of a stream, found larger chunks before it"
    );
}

#[test]
fn incomplete_headers_are_refused_as_those_of_files() {
    let bytes = riff(&[(b"fmt ", &extensible(1, TAIL)), (b"LIST", b"text"), (b"data", &[0, 0x40])]);
    for length in 4..bytes.len() {
        let expected = Audio::from_bytes("a.wav", &bytes[..length]).unwrap_err().to_string();
        assert_eq!(message(&bytes[..length]), expected, "{length} bytes");
    }
}

#[test]
fn a_truncated_stream_gives_its_samples_and_then_an_error() {
    let bytes = wav(&MONO, &[0, 0x40].repeat(50));
    let (_, samples, end) = read_in(&bytes[..bytes.len() - 31], &[4_096], 10);
    assert_eq!(samples, [0.5; 34]);
    assert_eq!(
        end.unwrap_err().to_string(),
        "a.wav: expected 100 bytes of samples as its header says, found 69; the file is truncated"
    );
}

#[test]
fn bytes_without_a_header_are_raw_samples() {
    let levels: Vec<i16> = (0..500).map(|n| (n * 7_919 % 65_536 - 32_768) as i16).collect();
    let expected: Vec<f32> = levels.iter().map(|level| f32::from(*level) / 32_768.0).collect();
    let mut bytes: Vec<u8> = levels.iter().flat_map(|level| level.to_le_bytes()).collect();
    // Half a sample is left out.
    bytes.push(1);
    for (sizes, max_samples) in [(&[1][..], 100), (&[4_096], 1), (&[5, 2], 3)] {
        let (sample_rate, samples, end) = read_in(&bytes, sizes, max_samples);
        end.unwrap();
        assert_eq!((sample_rate, &samples), (8_000, &expected));
    }
    // Quiet samples may look like the header of compressed sound.
    let quiet: Vec<u8> = [-1_i16, 0, -1_025, -28_528, -1].iter().flat_map(|level| level.to_le_bytes()).collect();
    assert_eq!(samples(&quiet).len(), 5);
    assert_eq!(samples(&quiet[4..]).len(), 3);
    assert_eq!(samples(&[0, 0x40]), [0.5]);
}

#[test]
fn a_stream_without_samples_is_told() {
    for bytes in [&[][..], &[1], &wav(&MONO, &[]), &wav(&MONO, &[1])] {
        assert_eq!(open(bytes, &[9]).unwrap().sample_rate(), if bytes.len() > 1 { 16_000 } else { 8_000 });
        assert_eq!(message(bytes), "a.wav: expected at least 1 sample, found 0");
    }
}

#[test]
fn other_formats_are_named() {
    let mp3 = [&[0xFF, 0xFB, 0x90, 0x64][..], &[0; 413]].concat().repeat(2);
    for (bytes, found) in [
        (&b"ID3\x04tagged file"[..], "an MP3 file"),
        (&mp3, "an MP3 file"),
        (b"fLaC\0\0\0\x22", "a FLAC file"),
        (b"\0\0\0\x20ftypM4A ", "an MP4 file (M4A)"),
        (b"RIFX\0\0\0\0WAVE", "a WAV file with the highest byte first (RIFX)"),
        (b"RIFF\0\0\0\0AVI LIST", "a RIFF file of the kind `AVI `"),
    ] {
        assert_eq!(message(bytes), format!("a.wav: expected a WAV file, found {found}"));
    }
    let law = wav(&Header { code: 7, bits: 8, ..MONO }, &[0; 4]);
    assert!(message(&law).contains("found µ-law"));
}

#[test]
fn samples_that_are_no_numbers_are_refused_with_their_place() {
    let header = Header { code: 3, bits: 32, channels: 2, ..MONO };
    let data = [0.0, 0.5, 0.25, f32::NAN].map(f32::to_le_bytes).concat();
    let (_, samples, end) = read_in(&wav(&header, &data), &[4_096], 1);
    assert_eq!(samples, [0.25]);
    assert_eq!(end.unwrap_err().to_string(), "a.wav, sample 1 of channel 1: expected a finite number, found NaN");
}

#[test]
fn readers_that_fail_and_wrong_rates_are_told() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the device is gone"))
        }
    }
    let bytes = wav(&MONO, &[0, 0x40]);
    let reader = bytes[..40].chain(Broken);
    let error = PcmStream::new("microphone", reader, RawPcm::default()).unwrap_err();
    assert_eq!(error.to_string(), "microphone: expected a readable file: the device is gone");
    let error = PcmStream::new("a", io::empty(), RawPcm::new(999)).unwrap_err();
    assert_eq!(error.to_string(), "sample_rate: expected from 1000 to 768000 Hz, found 999");
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(PcmStream::open(folder.path(), RawPcm::default()), Err(AudioError::IsDirectory { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn any_changed_file_gives_the_samples_of_the_file(
        bytes in any_changed_file(),
        sizes in prop::collection::vec(1..20_usize, 1..5),
        max_samples in 0..40_usize,
    ) {
        let (sample_rate, samples, end) = read_in(&bytes, &sizes, max_samples);
        prop_assert!(samples.len() <= bytes.len() && samples.iter().all(|sample| sample.is_finite()));
        if let (Ok(()), Ok(audio)) = (end, Audio::from_bytes("a.wav", &bytes)) {
            prop_assert_eq!(Audio::new(sample_rate, samples), audio);
        }
    }

    #[test]
    fn any_bytes_give_the_same_in_all_chunks(
        bytes in prop::collection::vec(any::<u8>(), 0..100),
        sizes in prop::collection::vec(1..20_usize, 1..5),
        max_samples in 0..40_usize,
    ) {
        let whole = read_in(&bytes, &[100], 100);
        let chunked = read_in(&bytes, &sizes, max_samples);
        prop_assert_eq!((whole.0, whole.1), (chunked.0, chunked.1));
        prop_assert_eq!(whole.2.map_err(|error| error.to_string()), chunked.2.map_err(|error| error.to_string()));
    }
}
