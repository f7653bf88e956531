//! A visible letter for each byte, as byte-level tokenizers (GPT-2) write them.

use std::{collections::HashMap, sync::LazyLock};

/// A byte that is a visible character in Latin-1 is that character; the others are characters from U+0100 on.
static LETTERS: LazyLock<[char; 256]> = LazyLock::new(|| {
    let mut others = (256..).filter_map(char::from_u32);
    std::array::from_fn(|byte| match byte as u8 {
        b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF => byte as u8 as char,
        _ => others.next().unwrap_or_default(),
    })
});

/// The letter of a byte.
pub(crate) fn letter(byte: u8) -> char {
    LETTERS[usize::from(byte)]
}

/// The letters of the bytes of a text.
pub(crate) fn letters(text: &str) -> String {
    text.bytes().map(letter).collect()
}

/// The byte of a letter.
pub(crate) fn byte(letter: char) -> Option<u8> {
    static BYTES: LazyLock<HashMap<char, u8>> = LazyLock::new(|| (0..=u8::MAX).map(|b| (self::letter(b), b)).collect());
    BYTES.get(&letter).copied()
}
