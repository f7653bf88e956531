//! Texts with labels, such as a review and whether it is a good one.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    marker::PhantomData,
    sync::Arc,
};

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::{
    assignment::{Place, Placed, check_part},
    bucket::{bucket, by_length},
    dedup::likeness,
    rows::{longest, rows},
    texts::Texts,
    tokenizer::Tokenizer,
};
use crate::{
    DataError, Ratios, Result, Role, Table, Test, Train, Valid, Whole,
    table::{Row, shortened},
};

/// Names, in any case, under which the columns are found without being asked for.
const TEXT_HEADERS: &[&str] = &["text", "sentence", "review"];
const LABEL_HEADERS: &[&str] = &["label", "sentiment", "class"];
const PART_HEADERS: &[&str] = &["part"];

/// More labels than this are no labels.
const MOST_LABELS: usize = 1000;

/// A text and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabeledText {
    /// The text, which is not empty.
    pub text: String,
    /// Its label, which is not empty.
    pub label: String,
    /// The line of the file on which it stands, counted from 1.
    pub line: usize,
    place: Option<Place>,
}

/// Texts with labels.
#[derive(Debug, Clone)]
pub struct LabeledTexts {
    source: String,
    column: String,
    texts: Arc<Vec<LabeledText>>,
}

impl LabeledTexts {
    /// Reads two columns of a table. Where nobody says which, the texts are in the column called
    /// text, sentence or review (in any case), or else in the first, and the labels in the one
    /// called label, sentiment or class, or else in the last.
    ///
    /// A third column says of each text whether it is for `train`, `valid` or `test`. Where nobody
    /// says which, it is the one called part, if there is one.
    ///
    /// # Errors
    /// If a column is not there, a text or label is empty, or a part is none of the three.
    pub fn from_table(
        table: &Table,
        text_column: Option<&str>,
        label_column: Option<&str>,
        part_column: Option<&str>,
    ) -> Result<Self> {
        let find = |name: Option<&str>, usual: &[&str]| match name {
            Some(name) => table.index_of(name).map(Some),
            None => Ok(usual.iter().find_map(|name| position(table, name))),
        };
        let text = find(text_column, TEXT_HEADERS)?.unwrap_or(0);
        let label = find(label_column, LABEL_HEADERS)?.unwrap_or(table.headers().len() - 1);
        let part = find(part_column, PART_HEADERS)?;
        if text == label {
            let expected = "a column of texts and another of labels";
            return Err(DataError::NoColumn { path: table.source().to_string(), expected });
        }
        let texts = table.rows().iter().map(|row| {
            Ok(LabeledText {
                text: table.said(row, text, "a text")?,
                label: table.said(row, label, "a label")?,
                line: row.line(),
                place: part.map(|part| place(table, row, part)).transpose()?,
            })
        });
        Ok(Self {
            source: table.source().to_string(),
            column: table.headers()[label].clone(),
            texts: Arc::new(texts.collect::<Result<_>>()?),
        })
    }

    /// What errors call them.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// How many there are, at least one.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there is none: never.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The texts, in their order.
    pub fn texts(&self) -> &[LabeledText] {
        &self.texts
    }

    /// Whether the table said which part each text is for.
    pub fn has_parts(&self) -> bool {
        self.texts.iter().any(|text| text.place.is_some())
    }

    /// Puts each text into the part that the table says, and where it says nothing into one that
    /// follows from the text's letters and digits: it stays there whatever is added, taken away or
    /// put into another order. Where the table has texts to train and to test, but none to choose
    /// by, these are taken from those to train, in the proportion that the ratios have.
    ///
    /// A held-out text that occurs in training too, if only in other case or with other
    /// punctuation, is left out.
    ///
    /// The labels are those of training.
    ///
    /// # Errors
    /// If a part is empty, training has fewer than two labels or more than 1000, or a text to
    /// choose by or to be judged on has one that training has not.
    pub fn split(&self, ratios: &Ratios) -> Result<LabeledSplit> {
        let likenesses: Vec<String> = self.texts.iter().map(|text| likeness(&text.text)).collect();
        let places = self.places(&likenesses, ratios);
        let trained = likenesses.iter().zip(&places).filter(|(_, place)| **place == Place::Train);
        let trained: HashSet<&str> = trained.map(|(like, _)| like.as_str()).collect();

        let is_known = |index: usize| trained.contains(likenesses[index].as_str());
        let Placed { train, valid, test, crossed } = Placed::new(&places, is_known);
        check_part::<Train>(&self.source, &train)?;
        let labels = self.labels(&train)?;
        Ok(LabeledSplit {
            train: self.part(train, &labels)?,
            valid: self.part(valid, &labels)?,
            test: self.part(test, &labels)?,
            labels,
            crossed,
        })
    }

