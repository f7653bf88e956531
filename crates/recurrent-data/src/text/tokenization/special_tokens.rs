//! Special tokens: padding, beginning, end, unknown.

/// The ids of the special tokens, which stand for no text.
///
/// They are 0, 1, 2 and 3 in a fitted tokenizer, and may be any in a loaded `tokenizer.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpecialTokens {
    /// Padding.
    pub pad: u32,
    /// Beginning of sequence.
    pub bos: u32,
    /// End of sequence.
    pub eos: u32,
    /// A piece of text that has no token.
    pub unk: u32,
}

impl SpecialTokens {
    /// The ids in a fitted tokenizer.
    pub const FITTED: Self = Self { pad: 0, bos: 1, eos: 2, unk: 3 };

    /// Whether an id is one of a special token.
    pub fn contains(&self, id: u32) -> bool {
        [self.pad, self.bos, self.eos, self.unk].contains(&id)
    }
}

/// The names of the special tokens of a fitted tokenizer, in the order of their ids.
pub(crate) const NAMES: [&str; 4] = ["<pad>", "<bos>", "<eos>", "<unk>"];

/// The first id after the special tokens of a fitted tokenizer.
pub(crate) const FIRST_ID: u32 = 4;
