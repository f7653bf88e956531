//! MIDI channels.

use super::DRUMS;

/// A channel of a port; both are counted from 0. A port has 16 channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Channel {
    pub(super) port: u8,
    pub(super) number: u8,
}

impl Channel {
    /// How many channels of a port are not that of the drums.
    pub(super) const PITCHED: usize = 15;

    /// All channels for pitched notes, in order; a port has a number from 0 to 127.
    pub(super) fn pitched() -> impl Iterator<Item = Self> {
        (0..128).flat_map(|port| (0..16).map(move |number| Self { port, number })).filter(|channel| !channel.is_drums())
    }

    pub(super) fn is_drums(self) -> bool {
        self.number == DRUMS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drums_have_channel_10_of_every_port() {
        let channels: Vec<_> = Channel::pitched().collect();
        assert_eq!(channels.len(), 128 * Channel::PITCHED);
        let at = |index: usize| (channels[index].port, channels[index].number);
        assert_eq!([at(8), at(9), at(14), at(15)], [(0, 8), (0, 10), (0, 15), (1, 0)]);
        assert!(!channels.contains(&Channel { port: 1, number: 9 }));
    }
}
