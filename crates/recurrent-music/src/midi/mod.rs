//! Standard MIDI Files, read and written.
//!
//! The format is that of *Standard MIDI Files 1.0* (RP-001, MIDI Manufacturers Association, 1996). Files of format 0
//! and format 1 whose time is metrical are read; all of their tracks sound together. Also read are RMID files, which
//! are MIDI files inside a RIFF file.
//!
//! # What is read
//!
//! - Notes from A0 to C8 of all channels but channel 10, the drums. A note-on of velocity 0 is a note-off. A note-off
//!   ends the oldest note of its track, channel and pitch that still sounds; without such a note it means nothing.
//! - The program of a channel at the tick of a note. The program holds for the channel in all tracks, and a change
//!   holds for all notes of its tick. Before the first change it is 0. Channels of different ports are different
//!   channels.
//! - Tempos, meters and key signatures of all tracks. Of several at one tick the last one counts, in the order of the
//!   tracks.
//! - The title: the name of the first track, or else the name of the file.
//!
//! What else there may be (pedals and other controllers, pitch bends, aftertouch, banks of programs, texts) is not
//! music in the sense of a [`Piece`](crate::Piece) and is passed over. What would change the notes is counted in
//! [`Remarks`](crate::Remarks).
//!
//! # What is refused
//!
//! A damaged file: one that is cut off, has fewer tracks than its header says, or an event that cannot be read.
//! A file that cannot be a piece: format 2, time in SMPTE frames, no notes. And, so that nothing grows without bound, a
//! file of more than 16 MiB, more than 1,000,000 events, or times over 2³² - 2 ticks.

mod channel;
mod chunks;
mod part;
mod read;
mod track;
mod write;

pub use read::{MidiFile, parse_midi, read_midi};

/// The channel of the drums, counted from 0.
const DRUMS: u8 = 9;

/// The last tick that an event may have: one less than what fits, so that a note of 1 tick may begin there.
const LAST_TICK: u32 = u32::MAX - 1;

/// Bytes as text, such as `4D 54 68 64`; of more than 8 of them, the first 8.
fn hexadecimal(bytes: &[u8]) -> String {
    let shown: Vec<_> = bytes.iter().take(8).map(|byte| format!("{byte:02X}")).collect();
    let more = if bytes.len() > 8 { " ..." } else { "" };
    format!("{}{more}", shown.join(" "))
}
