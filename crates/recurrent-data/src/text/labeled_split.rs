//! Labeled texts split into training, validation and test texts.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    marker::PhantomData,
    sync::Arc,
};

use super::assignment::{Assigned, SplitAssignment, check_not_empty};
use super::dedup::dedup_key;
use super::labeled_texts::{LabeledText, LabeledTexts};
use super::texts::Texts;
use crate::error::{DataError, Result};
use crate::fractions::SplitFractions;
use crate::role::{Role, Test, Train, Valid, Whole};
use crate::table::shortened;

/// The maximum number of labels; a column with more is probably not one of labels.
const MAX_LABELS: usize = 1000;

/// Labeled texts split in three, without near-duplicates of training texts in the other two.
///
/// A tokenizer is fitted on the training texts only:
///
/// ```compile_fail,E0308
/// # use recurrent_data::{LabeledSplit, Result, Tokenizer, TokenizerConfig, TokenizerKind};
/// fn leak(split: &LabeledSplit) -> Result<Tokenizer> {
///     Tokenizer::fit(&TokenizerConfig::new(TokenizerKind::Words), split.test.texts())
/// }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LabeledSplit {
    /// The training texts.
    pub train: LabeledSubset<Train>,
    /// The validation texts.
    pub valid: LabeledSubset<Valid>,
    /// The test texts.
    pub test: LabeledSubset<Test>,
    /// The labels of the training texts, sorted, or those of [`with_labels`](Self::with_labels). The id of a label is its
    /// index here.
    pub labels: Arc<[String]>,
    /// The number of held-out texts that were dropped as near-duplicates of training texts.
    pub near_duplicates: usize,
}

impl LabeledSplit {
    /// The same texts with these labels in this order, which may be more than those of the training texts.
    ///
    /// # Errors
    /// If a text has another label.
    pub fn with_labels(self, labels: &[String]) -> Result<Self> {
        let labels: Arc<[String]> = labels.into();
        Ok(Self {
            train: self.train.with_labels(&labels)?,
            valid: self.valid.with_labels(&labels)?,
            test: self.test.with_labels(&labels)?,
            labels,
            near_duplicates: self.near_duplicates,
        })
    }
}

impl LabeledTexts {
    /// Splits the texts in three, by the split column of the table if there is one. If it assigns no text to `valid`,
    /// the validation texts are taken from the training texts, in the proportion of the fractions.
    ///
    /// Otherwise a text is assigned by a hash of its letters and digits, so that it stays in its subset when others are
    /// added, removed or reordered.
    ///
    /// Held-out texts are dropped as near-duplicates if they occur in training, ignoring case, spaces and punctuation.
    ///
    /// # Errors
    /// If a subset would be empty, the training texts have fewer than two labels or more than 1000, or another text has
    /// a label that they do not have.
    pub fn split(&self, fractions: &SplitFractions) -> Result<LabeledSplit> {
        let keys: Vec<String> = self.texts().iter().map(|text| dedup_key(&text.text)).collect();
        let assignments = assignments(self, &keys, fractions);
        let training = keys.iter().zip(&assignments).filter(|(_, a)| **a == SplitAssignment::Train);
        let training: HashSet<&str> = training.map(|(key, _)| key.as_str()).collect();

        let is_in_training = |index: usize| training.contains(keys[index].as_str());
        let Assigned { train, valid, test, near_duplicates } = Assigned::new(&assignments, is_in_training);
        check_not_empty::<Train>(self.source(), &train, 0, "the text")?;
        let labels = labels(self, &train)?;
        Ok(LabeledSplit {
            train: LabeledSubset::new(self, train, &labels, 0)?,
            valid: LabeledSubset::new(self, valid, &labels, near_duplicates)?,
            test: LabeledSubset::new(self, test, &labels, near_duplicates)?,
            labels,
            near_duplicates,
        })
    }

    /// All texts, to evaluate a trained model with these labels on.
    ///
    /// # Errors
    /// If a text has another label.
    pub fn whole(&self, labels: &[String]) -> Result<LabeledSubset<Whole>> {
        LabeledSubset::new(self, (0..self.len()).collect(), &labels.into(), 0)
    }
}

fn assignments(texts: &LabeledTexts, keys: &[String], fractions: &SplitFractions) -> Vec<SplitAssignment> {
    let has = |assignment| texts.texts().iter().any(|text| text.assignment == Some(assignment));
    let lacks_valid = texts.has_split_column() && !has(SplitAssignment::Valid);
    let texts = texts.texts().iter().zip(keys);
    texts.map(|(text, key)| SplitAssignment::resolved(text.assignment, key, fractions, lacks_valid)).collect()
}

