//! Writing of MIDI files.

use std::fs;
use std::path::Path;

use midly::num::{u4, u7, u15, u24, u28};
use midly::{Format, Header, MetaMessage, MidiMessage, Smf, Timing, Track, TrackEvent, TrackEventKind};

use super::LAST_TICK;
use super::part::Part;
use crate::{Key, Meter, Mode, MusicError, Note, Piece, Result};

/// The most ticks from one event to the next: what 28 bits can say.
const LONGEST_DELTA: u32 = (1 << 28) - 1;

impl Piece {
    /// The piece as the bytes of a MIDI file.
    ///
    /// The file has format 1. Its first track has the title, the tempos, the meters and the keys; each other track has
    /// the notes of one program on a channel of its own, never channel 10. Notes of one pitch that overlap go to
    /// several tracks. If there are more than 15 such parts, programs take turns in a channel where that is possible;
    /// where it is not, further tracks name another port. [`parse_midi`](crate::parse_midi) reads the same piece from
    /// the bytes if it has a title and notes, and if its notes and its changes of tempo, meter and key are sorted, with
    /// one change of a kind at a tick.
    ///
    /// # Errors
    ///
    /// [`MusicError::Invalid`] for what a MIDI file cannot say: 0 or over 32,767 ticks of a quarter note, a tempo of 0
    /// or over 16,777,215 µs, a meter without beats or with a unit that is no power of two, a velocity outside 1 to
    /// 127, a program above 127, a duration of 0, times over 2³² - 2 ticks, or more than 1920 parts.
    pub fn to_midi(&self) -> Result<Vec<u8>> {
        midi(self, if self.name.is_empty() { "the piece" } else { &self.name })
    }

    /// Writes the piece to a MIDI file.
    ///
    /// # Errors
    ///
    /// [`MusicError::Unwritable`], and those of [`to_midi`](Self::to_midi).
    pub fn write_midi(&self, path: impl AsRef<Path>) -> Result<()> {
        let name = path.as_ref().display().to_string();
        let bytes = midi(self, &name)?;
        fs::write(path, bytes).map_err(|cause| MusicError::Unwritable { path: name, cause })
    }
}

fn midi(piece: &Piece, name: &str) -> Result<Vec<u8>> {
    check(piece, name)?;
    let invalid = |expected: &str, found: &str| MusicError::invalid(name, "", expected, found);
    let parts = Part::all(&piece.notes).ok_or_else(|| invalid("parts for at most 1920 channels", "more"))?;
    let header = Header::new(Format::Parallel, Timing::Metrical(u15::new(piece.ticks_per_quarter)));
    let mut file = Smf::new(header);
    file.tracks.push(track(conductor_events(piece)));
    file.tracks.extend(parts.iter().map(|part| track(part_events(part))));
    let mut bytes = Vec::new();
    file.write(&mut bytes).map_err(|found| invalid("what fits in a MIDI file", found))?;
    Ok(bytes)
}

/// Refuses what a MIDI file cannot say.
fn check(piece: &Piece, name: &str) -> Result<()> {
    let invalid = |place: String, expected: &str, found: String| MusicError::invalid(name, place, expected, found);
    if !(1..=32_767).contains(&piece.ticks_per_quarter) {
        let found = piece.ticks_per_quarter.to_string();
        return Err(invalid(String::new(), "1 to 32767 ticks of a quarter note", found));
    }
    if let Some((tick, tempo)) = piece.tempos.iter().find(|(_, tempo)| !(1..=0xFF_FFFF).contains(tempo)) {
        return Err(invalid(format!("tick {tick}"), "a tempo of 1 to 16777215 µs", tempo.to_string()));
    }
    let is_meter = |meter: &Meter| meter.beats > 0 && meter.unit.is_power_of_two();
    if let Some((tick, Meter { beats, unit })) = piece.meters.iter().find(|(_, meter)| !is_meter(meter)) {
        return Err(invalid(format!("tick {tick}"), "a meter such as 3/4", format!("{beats}/{unit}")));
    }
    let is_note = |note: &Note| (1..=127).contains(&note.velocity) && note.program <= 127 && note.duration > 0;
    if let Some(note) = piece.notes.iter().find(|note| !is_note(note)) {
        let expected = "a velocity of 1 to 127, a program of 0 to 127 and a duration of at least 1";
        let found = format!("{}, {} and {}", note.velocity, note.program, note.duration);
        return Err(invalid(format!("tick {}", note.start), expected, found));
    }
    match last_tick(piece) {
        tick if tick > LAST_TICK.into() => {
            Err(invalid(String::new(), &format!("times up to tick {LAST_TICK}"), format!("tick {tick}")))
        }
        _ => Ok(()),
    }
}

