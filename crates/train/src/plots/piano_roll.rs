//! A piano roll: the notes of a piece in time.

use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;
use recurrent::music::{Key, Piece, Pitch};

use super::canvas::{
    BELOW_TITLE, Canvas, GRAY, GRID, LABEL, MARGIN, PALETTE, PIXEL, ROW, WIDTH, centered_style, draw_title, svg,
};

/// The height of a semitone.
const SEMITONE: i32 = 6 * PIXEL;
/// The width of the names of pitches.
const NAMES: i32 = 40 * PIXEL;
/// Pitches above and below the notes.
const AROUND: u8 = 2;
/// The most lines between bars.
const MAX_BARS: u32 = 200;

/// The notes of a piece by time and pitch, with a line at each bar; the color of a note is that of its voice, counted from
/// the top among the notes that sound when it begins.
pub fn piano_roll(title: &str, piece: &Piece) -> Result<String> {
    let pitches = || piece.notes.iter().map(|note| note.pitch.number());
    let lowest = pitches().min().unwrap_or(Pitch::LOWEST.number()).saturating_sub(AROUND);
    let highest = pitches().max().unwrap_or(lowest).saturating_add(AROUND);
    let roll = Roll { piece, lowest, highest, end: piece.end().max(1) };
    let height = roll.bottom() + ROW + MARGIN;
    svg(WIDTH, height, |canvas| {
        draw_title(canvas, title, WIDTH)?;
        roll.draw_grid(canvas)?;
        roll.draw_notes(canvas)
    })
}

struct Roll<'a> {
    piece: &'a Piece,
    lowest: u8,
    highest: u8,
    end: u32,
}

impl Roll<'_> {
    fn bottom(&self) -> i32 {
        BELOW_TITLE + i32::from(self.highest - self.lowest + 1) * SEMITONE
    }

    fn x(&self, tick: u32) -> i32 {
        let (left, right) = (MARGIN + NAMES, WIDTH - MARGIN);
        left + (i64::from(right - left) * i64::from(tick) / i64::from(self.end)) as i32
    }

    /// The top of a pitch's row.
    fn y(&self, pitch: u8) -> i32 {
        BELOW_TITLE + i32::from(self.highest - pitch) * SEMITONE
    }

    fn draw_grid(&self, canvas: &Canvas) -> Result<()> {
        let c_major = Key::new(0, recurrent::music::Mode::Major);
        for pitch in (self.lowest..=self.highest).filter_map(Pitch::new) {
            let top = self.y(pitch.number());
            if !c_major.contains(pitch) {
                let row = [(self.x(0), top), (self.x(self.end), top + SEMITONE)];
                canvas.draw(&Rectangle::new(row, RGBColor(0xF4, 0xF4, 0xF4).filled()))?;
            }
            if pitch.class() == 0 {
                let style = centered_style(LABEL, GRAY, HPos::Right);
                canvas.draw_text(&pitch.to_string(), &style, (self.x(0) - 4 * PIXEL, top + SEMITONE / 2))?;
            }
        }
        let bar = self.piece.meter().bar(self.piece.ticks_per_quarter);
        let bars = self.end.div_ceil(bar);
        for number in 0..=bars.min(MAX_BARS) {
            let x = self.x((number * bar).min(self.end));
            canvas.draw(&PathElement::new([(x, BELOW_TITLE), (x, self.bottom())], GRID.stroke_width(PIXEL as u32)))?;
            if number < bars && (number % 4 == 0 || bars <= 16) {
                let style = centered_style(LABEL, GRAY, HPos::Left);
                canvas.draw_text(&(number + 1).to_string(), &style, (x + 2 * PIXEL, self.bottom() + ROW / 2))?;
            }
        }
        Ok(())
    }

    fn draw_notes(&self, canvas: &Canvas) -> Result<()> {
        for note in &self.piece.notes {
            let above = |other: &&recurrent::music::Note| other.start <= note.start && note.start < other.end();
            let voice = self.piece.notes.iter().filter(above).filter(|other| other.pitch > note.pitch).count();
            let top = self.y(note.pitch.number());
            let area = [(self.x(note.start), top), (self.x(note.end()) - PIXEL, top + SEMITONE - PIXEL)];
            canvas.draw(&Rectangle::new(area, PALETTE[voice % PALETTE.len()].filled()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use recurrent::music::Melody;

    use super::*;
    use crate::plots::is_well_formed;

    #[test]
    fn every_note_is_a_rectangle() {
        let piece = Melody::find("ode-to-joy").unwrap().piece();
        let svg = piano_roll("Ode & joy", &piece).unwrap();
        assert!(is_well_formed(&svg) && svg.contains("Ode &amp; joy"));
        // Its one voice has the first color.
        let is_note = |line: &&str| line.starts_with("<rect") && line.contains("#D55E00");
        assert_eq!(svg.lines().filter(is_note).count(), piece.notes.len());
    }

    #[test]
    fn a_piece_without_notes_is_an_empty_roll() {
        assert!(is_well_formed(&piano_roll("nothing", &Piece::default()).unwrap()));
    }
}
