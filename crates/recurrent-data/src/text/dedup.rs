//! Keys by which near-duplicates are found.

/// The letters and digits of a text in lower case: near-duplicates have equal keys. The key of a text without letters
/// and digits is the text itself.
pub(crate) fn dedup_key(text: &str) -> String {
    let letters = text.chars().filter(|c| c.is_alphanumeric());
    let key: String = letters.flat_map(char::to_lowercase).collect();
    if key.is_empty() { text.to_string() } else { key }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_ignore_case_spaces_and_punctuation() {
        assert_eq!(dedup_key("Don't  STOP, Жан-1!"), "dontstopжан1");
        assert_eq!(dedup_key("Don't stop, жан 1"), "dontstopжан1");
        assert_ne!(dedup_key("?!"), dedup_key("!!"));
    }
}
