//! WAV files of other programs, made byte by byte.

use proptest::prelude::*;

/// The header of a WAV file; the sizes are filled in by `wav`.
pub struct Header {
    pub code: u16,
    pub channels: u16,
    pub sample_rate: u32,
    pub bits: u16,
}

pub const MONO: Header = Header { code: 1, channels: 1, sample_rate: 16_000, bits: 16 };

pub fn format_chunk(header: &Header) -> Vec<u8> {
    let block = header.channels * header.bits.div_ceil(8);
    let mut chunk = Vec::new();
    chunk.extend(header.code.to_le_bytes());
    chunk.extend(header.channels.to_le_bytes());
    chunk.extend(header.sample_rate.to_le_bytes());
    chunk.extend((header.sample_rate.wrapping_mul(block.into())).to_le_bytes());
    chunk.extend(block.to_le_bytes());
    chunk.extend(header.bits.to_le_bytes());
    chunk
}

/// The chunks of a file with their names, and padded to even sizes.
pub fn riff(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut body = b"WAVE".to_vec();
    for (name, chunk) in chunks {
        body.extend(*name);
        body.extend((chunk.len() as u32).to_le_bytes());
        body.extend(*chunk);
        body.resize(body.len().next_multiple_of(2), 0);
    }
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((body.len() as u32).to_le_bytes());
    bytes.append(&mut body);
    bytes
}

pub fn wav(header: &Header, data: &[u8]) -> Vec<u8> {
    riff(&[(b"fmt ", &format_chunk(header)), (b"data", data)])
}

/// A header with the real coding in an identifier behind it.
pub fn extensible(code: u16, tail: [u8; 14]) -> Vec<u8> {
    let mut chunk = format_chunk(&Header { code: 0xFFFE, ..MONO });
    chunk.extend([22, 0, 16, 0, 4, 0, 0, 0]);
    chunk.extend(code.to_le_bytes());
    chunk.extend(tail);
    chunk
}

pub const TAIL: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];

/// Files of all codings, with a chunk before the samples.
fn any_file() -> impl Strategy<Value = Vec<u8>> {
    let header =
        (prop::sample::select(vec![1_u16, 3, 0xFFFE]), 1..4_u16, prop::sample::select(vec![8_u16, 16, 24, 32]));
    (header, prop::collection::vec(any::<u8>(), 0..80)).prop_map(|((code, channels, bits), data)| {
        let format = match code {
            0xFFFE => extensible(1, TAIL),
            _ => format_chunk(&Header { code, channels, bits, ..MONO }),
        };
        riff(&[(b"fmt ", &format), (b"LIST", b"text"), (b"data", &data)])
    })
}

/// A file with some bytes changed, and perhaps its end cut off.
pub fn any_changed_file() -> impl Strategy<Value = Vec<u8>> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
    let cut = prop::option::of(any::<prop::sample::Index>());
    (any_file(), changes, cut).prop_map(|(mut bytes, changes, cut)| {
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        bytes
    })
}
