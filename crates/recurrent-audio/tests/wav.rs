//! WAV files of other programs, and files that are none.

mod riff;

use hound::SampleFormat::{Float, Int};
use proptest::prelude::*;
use recurrent_audio::{Audio, AudioError};

use riff::{Header, MONO, TAIL, any_changed_file, extensible, format_chunk, riff, wav};

fn read(bytes: &[u8]) -> recurrent_audio::Result<Audio> {
    Audio::from_bytes("a.wav", bytes)
}

fn samples(bytes: &[u8]) -> Vec<f32> {
    read(bytes).unwrap().samples
}

fn message(bytes: &[u8]) -> String {
    read(bytes).unwrap_err().to_string()
}

#[test]
fn hound_s_files_are_read() {
    for (bits, format, channels) in [(8, Int, 1), (16, Int, 2), (24, Int, 3), (32, Int, 1), (32, Float, 2)] {
        let spec = hound::WavSpec { channels, sample_rate: 44_100, bits_per_sample: bits, sample_format: format };
        let mut bytes = std::io::Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
        let levels = [-1.0_f64, -0.5, 0.0, 0.25, 0.75];
        for level in levels {
            for channel in 0..channels {
                // The channels lie around the level.
                let level = level + 0.125 * (f64::from(channel) - f64::from(channels - 1) / 2.0);
                let full = 2.0_f64.powi(i32::from(bits) - 1);
                match format {
                    Int => writer.write_sample((level * full).clamp(-full, full - 1.0) as i32).unwrap(),
                    Float => writer.write_sample(level as f32).unwrap(),
                }
            }
        }
        writer.finalize().unwrap();
        let audio = read(&bytes.into_inner()).unwrap();
        assert_eq!(audio.sample_rate, 44_100);
        assert_eq!(audio.samples.len(), levels.len());
        for (sample, level) in audio.samples.iter().zip(levels).skip(1) {
            assert!((f64::from(*sample) - level).abs() < 0.01, "{bits} bits: expected {level}, found {sample}");
        }
    }
}

#[test]
fn hound_reads_our_files() {
    let audio = Audio::new(22_050, vec![0.5, -0.5, 0.0, 1.0]);
    let bytes = audio.to_wav("a.wav").unwrap();
    let mut reader = hound::WavReader::new(&bytes[..]).unwrap();
    assert_eq!((reader.spec().channels, reader.spec().sample_rate), (1, 22_050));
    let samples: Vec<i16> = reader.samples().map(Result::unwrap).collect();
    assert_eq!(samples, [16_384, -16_384, 0, 32_767]);
}

#[test]
fn each_width_of_integers_and_floats_is_read() {
    assert_eq!(samples(&wav(&Header { bits: 8, ..MONO }, &[0, 64, 128, 192])), [-1.0, -0.5, 0.0, 0.5]);
    assert_eq!(samples(&wav(&MONO, &[0, 0x80, 0, 0x40])), [-1.0, 0.5]);
    assert_eq!(samples(&wav(&Header { bits: 24, ..MONO }, &[0, 0, 0x80, 0, 0, 0x40])), [-1.0, 0.5]);
    assert_eq!(samples(&wav(&Header { bits: 32, ..MONO }, &[0, 0, 0, 0x80, 0, 0, 0, 0x40])), [-1.0, 0.5]);
    // Twelve bits lie in the upper ones of two bytes.
    assert_eq!(samples(&wav(&Header { bits: 12, ..MONO }, &[0, 0x80, 0, 0x40])), [-1.0, 0.5]);
    let float = Header { code: 3, bits: 32, ..MONO };
    assert_eq!(samples(&wav(&float, &[0.5_f32, -1.5].map(f32::to_le_bytes).concat())), [0.5, -1.5]);
    let double = Header { code: 3, bits: 64, ..MONO };
    assert_eq!(samples(&wav(&double, &[0.5_f64, -1.5].map(f64::to_le_bytes).concat())), [0.5, -1.5]);
}

