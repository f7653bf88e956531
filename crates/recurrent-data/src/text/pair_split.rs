//! A parallel corpus split into training, validation and test pairs.

use std::{
    collections::{HashMap, HashSet},
    marker::PhantomData,
    sync::Arc,
};

use super::assignment::{Assigned, SplitAssignment, check_not_empty};
use super::dedup::dedup_key;
use super::parallel_corpus::{Pair, ParallelCorpus};
use super::texts::Texts;
use crate::error::Result;
use crate::fractions::SplitFractions;
use crate::role::{Role, Test, Train, Valid, Whole};

/// A parallel corpus split in three, without near-duplicates of training pairs in the other two.
///
/// Tokenizers are fitted on the training pairs only:
///
/// ```compile_fail,E0308
/// # use recurrent_data::{PairSplit, Result, Tokenizer, TokenizerConfig, TokenizerKind};
/// fn leak(split: &PairSplit) -> Result<Tokenizer> {
///     Tokenizer::fit(&TokenizerConfig::new(TokenizerKind::Bpe), split.test.sources())
/// }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PairSplit {
    /// The training pairs.
    pub train: PairSubset<Train>,
    /// The validation pairs.
    pub valid: PairSubset<Valid>,
    /// The test pairs.
    pub test: PairSubset<Test>,
    /// The number of held-out pairs that were dropped as near-duplicates of training pairs.
    pub near_duplicates: usize,
}

impl ParallelCorpus {
    /// Splits the pairs in three.
    ///
    /// A pair is assigned by a hash of its group; without a group, of the letters and digits of its source. So all
    /// targets of a source stay together, and a pair stays in its subset when others are added, removed or reordered.
    ///
    /// Held-out pairs are dropped as near-duplicates if their source or target occurs in training, ignoring case,
    /// spaces and punctuation.
    ///
    /// # Errors
    /// If a subset would be empty.
    pub fn split(&self, fractions: &SplitFractions) -> Result<PairSplit> {
        let keys: Vec<_> = self.pairs().iter().map(|pair| (dedup_key(&pair.source), dedup_key(&pair.target))).collect();
        let assign = |(pair, (source, _)): (&Pair, &(String, String))| {
            SplitAssignment::of(pair.group.as_deref().unwrap_or(source), fractions)
        };
        let assignments: Vec<SplitAssignment> = self.pairs().iter().zip(&keys).map(assign).collect();

        let (mut sources, mut targets) = (HashSet::new(), HashSet::new());
        for ((source, target), _) in keys.iter().zip(&assignments).filter(|(_, a)| **a == SplitAssignment::Train) {
            sources.insert(source.as_str());
            targets.insert(target.as_str());
        }
        let is_in_training = |index: usize| {
            let (source, target) = &keys[index];
            sources.contains(source.as_str()) || targets.contains(target.as_str())
        };
        let Assigned { train, valid, test, near_duplicates } = Assigned::new(&assignments, is_in_training);
        Ok(PairSplit {
            train: PairSubset::new(self, train, 0)?,
            valid: PairSubset::new(self, valid, near_duplicates)?,
            test: PairSubset::new(self, test, near_duplicates)?,
            near_duplicates,
        })
    }

    /// All pairs, to evaluate a trained model on.
    pub fn whole(&self) -> PairSubset<Whole> {
        PairSubset { corpus: self.clone(), indices: (0..self.len()).collect(), role: PhantomData }
    }
}

/// Some pairs, with their role. Only [`ParallelCorpus`] makes one.
#[derive(Debug, Clone)]
pub struct PairSubset<R: Role> {
    corpus: ParallelCorpus,
    indices: Arc<[usize]>,
    role: PhantomData<R>,
}

/// A source and all its reference translations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceSet {
    /// The source text.
    pub source: String,
    /// The references, in the order of their lines.
    pub references: Vec<String>,
    /// The line of the first reference.
    pub line: usize,
}

impl<R: Role> PairSubset<R> {
    fn new(corpus: &ParallelCorpus, indices: Vec<usize>, near_duplicates: usize) -> Result<Self> {
        check_not_empty::<R>(corpus.source(), &indices, near_duplicates, "the source or the target")?;
        Ok(Self { corpus: corpus.clone(), indices: indices.into(), role: PhantomData })
    }

    /// The name of the pairs in error messages.
    pub fn source(&self) -> &str {
        self.corpus.source()
    }

    /// The number of pairs, at least one.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether there are no pairs; always `false`.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// The pairs, in the order of their lines.
    pub fn pairs(&self) -> impl Iterator<Item = &Pair> {
        self.indices.iter().map(|index| &self.corpus.pairs()[*index])
    }

    /// At most so many pairs, at least one, spread evenly over all.
    #[must_use]
    pub fn spread_out(&self, count: usize) -> Self {
        let (count, all) = (count.clamp(1, self.len()), self.len());
        let indices = (0..count).map(|place| self.indices[place * all / count]).collect();
        Self { corpus: self.corpus.clone(), indices, role: PhantomData }
    }

