//! A tune: its header and its voices.

use super::cursor::Cursor;
use super::field::{Field, default_unit};
use super::fraction::Fraction;
use super::music::music;
use super::place::Place;
use super::render::render;
use super::signature::{KeyField, shift};
use super::voice::{MAX_ITEMS, Setting, Voice};
use crate::repeats::Bar;
use crate::{Meter, Piece, Result};

/// The most voices of a tune.
const MAX_VOICES: usize = 64;

/// The fields before the music, or before the first tune of a file.
#[derive(Debug, Clone, Default)]
pub(super) struct Header<'a> {
    title: Option<&'a str>,
    meter: Option<Meter>,
    unit: Option<Fraction>,
    /// Read when the unit note length is known.
    tempo: Option<Field<'a>>,
    voices: Vec<(&'a str, i8)>,
}

impl<'a> Header<'a> {
    /// Takes a field other than K; the ones that have no sound are ignored.
    pub(super) fn field(&mut self, field: Field<'a>) -> Result<()> {
        match field.letter {
            'T' if !field.value.is_empty() => self.title = self.title.or(Some(field.value)),
            'M' => self.meter = field.meter()?,
            'L' => self.unit = Some(field.unit()?),
            'Q' => self.tempo = Some(field),
            'V' => self.voice(field)?,
            _ => {}
        }
        Ok(())
    }

    fn voice(&mut self, field: Field<'a>) -> Result<()> {
        check_voices(self.voices.len(), field.place)?;
        let name = voice_name(field)?;
        if let Some(semitones) = voice_shift(field)? {
            self.voices.push((name, semitones));
        }
        Ok(())
    }

    fn setting(&self, key: KeyField) -> Result<Setting> {
        let unit = self.unit.unwrap_or_else(|| default_unit(self.meter));
        let tempo = self.tempo.map(|field| field.tempo(unit)).transpose()?.flatten();
        let signature = key.signature.unwrap_or_default();
        Ok(Setting { unit, meter: self.meter, tempo, signature, shift: key.shift.unwrap_or(0) })
    }
}

/// The music of a tune.
#[derive(Debug)]
pub(super) struct Body<'a> {
    header: Header<'a>,
    start: Setting,
    voices: Vec<Voice<'a>>,
    /// The voice that the next line belongs to; `None` before the first note and the first field V.
    current: Option<usize>,
}

impl<'a> Body<'a> {
    fn new(header: Header<'a>, start: Setting) -> Self {
        Self { header, start, voices: Vec::new(), current: None }
    }

    /// The current voice.
    pub(super) fn voice(&mut self) -> &mut Voice<'a> {
        let index = self.current.unwrap_or_else(|| self.select(""));
        &mut self.voices[index]
    }

    /// Goes to a voice, which begins here if it is new.
    fn select(&mut self, name: &'a str) -> usize {
        let known = self.voices.iter().position(|voice| voice.name == name);
        let index = known.unwrap_or(self.voices.len());
        if known.is_none() {
            let shift = self.header.voices.iter().rev().find(|(voice, _)| *voice == name).map(|(_, shift)| *shift);
            self.voices.push(Voice::new(name, Setting { shift: shift.unwrap_or(self.start.shift), ..self.start }));
        }
        self.current = Some(index);
        index
    }

    /// Takes a field in the music. It holds for the current voice; before the first one, for all.
    pub(super) fn field(&mut self, field: Field<'a>) -> Result<()> {
        match field.letter {
            'V' => return self.go_to_voice(field),
            'P' if self.current.is_some() => return self.voice().push_bar(Bar { begins_part: true, ..Bar::default() }),
            'K' => return self.key(KeyField::parse(&field)?),
            _ => {}
        }
        let setting = self.setting();
        match field.letter {
            'M' => setting.meter = field.meter()?,
            'L' => setting.unit = field.unit()?,
            'Q' => setting.tempo = field.tempo(setting.unit)?.or(setting.tempo),
            _ => {}
        }
        Ok(())
    }

    fn setting(&mut self) -> &mut Setting {
        match self.current {
            Some(index) => &mut self.voices[index].setting,
            None => &mut self.start,
        }
    }

    fn key(&mut self, key: KeyField) -> Result<()> {
        let setting = self.setting();
        setting.shift = key.shift.unwrap_or(setting.shift);
        let Some(signature) = key.signature else { return Ok(()) };
        match self.current {
            Some(index) => self.voices[index].set_signature(signature),
            None => self.start.signature = signature,
        }
        Ok(())
    }

    fn go_to_voice(&mut self, field: Field<'a>) -> Result<()> {
        let (name, semitones) = (voice_name(field)?, voice_shift(field)?);
        if self.voices.iter().all(|voice| voice.name != name) {
            check_voices(self.voices.len(), field.place)?;
        }
        let index = self.select(name);
        let setting = &mut self.voices[index].setting;
        setting.shift = semitones.unwrap_or(setting.shift);
        Ok(())
    }

    /// Checks that the tune is not too large.
    pub(super) fn check_size(&self, place: Place<'_>) -> Result<()> {
        let items = self.voices.iter().map(|voice| voice.items.len()).sum::<usize>();
        if items < MAX_ITEMS {
            return Ok(());
        }
        Err(place.error(format!("a tune of at most {MAX_ITEMS} notes, rests and bar lines"), "more"))
    }
}

