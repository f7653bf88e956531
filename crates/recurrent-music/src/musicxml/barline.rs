//! Bar lines, repeats and endings.

use super::element::Element;
use crate::Result;
use crate::error::quoted;
use crate::repeats::{Bar, MAX_PASSES, passes};

/// What a bar line says of repeats; nothing if it has neither a repeat nor an ending.
pub(super) fn bar(element: Element<'_>) -> Result<Bar> {
    let mut bar = Bar::default();
    for repeat in element.named("repeat") {
        match repeat.attribute("direction") {
            Some("forward") => bar.begins = true,
            Some("backward") => bar.ends = times(repeat)?,
            other => return Err(repeat.error("a direction `forward` or `backward`", quoted(other.unwrap_or("")))),
        }
    }
    for ending in element.named("ending") {
        match ending.attribute("type") {
            Some("start") => bar.ending = ending_passes(ending)?,
            Some("stop" | "discontinue") => bar.is_double = true,
            other => {
                return Err(ending.error("a type `start`, `stop` or `discontinue`", quoted(other.unwrap_or(""))));
            }
        }
    }
    Ok(bar)
}

/// What two parts say of a bar line, together.
pub(super) fn merged(one: Bar, other: Bar) -> Bar {
    Bar {
        ends: one.ends.max(other.ends),
        begins: one.begins || other.begins,
        is_double: one.is_double || other.is_double,
        ending: one.ending | other.ending,
        begins_part: one.begins_part || other.begins_part,
    }
}

/// How often a section is played whose repeat ends here.
fn times(repeat: Element<'_>) -> Result<u8> {
    let text = repeat.attribute("times").unwrap_or("2").trim();
    let times = text.parse().ok().filter(|times| (1..=MAX_PASSES).contains(times));
    times.ok_or_else(|| repeat.error(format!("a section that is played 1 to {MAX_PASSES} times"), quoted(text)))
}

/// The passes of an ending, or none if it has no number.
///
/// Finale may write a wrong number, and the right one in the text, such as `2.`, which it shows.
fn ending_passes(ending: Element<'_>) -> Result<u32> {
    let shown = ending.text().trim_end_matches('.');
    let is_number = !shown.is_empty() && shown.bytes().all(|byte| byte.is_ascii_digit());
    let number = if is_number { shown } else { ending.attribute("number").unwrap_or("").trim() };
    let expected = || format!("an ending such as 1 or 1,3, from 1 to {MAX_PASSES}");
    if number.is_empty() { Ok(0) } else { passes(number).ok_or_else(|| ending.error(expected(), quoted(number))) }
}
