//! Texts on their way to a codec, with their role.

use std::{borrow::Cow, fmt, marker::PhantomData};

use crate::{Result, Role};

/// The texts of one part, one after the other, none of them longer in memory than it is looked at.
///
/// Only a part gives them out: [`CorpusSplit::pieces`](crate::CorpusSplit::pieces),
/// [`PairSubset::sources`](crate::PairSubset::sources), [`PairSubset::targets`](crate::PairSubset::targets),
/// [`LabeledSubset::texts`](crate::LabeledSubset::texts). So their role is sure, and
/// [`Tokenizer::fit`](crate::Tokenizer::fit) takes those of training alone.
pub struct Texts<'a, R: Role> {
    texts: Box<dyn Iterator<Item = Result<Cow<'a, str>>> + 'a>,
    role: PhantomData<R>,
}

impl<'a, R: Role> Texts<'a, R> {
    pub(crate) fn new(texts: impl Iterator<Item = Result<Cow<'a, str>>> + 'a) -> Self {
        Self { texts: Box::new(texts), role: PhantomData }
    }

    pub(crate) fn borrowed(texts: impl Iterator<Item = &'a str> + 'a) -> Self {
        Self::new(texts.map(|text| Ok(Cow::Borrowed(text))))
    }

    /// These, and then others of the same role: for one vocabulary of two languages.
    pub fn and(self, others: Self) -> Self {
        Self::new(self.chain(others))
    }
}

impl<'a, R: Role> Iterator for Texts<'a, R> {
    type Item = Result<Cow<'a, str>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.texts.next()
    }
}

impl<R: Role> fmt::Debug for Texts<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Texts<{}>", R::NAME)
    }
}