    /// All texts, with the labels that a trained model knows, which it is judged on elsewhere.
    ///
    /// # Errors
    /// If a text has none of these labels.
    pub fn whole(&self, labels: &[String]) -> Result<LabeledSubset<Whole>> {
        self.part((0..self.len()).collect(), &labels.into())
    }

    fn places(&self, likenesses: &[String], ratios: &Ratios) -> Vec<Place> {
        let given = |place| self.texts.iter().any(|text| text.place == Some(place));
        let lacks_valid = self.has_parts() && !given(Place::Valid);
        let texts = self.texts.iter().zip(likenesses);
        let place = texts.map(|(text, like)| match text.place {
            None => Place::of(like, ratios),
            Some(Place::Train) if lacks_valid => Place::before_test(like, ratios),
            Some(place) => place,
        });
        place.collect()
    }

    fn labels(&self, train: &[usize]) -> Result<Arc<[String]>> {
        let labels: BTreeSet<&String> = train.iter().map(|index| &self.texts[*index].label).collect();
        let (path, column) = (self.source.clone(), self.column.clone());
        if labels.len() > MOST_LABELS {
            return Err(DataError::TooManyLabels { path, column, limit: MOST_LABELS, found: labels.len() });
        }
        match labels.iter().next() {
            Some(found) if labels.len() == 1 => Err(DataError::OneLabel { path, column, found: shortened(found) }),
            _ => Ok(labels.into_iter().cloned().collect()),
        }
    }

    fn part<R: Role>(&self, indices: Vec<usize>, labels: &Arc<[String]>) -> Result<LabeledSubset<R>> {
        check_part::<R>(&self.source, &indices)?;
        let known: HashMap<&str, usize> = labels.iter().map(String::as_str).zip(0..).collect();
        let number = |index: &usize| {
            let LabeledText { label, line, .. } = &self.texts[*index];
            known.get(label.as_str()).copied().ok_or_else(|| DataError::UnknownLabel {
                path: self.source.clone(),
                line: *line,
                column: self.column.clone(),
                found: shortened(label),
                labels: labels.to_vec(),
            })
        };
        let numbers = indices.iter().map(number).collect::<Result<_>>()?;
        Ok(LabeledSubset { texts: self.clone(), indices, numbers, labels: Arc::clone(labels), role: PhantomData })
    }
}

fn position(table: &Table, name: &str) -> Option<usize> {
    table.headers().iter().position(|header| header.eq_ignore_ascii_case(name))
}

fn place(table: &Table, row: &Row, column: usize) -> Result<Place> {
    match row.cell(column) {
        "train" => Ok(Place::Train),
        "valid" => Ok(Place::Valid),
        "test" => Ok(Place::Test),
        found => Err(DataError::UnknownPart {
            path: table.source().to_string(),
            line: row.line(),
            column: table.headers()[column].clone(),
            found: shortened(found),
        }),
    }
}

/// Texts with labels in three parts, none of which holds a near-copy of what another is trained on.
///
/// A codec is fitted on the training part alone:
///
/// ```compile_fail,E0308
/// # use recurrent_data::{TokenizerKind, LabeledSplit, Result, Tokenizer};
/// fn cheat(split: &LabeledSplit) -> Result<Tokenizer> {
///     Tokenizer::fit(TokenizerKind::Words, 0, 0, split.test.texts())
/// }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LabeledSplit {
    /// The texts to learn from.
    pub train: LabeledSubset<Train>,
    /// The texts to choose by.
    pub valid: LabeledSubset<Valid>,
    /// The texts to be judged on.
    pub test: LabeledSubset<Test>,
    /// The labels of training, sorted. A label's number is its place here.
    pub labels: Arc<[String]>,
    /// How many held-out texts were left out because training has them.
    pub crossed: usize,
}