/// The sorted labels of the training texts.
fn labels(texts: &LabeledTexts, train: &[usize]) -> Result<Arc<[String]>> {
    let labels: BTreeSet<&String> = train.iter().map(|index| &texts.texts()[*index].label).collect();
    let (path, column) = (texts.source().to_string(), texts.label_column().to_string());
    if labels.len() > MAX_LABELS {
        return Err(DataError::TooManyLabels { path, column, limit: MAX_LABELS, found: labels.len() });
    }
    match labels.iter().next() {
        Some(found) if labels.len() == 1 => Err(DataError::SingleLabel { path, column, found: shortened(found) }),
        _ => Ok(labels.into_iter().cloned().collect()),
    }
}

/// Some labeled texts, with their role. Only [`LabeledTexts`] makes one.
#[derive(Debug, Clone)]
pub struct LabeledSubset<R: Role> {
    texts: LabeledTexts,
    indices: Vec<usize>,
    label_ids: Vec<usize>,
    labels: Arc<[String]>,
    role: PhantomData<R>,
}

impl<R: Role> LabeledSubset<R> {
    fn new(texts: &LabeledTexts, indices: Vec<usize>, labels: &Arc<[String]>, near_duplicates: usize) -> Result<Self> {
        check_not_empty::<R>(texts.source(), &indices, near_duplicates, "the text")?;
        let ids: HashMap<&str, usize> = labels.iter().map(String::as_str).zip(0..).collect();
        let label_id = |index: &usize| {
            let LabeledText { label, line, .. } = &texts.texts()[*index];
            ids.get(label.as_str()).copied().ok_or_else(|| DataError::UnknownLabel {
                path: texts.source().to_string(),
                line: *line,
                column: texts.label_column().to_string(),
                found: shortened(label),
                labels: labels.to_vec(),
            })
        };
        let label_ids = indices.iter().map(label_id).collect::<Result<_>>()?;
        Ok(Self { texts: texts.clone(), indices, label_ids, labels: Arc::clone(labels), role: PhantomData })
    }

    fn with_labels(self, labels: &Arc<[String]>) -> Result<Self> {
        Self::new(&self.texts, self.indices, labels, 0)
    }

    /// The name of the texts in error messages.
    pub fn source(&self) -> &str {
        self.texts.source()
    }

    /// The number of texts, at least one.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether there are no texts; always `false`.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// The texts with their labels, in the order of their lines.
    pub fn labeled(&self) -> impl Iterator<Item = &LabeledText> {
        self.indices.iter().map(|index| &self.texts.texts()[*index])
    }

