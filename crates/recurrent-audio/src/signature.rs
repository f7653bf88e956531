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

/// What the bytes are, in words for an error: `an MP3 file`.
pub(crate) fn describe(bytes: &[u8]) -> String {
    let known = BEGINNINGS.iter().find(|(beginning, _)| bytes.starts_with(beginning));
    match (known, bytes) {
        (_, []) => "an empty file".into(),
        (Some((_, name)), _) => (*name).into(),
        _ if bytes.get(4..8) == Some(b"ftyp") => "an MP4 file (M4A)".into(),
        _ if is_adts_frame(bytes) => "an AAC file".into(),
        _ if is_mpeg_frame(bytes) => "an MP3 file".into(),
        _ => format!("one that begins with `{}`", bytes[..bytes.len().min(4)].escape_ascii()),
    }
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
}
