//! Tempos and jumps.

use super::element::Element;
use crate::Result;
use crate::error::quoted;

/// The attributes of `sound` that jump, or say where to.
const JUMPS: [&str; 5] = ["dacapo", "dalsegno", "tocoda", "segno", "coda"];

/// How the words begin that jump, in small letters and without spaces.
const JUMP_WORDS: [&str; 5] = ["d.c", "d.s", "dacapo", "dalsegno", "tocoda"];

/// The tempo of a `sound` in microseconds of a quarter note; `None` if it has none.
pub(super) fn tempo(sound: Element<'_>) -> Result<Option<u32>> {
    let Some(text) = sound.attribute("tempo") else { return Ok(None) };
    let microseconds = |tempo: f64| (60e6 / tempo).round();
    let tempo = text.trim().parse().ok().map(microseconds).filter(|tempo| (1.0..16_777_216.0).contains(tempo));
    let expected = "a tempo from 4 quarter notes a minute";
    tempo.map(|tempo| Some(tempo as u32)).ok_or_else(|| sound.error(expected, quoted(text)))
}

/// Whether an element asks for a jump such as D.C., or is a sign to jump to: a `direction`, a `sound` or a `barline`.
pub(super) fn is_jump(element: Element<'_>) -> bool {
    let is_sound =
        |sound: Element<'_>| JUMPS.iter().any(|name| sound.attribute(name).is_some_and(|value| value != "no"));
    let is_sign = |sign: Element<'_>| matches!(sign.name(), "segno" | "coda");
    let mut types = element.named("direction-type").flat_map(Element::children);
    is_sound(element)
        || element.named("sound").any(is_sound)
        || element.children().any(is_sign)
        || types.any(|shown| is_sign(shown) || shown.name() == "words" && is_jump_text(shown.text()))
}

fn is_jump_text(text: &str) -> bool {
    let letters = text.chars().filter(|letter| !letter.is_whitespace());
    let start: String = letters.take(8).collect::<String>().to_lowercase();
    JUMP_WORDS.iter().any(|words| start.starts_with(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_jump_are_known() {
        for text in ["D.C.", "D. C. al Fine", "Da Capo", "dal segno", "D.S. al Coda", "To Coda"] {
            assert!(is_jump_text(text), "{text}");
        }
        for text in ["", "Allegro", "dolce", "Fine", "Coda di rondo"] {
            assert!(!is_jump_text(text), "{text}");
        }
    }
}
