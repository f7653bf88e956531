//! A voice: what it plays, and what holds for its next note.

use super::fraction::{Fraction, TICKS_PER_QUARTER};
use super::place::Place;
use super::signature::Signature;
use super::tuplet::Tuplet;
use crate::repeats::Bar;
use crate::{Key, Meter, Pitch, Result};

/// The most notes, rests and bar lines of a tune, as written and as played.
pub(super) const MAX_ITEMS: usize = 1 << 18;

/// A note of a chord; a single note is a chord of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) pitch: Pitch,
    pub(super) ticks: u32,
    /// Whether it is tied to the next note of its pitch.
    pub(super) is_tied: bool,
}

/// What a voice is made of.
#[derive(Debug)]
pub(super) enum Item {
    /// A note, a chord, or a rest, which has no heads.
    Sound {
        ticks: u32,
        heads: Vec<Head>,
        context: usize,
    },
    Bar(Bar),
}

/// What a listener is told about the notes that follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Context {
    pub(super) meter: Option<Meter>,
    pub(super) tempo: Option<u32>,
    pub(super) key: Option<Key>,
}

/// What holds for the next note, as the fields say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    pub(super) unit: Fraction,
    pub(super) meter: Option<Meter>,
    pub(super) tempo: Option<u32>,
    pub(super) signature: Signature,
    /// Semitones by which the music sounds higher than written.
    pub(super) shift: i8,
}

impl Setting {
    fn context(&self) -> Context {
        let key = self.signature.key.map(|key| key.transposed(self.shift));
        Context { meter: self.meter, tempo: self.tempo, key }
    }
}

/// A note as written, on a line or a space of the staff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written {
    /// 0 for C to 6 for B.
    pub(super) letter: usize,
    /// 0 for the octave from middle C up.
    pub(super) octave: i32,
}

/// A voice.
#[derive(Debug)]
pub(super) struct Voice<'a> {
    pub(super) name: &'a str,
    pub(super) setting: Setting,
    pub(super) items: Vec<Item>,
    pub(super) contexts: Vec<Context>,
    /// Accidentals of the bar, by letter; they hold in every octave.
    pub(super) accidentals: [Option<i8>; 7],
    /// The tied notes of the last chord.
    pub(super) tied: Vec<(Written, Pitch)>,
    pub(super) tuplet: Option<Tuplet<'a>>,
    /// What a broken rhythm makes of the next note, and where its sign is.
    pub(super) broken: Option<(Fraction, Place<'a>)>,
}

impl<'a> Voice<'a> {
    pub(super) fn new(name: &'a str, setting: Setting) -> Self {
        Self {
            name,
            setting,
            items: Vec::new(),
            contexts: Vec::new(),
            accidentals: [None; 7],
            tied: Vec::new(),
            tuplet: None,
            broken: None,
        }
    }

    /// Sets the key of the notes that follow.
    pub(super) fn set_signature(&mut self, signature: Signature) {
        self.setting.signature = signature;
        self.accidentals = [None; 7];
    }

    /// Semitones by which a note without an accidental is raised.
    pub(super) fn alteration(&self, letter: usize) -> i8 {
        self.accidentals[letter].unwrap_or(self.setting.signature.alterations[letter])
    }

    /// What a tuplet and a broken rhythm before make of the next length.
    pub(super) fn take_factor(&mut self) -> Option<Fraction> {
        let broken = self.broken.take().map_or(Fraction::ONE, |(factor, _)| factor);
        let Some(tuplet) = &mut self.tuplet else { return Some(broken) };
        let factor = tuplet.factor.times(broken);
        tuplet.left -= 1;
        if tuplet.left == 0 {
            self.tuplet = None;
        }
        factor
    }

    /// Adds a note, a chord or a rest.
    pub(super) fn push_sound(&mut self, ticks: u32, heads: Vec<Head>) {
        let context = self.setting.context();
        if self.contexts.last() != Some(&context) {
            self.contexts.push(context);
        }
        self.items.push(Item::Sound { ticks, heads, context: self.contexts.len() - 1 });
    }

    /// Adds a bar line, after which the accidentals of the bar no longer hold.
    pub(super) fn push_bar(&mut self, bar: Bar) -> Result<()> {
        self.check_broken()?;
        self.accidentals = [None; 7];
        self.items.push(Item::Bar(bar));
        Ok(())
    }

    /// The ticks of so many bars; `None` if the meter is free, or beyond `u32`.
    pub(super) fn bars(&self, count: u16) -> Option<u32> {
        self.setting.meter?.bar(TICKS_PER_QUARTER).checked_mul(count.into())
    }

    /// The meter, as in a field M.
    pub(super) fn meter_name(&self) -> String {
        self.setting.meter.map_or("no meter".into(), |meter| format!("{}/{}", meter.beats, meter.unit))
    }

    /// Checks that nothing is still open at the end.
    pub(super) fn check_end(&self) -> Result<()> {
        self.check_broken()?;
        match self.tuplet {
            Some(tuplet) => Err(tuplet.place.error("a tuplet with all its notes", format!("{} too few", tuplet.left))),
            None => Ok(()),
        }
    }

    fn check_broken(&self) -> Result<()> {
        match self.broken {
            Some((_, place)) => Err(place.error("a note in the same bar after a broken rhythm", "none")),
            None => Ok(()),
        }
    }
}