/// Some texts with labels, with their role. Only [`LabeledTexts`] makes one.
#[derive(Debug, Clone)]
pub struct LabeledSubset<R: Role> {
    texts: LabeledTexts,
    indices: Vec<usize>,
    numbers: Vec<usize>,
    labels: Arc<[String]>,
    role: PhantomData<R>,
}

impl<R: Role> LabeledSubset<R> {
    /// What errors call the texts.
    pub fn source(&self) -> &str {
        self.texts.source()
    }

    /// How many there are, at least one.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether there is none: never.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// The texts with their labels, in the order of their lines.
    pub fn labeled(&self) -> impl Iterator<Item = &LabeledText> {
        self.indices.iter().map(|index| &self.texts.texts[*index])
    }

    /// The texts alone.
    pub fn texts(&self) -> Texts<'_, R> {
        Texts::borrowed(self.labeled().map(|text| text.text.as_str()))
    }

    /// All labels, sorted. A label's number is its place here.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The number of each text's label.
    pub fn numbers(&self) -> &[usize] {
        &self.numbers
    }

    /// The texts as a network sees them. Of each the first `max_length` tokens are kept; one that
    /// has none is a single `<unk>`.
    ///
    /// # Errors
    /// If `max_length` is 0.
    pub fn encode(&self, codec: &Tokenizer, max_length: usize) -> Result<EncodedTexts<R>> {
        if max_length == 0 {
            return Err(DataError::ZeroLength { what: "length in tokens" });
        }
        let mut truncated = 0;
        let ids = self.labeled().map(|text| {
            let mut ids = codec.encode(&text.text);
            truncated += usize::from(ids.len() > max_length);
            ids.truncate(max_length);
            if ids.is_empty() { vec![codec.specials().unk] } else { ids }
        });
        Ok(EncodedTexts {
            ids: ids.collect(),
            numbers: self.numbers.as_slice().into(),
            labels: Arc::clone(&self.labels),
            pad: codec.specials().pad,
            truncated,
            role: PhantomData,
        })
    }
}

/// Texts of numbers, at least one each, and the number of each text's label.
///
/// A clone shares the numbers.
#[derive(Debug, Clone)]
pub struct EncodedTexts<R: Role> {
    ids: Arc<[Vec<u32>]>,
    numbers: Arc<[usize]>,
    labels: Arc<[String]>,
    pad: u32,
    truncated: usize,
    role: PhantomData<R>,
}

impl<R: Role> EncodedTexts<R> {
    /// How many texts there are, at least one.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none: never.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// All labels, sorted.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// How many texts were longer than was kept of them.
    pub fn truncated(&self) -> usize {
        self.truncated
    }

    /// The numbers of a text.
    ///
    /// # Panics
    /// If there is no such text.
    pub fn ids(&self, index: usize) -> &[u32] {
        &self.ids[index]
    }

    /// The number of a text's label.
    ///
    /// # Panics
    /// If there is no such text.
    pub fn label(&self, index: usize) -> usize {
        self.numbers[index]
    }

    /// Cuts an order into batches of texts that are about as long as each other: pools of 50
    /// batches are sorted by length. The order is a shuffled one, and the batches are best shuffled
    /// once more, for each pool goes from short to long.
    ///
    /// # Panics
    /// If a batch is to hold nothing, or there is no such text.
    pub fn bucket(&self, order: &[usize], batch: usize) -> Vec<Vec<usize>> {
        bucket(order, batch, |index| self.ids[index].len())
    }

    /// Batches of all texts, from the shortest to the longest: least padding, always the same.
    ///
    /// # Panics
    /// If a batch is to hold nothing.
    pub fn by_length(&self, batch: usize) -> Vec<Vec<usize>> {
        by_length(self.len(), batch, |index| self.ids[index].len())
    }
}