#[test]
fn channels_are_mixed_to_their_mean() {
    let stereo = Header { channels: 2, ..MONO };
    // What is left of a last frame is dropped.
    assert_eq!(samples(&wav(&stereo, &[0, 0x40, 0, 0, 0, 0x40, 0, 0xC0, 1, 1])), [0.25, 0.0]);
}

#[test]
fn extensible_headers_are_read() {
    assert_eq!(samples(&riff(&[(b"fmt ", &extensible(1, TAIL)), (b"data", &[0, 0x40])])), [0.5]);
    let other = riff(&[(b"fmt ", &extensible(1, [7; 14])), (b"data", &[0, 0x40])]);
    assert!(message(&other).contains("found a coding with an identifier of its own"));
    let law = riff(&[(b"fmt ", &extensible(7, TAIL)), (b"data", &[0, 0x40])]);
    assert!(message(&law).contains("found µ-law"));
    let short = riff(&[(b"fmt ", &extensible(1, TAIL)[..24]), (b"data", &[0, 0x40])]);
    assert_eq!(message(&short), "a.wav, `fmt ` chunk: expected at least 40 bytes in an extensible header, found 24");
}

#[test]
fn other_chunks_are_skipped_in_any_order() {
    let format = format_chunk(&MONO);
    let chunks: [(&[u8; 4], &[u8]); 4] =
        [(b"LIST", b"odd"), (b"fmt ", &format), (b"fact", &[0; 4]), (b"data", &[0, 0x40])];
    assert_eq!(samples(&riff(&chunks)), [0.5]);
    assert_eq!(samples(&riff(&[chunks[3], chunks[0], chunks[1]])), [0.5]);
    assert_eq!(samples(&riff(&[chunks[1], chunks[3], chunks[0]])), [0.5]);
}

#[test]
fn streamed_files_are_read_to_their_end() {
    for (riff_size, data_size) in [(0, 0), (u32::MAX, u32::MAX), (0x7FFF_F024, 0x7FFF_F000), (36, 0)] {
        let mut bytes = wav(&MONO, &[0, 0x40, 0, 0xC0]);
        bytes[4..8].copy_from_slice(&u32::to_le_bytes(riff_size));
        bytes[40..44].copy_from_slice(&u32::to_le_bytes(data_size));
        assert_eq!(samples(&bytes), [0.5, -0.5]);
    }
    // Here nothing is behind the samples, of which there are none, but another chunk.
    let empty = riff(&[(b"fmt ", &format_chunk(&MONO)), (b"data", &[]), (b"LIST", b"text")]);
    assert_eq!(message(&empty), "a.wav: expected at least 1 sample, found 0");
}

#[test]
fn other_files_are_named() {
    assert_eq!(message(b"ID3\x04tagged"), "a.wav: expected a WAV file, found an MP3 file");
    assert_eq!(message(b"fLaC\0\0\0\x22"), "a.wav: expected a WAV file, found a FLAC file");
    assert_eq!(message(b"RIFF\0\0\0\0AVI LIST"), "a.wav: expected a WAV file, found a RIFF file of the kind `AVI `");
    assert_eq!(message(b""), "a.wav: expected a WAV file, found an empty file");
    assert_eq!(message(b"RIFF"), "a.wav: expected a WAV file, found one that begins with `RIFF`");
}

#[test]
fn other_codings_are_named() {
    for (code, name) in [(2, "Microsoft ADPCM"), (6, "A-law"), (7, "µ-law"), (0x11, "IMA ADPCM"), (0x55, "MP3")] {
        assert_eq!(
            message(&wav(&Header { code, bits: 8, ..MONO }, &[0; 4])),
            format!("a.wav: expected integer or float samples (PCM), found {name}; convert the file to 16-bit PCM")
        );
    }
    assert!(message(&wav(&Header { code: 0x1234, ..MONO }, &[0; 4])).contains("found the coding 0x1234"));
}