/// When the last change happens or the last note ends.
fn last_tick(piece: &Piece) -> u64 {
    let tempos = piece.tempos.iter().map(|(tick, _)| u64::from(*tick));
    let meters = piece.meters.iter().map(|(tick, _)| u64::from(*tick));
    let keys = piece.keys.iter().map(|(tick, _)| u64::from(*tick));
    let notes = piece.notes.iter().map(|note| u64::from(note.start) + u64::from(note.duration));
    tempos.chain(meters).chain(keys).chain(notes).max().unwrap_or(0)
}

/// An event and its time. Of events at one tick, those of lower rank come first.
struct Timed<'a> {
    tick: u32,
    rank: u8,
    kind: TrackEventKind<'a>,
}

impl<'a> Timed<'a> {
    fn meta(tick: u32, message: MetaMessage<'a>) -> Self {
        Self { tick, rank: 0, kind: TrackEventKind::Meta(message) }
    }
}

/// Sorts events and ends them with the end of the track.
fn track(mut events: Vec<Timed<'_>>) -> Track<'_> {
    events.sort_by_key(|event| (event.tick, event.rank));
    let mut track = Track::new();
    let mut now = 0;
    for event in events {
        let mut delta = event.tick - now;
        while delta > LONGEST_DELTA {
            // An empty text, so that the next event has a shorter way.
            track.push(TrackEvent {
                delta: u28::new(LONGEST_DELTA),
                kind: TrackEventKind::Meta(MetaMessage::Text(&[])),
            });
            delta -= LONGEST_DELTA;
        }
        track.push(TrackEvent { delta: u28::new(delta), kind: event.kind });
        now = event.tick;
    }
    track.push(TrackEvent { delta: u28::new(0), kind: TrackEventKind::Meta(MetaMessage::EndOfTrack) });
    track
}

fn conductor_events(piece: &Piece) -> Vec<Timed<'_>> {
    let title = (!piece.name.is_empty()).then(|| Timed::meta(0, MetaMessage::TrackName(piece.name.as_bytes())));
    let meters = piece.meters.iter().map(|(tick, meter)| Timed::meta(*tick, time_signature(*meter)));
    let keys = piece.keys.iter().map(|(tick, key)| Timed::meta(*tick, key_signature(*key)));
    let tempos = piece.tempos.iter().map(|(tick, tempo)| Timed::meta(*tick, MetaMessage::Tempo(u24::new(*tempo))));
    title.into_iter().chain(meters).chain(keys).chain(tempos).collect()
}

/// A meter, with a click of the metronome for each beat of at least 1 MIDI clock, of which a quarter note has 24.
fn time_signature(meter: Meter) -> MetaMessage<'static> {
    MetaMessage::TimeSignature(meter.beats, meter.unit.trailing_zeros() as u8, (96 / meter.unit).max(1), 8)
}

/// The spelling with fewer signs; of two with 6, that which the name of the key has: F♯ major and E♭ minor.
fn key_signature(key: Key) -> MetaMessage<'static> {
    let (tonic_of_c, fewest) = if key.mode() == Mode::Major { (0, -5) } else { (9, -6) };
    // Seven fifths up or down lead to the next semitone.
    let fifths = 7 * (i16::from(key.tonic()) - tonic_of_c);
    let sharps = (fifths - fewest).rem_euclid(12) + fewest;
    MetaMessage::KeySignature(sharps as i8, key.mode() == Mode::Minor)
}

