//! Tokens as visible text.

/// A text with invisible characters made visible.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::new();
    for (at, c) in text.chars().enumerate() {
        match c {
            ' ' => shown.push('␣'),
            '"' | '\'' | '\\' => shown.push(c),
            // A leading combining accent would be drawn over the character before the token.
            _ if at == 0 || c.is_control() || c.is_whitespace() => shown.extend(c.escape_debug()),
            _ => shown.push(c),
        }
    }
    shown
}

/// Bytes as visible text; bytes that are not UTF-8 in hexadecimal.
pub(crate) fn visible_bytes(bytes: &[u8]) -> String {
    let mut shown = String::new();
    for chunk in bytes.utf8_chunks() {
        shown.push_str(&visible(chunk.valid()));
        chunk.invalid().iter().for_each(|byte| shown.push_str(&format!("\\x{byte:02X}")));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_characters_are_escaped() {
        assert_eq!(visible(" a\n\t\"'\\\u{7}"), "␣a\\n\\t\"'\\\\u{7}");
        assert_eq!(visible("\u{301}"), "\\u{301}");
        assert_eq!(visible("e\u{301}ж"), "e\u{301}ж");
        assert_eq!(visible_bytes(b"a\xD0\xB6\xD0"), "aж\\xD0");
    }
}
