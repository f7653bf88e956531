//! Pairs: a text and what is to be made of it, such as a sentence and its translation.

use std::{
    collections::{HashMap, HashSet},
    marker::PhantomData,
    path::Path,
    sync::Arc,
};

use burn::tensor::{Device, Int, Tensor};

use super::{
    bucket::{bucket, by_length},
    codec::TextCodec,
    likeness::{Place, likeness},
    rows::{longest, rows},
    texts::Texts,
};
use crate::{DataError, Ratios, Result, Role, Table, Test, Train, Valid, Whole, read_file, table::text};

/// A text and its counterpart, neither of them empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// What is given.
    pub source: String,
    /// What is to be made of it.
    pub target: String,
    /// What it belongs to, and is not to be separated from.
    pub group: Option<String>,
    /// The line of the file on which it stands, counted from 1.
    pub line: usize,
}

/// Pairs of texts, each of them once.
#[derive(Debug, Clone)]
pub struct Pairs {
    source: String,
    pairs: Arc<Vec<Pair>>,
    duplicates: usize,
}

impl Pairs {
    /// Reads two columns of a table: where nobody says, the first two. Pairs with the same word in
    /// the column of groups, such as the document that they are from, stay together in a split.
    ///
    /// # Errors
    /// If a column is not there, or a text or group is empty.
    pub fn from_table(
        table: &Table,
        source_column: Option<&str>,
        target_column: Option<&str>,
        group_column: Option<&str>,
    ) -> Result<Self> {
        let column = |name: Option<&str>, default| name.map_or(Ok(default), |name| table.index_of(name));
        let source = column(source_column, 0)?;
        let target = column(target_column, 1)?;
        let group = group_column.map(|name| table.index_of(name)).transpose()?;
        let path = table.source();
        if target >= table.headers().len() {
            let expected = "a second column, with the counterpart of the first";
            return Err(DataError::NoColumn { path: path.to_string(), expected });
        }
        let pairs = table.rows().iter().map(|row| {
            let said = |column, expected| match row.cell(column) {
                "" => Err(DataError::EmptyCell {
                    path: path.to_string(),
                    line: row.line(),
                    column: table.headers()[column].clone(),
                    expected,
                }),
                cell => Ok(cell.to_string()),
            };
            Ok(Pair {
                source: said(source, "a text")?,
                target: said(target, "a text")?,
                group: group.map(|group| said(group, "a group")).transpose()?,
                line: row.line(),
            })
        });
        Self::new(path, pairs)
    }

    /// Reads two files that go line by line. Where both lines are empty there is no pair.
    ///
    /// # Errors
    /// If a file cannot be read or is not UTF-8, one has more lines than the other, one of two
    /// lines is empty, or there is no pair.
    pub fn from_aligned(source: &Path, target: &Path) -> Result<Self> {
        let name = |path: &Path| path.display().to_string();
        Self::from_aligned_bytes((&name(source), &read_file(source)?), (&name(target), &read_file(target)?))
    }

    /// Reads lines that lie in memory, each of the two with what errors call it.
    ///
    /// # Errors
    /// As [`from_aligned`](Self::from_aligned).
    pub fn from_aligned_bytes(source: (&str, &[u8]), target: (&str, &[u8])) -> Result<Self> {
        let (sources, targets) = (text(source.0, source.1)?, text(target.0, target.1)?);
        let (lines, other_lines) = (sources.lines().count(), targets.lines().count());
        let (path, other) = (source.0.to_string(), target.0.to_string());
        if lines != other_lines {
            return Err(DataError::LineCounts { path, other, lines, other_lines });
        }
        let lines = sources.lines().map(str::trim).zip(targets.lines().map(str::trim)).zip(1..);
        let pairs = lines.filter_map(|((source, target), line)| {
            let empty = |path: &str, other: &str| {
                Some(Err(DataError::EmptyLine { path: path.to_string(), line, other: other.to_string() }))
            };
            match (source, target) {
                ("", "") => None,
                ("", _) => empty(&path, &other),
                (_, "") => empty(&other, &path),
                _ => Some(Ok(Pair { source: source.to_string(), target: target.to_string(), group: None, line })),
            }
        });
        let pairs = Self::new(&path, pairs)?;
        if pairs.pairs.is_empty() { Err(DataError::NoPairs { path, other }) } else { Ok(pairs) }
    }

    fn new(source: &str, all: impl Iterator<Item = Result<Pair>>) -> Result<Self> {
        let mut seen = HashSet::new();
        let (mut pairs, mut duplicates) = (Vec::new(), 0);
        for pair in all {
            let pair = pair?;
            if seen.insert((pair.source.clone(), pair.target.clone())) {
                pairs.push(pair);
            } else {
                duplicates += 1;
            }
        }
        Ok(Self { source: source.to_string(), pairs: Arc::new(pairs), duplicates })
    }

