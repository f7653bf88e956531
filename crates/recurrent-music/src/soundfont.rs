//! Renders pieces with the sounds of a SoundFont 2 file, by `rustysynth`.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use rustysynth::{SoundFont, SoundFontError, Synthesizer, SynthesizerSettings};

use crate::synth::schedule::{Sounding, schedule};
use crate::synth::{check_sample_rate, level};
use crate::{MusicError, Piece, Result, file};

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1 << 30;
/// How long the last notes may fade, in seconds.
const TAIL: f64 = 3.0;
/// The channels for melodies: all but the one for percussion.
const CHANNELS: [i32; 15] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15];
/// Notes that can sound at a time.
const POLYPHONY: usize = 256;

const NOTE_OFF: i32 = 0x80;
const NOTE_ON: i32 = 0x90;
const PROGRAM_CHANGE: i32 = 0xc0;

/// The sound of a piece, played with the instruments of a SoundFont 2 file: samples of one channel, the mean of left and
/// right, from -0.9 to 0.9.
///
/// It begins at tick 0 and ends 3 seconds after the last note. The loudness is that of [`Synth`](crate::Synth). A program
/// that the file lacks is played with the first instrument of the file. A piece without notes gives no samples. If more
/// than 256 notes sound at a time, some of them are cut.
///
/// # Errors
///
/// - [`MusicError::Unreadable`] or [`MusicError::TooLarge`] for a file that cannot be read or exceeds 1 GiB.
/// - [`MusicError::Invalid`] for a file that is no SoundFont 2 file or is damaged, and for a piece that is too long, as
///   [`Synth::render`](crate::Synth::render) says, or has over 15 instruments.
/// - [`MusicError::Unknown`] for a sample rate below 16000 Hz or above 96000 Hz.
pub fn render_with_soundfont(piece: &Piece, path: impl AsRef<Path>, sample_rate: u32) -> Result<Vec<f32>> {
    check_sample_rate(sample_rate, 16_000..=96_000)?;
    let events = events(piece, &schedule(piece, sample_rate)?)?;
    let name = path.as_ref().display().to_string();
    let bytes = file::read(path.as_ref(), LARGEST)?;
    check(&bytes).map_err(|(place, found)| invalid(&name, format!("byte {place}"), found))?;
    // Parts of the file that contradict each other make rustysynth panic.
    let mut samples = catch_unwind(AssertUnwindSafe(|| play(&bytes, &name, &events, sample_rate)))
        .unwrap_or_else(|_| Err(invalid(&name, "", "parts that contradict each other")))?;
    level::fade_out(&mut samples, sample_rate);
    level::normalize(&mut samples, sample_rate);
    Ok(samples)
}

fn invalid(path: &str, place: impl Into<String>, found: impl Into<String>) -> MusicError {
    MusicError::invalid(path, place, "a SoundFont 2 file", found)
}

/// A byte of the file, and what was found there.
type Damage = (usize, String);

/// Checks what could make rustysynth allocate without bound: the sizes of chunks, and indices that go back.
fn check(bytes: &[u8]) -> Result<(), Damage> {
    if bytes.get(..4) != Some(b"RIFF") || bytes.get(8..12) != Some(b"sfbk") {
        return Err((0, "another kind of file".into()));
    }
    let mut place = 12;
    while let Some((id, size)) = header(bytes, place) {
        let start = place + 8;
        let Some(chunk) = bytes.get(start..).and_then(|rest| rest.get(..size)) else {
            return Err((place, format!("a chunk of {size} bytes where {} are left", bytes.len() - start)));
        };
        check_chunk(id, chunk).map_err(|found| (place, found))?;
        // The chunks of a list come one by one.
        place = start + if id == *b"LIST" { 4 } else { size };
    }
    Ok(())
}

/// The name and the size of the chunk at a place.
fn header(bytes: &[u8], place: usize) -> Option<([u8; 4], usize)> {
    let (id, rest) = bytes.get(place..)?.split_first_chunk()?;
    Some((*id, u32::from_le_bytes(*rest.first_chunk()?) as usize))
}

