//! The events of a track.

use std::collections::{BTreeMap, VecDeque};
use std::mem;

use midly::{EventBytemapIter, EventIter, MetaMessage, MidiMessage, TrackEventKind};

use super::channel::Channel;
use super::chunks::TrackChunk;
use super::read::Music;
use super::{LAST_TICK, hexadecimal};
use crate::{Key, Meter, Mode, MusicError, Note, Pitch, Result};

/// More events than any piece should have.
const MOST_EVENTS: usize = 1_000_000;

/// Reads the events of one track, in order, and adds what they mean to the music.
pub(super) struct TrackReader<'a, 'm> {
    name: &'a str,
    /// Counted from 1.
    number: usize,
    chunk: TrackChunk<'a>,
    events: EventBytemapIter<'a>,
    /// Where in the file the event is that is being read, and when.
    at: usize,
    tick: u32,
    port: u8,
    /// Starts and velocities of the notes that sound, the oldest first.
    sounding: BTreeMap<(Channel, Pitch), VecDeque<(u32, u8)>>,
    music: &'m mut Music,
}

impl<'a, 'm> TrackReader<'a, 'm> {
    pub(super) fn new(name: &'a str, number: usize, chunk: TrackChunk<'a>, music: &'m mut Music) -> Self {
        let events = EventIter::new(chunk.events).bytemapped();
        Self { name, number, chunk, events, at: chunk.at, tick: 0, port: 0, sounding: BTreeMap::new(), music }
    }

    /// Reads all events. A track that has no end-of-track event ends with its chunk.
    pub(super) fn read(mut self) -> Result<()> {
        while let Some((bytes, kind)) = self.next_event()? {
            match kind {
                TrackEventKind::Midi { channel, message } => self.message(channel.as_int(), message),
                TrackEventKind::Meta(MetaMessage::EndOfTrack) => break,
                TrackEventKind::Meta(MetaMessage::MidiPort(port)) => self.port = port.as_int(),
                TrackEventKind::Meta(MetaMessage::TrackName(title)) => self.title(title),
                TrackEventKind::Meta(_) => self.meta(bytes)?,
                TrackEventKind::SysEx(_) | TrackEventKind::Escape(_) => {}
            }
        }
        self.end_sounding();
        self.end()
    }

    /// The bytes of the next event without its time, and what it is.
    fn next_event(&mut self) -> Result<Option<(&'a [u8], TrackEventKind<'a>)>> {
        let unread = self.events.unread();
        self.at = self.chunk.at + self.chunk.events.len() - unread.len();
        let Some(event) = self.events.next() else { return Ok(None) };
        let (bytes, event) = event.map_err(|_| self.invalid("a MIDI event", hexadecimal(unread)))?;
        self.music.events += 1;
        if self.music.events > MOST_EVENTS {
            return Err(self.invalid(&format!("at most {MOST_EVENTS} events"), "more"));
        }
        let tick = self.tick.checked_add(event.delta.as_int()).filter(|tick| *tick <= LAST_TICK);
        self.tick = tick.ok_or_else(|| self.invalid(&format!("a time of at most {LAST_TICK} ticks"), "a later one"))?;
        Ok(Some((bytes, event.kind)))
    }

    fn message(&mut self, number: u8, message: MidiMessage) {
        let channel = Channel { port: self.port, number };
        match message {
            MidiMessage::NoteOn { key, vel } if vel > 0 => self.note_on(channel, key.as_int(), vel.as_int()),
            MidiMessage::NoteOn { key, .. } | MidiMessage::NoteOff { key, .. } => self.note_off(channel, key.as_int()),
            MidiMessage::ProgramChange { program } => {
                self.music.programs.insert((channel, self.tick), program.as_int());
            }
            _ => {}
        }
    }

    fn note_on(&mut self, channel: Channel, key: u8, velocity: u8) {
        match Pitch::new(key) {
            _ if channel.is_drums() => self.music.remarks.drum_notes += 1,
            None => self.music.remarks.out_of_range += 1,
            Some(pitch) => self.sounding.entry((channel, pitch)).or_default().push_back((self.tick, velocity)),
        }
    }

    fn note_off(&mut self, channel: Channel, key: u8) {
        let Some(pitch) = Pitch::new(key) else { return };
        let oldest = self.sounding.get_mut(&(channel, pitch)).and_then(VecDeque::pop_front);
        if let Some((start, velocity)) = oldest {
            self.music.remarks.empty += usize::from(start == self.tick);
            self.note(channel, pitch, start, velocity);
        }
    }

    /// Adds a note that ends now.
    fn note(&mut self, channel: Channel, pitch: Pitch, start: u32, velocity: u8) {
        let duration = (self.tick - start).max(1);
        self.music.notes.push((channel, Note { start, pitch, duration, velocity, program: 0 }));
    }