    /// What errors call them.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// How many there are, at least one.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there is none: never.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The pairs, in their order.
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// How many pairs were left out because they were there already, to the letter.
    pub fn duplicates(&self) -> usize {
        self.duplicates
    }

    /// Puts each pair into one of three parts.
    ///
    /// Which one follows from its group, and where it has none from the letters and digits of its
    /// source: several answers to one question stay together, and a pair stays where it is
    /// whatever is added, taken away or put into another order.
    ///
    /// A held-out pair whose source or target occurs in training too, if only in other case or
    /// with other punctuation, is left out: whoever remembers it would not have to translate it.
    ///
    /// # Errors
    /// If there are so few pairs that a part is empty.
    pub fn split(&self, ratios: &Ratios) -> Result<PairSplit> {
        let likenesses: Vec<_> =
            self.pairs.iter().map(|pair| (likeness(&pair.source), likeness(&pair.target))).collect();
        let place = |(pair, (source, _)): (&Pair, &(String, String))| {
            Place::of(pair.group.as_deref().unwrap_or(source), ratios)
        };
        let places: Vec<Place> = self.pairs.iter().zip(&likenesses).map(place).collect();

        let (mut sources, mut targets) = (HashSet::new(), HashSet::new());
        for ((source, target), _) in likenesses.iter().zip(&places).filter(|(_, place)| **place == Place::Train) {
            sources.insert(source.as_str());
            targets.insert(target.as_str());
        }
        let mut parts = [vec![], vec![], vec![]];
        let mut crossed = 0;
        for (index, (place, (source, target))) in places.iter().zip(&likenesses).enumerate() {
            let is_known = sources.contains(source.as_str()) || targets.contains(target.as_str());
            if *place != Place::Train && is_known {
                crossed += 1;
            } else {
                parts[*place as usize].push(index);
            }
        }
        let [train, valid, test] = parts;
        Ok(PairSplit { train: self.part(train)?, valid: self.part(valid)?, test: self.part(test)?, crossed })
    }

    /// All pairs: what a trained model is judged on elsewhere.
    pub fn whole(&self) -> PairPart<Whole> {
        PairPart { pairs: self.clone(), indices: (0..self.len()).collect(), role: PhantomData }
    }

    fn part<R: Role>(&self, indices: Vec<usize>) -> Result<PairPart<R>> {
        if indices.is_empty() {
            return Err(DataError::TooFewRows {
                path: self.source.clone(),
                part: R::NAME,
                purpose: "each part of a split".to_string(),
                needed: 1,
                there: 0,
            });
        }
        Ok(PairPart { pairs: self.clone(), indices: indices.into(), role: PhantomData })
    }
}

/// Pairs in three parts, none of which holds a near-copy of what another is trained on.
///
/// A codec is fitted on the training part alone:
///
/// ```compile_fail,E0308
/// # use recurrent_data::{CodecKind, PairSplit, Result, TextCodec};
/// fn cheat(split: &PairSplit) -> Result<TextCodec> {
///     TextCodec::fit(CodecKind::Bpe, 0, 0, split.test.sources())
/// }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PairSplit {
    /// The pairs to learn from.
    pub train: PairPart<Train>,
    /// The pairs to choose by.
    pub valid: PairPart<Valid>,
    /// The pairs to be judged on.
    pub test: PairPart<Test>,
    /// How many held-out pairs were left out because training has their source or their target.
    pub crossed: usize,
}

/// Some pairs, with their role. Only [`Pairs`] makes one.
#[derive(Debug, Clone)]
pub struct PairPart<R: Role> {
    pairs: Pairs,
    indices: Arc<[usize]>,
    role: PhantomData<R>,
}

/// A source, and all that is right to say for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translations {
    /// What is given.
    pub source: String,
    /// Its targets, in the order of their lines.
    pub targets: Vec<String>,
    /// The line of the first of them.
    pub line: usize,
}

impl<R: Role> PairPart<R> {
    /// What errors call the pairs.
    pub fn source(&self) -> &str {
        self.pairs.source()
    }

    /// How many there are, at least one.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether there is none: never.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// The pairs, in the order of their lines.
    pub fn pairs(&self) -> impl Iterator<Item = &Pair> {
        self.indices.iter().map(|index| &self.pairs.pairs[*index])
    }

