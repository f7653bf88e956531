//! From bytes to text.

use std::borrow::Cow;

use super::document::XmlFile;
use crate::Result;

/// The text of bytes in UTF-8, or in UTF-16 that begins with its byte order mark.
pub(super) fn decoded<'a>(file: XmlFile<'_>, bytes: &'a [u8]) -> Result<Cow<'a, str>> {
    match bytes {
        [0xFF, 0xFE, rest @ ..] => utf_16(file, rest, u16::from_le_bytes).map(Cow::Owned),
        [0xFE, 0xFF, rest @ ..] => utf_16(file, rest, u16::from_be_bytes).map(Cow::Owned),
        [0xEF, 0xBB, 0xBF, rest @ ..] => utf_8(file, rest).map(Cow::Borrowed),
        _ => utf_8(file, bytes).map(Cow::Borrowed),
    }
}

fn utf_8<'a>(file: XmlFile<'_>, bytes: &'a [u8]) -> Result<&'a str> {
    str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let found = format!("the byte {:02X}", bytes[at]);
        file.error_at(bytes, at, "UTF-8, or UTF-16 that begins with its byte order mark", found)
    })
}

fn utf_16(file: XmlFile<'_>, bytes: &[u8], unit: impl Fn([u8; 2]) -> u16) -> Result<String> {
    let (units, rest) = bytes.as_chunks();
    let mut text = String::with_capacity(bytes.len());
    for character in char::decode_utf16(units.iter().map(|bytes| unit(*bytes))) {
        let half = |_| file.error_at(text.as_bytes(), text.len(), "UTF-16", "half of a pair");
        text.push(character.map_err(half)?);
    }
    if rest.is_empty() { Ok(text) } else { Err(file.error_at(text.as_bytes(), text.len(), "UTF-16", "half of a unit")) }
}
