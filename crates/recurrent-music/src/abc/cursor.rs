//! Reading a line of music from left to right.

use super::fraction::Fraction;
use super::place::Place;
use crate::{MusicError, Result};

/// A position in a line.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    path: &'a str,
    line: usize,
    text: &'a str,
    /// The byte of the next character.
    at: usize,
    /// Its column, from 1.
    column: usize,
}

impl<'a> Cursor<'a> {
    /// The beginning of a line, whose number is from 1.
    pub(super) fn new(path: &'a str, line: usize, text: &'a str) -> Self {
        Self { path, line, text, at: 0, column: 1 }
    }

    pub(super) fn place(&self) -> Place<'a> {
        Place { path: self.path, line: self.line, column: self.column }
    }

    /// The error that something else than the next character was expected.
    pub(super) fn error(&self, expected: impl Into<String>) -> MusicError {
        let found = self.peek().map_or("the end of the line".into(), |next| format!("`{next}`"));
        self.place().error(expected, found)
    }

    /// What is still to be read.
    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The character after the next one.
    pub(super) fn peek_second(&self) -> Option<char> {
        self.rest().chars().nth(1)
    }

    /// Goes past a text, which is the next one.
    fn advance(&mut self, past: &str) {
        self.at += past.len();
        self.column += past.chars().count();
    }

    /// Goes past the next character, if there is one.
    pub(super) fn skip(&mut self) {
        if let Some(next) = self.peek() {
            self.at += next.len_utf8();
            self.column += 1;
        }
    }

    pub(super) fn skip_spaces(&mut self) {
        self.take_while(|next| next == ' ' || next == '\t');
    }

    /// Goes past a text if it is the next one, and tells whether it was.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.advance(text);
        }
        found
    }

    /// Goes past characters of a kind and gives them.
    pub(super) fn take_while(&mut self, kind: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let taken = rest.find(|next| !kind(next)).map_or(rest, |end| &rest[..end]);
        self.advance(taken);
        taken
    }

    /// Goes past a part between two characters, the first of which is the next one, and gives what is between.
    pub(super) fn enclosed(&mut self, close: char) -> Result<&'a str> {
        let open = self.clone();
        self.skip();
        let inside = self.take_while(|next| next != close);
        if self.peek().is_none() {
            return Err(open
                .place()
                .error_at_text(format!("a `{close}` on the same line that closes this"), open.rest()));
        }
        self.skip();
        Ok(inside)
    }

    /// A number, if one is next.
    pub(super) fn number(&mut self) -> Result<Option<u16>> {
        let place = self.place();
        let digits = self.take_while(|next| next.is_ascii_digit());
        if digits.is_empty() {
            return Ok(None);
        }
        let number = digits.parse().map_err(|_| place.error_at_text("a number of at most 65535", digits))?;
        Ok(Some(number))
    }

    /// The length of a note in units: `2`, `3/2`, `/`, `//`, `/4`, or nothing for 1.
    pub(super) fn length(&mut self) -> Result<Fraction> {
        let start = self.clone();
        let numerator = self.number()?.unwrap_or(1);
        let slashes = self.take_while(|next| next == '/').len();
        let divisor = if slashes == 0 { None } else { self.number()? };
        let denominator = match (slashes, divisor) {
            (0, _) => 1,
            (1, Some(divisor)) => u64::from(divisor),
            (1..=10, None) => 1 << slashes,
            _ => return Err(start.length_error(self)),
        };
        Fraction::new(u64::from(numerator), denominator).ok_or_else(|| start.length_error(self))
    }

    fn length_error(&self, end: &Self) -> MusicError {
        self.place().error_at_text("a length above 0, such as 2, 3/2, / or /4", &self.text[self.at..end.at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(text: &str) -> Result<Fraction> {
        Cursor::new("a.abc", 1, text).length()
    }

    #[test]
    fn lengths_are_multiples_or_fractions_of_the_unit() {
        let pairs = [("", "1"), ("2", "2"), ("3/2", "3/2"), ("/", "1/2"), ("//", "1/4"), ("/4", "1/4"), ("3/", "3/2")];
        for (text, same) in pairs {
            assert_eq!(length(text).unwrap(), Fraction::parse(same).unwrap(), "{text}");
        }
    }

    #[test]
    fn a_length_of_nothing_is_refused() {
        for text in ["0", "2/0", "//2", "///////////"] {
            let error = length(text).unwrap_err().to_string();
            let expected = "a.abc, line 1, column 1: expected a length above 0, such as 2, 3/2, / or /4, found ";
            assert_eq!(error, format!("{expected}`{text}`"));
        }
        assert!(length("70000").unwrap_err().to_string().contains("at most 65535, found `70000`"));
    }

    #[test]
    fn columns_are_characters() {
        let mut cursor = Cursor::new("a.abc", 4, "éü x");
        cursor.skip();
        cursor.skip();
        cursor.skip_spaces();
        assert_eq!(cursor.error("a note").to_string(), "a.abc, line 4, column 4: expected a note, found `x`");
        cursor.skip();
        assert!(cursor.error("a note").to_string().ends_with("found the end of the line"));
    }
}
