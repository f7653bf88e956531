//! The parts of a piece: notes that can share a channel.

use std::collections::BTreeMap;

use super::channel::Channel;
use crate::{Note, Pitch};

/// Notes that share a channel, sorted: no two of one pitch sound together, and no two of different programs.
pub(super) struct Part {
    pub(super) channel: Channel,
    pub(super) notes: Vec<Note>,
    program: u8,
    /// When the part falls silent, and from when each pitch is free.
    end: u32,
    free: BTreeMap<Pitch, u32>,
}

impl Part {
    /// The parts of notes, each with its own channel; `None` if all channels of all ports do not suffice.
    ///
    /// There is one part for each program, and more where notes of one pitch overlap. When the channels of the first
    /// port are used up, programs take turns in a channel that is silent; if none is, the next port is used.
    pub(super) fn all(notes: &[Note]) -> Option<Vec<Self>> {
        let mut sorted = notes.to_vec();
        sorted.sort_unstable();
        let (mut parts, mut channels) = (Vec::<Self>::new(), Channel::pitched());
        for note in sorted {
            let index = match Self::find(&parts, &note) {
                Some(index) => index,
                None => {
                    parts.push(Self::new(channels.next()?, note.program));
                    parts.len() - 1
                }
            };
            parts[index].push(note);
        }
        Some(parts)
    }

    /// Changes of program: when, and to which. The first one is at tick 0.
    pub(super) fn programs(&self) -> impl Iterator<Item = (u32, u8)> {
        let first = self.notes.first().map(|note| (0, note.program));
        let later = self.notes.windows(2).filter(|pair| pair[0].program != pair[1].program);
        first.into_iter().chain(later.map(|pair| (pair[1].start, pair[1].program)))
    }

    /// The part that has a place for a note.
    fn find(parts: &[Self], note: &Note) -> Option<usize> {
        let of_program = |part: &Self| part.program == note.program && part.is_free(note);
        let silent = |part: &Self| part.end <= note.start && parts.len() >= Channel::PITCHED;
        parts.iter().position(of_program).or_else(|| parts.iter().position(silent))
    }

    fn new(channel: Channel, program: u8) -> Self {
        Self { channel, notes: Vec::new(), program, end: 0, free: BTreeMap::new() }
    }

    fn is_free(&self, note: &Note) -> bool {
        self.free.get(&note.pitch).is_none_or(|free| *free <= note.start)
    }

    fn push(&mut self, note: Note) {
        self.program = note.program;
        self.end = self.end.max(note.end());
        self.free.insert(note.pitch, note.end());
        self.notes.push(note);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(start: u32, number: u8, duration: u32, program: u8) -> Note {
        Note { start, pitch: Pitch::new(number).unwrap(), duration, velocity: 64, program }
    }

    fn channels(notes: &[Note]) -> Vec<(u8, u8, usize)> {
        let parts = Part::all(notes).unwrap();
        parts.iter().map(|part| (part.channel.port, part.channel.number, part.notes.len())).collect()
    }

    #[test]
    fn a_program_has_one_channel() {
        let notes = [note(0, 60, 4, 0), note(0, 64, 4, 0), note(0, 60, 4, 40), note(4, 60, 4, 0)];
        assert_eq!(channels(&notes), [(0, 0, 3), (0, 1, 1)]);
    }

    #[test]
    fn overlaps_of_one_pitch_get_channels_of_their_own() {
        assert_eq!(channels(&[note(0, 60, 8, 0), note(2, 60, 2, 0), note(4, 60, 1, 0)]), [(0, 0, 1), (0, 1, 2)]);
    }

    #[test]
    fn many_programs_take_turns() {
        let notes: Vec<_> = (0..20).map(|program| note(u32::from(program) * 4, 60, 4, program)).collect();
        let parts = Part::all(&notes).unwrap();
        assert_eq!(parts.len(), 15);
        let programs: Vec<_> = parts[0].programs().collect();
        assert_eq!(programs, [(0, 0), (60, 15), (64, 16), (68, 17), (72, 18), (76, 19)]);
    }

    #[test]
    fn many_programs_at_once_use_a_second_port() {
        let notes: Vec<_> = (0..20).map(|program| note(0, 60, 4, program)).collect();
        assert_eq!(channels(&notes)[13..16], [(0, 14, 1), (0, 15, 1), (1, 0, 1)]);
    }

    #[test]
    fn there_are_channels_for_1920_parts() {
        assert_eq!(Part::all(&[note(0, 60, 4, 0); 1920]).map(|parts| parts.len()), Some(1920));
        assert!(Part::all(&[note(0, 60, 4, 0); 1921]).is_none());
    }
}
