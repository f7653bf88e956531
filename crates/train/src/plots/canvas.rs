//! The canvas of all plots: sizes, colors, text styles, and the SVG text.

use anyhow::Result;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Canvas units per pixel. plotters rounds coordinates to integers; in whole pixels, gentle slopes would be jagged.
pub const PIXEL: i32 = 4;
/// The width of a wide plot, and the maximum width of text.
pub const WIDTH: i32 = 960 * PIXEL;
/// The margin around a plot.
pub const MARGIN: i32 = 16 * PIXEL;
/// The height of a line of text.
pub const ROW: i32 = 20 * PIXEL;
/// The y coordinate below the title.
pub const BELOW_TITLE: i32 = MARGIN + 30 * PIXEL;
/// The maximum number of tokens, classes or bars in a plot.
pub const MAX_ITEMS: usize = 40;

/// Font families, in order of preference.
const FONT: &str = "Helvetica, Arial, sans-serif";
pub const TITLE: i32 = 18 * PIXEL;
pub const LABEL: i32 = 13 * PIXEL;

pub const DARK: RGBColor = RGBColor(0x22, 0x22, 0x22);
pub const GRAY: RGBColor = RGBColor(0x66, 0x66, 0x66);
pub const GRID: RGBColor = RGBColor(0xE6, 0xE6, 0xE6);
pub const VERMILION: RGBColor = RGBColor(0xD5, 0x5E, 0x00);
pub const SKY_BLUE: RGBColor = RGBColor(0x56, 0xB4, 0xE9);
pub const BLUE: RGBColor = RGBColor(0x00, 0x72, 0xB2);
/// The color-blind safe palette of Okabe and Ito, without yellow and black.
pub const PALETTE: [RGBColor; 6] =
    [VERMILION, SKY_BLUE, RGBColor(0x00, 0x9E, 0x73), RGBColor(0xE6, 0x9F, 0x00), RGBColor(0xCC, 0x79, 0xA7), BLUE];

pub type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A plot of this size in canvas units, with a white background.
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

/// Sets the displayed size to pixels, and rounds the joins of lines, which would otherwise extend beyond the values.
fn sized_in_pixels(svg: &str, width: i32, height: i32) -> String {
    let drawn = format!(r#"width="{width}" height="{height}""#);
    let (width, height) = (width / PIXEL, height / PIXEL);
    let shown = format!(r#"width="{width}" height="{height}" stroke-linejoin="round""#);
    svg.replacen(&drawn, &shown, 1)
}

/// Draws the title at the top of a plot of this width.
pub fn draw_title(canvas: &Canvas, title: &str, width: i32) -> Result<()> {
    let title = truncated(title, width - 2 * MARGIN, TITLE);
    canvas.draw_text(&title, &text_style(TITLE, DARK), (MARGIN, MARGIN))?;
    Ok(())
}

/// The style of text of `size`. plotters divides the given size by this factor.
pub fn text_style(size: i32, color: RGBColor) -> TextStyle<'static> {
    (FONT, 1.24 * f64::from(size)).into_font().color(&color)
}

/// [`text_style`] with a horizontal anchor, and vertically centered.
pub fn centered_style(size: i32, color: RGBColor, anchor: HPos) -> TextStyle<'static> {
    text_style(size, color).pos(Pos::new(anchor, VPos::Center))
}

/// The approximate width of `text`. The font is unknown, so this is an upper estimate.
pub fn text_width(text: &str, size: i32) -> i32 {
    let ems = text.chars().map(|c| if c < '\u{1100}' { 0.6 } else { 1.0 });
    (ems.sum::<f64>() * f64::from(size)) as i32
}

/// The width of the widest text.
pub fn widest<'a>(texts: impl IntoIterator<Item = &'a String>, size: i32) -> i32 {
    texts.into_iter().map(|text| text_width(text, size)).max().unwrap_or(0)
}

/// `text` on one line, truncated to `width`. Characters that XML forbids, which plotters does not escape, become spaces.
pub fn truncated(text: &str, width: i32, size: i32) -> String {
    let forbidden = |c: char| c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}');
    let mut text = text.replace(forbidden, " ");
    if text_width(&text, size) > width {
        while !text.is_empty() && text_width(&text, size) + size > width {
            text.pop();
        }
        text.push('…');
    }
    text
}

/// Whether a value can be drawn: finite, and small enough that the length of an axis does not overflow.
pub fn is_drawable(value: f64) -> bool {
    value.abs() < 1e300
}

/// A note if there are more than [`MAX_ITEMS`] items.
pub fn cut_note(count: usize, items: &str) -> Option<String> {
    (count > MAX_ITEMS).then(|| format!("Shown are the first {MAX_ITEMS} of {count} {items}."))
}

/// Whether all tags are nested and closed, and `&` only begins escapes of XML's five reserved characters. HTML's void
/// elements count as closed.
#[cfg(test)]
pub fn is_well_formed(markup: &str) -> bool {
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

/// Whether `svg` is a well-formed SVG element.
#[cfg(test)]
pub fn is_svg(svg: &str) -> bool {
    svg.starts_with("<svg") && is_well_formed(svg)
}

/// Whether `svg` is well-formed and all coordinates are finite and not negative.
#[cfg(test)]
pub fn has_valid_coordinates(svg: &str) -> bool {
    let negative = ["x", "y", "cx", "cy", "width", "height", "r"].map(|name| format!(" {name}=\"-"));
    is_svg(svg) && !svg.contains("NaN") && !svg.contains("inf") && !negative.iter().any(|text| svg.contains(text))
}

/// Extreme and non-finite values.
#[cfg(test)]
pub const EXTREME_VALUES: [f64; 6] = [f64::NAN, 1.0, f64::INFINITY, -f64::MAX, 1e-320, 1e299];

/// Whether `svg` has a text element with exactly this text.
#[cfg(test)]
pub fn has_text(svg: &str, text: &str) -> bool {
    svg.contains(&format!("\n{text}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_truncated() {
        assert_eq!(truncated("validation", 80, 10), "validation");
        assert_eq!(truncated("validation", 50, 10), "valida…");
        assert_eq!(truncated("validation", 0, 10), "…");
    }

    #[test]
    fn only_a_truncated_plot_has_a_note() {
        assert_eq!(cut_note(MAX_ITEMS, "bars"), None);
        assert_eq!(cut_note(57, "bars").unwrap(), "Shown are the first 40 of 57 bars.");
    }
}
