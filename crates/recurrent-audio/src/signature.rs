//! What a file is that is no WAV file, by its first bytes.

/// Signatures at the beginning of files.
const BEGINNINGS: [(&[u8], &str); 16] = [
    (b"ID3", "an MP3 file"),
    (b"fLaC", "a FLAC file"),
    (b"OggS", "an Ogg file (Vorbis or Opus)"),
    (b"RIFX", "a WAV file with the highest byte first (RIFX)"),
    (b"RF64", "a WAV file of more than 4 GiB (RF64)"),
    (b"BW64", "a WAV file of more than 4 GiB (BW64)"),
    (b"riff", "a Wave64 file"),
    (b"FORM", "an AIFF file"),
    (b"caff", "a CAF file"),
    (b".snd", "an AU file"),
    (b"NIST_1A", "a NIST SPHERE file"),
    (b"wvpk", "a WavPack file"),
    (b"#!AMR", "an AMR file"),
    (b"MThd", "a MIDI file"),
    (b"\x1A\x45\xDF\xA3", "a WebM or Matroska file"),
    (b"\x30\x26\xB2\x75", "a WMA file"),
];

/// The bit rates of Layer III in kbit/s (ISO 11172-3, 2.4.2.3, and ISO 13818-3).
const MPEG_1_RATES: [usize; 14] = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const MPEG_2_RATES: [usize; 14] = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];

/// What the bytes are, in words for an error: `an MP3 file`.
pub(crate) fn describe(bytes: &[u8]) -> String {
    match known(bytes) {
        Some(name) => name.into(),
        None if bytes.is_empty() => "an empty file".into(),
        None if is_adts_frame(bytes) => "an AAC file".into(),
        None if is_mpeg_frame(bytes) => "an MP3 file".into(),
        None => format!("one that begins with `{}`", bytes[..bytes.len().min(4)].escape_ascii()),
    }
}

/// What the bytes are, if they are no raw samples. A single header of a frame proves nothing, since quiet samples look
/// like it: the next frame must begin where the first one ends.
pub(crate) fn compressed(bytes: &[u8]) -> Option<&'static str> {
    let frames = || {
        let (name, length) = frame(bytes)?;
        let (first, next) = (bytes.get(..3)?, bytes.get(length..length + 3)?);
        // The bits of the bit rate and of the padding may differ.
        let is_alike = first[..2] == next[..2] && first[2] & 0x0C == next[2] & 0x0C;
        is_alike.then_some(name)
    };
    known(bytes).or_else(frames)
}

/// How many bytes [`compressed`] needs, if these are the first six.
pub(crate) fn num_needed(bytes: &[u8]) -> usize {
    frame(bytes).map_or(0, |(_, length)| length + 3)
}

/// The name of a format whose files begin with a signature.
fn known(bytes: &[u8]) -> Option<&'static str> {
    let beginning = BEGINNINGS.iter().find(|(beginning, _)| bytes.starts_with(beginning));
    let mp4 = || (bytes.get(4..8) == Some(b"ftyp")).then_some("an MP4 file (M4A)");
    beginning.map(|(_, name)| *name).or_else(mp4)
}

/// The name and the length of a frame of AAC or MP3, if the bytes begin with its header.
fn frame(bytes: &[u8]) -> Option<(&'static str, usize)> {
    let [_, second, third, fourth, fifth, sixth, ..] = *bytes else { return None };
    if is_adts_frame(bytes) {
        let length = usize::from(fourth & 3) << 11 | usize::from(fifth) << 3 | usize::from(sixth >> 5);
        return (length > 6).then_some(("an AAC file", length));
    }
    // Layer III, in kbit/s and Hz.
    if !is_mpeg_frame(bytes) || (second >> 1) & 3 != 1 {
        return None;
    }
    let is_first_version = (second >> 3) & 3 == 3;
    let bit_rates = if is_first_version { MPEG_1_RATES } else { MPEG_2_RATES };
    let bit_rate = bit_rates[usize::from(third >> 4).checked_sub(1)?];
    let sample_rate = [44_100, 48_000, 32_000][usize::from((third >> 2) & 3)];
    let (samples, slower) = match (second >> 3) & 3 {
        3 => (1_152, 1),
        2 => (576, 2),
        _ => (576, 4),
    };
    let length = samples / 8 * 1_000 * bit_rate * slower / sample_rate + usize::from((third >> 1) & 1);
    Some(("an MP3 file", length))
}

