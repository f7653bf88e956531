//! Texts of a subset, with their role.

use std::{borrow::Cow, fmt, marker::PhantomData};

use crate::error::Result;
use crate::role::Role;

/// An iterator over the texts of a subset.
///
/// Only subsets make one: [`CorpusSubset::pieces`](crate::CorpusSubset::pieces),
/// [`PairSubset::sources`](crate::PairSubset::sources), [`PairSubset::targets`](crate::PairSubset::targets),
/// [`LabeledSubset::texts`](crate::LabeledSubset::texts). So its role is certain, and
/// [`Tokenizer::fit`](crate::Tokenizer::fit) accepts training texts only.
#[must_use = "iterators are lazy"]
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

    /// These texts and then others of the same role, for example to fit one tokenizer on two languages.
    pub fn concat(self, others: Self) -> Self {
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