/// Note-offs before changes of program, and those before note-ons.
fn part_events(part: &Part) -> Vec<Timed<'static>> {
    let midi = |tick, rank, message| {
        let kind = TrackEventKind::Midi { channel: u4::new(part.channel.number), message };
        Timed { tick, rank, kind }
    };
    let port = (part.channel.port > 0).then(|| Timed::meta(0, MetaMessage::MidiPort(u7::new(part.channel.port))));
    let programs =
        part.programs().map(|(tick, program)| midi(tick, 1, MidiMessage::ProgramChange { program: u7::new(program) }));
    let notes = part.notes.iter().flat_map(|note| {
        let (key, vel) = (u7::new(note.pitch.number()), u7::new(note.velocity));
        let on = midi(note.start, 2, MidiMessage::NoteOn { key, vel });
        [on, midi(note.end(), 0, MidiMessage::NoteOff { key, vel: u7::new(64) })]
    });
    port.into_iter().chain(programs).chain(notes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Pitch, parse_midi};

    fn piece() -> Piece {
        let pitch = Pitch::new(60).unwrap();
        let note = Note { start: 0, pitch, duration: 4, velocity: 64, program: 0 };
        Piece { ticks_per_quarter: 4, notes: vec![note, Note { start: 4, ..note }], ..Piece::default() }
    }

    #[test]
    fn the_bytes_are_those_of_the_standard() {
        let piece = Piece { tempos: vec![(0, 500_000)], meters: vec![(0, Meter { beats: 6, unit: 8 })], ..piece() };
        let expected = [
            b"MThd\0\0\0\x06\0\x01\0\x02\0\x04".as_slice(),
            b"MTrk\0\0\0\x13\0\xFF\x58\x04\x06\x03\x0C\x08\0\xFF\x51\x03\x07\xA1\x20\0\xFF\x2F\0",
            b"MTrk\0\0\0\x17\0\xC0\0\0\x90\x3C\x40\x04\x80\x3C\x40\0\x90\x3C\x40\x04\x80\x3C\x40\0\xFF\x2F\0",
        ];
        assert_eq!(piece.to_midi().unwrap(), expected.concat());
    }

    #[test]
    fn the_order_of_notes_and_changes_does_not_matter() {
        let long = Note { duration: 6, ..piece().notes[0] };
        let mut piece = Piece { tempos: vec![(1, 5), (7, 6)], ..piece() };
        piece.notes.insert(1, long);
        let sorted = piece.to_midi().unwrap();
        piece.notes.reverse();
        piece.tempos.reverse();
        assert_eq!(piece.to_midi().unwrap(), sorted);
    }

    #[test]
    fn every_key_is_written() {
        let keys: Vec<_> = Key::all().enumerate().map(|(index, key)| (index as u32, key)).collect();
        let piece = Piece { keys, ..piece() };
        assert_eq!(parse_midi("", &piece.to_midi().unwrap()).unwrap().piece.keys, piece.keys);
        let signature = |key: &str| key_signature(key.parse().unwrap());
        assert_eq!(signature("F#"), MetaMessage::KeySignature(6, false));
        assert_eq!(signature("Db"), MetaMessage::KeySignature(-5, false));
        assert_eq!(signature("Ebm"), MetaMessage::KeySignature(-6, true));
        assert_eq!(signature("G#m"), MetaMessage::KeySignature(5, true));
    }

    #[test]
    fn late_events_are_written() {
        let last = Note { start: LAST_TICK - 1, duration: 1, ..piece().notes[0] };
        let tempos = [LONGEST_DELTA, 2 * LONGEST_DELTA + 1, LAST_TICK].map(|tick| (tick, 1)).to_vec();
        let piece = Piece { notes: vec![last], tempos, ..piece() };
        assert_eq!(parse_midi("", &piece.to_midi().unwrap()).unwrap().piece, piece);
    }

    #[test]
    fn what_a_file_cannot_say_is_refused() {
        let error = |piece: Piece| piece.to_midi().unwrap_err().to_string();
        let note = |note: Note| error(Piece { notes: vec![note], ..piece() });
        let first = piece().notes[0];
        let ticks = error(Piece { ticks_per_quarter: 40_000, ..piece() });
        assert_eq!(ticks, "the piece: expected 1 to 32767 ticks of a quarter note, found 40000");
        let tempo = error(Piece { name: "A".into(), tempos: vec![(3, 0)], ..piece() });
        assert_eq!(tempo, "A, tick 3: expected a tempo of 1 to 16777215 µs, found 0");
        let meter = error(Piece { meters: vec![(3, Meter { beats: 3, unit: 5 })], ..piece() });
        assert_eq!(meter, "the piece, tick 3: expected a meter such as 3/4, found 3/5");
        assert!(note(Note { velocity: 0, ..first }).ends_with("found 0, 0 and 4"));
        assert!(note(Note { program: 128, ..first }).ends_with("found 64, 128 and 4"));
        assert!(note(Note { duration: 0, ..first }).ends_with("found 64, 0 and 0"));
        let late = note(Note { start: u32::MAX, ..first });
        assert_eq!(late, "the piece: expected times up to tick 4294967294, found tick 4294967299");
        let parts = error(Piece { notes: vec![first; 1921], ..piece() });
        assert_eq!(parts, "the piece: expected parts for at most 1920 channels, found more");
    }

    #[test]
    fn a_file_is_written_and_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("A piece.mid");
        piece().write_midi(&path).unwrap();
        let read = crate::read_midi(&path).unwrap();
        assert_eq!(read.piece, Piece { name: "A piece".into(), ..piece() });
        assert!(read.remarks.is_empty());
        let error = piece().write_midi(folder.path()).unwrap_err().to_string();
        assert!(error.contains(": expected a place where a file can be written: "), "{error}");
    }
}
