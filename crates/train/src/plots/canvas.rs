//! What every picture is drawn on and with: sizes, colours, letters, and the text of the SVG.

use anyhow::Result;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Canvas units in a pixel. Plotters rounds points to whole units, and a gentle slope in whole pixels would be a stair.
pub const PIXEL: i32 = 4;
/// Of a wide picture, and the most that any other has for its text.
pub const WIDTH: i32 = 960 * PIXEL;
/// Between the picture's edge and what is drawn.
pub const MARGIN: i32 = 16 * PIXEL;
/// Height of a line of text: one of the legend, or the label of the mark.
pub const ROW: i32 = 20 * PIXEL;
/// Where the title has ended.
pub const BELOW_TITLE: i32 = MARGIN + 30 * PIXEL;
/// Of tokens, classes or bars. More of them would be too small to read.
pub const MOST: usize = 40;

/// Tried in turn by whoever shows the picture.
const FONT: &str = "Helvetica, Arial, sans-serif";
pub const TITLE: i32 = 18 * PIXEL;
pub const LABEL: i32 = 13 * PIXEL;

pub const DARK: RGBColor = RGBColor(0x22, 0x22, 0x22);
pub const GREY: RGBColor = RGBColor(0x66, 0x66, 0x66);
pub const GRID: RGBColor = RGBColor(0xE6, 0xE6, 0xE6);
pub const VERMILION: RGBColor = RGBColor(0xD5, 0x5E, 0x00);
pub const SKY_BLUE: RGBColor = RGBColor(0x56, 0xB4, 0xE9);
pub const BLUE: RGBColor = RGBColor(0x00, 0x72, 0xB2);
/// The colours of Okabe and Ito, which colour-blind readers tell apart too, without the yellow that is lost on white.
pub const PALETTE: [RGBColor; 6] =
    [VERMILION, SKY_BLUE, RGBColor(0x00, 0x9E, 0x73), RGBColor(0xE6, 0x9F, 0x00), RGBColor(0xCC, 0x79, 0xA7), BLUE];

pub type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A picture of this many canvas units, white where `draw` leaves it so.
pub fn svg(width: i32, height: i32, draw: impl FnOnce(&Canvas) -> Result<()>) -> Result<String> {
    let mut svg = String::new();
    {
        let canvas = SVGBackend::with_string(&mut svg, (width as u32, height as u32)).into_drawing_area();
        canvas.fill(&WHITE)?;
        draw(&canvas)?;
        canvas.present()?;
    }
    Ok(sized_in_pixels(&svg, width, height))
}

/// Shows what was drawn in canvas units at its size in pixels. On the way the corners of lines are made
/// round: pointed ones would jut out beyond the values.
fn sized_in_pixels(svg: &str, width: i32, height: i32) -> String {
    let drawn = format!(r#"width="{width}" height="{height}""#);
    let (width, height) = (width / PIXEL, height / PIXEL);
    let shown = format!(r#"width="{width}" height="{height}" stroke-linejoin="round""#);
    svg.replacen(&drawn, &shown, 1)
}

/// Writes the title at the top of a picture as wide as `width`.
pub fn draw_title(canvas: &Canvas, title: &str, width: i32) -> Result<()> {
    let title = fitted(title, width - 2 * MARGIN, TITLE);
    canvas.draw_text(&title, &letters(TITLE, DARK), (MARGIN, MARGIN))?;
    Ok(())
}

/// The style of text of `size`. Plotters writes a smaller size than it is given, by this factor.
pub fn letters(size: i32, colour: RGBColor) -> TextStyle<'static> {
    (FONT, 1.24 * f64::from(size)).into_font().color(&colour)
}

/// The same, of text that has its left end, middle or right end at a point, and the point at half its height.
pub fn centred(size: i32, colour: RGBColor, anchor: HPos) -> TextStyle<'static> {
    letters(size, colour).pos(Pos::new(anchor, VPos::Center))
}