#[test]
fn headers_that_no_file_can_have_are_refused() {
    let no_channels = wav(&Header { channels: 0, ..MONO }, &[0; 4]);
    assert_eq!(message(&no_channels), "a.wav, channels: expected at least 1, found 0");
    let slow = wav(&Header { sample_rate: 999, ..MONO }, &[0; 4]);
    assert_eq!(message(&slow), "a.wav, sample rate: expected from 1000 to 768000 Hz, found 999");
    let wide = wav(&Header { bits: 40, ..MONO }, &[0; 5]);
    assert_eq!(message(&wide), "a.wav, bytes per sample: expected 1, 2, 3 or 4 for integers, found 5");
    let half = wav(&Header { code: 3, ..MONO }, &[0; 4]);
    assert_eq!(message(&half), "a.wav, bytes per sample: expected 4 or 8 for floats, found 2");
    let mut uneven = wav(&Header { channels: 2, ..MONO }, &[0; 4]);
    uneven[32] = 3;
    assert_eq!(message(&uneven), "a.wav, block align: expected a multiple of 2 channels, found 3");
    let mut bits = wav(&MONO, &[0; 4]);
    bits[34] = 17;
    assert_eq!(message(&bits), "a.wav, bits per sample: expected from 1 to 16, found 17");
    let short = riff(&[(b"fmt ", &[1, 0, 1, 0]), (b"data", &[0; 4])]);
    assert_eq!(message(&short), "a.wav, `fmt ` chunk: expected at least 16 bytes, found 4");
}

#[test]
fn missing_and_truncated_chunks_are_told() {
    let format = format_chunk(&MONO);
    assert_eq!(message(&riff(&[])), "a.wav: expected a `fmt ` chunk, found the end of the file");
    assert_eq!(message(&riff(&[(b"fmt ", &format)])), "a.wav: expected a `data` chunk, found the end of the file");
    let bytes = wav(&MONO, &[0; 100]);
    assert_eq!(
        message(&bytes[..bytes.len() - 30]),
        "a.wav: expected 100 bytes of samples as its header says, found 70; the file is truncated"
    );
    assert_eq!(message(&wav(&MONO, &[0])), "a.wav: expected at least 1 sample, found 0");
}

#[test]
fn samples_that_are_no_numbers_are_refused() {
    let header = Header { code: 3, bits: 32, channels: 2, ..MONO };
    let data = [0.0, 0.5, 0.25, f32::NAN].map(f32::to_le_bytes).concat();
    assert_eq!(message(&wav(&header, &data)), "a.wav, sample 1 of channel 1: expected a finite number, found NaN");
    // Too large for a float of single precision.
    let double = Header { code: 3, bits: 64, ..MONO };
    assert!(message(&wav(&double, &1e300_f64.to_le_bytes())).ends_with("expected a finite number, found inf"));
    let error = Audio::new(16_000, vec![0.0, f32::INFINITY]).to_wav("a.wav").unwrap_err();
    assert_eq!(error.to_string(), "a.wav, sample 1 of channel 0: expected a finite number, found inf");
}

#[test]
fn nothing_is_written_that_could_not_be_read() {
    assert!(matches!(Audio::new(16_000, vec![]).to_wav("a.wav"), Err(AudioError::NoSamples { .. })));
    assert!(matches!(Audio::new(0, vec![0.0]).to_wav("a.wav"), Err(AudioError::InvalidHeader { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn any_changed_file_gives_samples_or_an_error(bytes in any_changed_file()) {
        if let Ok(audio) = read(&bytes) {
            // One sample has at least a byte, and memory is allocated for as many as there are.
            prop_assert!(!audio.samples.is_empty() && audio.samples.capacity() <= bytes.len());
            prop_assert!(audio.samples.iter().all(|sample| sample.is_finite()));
        }
    }

    #[test]
    fn any_bytes_give_samples_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = read(&bytes);
        let _ = read(&[b"RIFF\0\0\0\0WAVE", &bytes[..]].concat());
    }
}