    /// Ends the notes that have no note-off.
    fn end_sounding(&mut self) {
        for ((channel, pitch), notes) in mem::take(&mut self.sounding) {
            self.music.remarks.unended += notes.len();
            for (start, velocity) in notes {
                self.note(channel, pitch, start, velocity);
            }
        }
    }

    fn end(&self) -> Result<()> {
        let rest = self.events.unread().len();
        if rest > 0 {
            return Err(self.invalid("nothing after the end of the track", format!("{rest} bytes")));
        }
        Ok(())
    }

    /// Keeps the first name of the first track, which is that of the piece.
    fn title(&mut self, title: &[u8]) {
        if self.number == 1 && self.music.title.is_none() {
            self.music.title = Some(text(title)).filter(|title| !title.trim().is_empty());
        }
    }

    /// Reads a tempo, a meter or a key signature.
    fn meta(&mut self, bytes: &[u8]) -> Result<()> {
        match bytes {
            [0xFF, 0x51, data @ ..] => {
                let tempo = tempo(data).ok_or_else(|| self.invalid("a tempo of 3 bytes, not 0", hexadecimal(bytes)))?;
                self.music.tempos.insert(self.tick, tempo);
            }
            [0xFF, 0x58, data @ ..] => {
                let expected = "a meter of 4 bytes with 1 beat or more and a unit of 1 to 1/128";
                let meter = meter(data).ok_or_else(|| self.invalid(expected, hexadecimal(bytes)))?;
                self.music.meters.insert(self.tick, meter);
            }
            [0xFF, 0x59, data @ ..] => {
                let expected = "a key signature of 2 bytes with at most 7 sharps or flats and mode 0 or 1";
                let key = key(data).ok_or_else(|| self.invalid(expected, hexadecimal(bytes)))?;
                self.music.keys.insert(self.tick, key);
            }
            _ => {}
        }
        Ok(())
    }

    fn invalid(&self, expected: &str, found: impl Into<String>) -> MusicError {
        MusicError::invalid(self.name, format!("track {}, byte {}", self.number, self.at), expected, found)
    }
}

/// Microseconds of a quarter note; `data` begins with its length, as in all of these.
fn tempo(data: &[u8]) -> Option<u32> {
    let &[3, high, middle, low] = data else { return None };
    Some(u32::from_be_bytes([0, high, middle, low])).filter(|tempo| *tempo > 0)
}

fn meter(data: &[u8]) -> Option<Meter> {
    let &[4, beats, unit @ ..=7, _, _] = data else { return None };
    (beats > 0).then_some(Meter { beats, unit: 1 << unit })
}

fn key(data: &[u8]) -> Option<Key> {
    let &[2, sharps, mode @ ..=1] = data else { return None };
    let sharps = sharps.cast_signed();
    let mode = if mode == 0 { Mode::Major } else { Mode::Minor };
    (-7..=7).contains(&sharps).then(|| Key::of_signature(sharps, mode))
}

