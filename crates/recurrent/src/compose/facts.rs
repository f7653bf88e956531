//! What a trained composer knows of its training pieces, beside its weights.

#[cfg(feature = "fit")]
use std::collections::BTreeMap;
use std::collections::BTreeSet;

#[cfg(feature = "fit")]
use recurrent_music::{Frame, FramePiece, Labels};
use recurrent_music::{Key, MeterClass, Pitch, TempoClass};
use serde::{Deserialize, Serialize};

use super::request::TEMPOS;
use crate::{Error, Result, RunDir};

/// What occurs in the training pieces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Facts {
    /// The lowest and the highest pitch.
    pub range: (Pitch, Pitch),
    /// The notes of a frame, if nearly all frames have as many.
    pub voices: Option<usize>,
    /// The keys, known or recognized.
    pub keys: BTreeSet<Key>,
    /// The meters.
    pub meters: BTreeSet<MeterClass>,
    /// The tempos.
    pub tempos: BTreeSet<TempoClass>,
    /// The median tempo, in quarter notes a minute.
    pub tempo: f64,
}

/// The most voices that are fixed.
const MAX_VOICES: usize = 16;
/// The fraction of the frames that must have as many notes for a number of voices to be fixed.
#[cfg(feature = "fit")]
const MOST: f64 = 0.95;

impl Facts {
    /// The name of the file.
    pub const FILE: &'static str = "music.json";

    /// The facts of training pieces with their tempos; `transposed` ones reach six semitones further.
    #[cfg(feature = "fit")]
    pub fn of<'a>(
        pieces: impl Iterator<Item = &'a FramePiece> + Clone,
        mut tempos: Vec<f64>,
        transposed: bool,
    ) -> Self {
        let frames = || pieces.clone().flat_map(|piece| &piece.frames.frames);
        let pitches = || frames().flatten().map(|note| note.pitch);
        let (lowest, highest) = (pitches().min().unwrap_or(Pitch::LOWEST), pitches().max().unwrap_or(Pitch::HIGHEST));
        let reach = |pitch: Pitch, semitones: i8| pitch.transposed(if transposed { semitones } else { 0 });
        tempos.sort_by(f64::total_cmp);
        let labels = || pieces.clone().map(|piece| piece.labels);
        let keys: BTreeSet<Key> = labels().filter_map(|labels: Labels| labels.key).collect();
        let keys =
            if transposed { keys.iter().flat_map(|key| (0..12).map(|by| key.transposed(by))).collect() } else { keys };
        Self {
            range: (reach(lowest, -5).unwrap_or(Pitch::LOWEST), reach(highest, 6).unwrap_or(Pitch::HIGHEST)),
            voices: voices(frames()),
            keys,
            meters: labels().map(|labels| labels.meter).collect(),
            tempos: labels().map(|labels| labels.tempo).collect(),
            tempo: tempos.get(tempos.len() / 2).map_or(120.0, |tempo| tempo.clamp(*TEMPOS.start(), *TEMPOS.end())),
        }
    }

    /// Reads the facts from a run.
    ///
    /// # Errors
    /// If the file is missing or damaged.
    pub fn read(run_dir: &RunDir) -> Result<Self> {
        let damaged = |found: String| Error::RunDir {
            path: run_dir.path(Self::FILE),
            expected: "range, voices, keys, meters and tempos of the training pieces".into(),
            found,
        };
        let facts: Self =
            serde_json::from_str(&run_dir.read(Self::FILE)?).map_err(|cause| damaged(cause.to_string()))?;
        if facts.range.0 > facts.range.1 {
            return Err(damaged(format!("the range {} to {}", facts.range.0, facts.range.1)));
        }
        if let Some(voices) = facts.voices.filter(|voices| !(1..=MAX_VOICES).contains(voices)) {
            return Err(damaged(format!("{voices} voices")));
        }
        if !TEMPOS.contains(&facts.tempo) {
            return Err(damaged(format!("a tempo of {}", facts.tempo)));
        }
        Ok(facts)
    }
}

/// The notes of most frames that are not silent.
#[cfg(feature = "fit")]
fn voices<'a>(frames: impl Iterator<Item = &'a Frame>) -> Option<usize> {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for frame in frames.filter(|frame| !frame.is_empty()) {
        *counts.entry(frame.len()).or_default() += 1;
    }
    let total: usize = counts.values().sum();
    let (voices, count) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    (count as f64 >= MOST * total as f64 && voices <= MAX_VOICES).then_some(voices)
}
