//! What is asked of a composer.

use recurrent_music::{Key, Meter, Piece};

use crate::decoding::SamplingConfig;
use crate::settings::Bound;
use crate::{Error, Result};

/// The most bars of a piece.
const MAX_BARS: i64 = 1_000;
/// The most pieces of which the likeliest is taken.
const MAX_CANDIDATES: i64 = 1_000;
/// Quarter notes a minute.
pub(super) const TEMPOS: std::ops::RangeInclusive<f64> = 10.0..=600.0;

/// What a composition should be.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CompositionRequest {
    /// How the piece begins. With fewer notes in a frame than the training pieces have, it is one of the voices, and the
    /// others are composed.
    pub primer: Option<Piece>,
    /// The voice of the primer, from the top: 0 for the soprano of four.
    pub voice: usize,
    /// Whether the piece ends with the primer, around which the other voices are composed.
    pub harmonize: bool,
    /// The length in bars, with the primer; by default what the network likes, and at least 8 bars more than the primer.
    pub bars: Option<usize>,
    /// The key; by default that of the primer, or any.
    pub key: Option<Key>,
    /// The meter; by default that of the primer, or any.
    pub meter: Option<Meter>,
    /// The tempo in quarter notes a minute; by default that of the primer, or of the training pieces.
    pub tempo: Option<f64>,
    /// How each token is sampled.
    pub sampling: SamplingConfig,
    /// How many pieces are composed, of which the likeliest is taken.
    pub candidates: usize,
}

impl Default for CompositionRequest {
    fn default() -> Self {
        Self {
            primer: None,
            voice: 0,
            harmonize: false,
            bars: None,
            key: None,
            meter: None,
            tempo: None,
            sampling: SamplingConfig::default().with_temperature(1.0),
            candidates: 1,
        }
    }
}

impl CompositionRequest {
    /// How the piece begins.
    #[must_use]
    pub fn with_primer(self, primer: Piece) -> Self {
        Self { primer: Some(primer), ..self }
    }

    /// Whether the piece ends with the primer.
    #[must_use]
    pub fn with_harmonize(self, harmonize: bool) -> Self {
        Self { harmonize, ..self }
    }

    /// The length in bars.
    #[must_use]
    pub fn with_bars(self, bars: usize) -> Self {
        Self { bars: Some(bars), ..self }
    }

    /// The key.
    #[must_use]
    pub fn with_key(self, key: Key) -> Self {
        Self { key: Some(key), ..self }
    }

    /// How each token is sampled.
    #[must_use]
    pub fn with_sampling(self, sampling: SamplingConfig) -> Self {
        Self { sampling, ..self }
    }

    /// How many pieces are composed, of which the likeliest is taken.
    #[must_use]
    pub fn with_candidates(self, candidates: usize) -> Self {
        Self { candidates, ..self }
    }

    pub(super) fn check(&self) -> Result<()> {
        self.sampling.check()?;
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        Bound::Range(1, MAX_CANDIDATES).check("candidates", count(self.candidates))?;
        if let Some(bars) = self.bars {
            Bound::Range(1, MAX_BARS).check("bars", count(bars))?;
        }
        if let Some(tempo) = self.tempo.filter(|tempo| !TEMPOS.contains(tempo)) {
            let expected = format!("{} to {} quarter notes a minute", TEMPOS.start(), TEMPOS.end());
            return Err(Error::setting("tempo", expected, tempo.to_string()));
        }
        Ok(())
    }
}