fn check_chunk(id: [u8; 4], chunk: &[u8]) -> Result<(), String> {
    let ascends = |record: usize, field: usize| {
        let index = |record: &[u8]| record.get(field..field + 2).map(|bytes| [bytes[1], bytes[0]]);
        chunk.chunks_exact(record).map(index).is_sorted()
    };
    let sound = match &id {
        b"ifil" | b"iver" => chunk.len() == 4,
        b"phdr" => ascends(38, 24),
        b"inst" => ascends(22, 20),
        b"pbag" | b"ibag" => ascends(4, 0),
        _ => true,
    };
    if sound { Ok(()) } else { Err(format!("a damaged chunk `{}`", id.escape_ascii())) }
}

/// A message for a channel, at a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    sample: usize,
    command: i32,
    channel: i32,
    data: [i32; 2],
}

/// The messages of a piece, sorted: where a note ends and another one begins, the end comes first.
fn events(piece: &Piece, soundings: &[Sounding]) -> Result<Vec<Event>> {
    let channels = channels(piece, soundings)?;
    let mut events: Vec<_> = channels
        .iter()
        .map(|(program, channel)| Event {
            sample: 0,
            command: PROGRAM_CHANGE,
            channel: *channel,
            data: [i32::from(*program), 0],
        })
        .collect();
    events.extend(soundings.iter().flat_map(|sounding| {
        let note = sounding.note;
        let (channel, pitch) = (channels[&note.program], i32::from(note.pitch.number()));
        let event = |sample, command, velocity| Event { sample, command, channel, data: [pitch, velocity] };
        let end = sounding.start + sounding.length.max(1);
        [event(sounding.start, NOTE_ON, i32::from(note.velocity)), event(end, NOTE_OFF, 0)]
    }));
    events.sort_by_key(|event| (event.sample, event.command != PROGRAM_CHANGE, event.command));
    Ok(events)
}

/// The channel of each program.
fn channels(piece: &Piece, soundings: &[Sounding]) -> Result<BTreeMap<u8, i32>> {
    let programs: BTreeMap<u8, i32> = soundings.iter().map(|sounding| (sounding.note.program, 0)).collect();
    if programs.len() > CHANNELS.len() {
        let name = if piece.name.is_empty() { "piece" } else { &piece.name };
        return Err(MusicError::invalid(name, "", "at most 15 instruments", programs.len().to_string()));
    }
    Ok(programs.into_keys().zip(CHANNELS).collect())
}

/// What rustysynth found instead of a SoundFont.
fn reason(error: &SoundFontError) -> String {
    match error {
        // The bytes are in memory: nothing else can go wrong.
        SoundFontError::IoError(_) => "a file that ends too early".into(),
        SoundFontError::SanityCheckFailed => "a sample outside of the sample data".into(),
        _ => format!("a file of which rustysynth says: {error}"),
    }
}

fn play(bytes: &[u8], name: &str, events: &[Event], sample_rate: u32) -> Result<Vec<f32>> {
    let font = SoundFont::new(&mut &*bytes).map_err(|error| invalid(name, "", reason(&error)))?;
    let mut settings = SynthesizerSettings::new(sample_rate as i32);
    settings.maximum_polyphony = POLYPHONY;
    let mut synthesizer =
        Synthesizer::new(&Arc::new(font), &settings).map_err(|error| invalid(name, "", error.to_string()))?;
    let tail = (TAIL * f64::from(sample_rate)) as usize;
    let length = events.last().map_or(0, |event| event.sample + tail);
    let mut samples = Vec::with_capacity(length);
    let mut held = BTreeMap::new();
    for event in events {
        extend(&mut samples, &mut synthesizer, event.sample);
        if changes(&mut held, event) {
            synthesizer.process_midi_message(event.channel, event.command, event.data[0], event.data[1]);
        }
    }
    extend(&mut samples, &mut synthesizer, length);
    if samples.iter().all(|sample| sample.is_finite()) {
        Ok(samples)
    } else {
        Err(invalid(name, "", "instruments whose sound is not finite"))
    }
}

/// Whether an event changes the sound: not the end of a note while another one holds the same key.
fn changes(held: &mut BTreeMap<(i32, i32), usize>, event: &Event) -> bool {
    let count = held.entry((event.channel, event.data[0])).or_insert(0usize);
    match event.command {
        NOTE_ON => *count += 1,
        NOTE_OFF => *count = count.saturating_sub(1),
        _ => return true,
    }
    event.command == NOTE_ON || *count == 0
}

