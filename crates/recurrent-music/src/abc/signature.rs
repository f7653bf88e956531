//! Key signatures.

use super::field::Field;
use crate::{Key, Mode, Result};

/// The letters of notes, from C.
pub(super) const LETTERS: &str = "CDEFGAB";

/// Semitones of the letters above C.
pub(super) const SEMITONES: [i8; 7] = [0, 2, 4, 5, 7, 9, 11];

/// Letters in the order in which sharps are added; flats are added from the end.
const SHARPS: [usize; 7] = [3, 0, 4, 1, 5, 2, 6];

/// How many sharps more than in major a mode has; both names of a mode are cut to three letters.
const MODES: [(&str, i8); 9] =
    [("maj", 0), ("ion", 0), ("lyd", 1), ("mix", -1), ("dor", -2), ("min", -3), ("aeo", -3), ("phr", -4), ("loc", -5)];

const EXPECTED: &str = "a key such as G, Am, D mixolydian, HP or none, of at most 7 sharps or flats";

/// What the notes of a key are raised by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Signature {
    /// Semitones for each letter from C.
    pub(super) alterations: [i8; 7],
    /// The key, if it is a major or a minor one.
    pub(super) key: Option<Key>,
}

/// A field K.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct KeyField {
    /// The signature, unless the field has only a clef.
    pub(super) signature: Option<Signature>,
    /// Semitones by which the music sounds higher than written, if the field says so.
    pub(super) shift: Option<i8>,
}

impl KeyField {
    /// Reads a tonic with a mode and accidentals, `HP` or `Hp` (pipes: F and C sound sharp), `none`, and clefs.
    pub(super) fn parse(field: &Field<'_>) -> Result<Self> {
        Self::of_value(field.value).ok_or_else(|| field.place.error_at_text(EXPECTED, field.value))
    }

    fn of_value(value: &str) -> Option<Self> {
        let shift = shift(value)?;
        let mut words = value.split_whitespace().filter(|word| !is_clef(word)).peekable();
        let first = words.peek().copied();
        let signature = match first {
            None if !value.is_empty() => None,
            None | Some("none") => Some(Signature::default()),
            Some("HP" | "Hp") => Some(Signature { alterations: alterations(2), key: None }),
            Some(_) => return Some(Self { signature: Some(signature(words)?), shift }),
        };
        (words.count() < 2).then_some(Self { signature, shift })
    }
}

/// The signature of the words of a key, such as `D`, `mix` and `^g`.
fn signature<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<Signature> {
    let tonic = words.next()?;
    let letter = LETTERS.find(tonic.chars().next()?)?;
    let (sign, glued) = match tonic.get(1..2) {
        Some("#") => (1, tonic.get(2..)?),
        Some("b") => (-1, tonic.get(2..)?),
        _ => (0, tonic.get(1..)?),
    };
    let mut words = Some(glued).filter(|mode| !mode.is_empty()).into_iter().chain(words).peekable();
    let is_explicit = words.next_if(|word| word.eq_ignore_ascii_case("exp")).is_some();
    let mode = words.next_if(|word| !word.starts_with(['^', '_', '='])).map_or(Some(0), mode)?;
    let fifths = SHARPS.iter().position(|sharp| *sharp == letter)? as i8 - 1 + 7 * sign + mode;
    let base = if (-7..=7).contains(&fifths) { alterations(fifths) } else { return None };
    let mut signature = Signature { alterations: base, key: key(SEMITONES[letter] + sign, mode) };
    if is_explicit {
        signature = Signature::default();
    }
    for word in words {
        alter(&mut signature, word)?;
    }
    Some(signature)
}

fn mode(name: &str) -> Option<i8> {
    if name == "m" {
        return mode("min");
    }
    let short = name.get(..3)?.to_ascii_lowercase();
    let is_word = name.chars().all(|letter| letter.is_ascii_alphabetic());
    MODES.iter().find(|(mode, _)| is_word && *mode == short).map(|(_, fifths)| *fifths)
}

fn key(tonic: i8, mode: i8) -> Option<Key> {
    let tonic = tonic.rem_euclid(12) as u8;
    match mode {
        0 => Some(Key::new(tonic, Mode::Major)),
        -3 => Some(Key::new(tonic, Mode::Minor)),
        _ => None,
    }
}

/// The alterations of so many sharps, or flats if negative, at most 7.
fn alterations(fifths: i8) -> [i8; 7] {
    let count = usize::from(fifths.unsigned_abs());
    let mut alterations = [0; 7];
    let sharps = SHARPS.iter().take(if fifths > 0 { count } else { 0 });
    let flats = SHARPS.iter().rev().take(if fifths < 0 { count } else { 0 });
    sharps.for_each(|letter| alterations[*letter] = 1);
    flats.for_each(|letter| alterations[*letter] = -1);
    alterations
}

/// Puts accidentals such as `^f` or `_b_e` into a signature, which then has no known key.
fn alter(signature: &mut Signature, word: &str) -> Option<()> {
    let mut rest = word;
    while !rest.is_empty() {
        let (alteration, note) = accidental(rest)?;
        let letter = note.chars().next()?;
        signature.alterations[LETTERS.find(letter.to_ascii_uppercase())?] = alteration;
        rest = &note[letter.len_utf8()..];
    }
    signature.key = None;
    Some(())
}