fn check_voices(count: usize, place: Place<'_>) -> Result<()> {
    if count < MAX_VOICES { Ok(()) } else { Err(place.error(format!("at most {MAX_VOICES} voices"), "more")) }
}

fn voice_name(field: Field<'_>) -> Result<&str> {
    let name = field.value.split_whitespace().next();
    name.ok_or_else(|| field.place.error("a name of a voice, such as V:1", "none"))
}

fn voice_shift(field: Field<'_>) -> Result<Option<i8>> {
    let expected = "octave=, transpose= or t= with a number, of at most 127 semitones together";
    shift(field.value).ok_or_else(|| field.place.error_at_text(expected, field.value))
}

/// A tune that is being read.
#[derive(Debug)]
pub(super) struct Tune<'a> {
    place: Place<'a>,
    part: Part<'a>,
}

#[derive(Debug)]
enum Part<'a> {
    Header(Header<'a>),
    Body(Body<'a>),
}

impl<'a> Tune<'a> {
    /// A tune that begins with a field X, in a file with such a header.
    pub(super) fn new(place: Place<'a>, header: Header<'a>) -> Self {
        Self { place, part: Part::Header(header) }
    }

    /// Takes a line, which is not empty and has no comment.
    pub(super) fn line(&mut self, number: usize, text: &'a str) -> Result<()> {
        let field = Field::of_line(self.place.path, number, text);
        let mut cursor = Cursor::new(self.place.path, number, text);
        match (&mut self.part, field) {
            (Part::Header(header), Some(field)) if field.letter == 'K' => {
                let start = header.setting(KeyField::parse(&field)?)?;
                self.part = Part::Body(Body::new(std::mem::take(header), start));
                Ok(())
            }
            (Part::Header(header), Some(field)) => header.field(field),
            (Part::Header(_), None) => Err(cursor.error("a field, of which K: ends the header")),
            (Part::Body(body), Some(field)) => body.field(field),
            (Part::Body(body), None) => music(&mut cursor, body),
        }
    }

    /// The whole tune as a piece, which may have so many notes; they are taken off.
    pub(super) fn finish(self, most_notes: &mut usize) -> Result<Piece> {
        let Part::Body(body) = self.part else {
            return Err(self.place.error("a tune with a field K: and notes", "a header without K:"));
        };
        body.voices.iter().try_for_each(Voice::check_end)?;
        let piece = render(body.header.title.unwrap_or(self.place.path), &body.voices, self.place, most_notes)?;
        if piece.notes.is_empty() { Err(self.place.error("a tune with at least 1 note", "0")) } else { Ok(piece) }
    }
}