/// The header of a frame of MPEG audio (ISO 11172-3, 2.4.1.3): eleven bits of synchronization, then a version, a layer,
/// a bit rate and a sample rate, each of which has one forbidden value.
fn is_mpeg_frame(bytes: &[u8]) -> bool {
    let [0xFF, second, third, ..] = *bytes else { return false };
    second >= 0xE0 && (second >> 3) & 3 != 1 && (second >> 1) & 3 != 0 && third >> 4 != 15 && (third >> 2) & 3 != 3
}

/// The header of a frame of AAC (ISO 13818-7, 6.2): twelve bits of synchronization, and a layer of 0.
fn is_adts_frame(bytes: &[u8]) -> bool {
    matches!(bytes, [0xFF, second, ..] if second & 0xF6 == 0xF0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_named() {
        assert_eq!(describe(b"ID3\x03"), "an MP3 file");
        assert_eq!(describe(&[0xFF, 0xFB, 0x90, 0x64]), "an MP3 file");
        assert_eq!(describe(&[0xFF, 0xF1, 0x50, 0x80]), "an AAC file");
        assert_eq!(describe(b"fLaC\0\0\0\x22"), "a FLAC file");
        assert_eq!(describe(b"OggS\0\x02"), "an Ogg file (Vorbis or Opus)");
        assert_eq!(describe(b"\0\0\0\x20ftypM4A "), "an MP4 file (M4A)");
        assert_eq!(describe(b"NIST_1A\n   1024"), "a NIST SPHERE file");
        assert_eq!(describe(b""), "an empty file");
        assert_eq!(describe(b"hello"), "one that begins with `hell`");
        assert_eq!(describe(&[0xFF, 0xFF, 0xFF, 0xFF]), r"one that begins with `\xff\xff\xff\xff`");
        assert_eq!(describe(&[0xFF]), r"one that begins with `\xff`");
    }

    #[test]
    fn frames_are_told_from_quiet_samples() {
        // 128 kbit/s at 44.1 kHz: 417 bytes, or 418 with padding.
        let mp3 = |header: [u8; 4]| [&header[..], &[0; 413], &[0xFF, 0xFB, 0x92, 0x64]].concat();
        assert_eq!(num_needed(&mp3([0xFF, 0xFB, 0x90, 0x64])[..6]), 420);
        assert_eq!(compressed(&mp3([0xFF, 0xFB, 0x90, 0x64])), Some("an MP3 file"));
        assert_eq!(compressed(&mp3([0xFF, 0xFB, 0x92, 0x64])), None);
        assert_eq!(compressed(&[0xFF, 0xFB, 0x90, 0x64, 0, 0]), None);
        // 9 bytes in a frame.
        let aac = [0xFF, 0xF1, 0x50, 0x80, 1, 0x3F, 0xFC, 0, 0, 0xFF, 0xF1, 0x50, 0x80];
        assert_eq!((num_needed(&aac[..6]), compressed(&aac)), (12, Some("an AAC file")));
        // -1, 0, 0.
        assert_eq!((num_needed(&[0xFF, 0xFF, 0, 0, 0, 0]), compressed(&[0xFF, 0xFF, 0, 0, 0, 0])), (0, None));
        assert_eq!(compressed(b"fLaC\0\0\0\x22"), Some("a FLAC file"));
        assert_eq!(compressed(b"hello, world"), None);
    }
}
