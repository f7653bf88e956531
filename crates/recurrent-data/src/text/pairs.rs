//! ParallelCorpus: a text and what is to be made of it, such as a sentence and its translation.

use std::{
    collections::{HashMap, HashSet},
    marker::PhantomData,
    path::Path,
    sync::Arc,
};

use burn::tensor::{Device, Int, Tensor};

use super::{
    assignment::{Place, Placed, check_part},
    bucket::{bucket, by_length},
    dedup::likeness,
    rows::{longest, rows},
    texts::Texts,
    tokenizer::Tokenizer,
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

/// ParallelCorpus of texts, each of them once.
#[derive(Debug, Clone)]
pub struct ParallelCorpus {
    source: String,
    pairs: Arc<Vec<Pair>>,
    duplicates: usize,
}

impl ParallelCorpus {
    /// Reads two columns of a table: where nobody says, the first two. ParallelCorpus with the same word in
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
        if source == target {
            let expected = "a column of texts and another of their counterparts";
            return Err(DataError::NoColumn { path: path.to_string(), expected });
        }
        let pairs = table.rows().iter().map(|row| {
            Ok(Pair {
                source: table.said(row, source, "a text")?,
                target: table.said(row, target, "a text")?,
                group: group.map(|group| table.said(row, group, "a group")).transpose()?,
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
        let is_known = |index: usize| {
            let (source, target) = &likenesses[index];
            sources.contains(source.as_str()) || targets.contains(target.as_str())
        };
        let Placed { train, valid, test, crossed } = Placed::new(&places, is_known);
        Ok(PairSplit { train: self.part(train)?, valid: self.part(valid)?, test: self.part(test)?, crossed })
    }

    /// All pairs: what a trained model is judged on elsewhere.
    pub fn whole(&self) -> PairSubset<Whole> {
        PairSubset { pairs: self.clone(), indices: (0..self.len()).collect(), role: PhantomData }
    }

    fn part<R: Role>(&self, indices: Vec<usize>) -> Result<PairSubset<R>> {
        check_part::<R>(&self.source, &indices)?;
        Ok(PairSubset { pairs: self.clone(), indices: indices.into(), role: PhantomData })
    }
}

/// ParallelCorpus in three parts, none of which holds a near-copy of what another is trained on.
///
/// A codec is fitted on the training part alone:
///
/// ```compile_fail,E0308
/// # use recurrent_data::{TokenizerKind, PairSplit, Result, Tokenizer};
/// fn cheat(split: &PairSplit) -> Result<Tokenizer> {
///     Tokenizer::fit(TokenizerKind::Bpe, 0, 0, split.test.sources())
/// }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PairSplit {
    /// The pairs to learn from.
    pub train: PairSubset<Train>,
    /// The pairs to choose by.
    pub valid: PairSubset<Valid>,
    /// The pairs to be judged on.
    pub test: PairSubset<Test>,
    /// How many held-out pairs were left out because training has their source or their target.
    pub crossed: usize,
}

/// Some pairs, with their role. Only [`ParallelCorpus`] makes one.
#[derive(Debug, Clone)]
pub struct PairSubset<R: Role> {
    pairs: ParallelCorpus,
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

impl<R: Role> PairSubset<R> {
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
    pub fn encode(&self, source: &Tokenizer, target: &Tokenizer, max_length: usize) -> Result<EncodedPairs<R>> {
        if max_length == 0 {
            return Err(DataError::ZeroLength { what: "length in tokens" });
        }
        let mut truncated = 0;
        let mut cut = |codec: &Tokenizer, text: &str| {
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

/// ParallelCorpus of numbers: a source ends with `<eos>`, a target stands between `<bos>` and `<eos>`.
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

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;
    use crate::{TokenizerConfig, TokenizerKind};

    fn table(text: &str) -> Table {
        Table::from_bytes("p.tsv", text.as_bytes(), None).unwrap()
    }

    fn pairs(text: &str) -> Result<ParallelCorpus> {
        ParallelCorpus::from_table(&table(text), None, None, None)
    }

    fn many(count: usize) -> String {
        (0..count).fold("en\tfr\n".to_string(), |all, i| format!("{all}line {i}\tligne {i}\n"))
    }

    fn sources<R: Role>(part: &PairSubset<R>) -> Vec<String> {
        part.pairs().map(|pair| pair.source.clone()).collect()
    }

    #[test]
    fn the_first_two_columns_are_read_where_nobody_says_which() {
        let text = "en\tfr\tde\nGo!\tVa !\tGeh!\nGo!\tVa !\tLos!\nStop\tHalte\tHalt\n";
        let read = pairs(text).unwrap();
        assert_eq!((read.len(), read.duplicates()), (2, 1));
        assert_eq!(read.pairs()[1], Pair { source: "Stop".into(), target: "Halte".into(), group: None, line: 4 });
        let german = ParallelCorpus::from_table(&table(text), Some("de"), Some("en"), Some("fr")).unwrap();
        assert_eq!((german.len(), german.pairs()[0].group.as_deref()), (3, Some("Va !")));
    }

    #[test]
    fn what_is_no_pair_is_refused() {
        let message = |text: &str| pairs(text).unwrap_err().to_string();
        assert_eq!(message("en\tfr\na\tb\n\tc\n"), "p.tsv, line 3, column `en`: expected a text, found an empty cell");
        assert_eq!(message("en\tfr\na\t\n"), "p.tsv, line 2, column `fr`: expected a text, found an empty cell");
        assert_eq!(
            message("en\na\n"),
            "p.tsv: expected a second column, with the counterpart of the first, found none"
        );
        let error = ParallelCorpus::from_table(&table("en\tfr\na\tb\n"), Some("em"), None, None).unwrap_err();
        assert_eq!(error.to_string(), "p.tsv: expected one of the columns `en`, `fr`, found `em`; did you mean `en`?");
        let error = ParallelCorpus::from_table(&table("en\tfr\tg\na\tb\t\n"), None, None, Some("g")).unwrap_err();
        assert_eq!(error.to_string(), "p.tsv, line 2, column `g`: expected a group, found an empty cell");
    }

    #[test]
    fn two_files_go_line_by_line() {
        let read =
            |en: &str, fr: &str| ParallelCorpus::from_aligned_bytes(("x.en", en.as_bytes()), ("x.fr", fr.as_bytes()));
        let message = |en: &str, fr: &str| read(en, fr).unwrap_err().to_string();
        let both = read("\u{feff}Go!\r\n\r\nStop\n", " Va !\n\nHalte").unwrap();
        assert_eq!(both.pairs()[1], Pair { source: "Stop".into(), target: "Halte".into(), group: None, line: 3 });
        assert_eq!(both.pairs()[0].source, "Go!");
        assert_eq!(message("a\nb\n", "a\n"), "x.en and x.fr: expected as many lines in both, found 2 and 1");
        assert_eq!(
            message("a\nb\n", "a\n \n"),
            "x.fr, line 2: expected the counterpart of the same line in x.en, found an empty line"
        );
        assert_eq!(
            message("\nb\n", "a\nb\n"),
            "x.en, line 1: expected the counterpart of the same line in x.fr, found an empty line"
        );
        assert_eq!(message("\n\n", "\n\n"), "x.en and x.fr: expected pairs of texts, found none");
        assert_eq!(
            ParallelCorpus::from_aligned_bytes(("x.en", b"a"), ("x.fr", b"\xFF")).unwrap_err().to_string(),
            "x.fr, line 1: expected UTF-8 text, found an invalid byte at offset 0"
        );

        let folder = tempfile::tempdir().unwrap();
        let (en, fr) = (folder.path().join("x.en"), folder.path().join("x.fr"));
        fs::write(&en, "a\nb\n").unwrap();
        fs::write(&fr, "c\nd\n").unwrap();
        assert_eq!(ParallelCorpus::from_aligned(&en, &fr).unwrap().len(), 2);
        assert!(ParallelCorpus::from_aligned(&en, folder.path()).is_err());
    }

    #[test]
    fn answers_to_one_source_and_pairs_of_one_group_stay_together() {
        let mut text = "en\tfr\tdoc\n".to_string();
        for i in 0..100 {
            text += &format!("Line {i}.\tligne {i} a\td{}\nline {i}!\tligne {i} b\td{}\n", i % 10, i % 10);
        }
        let split = pairs(&text).unwrap().split(&Ratios::default()).unwrap();
        assert_eq!((split.crossed, split.train.len() % 2, split.valid.len() % 2), (0, 0, 0));

        let grouped = ParallelCorpus::from_table(&table(&text), None, None, Some("doc")).unwrap();
        let ratios = Ratios::new(0.5, 0.25, 0.25).unwrap();
        let split = grouped.split(&ratios).unwrap();
        assert_eq!((split.train.len() % 20, split.valid.len() % 20, split.test.len() % 20), (0, 0, 0));
    }

    #[test]
    fn near_copies_do_not_cross() {
        let plain = pairs(&many(200)).unwrap().split(&Ratios::default()).unwrap();
        let (known, held) = (sources(&plain.train)[0].clone(), sources(&plain.test)[0].clone());
        let number = known.strip_prefix("line ").unwrap();
        // A held-out source gets a target that training has, written otherwise.
        let text = many(200) + &format!("{held}\tLIGNE {number}!\n");
        let split = pairs(&text).unwrap().split(&Ratios::default()).unwrap();
        assert_eq!(split.crossed, 1);
        assert_eq!(sources(&split.test), sources(&plain.test));

        // With groups a source can stand in two parts, and then it must not.
        let mut text = "en\tfr\tdoc\n".to_string();
        for i in 0..100 {
            text += &format!("line {i}\tligne {i}\td{i}\nthe same\tle même {i}\td{i}\n");
        }
        let split = ParallelCorpus::from_table(&table(&text), None, None, Some("doc")).unwrap();
        let split = split.split(&Ratios::default()).unwrap();
        assert!(split.crossed > 10);
        assert!(!sources(&split.test).contains(&"the same".to_string()));
        assert_eq!(split.train.len() + split.valid.len() + split.test.len() + split.crossed, 200);
    }

    #[test]
    fn a_part_cannot_be_empty() {
        assert_eq!(
            pairs("en\tfr\na\tb\n").unwrap().split(&Ratios::new(0.998, 0.001, 0.001).unwrap()).unwrap_err().to_string(),
            "p.tsv (valid): expected at least 1 row for each part of a split, found 0"
        );
    }

    #[test]
    fn a_source_is_scored_against_all_its_targets() {
        let whole = pairs("en\tfr\nGo!\tVa !\nStop\tHalte\nGo!\tPars !\n").unwrap().whole();
        assert_eq!(
            whole.references(),
            [
                Translations { source: "Go!".into(), targets: vec!["Va !".into(), "Pars !".into()], line: 2 },
                Translations { source: "Stop".into(), targets: vec!["Halte".into()], line: 3 },
            ]
        );
    }

    fn encoded(max_length: usize) -> EncodedPairs<Whole> {
        let whole = pairs("en\tfr\nab\tba\na\tabab\nb\tb\n").unwrap().whole();
        let codec = Tokenizer::fit_texts(&TokenizerConfig::new(TokenizerKind::Chars), ["ab"]).unwrap();
        whole.encode(&codec, &codec, max_length).unwrap()
    }

    #[test]
    fn targets_are_framed_and_long_texts_cut() {
        let pairs = encoded(10);
        assert_eq!((pairs.source(0), pairs.target(0)), (&[4, 5, 2][..], &[1, 5, 4, 2][..]));
        assert_eq!(pairs.truncated(), 0);
        let cut = encoded(1);
        assert_eq!((cut.source(0), cut.target(1), cut.truncated()), (&[4, 2][..], &[1, 4, 2][..], 3));
        let whole = super::tests::pairs("en\tfr\nab\tba\n").unwrap().whole();
        let codec = Tokenizer::fit_texts(&TokenizerConfig::new(TokenizerKind::Chars), ["ab"]).unwrap();
        assert_eq!(
            whole.encode(&codec, &codec, 0).unwrap_err().to_string(),
            "expected a length in tokens of at least 1, found 0"
        );
    }

    #[test]
    fn a_batch_is_filled_up() {
        let pairs = encoded(10);
        let batch = PairBatch::gather(&pairs, &[1, 0], &Device::default());
        let numbers = |tensor: Tensor<2, Int>| tensor.into_data().iter::<i64>().collect::<Vec<_>>();
        assert_eq!((batch.source.dims(), batch.inputs.dims(), batch.len()), ([2, 3], [2, 5], 2));
        assert_eq!((&batch.source_lengths[..], &batch.target_lengths[..]), (&[2, 3][..], &[5, 3][..]));
        assert_eq!(numbers(batch.source), [4, 2, 0, 4, 5, 2]);
        assert_eq!(numbers(batch.inputs), [1, 4, 5, 4, 5, 1, 5, 4, 0, 0]);
        assert_eq!(numbers(batch.targets), [4, 5, 4, 5, 2, 5, 4, 2, 0, 0]);
        assert_eq!(pairs.by_length(2), [vec![2, 1], vec![0]]);
        assert_eq!(pairs.bucket(&[0, 1, 2], 2), [vec![2, 1], vec![0]]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn a_pair_stays_where_it_is_whatever_stands_around_it(
            order in Just((0..120_usize).collect::<Vec<_>>()).prop_shuffle(),
            left_out in 0_usize..30,
        ) {
            let text = many(120);
            let rows: Vec<&str> = text.lines().skip(1).collect();
            let shuffled = order[left_out..].iter().map(|row| format!("{}\n", rows[*row]));
            let shuffled = format!("en\tfr\n{}", shuffled.collect::<String>());
            let ratios = Ratios::default();
            let (before, after) = (pairs(&text).unwrap().split(&ratios), pairs(&shuffled).unwrap().split(&ratios));
            let (before, Ok(after)) = (before.unwrap(), after) else { return Ok(()) };
            let test = sources(&before.test);
            prop_assert!(sources(&after.test).iter().all(|source| test.contains(source)));
            let train = sources(&before.train);
            prop_assert!(sources(&after.train).iter().all(|source| train.contains(source)));
        }
    }
}
