//! The most frequent items, which become tokens.

use std::hash::Hash;

use super::config::TokenizerConfig;
use super::special_tokens::FIRST_ID;
use crate::error::{DataError, Result};

/// The items that become tokens, from the most frequent; items of equal frequency are in their own order. `piece` names
/// an item in error messages.
pub(crate) fn most_frequent<K: Ord + Hash>(
    config: &TokenizerConfig,
    piece: &'static str,
    counts: impl IntoIterator<Item = (K, u64)>,
) -> Result<Vec<K>> {
    let &TokenizerConfig { kind, vocab_size, min_count, .. } = config;
    let needed = FIRST_ID as usize + 1;
    if (1..needed).contains(&vocab_size) {
        return Err(DataError::VocabSizeTooSmall { tokenizer: kind.to_string(), needed, found: vocab_size });
    }
    let mut counts: Vec<(K, u64)> = counts.into_iter().filter(|(_, count)| *count >= min_count as u64).collect();
    if counts.is_empty() {
        return Err(DataError::NoTokens { tokenizer: kind.to_string(), piece, min_count });
    }
    counts.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    if vocab_size > 0 {
        counts.truncate(vocab_size - FIRST_ID as usize);
    }
    Ok(counts.into_iter().map(|(key, _)| key).collect())
}
