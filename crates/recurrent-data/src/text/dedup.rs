//! Likeness: by what near-copies are found.

/// What near-copies have in common: the letters and digits, in lower case. A text that has neither
/// is like itself alone.
pub(crate) fn likeness(text: &str) -> String {
    let letters = text.chars().filter(|c| c.is_alphanumeric());
    let like: String = letters.flat_map(char::to_lowercase).collect();
    if like.is_empty() { text.to_string() } else { like }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_blanks_and_punctuation_do_not_make_another_text() {
        assert_eq!(likeness("Don't  STOP, Жан-1!"), "dontstopжан1");
        assert_eq!(likeness("Don't stop, жан 1"), "dontstopжан1");
        assert_ne!(likeness("?!"), likeness("!!"));
    }
}