/// UTF-8, or else Latin-1. The standard says ASCII, and leaves other encodings open.
fn text(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(events: &[u8]) -> Result<Music> {
        let mut music = Music::default();
        TrackReader::new("x.mid", 1, TrackChunk { at: 22, events }, &mut music).read()?;
        Ok(music)
    }

    fn notes(events: &[u8]) -> Vec<(u32, u8, u32)> {
        let music = read(events).unwrap();
        music.notes.iter().map(|(_, note)| (note.start, note.pitch.number(), note.duration)).collect()
    }

    fn error(events: &[u8]) -> String {
        read(events).err().unwrap().to_string()
    }

    #[test]
    fn running_status_and_velocity_0_end_notes() {
        let events = b"\0\x90\x3C\x40\x04\x3C\0\0\x3E\x40\x04\x80\x3E\x40\0\xFF\x2F\0";
        assert_eq!(notes(events), [(0, 60, 4), (4, 62, 4)]);
    }

    #[test]
    fn a_note_off_ends_the_oldest_note() {
        let events = b"\0\x90\x3C\x40\x01\x3C\x41\x02\x3C\0\x04\x3C\0\x01\x3C\0\0\xFF\x2F\0";
        assert_eq!(notes(events), [(0, 60, 3), (1, 60, 6)]);
        assert!(read(events).unwrap().remarks.is_empty());
    }

    #[test]
    fn a_note_without_a_note_off_ends_with_its_track() {
        let events = b"\0\x90\x3C\x40\x09\xFF\x2F\0";
        assert_eq!((notes(events), read(events).unwrap().remarks.unended), (vec![(0, 60, 9)], 1));
        // Also if the end of the track is missing.
        let events = b"\0\x90\x3C\x40\x09\xC0\x01";
        assert_eq!((notes(events), read(events).unwrap().remarks.unended), (vec![(0, 60, 9)], 1));
    }

    #[test]
    fn a_note_of_no_length_gets_a_tick() {
        let events = b"\x05\x90\x3C\x40\0\x3C\0\0\xFF\x2F\0";
        assert_eq!((notes(events), read(events).unwrap().remarks.empty), (vec![(5, 60, 1)], 1));
    }

    #[test]
    fn drums_and_pitches_that_a_piano_lacks_are_counted() {
        let events =
            b"\0\x99\x24\x40\0\x90\x14\x40\0\x6D\x40\0\x15\x40\0\x6C\x40\x08\x15\0\0\x6C\0\0\x14\0\0\xFF\x2F\0";
        let remarks = read(events).unwrap().remarks;
        assert_eq!((remarks.drum_notes, remarks.out_of_range, remarks.unended), (1, 2, 0));
        assert_eq!(notes(events), [(0, 21, 8), (0, 108, 8)]);
    }

    #[test]
    fn every_key_signature_has_its_key() {
        let key = |sharps: i8, mode| key(&[2, sharps.cast_unsigned(), mode]).unwrap().to_string();
        let majors: Vec<_> = (-7..=7).map(|sharps| key(sharps, 0)).collect();
        assert_eq!(majors.join(" "), "B F# Db Ab Eb Bb F C G D A E B F# Db");
        assert_eq!([key(0, 1), key(-3, 1), key(4, 1)], ["Am", "Cm", "C#m"]);
    }

    #[test]
    fn what_is_no_tempo_no_meter_and_no_key_is_refused() {
        let found = |meta: &[u8]| error(&[b"\0", meta, b"\0\xFF\x2F\0"].concat());
        let start = "x.mid, track 1, byte 22: expected ";
        assert_eq!(found(b"\xFF\x51\x03\0\0\0"), format!("{start}a tempo of 3 bytes, not 0, found FF 51 03 00 00 00"));
        assert!(found(b"\xFF\x51\x02\x07\0").starts_with(&format!("{start}a tempo of 3 bytes")));
        for meter in
            [b"\xFF\x58\x04\0\x02\x18\x08".as_slice(), b"\xFF\x58\x04\x04\x08\x18\x08", b"\xFF\x58\x02\x04\x02"]
        {
            assert!(found(meter).starts_with(&format!("{start}a meter of 4 bytes with 1 beat or more")));
        }
        for key in [b"\xFF\x59\x02\x08\0".as_slice(), b"\xFF\x59\x02\0\x02", b"\xFF\x59\x03\0\0\0"] {
            assert!(found(key).starts_with(&format!("{start}a key signature of 2 bytes with at most 7 sharps")));
        }
    }

    #[test]
    fn what_is_no_event_is_refused() {
        let found = |events: &[u8]| {
            let error = error(events);
            error.strip_prefix("x.mid, track 1, byte 26: expected a MIDI event, found ").unwrap().to_string()
        };
        // The first event is complete.
        let found = |rest: &[u8]| found(&[b"\0\x90\x3C\x40", rest].concat());
        assert_eq!(found(b"\0"), "00");
        assert_eq!(found(b"\0\x3C"), "00 3C");
        assert_eq!(found(b"\0\x3C\x80"), "00 3C 80");
        assert_eq!(found(b"\x81"), "81");
        assert_eq!(found(b"\x80\x80\x80\x80\0\x3C\0"), "80 80 80 80 00 3C 00");
        assert_eq!(found(b"\0\xF8\0\xFF\x2F\0"), "00 F8 00 FF 2F 00");
        assert_eq!(found(b"\0\xFF\x01\x7Fabcdef"), "00 FF 01 7F 61 62 63 64 ...");
        assert_eq!(found(b"\0\xFF\x59\x01\0\0\xFF\x2F\0"), "00 FF 59 01 00 00 FF 2F ...");
    }

    #[test]
    fn data_without_a_status_is_refused() {
        let expected = "x.mid, track 1, byte 26: expected a MIDI event, found 00 3C 40";
        assert_eq!(error(b"\0\xFF\x01\0\0\x3C\x40"), expected);
    }

    #[test]
    fn nothing_may_follow_the_end_of_a_track() {
        let expected = "x.mid, track 1, byte 22: expected nothing after the end of the track, found 4 bytes";
        assert_eq!(error(b"\0\xFF\x2F\0\0\x90\x3C\x40"), expected);
    }

    #[test]
    fn times_are_bounded() {
        let long = b"\xFF\xFF\xFF\x7F\xFF\x01\0".repeat(16);
        let expected = "x.mid, track 1, byte 134: expected a time of at most 4294967294 ticks, found a later one";
        assert_eq!(error(&[long, b"\x0F\xFF\x2F\0".to_vec()].concat()), expected);
    }

    #[test]
    fn titles_are_utf_8_or_latin_1() {
        assert_eq!(text("Für Elise".as_bytes()), "Für Elise");
        assert_eq!(text(b"F\xFCr Elise"), "Für Elise");
    }
}
