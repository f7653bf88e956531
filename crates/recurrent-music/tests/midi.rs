//! Properties of MIDI files, read and written.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use recurrent_music::{Key, Meter, Note, Piece, Pitch, parse_midi};

fn notes() -> impl Strategy<Value = Vec<Note>> {
    // Few pitches and programs, so that notes overlap, and a few long times.
    let start = prop_oneof![9 => 0..200u32, 1 => 0..u32::MAX / 2];
    let duration = prop_oneof![9 => 1..100u32, 1 => 1..u32::MAX / 2];
    let program = prop_oneof![0..3u8, 0..128u8];
    let number = prop_oneof![60..64u8, 21..109u8];
    let note = (start, number, duration, 1..128u8, program).prop_map(|(start, number, duration, velocity, program)| {
        Note { start, pitch: Pitch::new(number).unwrap(), duration, velocity, program }
    });
    vec(note, 1..60).prop_map(|mut notes| {
        notes.sort_unstable();
        notes
    })
}

fn changes<T: std::fmt::Debug>(what: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<(u32, T)>> {
    btree_map(0..10_000u32, what, 0..4).prop_map(|changes| changes.into_iter().collect())
}

/// Pieces with notes and changes in order, and one change of a kind at a tick.
fn pieces() -> impl Strategy<Value = Piece> {
    let meter = (1..=255u8, 0..8u32).prop_map(|(beats, unit)| Meter { beats, unit: 1 << unit });
    let key = (0..Key::COUNT).prop_map(|index| Key::all().nth(index).unwrap());
    let changes = (changes(1..1u32 << 24), changes(meter), changes(key));
    (".{0,12}", 1..=32_767u16, notes(), changes).prop_map(|(name, ticks_per_quarter, notes, (tempos, meters, keys))| {
        Piece { name, ticks_per_quarter, notes, tempos, meters, keys }
    })
}

/// What happens to the bytes of a file.
#[derive(Debug, Clone)]
enum Damage {
    Change(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index, usize),
    Cut(prop::sample::Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        (index(), any::<u8>()).prop_map(|(at, byte)| Damage::Change(at, byte)),
        (index(), vec(any::<u8>(), 1..8)).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        (index(), 1..8usize).prop_map(|(at, count)| Damage::Remove(at, count)),
        index().prop_map(Damage::Cut),
    ]
}

fn damaged(mut bytes: Vec<u8>, damage: Damage) -> Vec<u8> {
    let end = bytes.len();
    match damage {
        _ if bytes.is_empty() => {}
        Damage::Change(at, byte) => bytes[at.index(end)] = byte,
        Damage::Insert(at, inserted) => drop(bytes.splice(at.index(end)..at.index(end), inserted)),
        Damage::Remove(at, count) => drop(bytes.drain(at.index(end)..(at.index(end) + count).min(end))),
        Damage::Cut(at) => bytes.truncate(at.index(end)),
    }
    bytes
}

/// Every note-on has its note-off before the same pitch of the same channel begins again, and channel 10 is silent.
fn assert_clean(bytes: &[u8]) {
    for track in midly::Smf::parse(bytes).unwrap().tracks {
        let mut sounding = std::collections::BTreeSet::new();
        for event in track {
            let midly::TrackEventKind::Midi { channel, message } = event.kind else { continue };
            assert_ne!(channel.as_int(), 9);
            match message {
                midly::MidiMessage::NoteOn { key, .. } => assert!(sounding.insert((channel, key))),
                midly::MidiMessage::NoteOff { key, .. } => assert!(sounding.remove(&(channel, key))),
                _ => {}
            }
        }
        assert!(sounding.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn a_piece_that_is_written_is_read(piece in pieces()) {
        let bytes = piece.to_midi().unwrap();
        assert_clean(&bytes);
        let file = parse_midi(&piece.name, &bytes).unwrap();
        prop_assert!(file.remarks.is_empty());
        prop_assert_eq!(file.piece, piece);
    }

    #[test]
    fn a_damaged_file_is_read_or_refused(piece in pieces(), damages in vec(damage(), 1..4)) {
        let name = "damaged.mid";
        let bytes = piece.to_midi().unwrap();
        let bytes = damages.into_iter().fold(bytes, damaged);
        match parse_midi(name, &bytes) {
            // What was read can be written, and is then read again.
            Ok(file) => {
                let again = parse_midi(name, &file.piece.to_midi().unwrap()).unwrap();
                prop_assert_eq!(again.piece, file.piece);
            }
            Err(error) => prop_assert!(error.to_string().starts_with(name)),
        }
    }

    #[test]
    fn a_file_that_is_cut_off_is_refused(piece in pieces(), at in any::<prop::sample::Index>()) {
        let bytes = piece.to_midi().unwrap();
        prop_assert!(parse_midi("", &bytes[..at.index(bytes.len())]).is_err());
    }

    #[test]
    fn random_events_are_read_or_refused(events in vec(any::<u8>(), 0..200)) {
        let length = (events.len() as u32).to_be_bytes();
        let bytes = [b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk".as_slice(), &length, &events].concat();
        if let Ok(file) = parse_midi("", &bytes) {
            prop_assert!(file.piece.notes.iter().all(|note| note.duration > 0));
        }
    }

    #[test]
    fn random_bytes_are_refused(bytes in vec(any::<u8>(), 0..200), is_midi in any::<bool>()) {
        let start: &[u8] = if is_midi { b"MThd\0\0\0\x06\0\x01\0" } else { b"" };
        prop_assert!(parse_midi("", &[start, &bytes].concat()).is_err());
    }
}