    /// The source texts.
    pub fn sources(&self) -> Texts<'_, R> {
        Texts::borrowed(self.pairs().map(|pair| pair.source.as_str()))
    }

    /// The target texts.
    pub fn targets(&self) -> Texts<'_, R> {
        Texts::borrowed(self.pairs().map(|pair| pair.target.as_str()))
    }

    /// Each source once, in the order of the lines, with all its targets as references: for metrics with several
    /// references.
    pub fn references(&self) -> Vec<ReferenceSet> {
        let mut all: Vec<ReferenceSet> = Vec::new();
        let mut indices: HashMap<&str, usize> = HashMap::new();
        for Pair { source, target, line, .. } in self.pairs() {
            let index = *indices.entry(source).or_insert(all.len());
            if index == all.len() {
                all.push(ReferenceSet { source: source.clone(), references: vec![], line: *line });
            }
            all[index].references.push(target.clone());
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Table;

    fn table(text: &str) -> Table {
        Table::from_bytes("p.tsv", text.as_bytes(), None).unwrap()
    }

    fn corpus(text: &str) -> ParallelCorpus {
        ParallelCorpus::from_table(&table(text), None, None, None).unwrap()
    }

    fn many(count: usize) -> String {
        (0..count).fold("en\tfr\n".to_string(), |all, i| format!("{all}line {i}\tligne {i}\n"))
    }

    fn sources<R: Role>(subset: &PairSubset<R>) -> Vec<String> {
        subset.pairs().map(|pair| pair.source.clone()).collect()
    }

    #[test]
    fn part_is_spread_over_all_pairs() {
        let whole = corpus(&many(10)).whole();
        assert_eq!(sources(&whole.spread_out(3)), ["line 0", "line 3", "line 6"]);
        assert_eq!(sources(&whole.spread_out(0)), ["line 0"]);
        assert_eq!(whole.spread_out(99).len(), 10);
    }

    #[test]
    fn equal_sources_and_groups_stay_together() {
        let mut text = "en\tfr\tdoc\n".to_string();
        for i in 0..100 {
            text += &format!("Line {i}.\tligne {i} a\td{}\nline {i}!\tligne {i} b\td{}\n", i % 10, i % 10);
        }
        let split = corpus(&text).split(&SplitFractions::default()).unwrap();
        assert_eq!((split.near_duplicates, split.train.len() % 2, split.valid.len() % 2), (0, 0, 0));

        let grouped = ParallelCorpus::from_table(&table(&text), None, None, Some("doc")).unwrap();
        let fractions = SplitFractions::new(0.5, 0.25, 0.25).unwrap();
        let split = grouped.split(&fractions).unwrap();
        assert_eq!((split.train.len() % 20, split.valid.len() % 20, split.test.len() % 20), (0, 0, 0));
    }

    #[test]
    fn near_duplicates_are_dropped() {
        let plain = corpus(&many(200)).split(&SplitFractions::default()).unwrap();
        let (known, held_out) = (sources(&plain.train)[0].clone(), sources(&plain.test)[0].clone());
        let number = known.strip_prefix("line ").unwrap();
        // A held-out source with a training target in other case.
        let text = many(200) + &format!("{held_out}\tLIGNE {number}!\n");
        let split = corpus(&text).split(&SplitFractions::default()).unwrap();
        assert_eq!(split.near_duplicates, 1);
        assert_eq!(sources(&split.test), sources(&plain.test));

        // With groups, equal sources can be assigned to different subsets.
        let mut text = "en\tfr\tdoc\n".to_string();
        for i in 0..100 {
            text += &format!("line {i}\tligne {i}\td{i}\nthe same\tle même {i}\td{i}\n");
        }
        let split = ParallelCorpus::from_table(&table(&text), None, None, Some("doc")).unwrap();
        let split = split.split(&SplitFractions::default()).unwrap();
        assert!(split.near_duplicates > 10);
        assert!(!sources(&split.test).contains(&"the same".to_string()));
        assert_eq!(split.train.len() + split.valid.len() + split.test.len() + split.near_duplicates, 200);
    }

    #[test]
    fn empty_subset_is_rejected() {
        let fractions = SplitFractions::new(0.998, 0.001, 0.001).unwrap();
        assert_eq!(
            corpus("en\tfr\na\tb\n").split(&fractions).unwrap_err().to_string(),
            "p.tsv (valid): expected at least 1 row for each subset of the split, found 0"
        );
    }

    #[test]
    fn an_empty_subset_tells_its_near_duplicates() {
        let row = |i: usize| format!("day {i}\t{}\n", ["winter", "summer"][i % 2]);
        let text = "day\tseason\n".to_string() + &(0..100).map(row).collect::<String>();
        let error = corpus(&text).split(&SplitFractions::default()).unwrap_err().to_string();
        assert!(error.starts_with("p.tsv (valid): expected at least 1 row for each subset of the split, found 0: "));
        assert!(error.ends_with("since they nearly equal training rows in the source or the target"), "{error}");
    }

    #[test]
    fn references_are_collected_by_source() {
        let whole = corpus("en\tfr\nGo!\tVa !\nStop\tHalte\nGo!\tPars !\n").whole();
        assert_eq!(
            whole.references(),
            [
                ReferenceSet { source: "Go!".into(), references: vec!["Va !".into(), "Pars !".into()], line: 2 },
                ReferenceSet { source: "Stop".into(), references: vec!["Halte".into()], line: 3 },
            ]
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn assignment_does_not_depend_on_other_pairs(
            order in Just((0..120_usize).collect::<Vec<_>>()).prop_shuffle(),
            left_out in 0_usize..30,
        ) {
            let text = many(120);
            let rows: Vec<&str> = text.lines().skip(1).collect();
            let shuffled = order[left_out..].iter().map(|row| format!("{}\n", rows[*row]));
            let shuffled = format!("en\tfr\n{}", shuffled.collect::<String>());
            let fractions = SplitFractions::default();
            let (before, after) = (corpus(&text).split(&fractions), corpus(&shuffled).split(&fractions));
            let (before, Ok(after)) = (before.unwrap(), after) else { return Ok(()) };
            let test = sources(&before.test);
            prop_assert!(sources(&after.test).iter().all(|source| test.contains(source)));
            let train = sources(&before.train);
            prop_assert!(sources(&after.train).iter().all(|source| train.contains(source)));
        }
    }
}