/// Some texts with labels, stacked and filled up with `<pad>`.
#[derive(Debug, Clone)]
pub struct TextBatch {
    /// The texts: `[batch, time]`.
    pub ids: Tensor<2, Int>,
    /// How many numbers of each row are no padding, at least one.
    pub lengths: Vec<usize>,
    /// The numbers of the labels: `[batch]`.
    pub labels: Tensor<1, Int>,
}

impl TextBatch {
    /// The texts at these indices, in this order.
    ///
    /// # Panics
    /// If an index is past the last text.
    pub fn gather<R: Role>(texts: &EncodedTexts<R>, indices: &[usize], device: &Device) -> Self {
        let ids = || indices.iter().map(|index| texts.ids(*index));
        let labels: Vec<i32> = indices.iter().map(|index| texts.label(*index) as i32).collect();
        Self {
            ids: rows(ids(), longest(ids()), texts.pad, device),
            lengths: ids().map(<[u32]>::len).collect(),
            labels: Tensor::from_data(TensorData::new(labels, [indices.len()]), device),
        }
    }

    /// How many texts there are.
    pub fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TokenizerConfig, TokenizerKind};

    fn labeled(text: &str) -> Result<LabeledTexts> {
        LabeledTexts::from_table(&Table::from_bytes("l.csv", text.as_bytes(), None)?, None, None, None)
    }

    fn many(count: usize) -> String {
        let row = |i: usize| format!("good {i},pos\nbad {i},neg\n");
        "review,sentiment\n".to_string() + &(0..count).map(row).collect::<String>()
    }

    fn texts<R: Role>(part: &LabeledSubset<R>) -> Vec<String> {
        part.labeled().map(|text| text.text.clone()).collect()
    }

    fn message(text: &str) -> String {
        let split = labeled(text).and_then(|labeled| labeled.split(&Ratios::default()));
        split.unwrap_err().to_string()
    }

    #[test]
    fn columns_are_found_by_their_usual_names() {
        let text = |read: Result<LabeledTexts>| {
            let first = read.unwrap().texts()[0].clone();
            (first.text, first.label, first.line)
        };
        let found = |all: &str| text(labeled(all));
        assert_eq!(found("id,Label,Text\n7,pos,fine\n"), ("fine".into(), "pos".into(), 2));
        assert_eq!(found("a,b,c\nfine,7,pos\n"), ("fine".into(), "pos".into(), 2));
        let table = Table::from_bytes("l.csv", b"a,b,c\nfine,7,pos\n", None).unwrap();
        assert_eq!(text(LabeledTexts::from_table(&table, Some("c"), Some("b"), None)), ("pos".into(), "7".into(), 2));
        assert_eq!(
            LabeledTexts::from_table(&table, Some("d"), None, None).unwrap_err().to_string(),
            "l.csv: expected one of the columns `a`, `b`, `c`, found `d`"
        );
    }

    #[test]
    fn what_is_no_labelled_text_is_refused() {
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
            "l.csv (train), column `label`: expected at least two labels to tell apart, found only `pos`"
        );
        let parts = "text,label,part\na,pos,train\nb,neg,train\nc,neg,valid\n";
        assert_eq!(
            message(&format!("{parts}d,nge,test\n")),
            "l.csv, line 5, column `label`: expected a label that training has, one of `neg`, `pos`, found `nge`"
        );
        assert_eq!(message(parts), "l.csv (test): expected at least 1 row for each part of a split, found 0");
        let numbers: String = (0..2000).map(|i| format!("text {i},{i}\n")).collect();
        assert_eq!(
            message(&format!("text,label\n{numbers}")),
            "l.csv, column `label`: expected at most 1000 labels, found 1384; is it the column of labels?"
        );
    }

    #[test]
    fn many_labels_are_not_all_listed() {
        let row = |i: usize| format!("text {i},label {i},train\n");
        let rows: String = (0..20).map(row).collect();
        assert_eq!(
            message(&format!("text,label,part\n{rows}a,label 20,valid\nb,label 0,test\n")),
            "l.csv, line 22, column `label`: expected a label that training has, one of 20, such as `label 0`, \
             `label 1`, `label 10`, found `label 20`; did you mean `label 0`?"
        );
    }

    #[test]
    fn labels_are_sorted_and_numbered() {
        let split = labeled(&many(100)).unwrap().split(&Ratios::default()).unwrap();
        assert_eq!(&*split.labels, ["neg", "pos"]);
        assert_eq!(split.train.len() + split.valid.len() + split.test.len(), 200);
        let test = split.test.labeled().zip(split.test.numbers());
        assert!(test.into_iter().all(|(text, number)| split.labels[*number] == text.label));
    }

    #[test]
    fn parts_that_the_table_has_are_kept() {
        let all = "text,label,part\na,x,test\nb,x,train\nc,y,train\nd,y,valid\n";
        let split = labeled(all).unwrap().split(&Ratios::default()).unwrap();
        assert_eq!((texts(&split.train), texts(&split.valid)), (vec!["b".into(), "c".into()], vec!["d".into()]));
        assert_eq!(texts(&split.test), ["a"]);
    }

    #[test]
    fn texts_to_choose_by_are_taken_from_training_where_there_are_none() {
        let rows: String = (0..200).map(|i| format!("text {i},l{},train\n", i % 2)).collect();
        let labeled = labeled(&format!("text,label,part\n{rows}other,l0,test\n")).unwrap();
        let split = labeled.split(&Ratios::default()).unwrap();
        assert_eq!((split.train.len() + split.valid.len(), split.test.len()), (200, 1));
        assert!((20..50).contains(&split.valid.len()), "{}", split.valid.len());
    }

    #[test]
    fn near_copies_do_not_cross_and_order_does_not_matter() {
        let plain = labeled(&many(100)).unwrap().split(&Ratios::default()).unwrap();
        let text = many(100);
        let lines: Vec<&str> = text.lines().skip(1).collect();
        let reversed: String = lines.iter().rev().map(|line| format!("{line}\n")).collect();
        let turned = labeled(&format!("review,sentiment\n{reversed}")).unwrap().split(&Ratios::default()).unwrap();
        let sorted = |mut texts: Vec<String>| {
            texts.sort();
            texts
        };
        assert_eq!(sorted(texts(&turned.test)), sorted(texts(&plain.test)));
        assert_eq!(sorted(texts(&turned.valid)), sorted(texts(&plain.valid)));

        let all = "text,label,part\nA film.,x,train\nb,y,train\na FILM,x,test\nd,y,test\nb!,y,valid\nc,x,valid\n";
        let split = labeled(all).unwrap().split(&Ratios::default()).unwrap();
        assert_eq!((split.crossed, texts(&split.test), texts(&split.valid)), (2, vec!["d".into()], vec!["c".into()]));
    }

    #[test]
    fn a_table_elsewhere_is_read_with_known_labels() {
        let labels = ["neg".to_string(), "pos".to_string()];
        let whole = labeled("text,label\nfine,pos\n").unwrap().whole(&labels).unwrap();
        assert_eq!(whole.numbers(), [1]);
        let error = labeled("text,label\nfine,Pos\n").unwrap().whole(&labels).unwrap_err();
        assert_eq!(
            error.to_string(),
            "l.csv, line 2, column `label`: expected a label that training has, one of `neg`, `pos`, found `Pos`; \
             did you mean `pos`?"
        );
    }

    #[test]
    fn a_batch_is_filled_up() {
        let labels = ["x".to_string(), "y".to_string()];
        let whole = labeled("text,label\nabab,y\nb,x\nba,y\n").unwrap().whole(&labels).unwrap();
        let codec = Tokenizer::fit_texts(&TokenizerConfig::new(TokenizerKind::Chars), ["ab"]).unwrap();
        let texts = whole.encode(&codec, 3).unwrap();
        assert_eq!((texts.truncated(), texts.by_length(2)), (1, vec![vec![1, 2], vec![0]]));
        let batch = TextBatch::gather(&texts, &[0, 1], &Device::default());
        assert_eq!((batch.ids.dims(), &batch.lengths[..], batch.len()), ([2, 3], &[3, 1][..], 2));
        assert_eq!(batch.ids.into_data().iter::<i64>().collect::<Vec<_>>(), [4, 5, 4, 5, 0, 0]);
        assert_eq!(batch.labels.into_data().iter::<i64>().collect::<Vec<_>>(), [1, 0]);
        assert!(whole.encode(&codec, 0).is_err());
    }
}
