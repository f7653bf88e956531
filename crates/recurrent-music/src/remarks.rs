//! What a piece does not say of its file.

use std::fmt;

/// What reading a file left out or had to settle. All numbers are 0 if the notes are those of the file.
///
/// As text it names what is not 0: `2 drum notes left out, 1 note without an end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Remarks {
    /// Notes of channel 10, the drums, or notes without a pitch. They are left out.
    pub drum_notes: usize,
    /// Notes below A0 or above C8. They are left out.
    pub out_of_range: usize,
    /// Notes without a note-off. They end with their track.
    pub unended: usize,
    /// Notes of no length. They get 1 tick.
    pub empty: usize,
    /// Bytes after the last track that are no chunk, such as padding. They are left out.
    pub trailing_bytes: usize,
    /// Grace notes. They are left out.
    pub grace_notes: usize,
    /// Notes between two semitones. They are rounded.
    pub quarter_tones: usize,
    /// Jumps, such as D.C. or to a coda, and the signs to jump to; also repeats from or to the middle of a measure. They
    /// are not followed.
    pub jumps: usize,
}

impl Remarks {
    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn parts(&self) -> Vec<String> {
        let some = |count, one: &str, many: &str, rest: &str| match count {
            0 => None,
            1 => Some(format!("1 {one} {rest}")),
            _ => Some(format!("{count} {many} {rest}")),
        };
        [
            some(self.drum_notes, "drum note", "drum notes", "left out"),
            some(self.out_of_range, "note", "notes", "outside A0 to C8 left out"),
            some(self.unended, "note", "notes", "without an end"),
            some(self.empty, "note", "notes", "of no length"),
            some(self.trailing_bytes, "byte", "bytes", "after the last track left out"),
            some(self.grace_notes, "grace note", "grace notes", "left out"),
            some(self.quarter_tones, "note", "notes", "rounded to a semitone"),
            some(self.jumps, "jump", "jumps", "such as D.C. not followed"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl fmt::Display for Remarks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parts().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_there_is_is_named() {
        assert_eq!(Remarks::default().to_string(), "");
        assert!(Remarks::default().is_empty());
        let remarks = Remarks { drum_notes: 2, unended: 1, ..Remarks::default() };
        assert_eq!(remarks.to_string(), "2 drum notes left out, 1 note without an end");
        assert!(!remarks.is_empty());
        let remarks = Remarks { grace_notes: 1, quarter_tones: 2, jumps: 3, ..Remarks::default() };
        let expected = "1 grace note left out, 2 notes rounded to a semitone, 3 jumps such as D.C. not followed";
        assert_eq!(remarks.to_string(), expected);
    }
}