    /// What is given.
    pub fn sources(&self) -> Texts<'_, R> {
        Texts::borrowed(self.pairs().map(|pair| pair.source.as_str()))
    }

    /// What is to be made of it.
    pub fn targets(&self) -> Texts<'_, R> {
        Texts::borrowed(self.pairs().map(|pair| pair.target.as_str()))
    }

    /// Each source once, in the order of their lines, with all its targets: for scores that take
    /// several answers for right.
    pub fn references(&self) -> Vec<Translations> {
        let mut all: Vec<Translations> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        for Pair { source, target, line, .. } in self.pairs() {
            let place = *places.entry(source).or_insert(all.len());
            if place == all.len() {
                all.push(Translations { source: source.clone(), targets: vec![], line: *line });
            }
            all[place].targets.push(target.clone());
        }
        all
    }

    /// The pairs as a network sees them. Of each text the first `max_length` tokens are kept.
    ///
    /// # Errors
    /// If `max_length` is 0.
    pub fn encode(&self, source: &TextCodec, target: &TextCodec, max_length: usize) -> Result<EncodedPairs<R>> {
        if max_length == 0 {
            return Err(DataError::ZeroLength { what: "length in tokens" });
        }
        let mut truncated = 0;
        let mut cut = |codec: &TextCodec, text: &str| {
            let mut ids = codec.encode(text);
            truncated += usize::from(ids.len() > max_length);
            ids.truncate(max_length);
            ids
        };
        let eos = source.specials().eos;
        let framed = target.specials();
        let (mut sources, mut targets) = (Vec::new(), Vec::new());
        for pair in self.pairs() {
            let mut ids = cut(source, &pair.source);
            ids.push(eos);
            sources.push(ids);
            let ids = cut(target, &pair.target);
            targets.push([vec![framed.bos], ids, vec![framed.eos]].concat());
        }
        Ok(EncodedPairs {
            sources: sources.into(),
            targets: targets.into(),
            pads: (source.specials().pad, framed.pad),
            truncated,
            role: PhantomData,
        })
    }
}

/// Pairs of numbers: a source ends with `<eos>`, a target stands between `<bos>` and `<eos>`.
///
/// A clone shares the numbers.
#[derive(Debug, Clone)]
pub struct EncodedPairs<R: Role> {
    sources: Arc<[Vec<u32>]>,
    targets: Arc<[Vec<u32>]>,
    pads: (u32, u32),
    truncated: usize,
    role: PhantomData<R>,
}

impl<R: Role> EncodedPairs<R> {
    /// How many pairs there are, at least one.
    pub fn len(&self) -> usize {
        self.sources.len()
    }

    /// Whether there is none: never.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// How many texts, sources and targets together, were longer than was kept of them.
    pub fn truncated(&self) -> usize {
        self.truncated
    }

    /// The numbers of a source, and `<eos>`.
    ///
    /// # Panics
    /// If there is no such pair.
    pub fn source(&self, index: usize) -> &[u32] {
        &self.sources[index]
    }

    /// `<bos>`, the numbers of a target, and `<eos>`.
    ///
    /// # Panics
    /// If there is no such pair.
    pub fn target(&self, index: usize) -> &[u32] {
        &self.targets[index]
    }

    /// Cuts an order into batches of pairs that are about as long as each other: pools of 50
    /// batches are sorted by length. The order is a shuffled one, and the batches are best shuffled
    /// once more, for each pool goes from short to long.
    ///
    /// # Panics
    /// If a batch is to hold nothing, or there is no such pair.
    pub fn bucket(&self, order: &[usize], batch: usize) -> Vec<Vec<usize>> {
        bucket(order, batch, |index| self.lengths(index))
    }

    /// Batches of all pairs, from the shortest to the longest: least padding, always the same.
    ///
    /// # Panics
    /// If a batch is to hold nothing.
    pub fn by_length(&self, batch: usize) -> Vec<Vec<usize>> {
        by_length(self.len(), batch, |index| self.lengths(index))
    }

    fn lengths(&self, index: usize) -> (usize, usize) {
        (self.source(index).len(), self.target(index).len())
    }
}

/// Some pairs, stacked and filled up with `<pad>`.
#[derive(Debug, Clone)]
pub struct PairBatch {
    /// What is given: `[batch, source]`.
    pub source: Tensor<2, Int>,
    /// How many numbers of each row are no padding.
    pub source_lengths: Vec<usize>,
    /// What is said so far, from `<bos>` on: `[batch, target]`.
    pub inputs: Tensor<2, Int>,
    /// What is to be said next, up to `<eos>`: `[batch, target]`.
    pub targets: Tensor<2, Int>,
    /// How many numbers of each row of the two are no padding.
    pub target_lengths: Vec<usize>,
}

impl PairBatch {
    /// The pairs at these indices, in this order.
    ///
    /// # Panics
    /// If an index is past the last pair.
    pub fn gather<R: Role>(pairs: &EncodedPairs<R>, indices: &[usize], device: &Device) -> Self {
        let sources = || indices.iter().map(|index| pairs.source(*index));
        let inputs = || indices.iter().map(|index| &pairs.target(*index)[..pairs.target(*index).len() - 1]);
        let targets = || indices.iter().map(|index| &pairs.target(*index)[1..]);
        let width = longest(inputs());
        Self {
            source: rows(sources(), longest(sources()), pairs.pads.0, device),
            source_lengths: sources().map(<[u32]>::len).collect(),
            inputs: rows(inputs(), width, pairs.pads.1, device),
            targets: rows(targets(), width, pairs.pads.1, device),
            target_lengths: targets().map(<[u32]>::len).collect(),
        }
    }

    /// How many pairs there are.
    pub fn len(&self) -> usize {
        self.source_lengths.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