    /// The texts alone.
    pub fn texts(&self) -> Texts<'_, R> {
        Texts::borrowed(self.labeled().map(|text| text.text.as_str()))
    }

    /// All labels, sorted. The id of a label is its index here.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The label id of each text.
    pub fn label_ids(&self) -> &[usize] {
        &self.label_ids
    }

    pub(crate) fn shared_labels(&self) -> &Arc<[String]> {
        &self.labels
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Table;

    fn labeled(text: &str) -> Result<LabeledTexts> {
        LabeledTexts::from_table(&Table::from_bytes("l.csv", text.as_bytes(), None)?, None, None, None)
    }

    fn many(count: usize) -> String {
        let row = |i: usize| format!("good {i},pos\nbad {i},neg\n");
        "review,sentiment\n".to_string() + &(0..count).map(row).collect::<String>()
    }

    fn texts<R: Role>(subset: &LabeledSubset<R>) -> Vec<String> {
        subset.labeled().map(|text| text.text.clone()).collect()
    }

    fn message(text: &str) -> String {
        let split = labeled(text).and_then(|labeled| labeled.split(&SplitFractions::default()));
        split.unwrap_err().to_string()
    }

    #[test]
    fn invalid_labeled_texts_are_rejected() {
        assert_eq!(
            message("text,label\na,pos\n,neg\n"),
            "l.csv, line 3, column `text`: expected a text, found an empty cell"
        );
        assert_eq!(
            message("text,label\na,pos\nb,\n"),
            "l.csv, line 3, column `label`: expected a label, found an empty cell"
        );
        assert_eq!(message("text\na\n"), "l.csv: expected a column of texts and another of labels, found none");
        assert_eq!(
            message("text,label,part\na,pos,train\nb,neg,dev\n"),
            "l.csv, line 3, column `part`: expected train, valid or test, found `dev`"
        );
        assert_eq!(
            message("text,label,part\na,pos,train\nb,pos,train\nc,neg,valid\nd,pos,test\n"),
            "l.csv (train), column `label`: expected at least two different labels, found only `pos`"
        );
        let parts = "text,label,part\na,pos,train\nb,neg,train\nc,neg,valid\n";
        assert_eq!(
            message(&format!("{parts}d,nge,test\n")),
            "l.csv, line 5, column `label`: expected a label of the training texts, one of `neg`, `pos`, found `nge`"
        );
        assert_eq!(message(parts), "l.csv (test): expected at least 1 row for each subset of the split, found 0");
        let numbers: String = (0..2000).map(|i| format!("text {i},{i}\n")).collect();
        assert_eq!(
            message(&format!("text,label\n{numbers}")),
            "l.csv, column `label`: expected at most 1000 different labels, found 1384; is it the label column?"
        );
    }

    #[test]
    fn only_some_of_many_labels_are_listed() {
        let row = |i: usize| format!("text {i},label {i},train\n");
        let rows: String = (0..20).map(row).collect();
        assert_eq!(
            message(&format!("text,label,part\n{rows}a,label 20,valid\nb,label 0,test\n")),
            "l.csv, line 22, column `label`: expected a label of the training texts, one of 20, such as `label 0`, \
             `label 1`, `label 10`, found `label 20`; did you mean `label 0`?"
        );
    }

    #[test]
    fn labels_are_sorted() {
        let split = labeled(&many(100)).unwrap().split(&SplitFractions::default()).unwrap();
        assert_eq!(&*split.labels, ["neg", "pos"]);
        assert_eq!(split.train.len() + split.valid.len() + split.test.len(), 200);
        let test = split.test.labeled().zip(split.test.label_ids());
        assert!(test.into_iter().all(|(text, id)| split.labels[*id] == text.label));
    }

    #[test]
    fn split_column_is_used() {
        let all = "text,label,part\na,x,test\nb,x,train\nc,y,train\nd,y,valid\n";
        let split = labeled(all).unwrap().split(&SplitFractions::default()).unwrap();
        assert_eq!((texts(&split.train), texts(&split.valid)), (vec!["b".into(), "c".into()], vec!["d".into()]));
        assert_eq!(texts(&split.test), ["a"]);
    }

    #[test]
    fn missing_validation_texts_are_taken_from_training() {
        let rows: String = (0..200).map(|i| format!("text {i},l{},train\n", i % 2)).collect();
        let labeled = labeled(&format!("text,label,part\n{rows}other,l0,test\n")).unwrap();
        let split = labeled.split(&SplitFractions::default()).unwrap();
        assert_eq!((split.train.len() + split.valid.len(), split.test.len()), (200, 1));
        assert!((20..50).contains(&split.valid.len()), "{}", split.valid.len());
    }

    #[test]
    fn near_duplicates_are_dropped_and_order_does_not_matter() {
        let plain = labeled(&many(100)).unwrap().split(&SplitFractions::default()).unwrap();
        let text = many(100);
        let lines: Vec<&str> = text.lines().skip(1).collect();
        let reversed: String = lines.iter().rev().map(|line| format!("{line}\n")).collect();
        let turned =
            labeled(&format!("review,sentiment\n{reversed}")).unwrap().split(&SplitFractions::default()).unwrap();
        let sorted = |mut texts: Vec<String>| {
            texts.sort();
            texts
        };
        assert_eq!(sorted(texts(&turned.test)), sorted(texts(&plain.test)));
        assert_eq!(sorted(texts(&turned.valid)), sorted(texts(&plain.valid)));

        let all = "text,label,part\nA film.,x,train\nb,y,train\na FILM,x,test\nd,y,test\nb!,y,valid\nc,x,valid\n";
        let split = labeled(all).unwrap().split(&SplitFractions::default()).unwrap();
        assert_eq!(
            (split.near_duplicates, texts(&split.test), texts(&split.valid)),
            (2, vec!["d".into()], vec!["c".into()])
        );
    }

    #[test]
    fn other_table_is_read_with_given_labels() {
        let labels = ["neg".to_string(), "pos".to_string()];
        let whole = labeled("text,label\nfine,pos\n").unwrap().whole(&labels).unwrap();
        assert_eq!(whole.label_ids(), [1]);
        let error = labeled("text,label\nfine,Pos\n").unwrap().whole(&labels).unwrap_err();
        assert_eq!(
            error.to_string(),
            "l.csv, line 2, column `label`: expected a label of the training texts, one of `neg`, `pos`, found `Pos`; \
             did you mean `pos`?"
        );
    }
}
