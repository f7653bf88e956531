//! How a note begins and ends.

/// The course of the loudness of a note: attack, decay, sustain, release.
///
/// All segments are smooth and join without a step, so that no note clicks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Envelope {
    /// Seconds from silence to the full level.
    pub(crate) attack: f64,
    /// Seconds from the full level to the sustained one.
    pub(crate) decay: f64,
    /// The level while the note is held, from 0 to 1.
    pub(crate) sustain: f64,
    /// Seconds from the end of the note to silence.
    pub(crate) release: f64,
}

impl Envelope {
    /// The level at a time of a note that is held for some time, both in seconds; 0 outside of the note.
    pub(crate) fn level(&self, time: f64, held: f64) -> f64 {
        if time <= held { self.held_level(time) } else { self.held_level(time) * self.released(time - held) }
    }

    /// The level of a note that never ends.
    fn held_level(&self, time: f64) -> f64 {
        if time >= self.attack + self.decay {
            return self.sustain;
        }
        let decayed = 1.0 - (1.0 - self.sustain) * smooth((time - self.attack) / self.decay);
        smooth(time / self.attack) * decayed
    }

    /// What is left of the level some time after the end of a note.
    fn released(&self, time: f64) -> f64 {
        1.0 - smooth(time / self.release)
    }
}

/// A curve from 0 at 0 to 1 at 1 that is flat at both ends and beyond.
fn smooth(x: f64) -> f64 {
    let x = x.clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENVELOPE: Envelope = Envelope { attack: 0.1, decay: 0.2, sustain: 0.5, release: 0.4 };

    #[test]
    fn the_segments_have_their_levels() {
        let levels = [-1.0, 0.0, 0.1, 0.3, 0.9, 1.4, 2.0].map(|time| ENVELOPE.level(time, 1.0));
        for (level, expected) in levels.into_iter().zip([0.0, 0.0, 1.0, 0.5, 0.5, 0.0, 0.0]) {
            assert!((level - expected).abs() < 1e-9, "{levels:?}");
        }
    }

    #[test]
    fn the_level_is_continuous_even_if_the_note_ends_in_its_attack() {
        for held in [0.0, 0.05, 0.2, 1.0] {
            let levels: Vec<_> = (0..2000).map(|ms| ENVELOPE.level(f64::from(ms) / 1000.0, held)).collect();
            let step = levels.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f64::max);
            assert!(step < 0.02, "{held}: {step}");
            assert_eq!(levels.last(), Some(&0.0));
        }
    }
}