/// Renders until there are so many samples.
fn extend(samples: &mut Vec<f32>, synthesizer: &mut Synthesizer, length: usize) {
    let (mut left, mut right) = ([0.0; 1024], [0.0; 1024]);
    while samples.len() < length {
        let count = (length - samples.len()).min(left.len());
        synthesizer.render(&mut left[..count], &mut right[..count]);
        samples.extend(left.iter().zip(&right).take(count).map(|(left, right)| (left + right) / 2.0));
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;
    use std::path::PathBuf;

    use proptest::prelude::*;
    use tempfile::TempDir;

    use super::*;
    use crate::{Note, Pitch};

    const RATE: u32 = 16_000;
    /// A period of the sound of the file, in samples.
    const PERIOD: u32 = 50;

    fn chunk(id: &[u8; 4], data: &[u8]) -> Vec<u8> {
        [&id[..], &(data.len() as u32).to_le_bytes(), data].concat()
    }

    fn list(kind: &[u8; 4], chunks: &[Vec<u8>]) -> Vec<u8> {
        chunk(b"LIST", &[&kind[..], &chunks.concat()].concat())
    }

    /// 16-bit numbers.
    fn words(words: &[u16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// A name of 20 bytes, and numbers.
    fn named(name: &str, fields: Vec<u8>) -> Vec<u8> {
        let mut record = name.as_bytes().to_vec();
        record.resize(20, 0);
        [record, fields].concat()
    }

    /// A SoundFont with one instrument: a sine wave without end at the pitch A4.
    fn sound_font() -> Vec<u8> {
        let sine = |i: u32| (16_000.0 * (TAU * f64::from(i) / f64::from(PERIOD)).sin()) as i16 as u16;
        let samples = words(&(0..4 * PERIOD).map(sine).collect::<Vec<_>>());
        let sample = |name, [end, loop_end, rate]: [u32; 3]| {
            let numbers = [0, end, 0, loop_end, rate].map(u32::to_le_bytes).concat();
            named(name, [numbers, vec![69, 0], words(&[0, 1])].concat())
        };
        let parameters = [
            chunk(
                b"phdr",
                &[named("sine", words(&[0; 9])), named("EOP", words(&[0, 0, 1, 0, 0, 0, 0, 0, 0]))].concat(),
            ),
            chunk(b"pbag", &words(&[0, 0, 1, 0])),
            chunk(b"pmod", &[0; 10]),
            // 41: the instrument.
            chunk(b"pgen", &words(&[41, 0, 0, 0])),
            chunk(b"inst", &[named("sine", words(&[0])), named("EOI", words(&[1]))].concat()),
            chunk(b"ibag", &words(&[0, 0, 2, 0])),
            chunk(b"imod", &[0; 10]),
            // 54: loop without end; 53: the sample.
            chunk(b"igen", &words(&[54, 1, 53, 0, 0, 0])),
            chunk(b"shdr", &[sample("sine", [3 * PERIOD, 2 * PERIOD, 440 * PERIOD]), sample("EOS", [0; 3])].concat()),
        ];
        let lists = [
            list(b"INFO", &[chunk(b"ifil", &words(&[2, 1]))]),
            list(b"sdta", &[chunk(b"smpl", &samples)]),
            list(b"pdta", &parameters),
        ];
        chunk(b"RIFF", &[&b"sfbk"[..], &lists.concat()].concat())
    }

    fn save(bytes: &[u8]) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sine.sf2");
        std::fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    /// A piece with 1000 ticks a second.
    fn piece(notes: &[(u32, u8, u32)]) -> Piece {
        let note = |&(start, number, duration): &(u32, u8, u32)| Note {
            start,
            pitch: Pitch::new(number).unwrap(),
            duration,
            velocity: 100,
            program: 0,
        };
        Piece { ticks_per_quarter: 500, notes: notes.iter().map(note).collect(), ..Piece::default() }
    }

    fn error(bytes: &[u8]) -> String {
        let (_folder, path) = save(bytes);
        render_with_soundfont(&piece(&[(0, 69, 100)]), path, RATE).map(drop).unwrap_err().to_string()
    }

    fn crossings_per_second(samples: &[f32]) -> usize {
        samples.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count() * 16_000 / samples.len()
    }

    #[test]
    fn notes_sound_at_their_pitch_and_time() {
        let (_folder, path) = save(&sound_font());
        let samples = render_with_soundfont(&piece(&[(500, 69, 500), (1500, 57, 500)]), &path, RATE).unwrap();
        assert_eq!(samples.len(), 32_000 + 48_000);
        assert!(samples[..7999].iter().all(|sample| *sample == 0.0));
        assert_eq!(crossings_per_second(&samples[8800..15_200]).abs_diff(440) / 5, 0);
        assert_eq!(crossings_per_second(&samples[24_800..31_200]).abs_diff(220) / 5, 0);
        assert!(samples.iter().all(|sample| sample.abs() <= 0.9));
        assert!(samples[70_000..].iter().all(|sample| sample.abs() < 1e-3));
        let again = render_with_soundfont(&piece(&[(500, 69, 500), (1500, 57, 500)]), &path, RATE).unwrap();
        assert_eq!(samples, again);
    }

    #[test]
    fn a_note_within_a_longer_one_of_its_pitch_does_not_end_it() {
        let (_folder, path) = save(&sound_font());
        let samples = render_with_soundfont(&piece(&[(0, 69, 1000), (200, 69, 100)]), path, RATE).unwrap();
        assert!(samples[12_000..13_000].iter().any(|sample| sample.abs() > 0.05));
    }

    #[test]
    fn a_piece_without_notes_gives_no_samples() {
        let (_folder, path) = save(&sound_font());
        assert!(render_with_soundfont(&piece(&[]), path, RATE).unwrap().is_empty());
    }

    #[test]
    fn what_is_no_sound_font_is_refused() {
        let missing = render_with_soundfont(&piece(&[]), "missing.sf2", RATE).unwrap_err().to_string();
        assert!(missing.starts_with("missing.sf2: expected a readable file"), "{missing}");
        let ends = |bytes: &[u8], end: &str| {
            let error = error(bytes);
            assert!(error.ends_with(&format!("sine.sf2, byte {end}")), "{error}");
        };
        ends(b"", "0: expected a SoundFont 2 file, found another kind of file");
        ends(b"RIFF\0\0\0\0WAVEfmt ", "0: expected a SoundFont 2 file, found another kind of file");
        let font = sound_font();
        assert!(
            error(&font[..40]).ends_with("sine.sf2: expected a SoundFont 2 file, found a file that ends too early")
        );
        ends(&font[..60], "36: expected a SoundFont 2 file, found a chunk of 412 bytes where 16 are left");
        let ifil = font.windows(4).position(|id| id == b"ifil").unwrap();
        let mut damaged = font.clone();
        damaged[ifil + 4] = 200;
        ends(&damaged, "24: expected a SoundFont 2 file, found a damaged chunk `ifil`");
        let ibag = font.windows(4).position(|id| id == b"ibag").unwrap();
        let mut damaged = font.clone();
        damaged[ibag + 8] = 255;
        assert!(error(&damaged).ends_with("found a damaged chunk `ibag`"));
        (damaged[ibag + 8], damaged[ibag + 12]) = (0, 255);
        assert!(error(&damaged).ends_with("found parts that contradict each other"));
    }

    #[test]
    fn what_cannot_be_played_is_refused() {
        let (_folder, path) = save(&sound_font());
        let mut many = piece(&[(0, 69, 10); 16]);
        many.notes.iter_mut().zip(0..).for_each(|(note, program)| note.program = program);
        let error = render_with_soundfont(&many, &path, RATE).map(drop).unwrap_err().to_string();
        assert_eq!(error, "piece: expected at most 15 instruments, found 16");
        let error = render_with_soundfont(&many, &path, 8000).map(drop).unwrap_err().to_string();
        assert_eq!(error, "sample rate: expected 16000 to 96000 Hz, found `8000`");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn a_damaged_file_gives_an_error_or_a_sound(place in 0usize..1000, byte: u8, length in 0usize..2000) {
            let mut bytes = sound_font();
            let place = place % bytes.len();
            bytes[place] = byte;
            bytes.truncate(length);
            let (_folder, path) = save(&bytes);
            match render_with_soundfont(&piece(&[(0, 69, 100)]), path, RATE) {
                Ok(samples) => prop_assert!(samples.iter().all(|sample| sample.abs() <= 0.9)),
                Err(error) => prop_assert!(error.to_string().contains("expected a SoundFont 2 file, found ")),
            }
        }
    }
}