/// The accidental that a text begins with, in semitones, and the rest.
pub(super) fn accidental(text: &str) -> Option<(i8, &str)> {
    const SIGNS: [(&str, i8); 5] = [("^^", 2), ("^", 1), ("__", -2), ("_", -1), ("=", 0)];
    SIGNS.iter().find_map(|(sign, semitones)| Some((*semitones, text.strip_prefix(sign)?)))
}

/// Whether a word of a field K is about the clef or the voice, and not about the key.
fn is_clef(word: &str) -> bool {
    const CLEFS: [&str; 6] = ["treble", "alto", "tenor", "bass", "perc", "auto"];
    let is_setting =
        word.find('=').is_some_and(|at| at > 0) && word.starts_with(|first: char| first.is_ascii_lowercase());
    is_setting || CLEFS.iter().any(|clef| word.starts_with(clef))
}

/// Semitones by which a voice sounds higher, of the words of a field K or V: `octave=-1`, `transpose=-2`, `t=-2` and
/// clefs with `+8` or `-8`. The inner option is empty if there is no such word, the outer one if it cannot be read.
pub(super) fn shift(value: &str) -> Option<Option<i8>> {
    let mut sum = None;
    for word in value.split_whitespace() {
        let (name, setting) = word.split_once('=').unwrap_or(("clef", word));
        let semitones = match name {
            "octave" => setting.parse::<i8>().ok()?.checked_mul(12)?,
            "transpose" | "t" => setting.parse().ok()?,
            "clef" if is_clef(setting) && setting.ends_with("-8") => -12,
            "clef" if is_clef(setting) && setting.ends_with("+8") => 12,
            _ => continue,
        };
        sum = Some(sum.unwrap_or(0_i8).checked_add(semitones)?);
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> KeyField {
        KeyField::of_value(value).unwrap_or_else(|| panic!("{value}"))
    }

    /// The altered notes, such as `F#`.
    fn altered(value: &str) -> String {
        let alterations = parse(value).signature.unwrap().alterations;
        let sign = |alteration: i8| if alteration > 0 { "#" } else { "b" };
        let note = |(letter, alteration): (char, i8)| format!("{letter}{}", sign(alteration));
        LETTERS.chars().zip(alterations).filter(|(_, alteration)| *alteration != 0).map(note).collect()
    }

    #[test]
    fn keys_have_their_signatures() {
        assert_eq!([altered("C"), altered("Am"), altered("A minor"), altered("none"), altered("")], [""; 5]);
        assert_eq!([altered("G"), altered("Em"), altered("Ador"), altered("D MIX"), altered("CLydian")], ["F#"; 5]);
        assert_eq!([altered("F"), altered("Dmin"), altered("A phrygian"), altered("E loc")], ["Bb"; 4]);
        assert_eq!(altered("F#"), "C#D#E#F#G#A#");
        assert_eq!(altered("Gb"), "CbDbEbGbAbBb");
        assert_eq!([altered("HP"), altered("Hp"), altered("D")], ["C#F#"; 3]);
    }

    #[test]
    fn explicit_accidentals_change_a_signature_or_replace_it() {
        assert_eq!(altered("D =c"), "F#");
        assert_eq!(altered("D Phr ^f"), "EbF#Bb");
        assert_eq!(altered("D exp _b_e ^f"), "EbF#Bb");
        assert_eq!(parse("D =c").signature.unwrap().key, None);
    }

    #[test]
    fn only_major_and_minor_keys_are_known_by_name() {
        let name = |value| parse(value).signature.unwrap().key.map(|key| key.to_string());
        assert_eq!(
            [name("Bb"), name("F#m"), name("C ionian"), name("E aeo")].map(Option::unwrap),
            ["Bb", "F#m", "C", "Em"]
        );
        assert_eq!([name("D dorian"), name("HP"), name("none"), name("A mix")], [const { None }; 4]);
        assert_eq!(name("Cb").unwrap(), "B");
    }

    #[test]
    fn clefs_change_no_key_but_may_shift_the_octave() {
        assert_eq!(parse("clef=bass"), KeyField::default());
        assert_eq!(parse("treble-8"), KeyField { signature: None, shift: Some(-12) });
        assert_eq!(parse("Am clef=alto transpose=-2 octave=1").shift, Some(10));
        assert_eq!(parse("G treble middle=B").shift, None);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for value in
            ["H", "Gx", "G#", "Fb dor", "X minor", "C major minor", "HP x", "none x", "C ^", "C ^x", "C t=900", "é"]
        {
            assert_eq!(KeyField::of_value(value), None, "{value}");
        }
        let field = Field::of_line("a.abc", 5, "K:H").unwrap();
        let error = KeyField::parse(&field).unwrap_err().to_string();
        assert_eq!(error, format!("a.abc, line 5, column 1: expected {EXPECTED}, found `H`"));
    }
}