/// About how wide `text` will be. The font is the reader's, so this errs on the wide side.
pub fn text_width(text: &str, size: i32) -> i32 {
    let ems = text.chars().map(|c| if c < '\u{1100}' { 0.6 } else { 1.0 });
    (ems.sum::<f64>() * f64::from(size)) as i32
}

/// The width of the widest.
pub fn widest<'a>(texts: impl IntoIterator<Item = &'a String>, size: i32) -> i32 {
    texts.into_iter().map(|text| text_width(text, size)).max().unwrap_or(0)
}

/// `text` on one line of at most `room`, its end cut off if need be. Plotters escapes what XML reserves but passes on
/// what XML forbids; a space replaces that.
pub fn fitted(text: &str, room: i32, size: i32) -> String {
    let forbidden = |c: char| c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}');
    let mut text = text.replace(forbidden, " ");
    if text_width(&text, size) > room {
        while !text.is_empty() && text_width(&text, size) + size > room {
            text.pop();
        }
        text.push('…');
    }
    text
}

/// Whether `value` has a place in a picture. Beyond this bound the length of an axis would overflow.
pub fn drawable(value: f64) -> bool {
    value.abs() < 1e300
}

/// What a picture says that shows no more than [`MOST`] of `count` things.
pub fn cut_note(count: usize, things: &str) -> Option<String> {
    (count > MOST).then(|| format!("Shown are the first {MOST} of {count} {things}."))
}

/// Whether every tag is closed in order, and `&` only begins the escapes of XML's five reserved characters. Elements
/// that HTML never closes count as closed.
#[cfg(test)]
pub fn nests(markup: &str) -> bool {
    let mut open = Vec::new();
    let tags = markup.split('<').skip(1).map(|rest| rest.split_once('>'));
    let closed = tags.into_iter().all(|tag| match tag.map(|(tag, _)| tag) {
        None => false,
        Some(tag) if tag.ends_with('/') => true,
        Some(tag) => match tag.strip_prefix('/') {
            Some(name) => open.pop() == Some(name),
            None => {
                let name = tag.split(' ').next().unwrap();
                open.extend((!["!DOCTYPE", "meta"].contains(&name)).then_some(name));
                true
            }
        },
    });
    let escapes = ["lt;", "gt;", "amp;", "quot;", "apos;"];
    let escaped = |rest: &str| escapes.iter().any(|escape| rest.starts_with(escape));
    closed && open.is_empty() && markup.split('&').skip(1).all(escaped)
}

/// Whether `svg` is a picture that XML can read.
#[cfg(test)]
pub fn well_formed(svg: &str) -> bool {
    svg.starts_with("<svg") && nests(svg)
}

/// Whether `svg` is a picture whose numbers all have a place in it.
#[cfg(test)]
pub fn sound(svg: &str) -> bool {
    let beside = ["x", "y", "cx", "cy", "width", "height", "r"].map(|name| format!(" {name}=\"-"));
    well_formed(svg) && !svg.contains("NaN") && !svg.contains("inf") && !beside.iter().any(|text| svg.contains(text))
}

/// Numbers that no score should be.
#[cfg(test)]
pub const ODD: [f64; 6] = [f64::NAN, 1.0, f64::INFINITY, -f64::MAX, 1e-320, 1e299];

/// Whether `text` stands in `svg` by itself.
#[cfg(test)]
pub fn says(svg: &str, text: &str) -> bool {
    svg.contains(&format!("\n{text}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_to_its_room() {
        assert_eq!(fitted("validation", 80, 10), "validation");
        assert_eq!(fitted("validation", 50, 10), "valida…");
        assert_eq!(fitted("validation", 0, 10), "…");
    }

    #[test]
    fn only_what_was_cut_has_a_note() {
        assert_eq!(cut_note(MOST, "bars"), None);
        assert_eq!(cut_note(57, "bars").unwrap(), "Shown are the first 40 of 57 bars.");
    }
}
