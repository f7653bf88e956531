//! Texts with labels, such as a review and whether it is a good one.

use std::{
    collections::{BTreeSet, HashSet},
    marker::PhantomData,
    sync::Arc,
};

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::{
    bucket::{bucket, by_length},
    codec::TextCodec,
    likeness::{Place, likeness},
    rows::{longest, rows},
    texts::Texts,
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
pub struct LabelledText {
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
pub struct Labelled {
    source: String,
    column: String,
    texts: Arc<Vec<LabelledText>>,
}

impl Labelled {
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
            Ok(LabelledText {
                text: said(table, row, text, "a text")?,
                label: said(table, row, label, "a label")?,
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
    pub fn texts(&self) -> &[LabelledText] {
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
    pub fn split(&self, ratios: &Ratios) -> Result<LabelledSplit> {
        let likenesses: Vec<String> = self.texts.iter().map(|text| likeness(&text.text)).collect();
        let places = self.places(&likenesses, ratios);
        let trained = likenesses.iter().zip(&places).filter(|(_, place)| **place == Place::Train);
        let trained: HashSet<&str> = trained.map(|(like, _)| like.as_str()).collect();

        let mut parts = [vec![], vec![], vec![]];
        let mut crossed = 0;
        for (index, (place, like)) in places.iter().zip(&likenesses).enumerate() {
            if *place != Place::Train && trained.contains(like.as_str()) {
                crossed += 1;
            } else {
                parts[*place as usize].push(index);
            }
        }
        let [train, valid, test] = parts;
        self.check_part::<Train>(&train)?;
        let labels = self.labels(&train)?;
        Ok(LabelledSplit {
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
    pub fn whole(&self, labels: &[String]) -> Result<LabelledPart<Whole>> {
        self.part((0..self.len()).collect(), &labels.into())
    }

    fn places(&self, likenesses: &[String], ratios: &Ratios) -> Vec<Place> {
        let given = |place| self.texts.iter().any(|text| text.place == Some(place));
        let lacks_valid = self.has_parts() && !given(Place::Valid);
        // Without texts to choose by, the shares are of what is not for the test.
        let rest = ratios.train() + ratios.valid();
        let within = Ratios::new(ratios.train() / rest - 1e-9, ratios.valid() / rest, 1e-9).unwrap_or(*ratios);
        let texts = self.texts.iter().zip(likenesses);
        let place = texts.map(|(text, like)| match text.place {
            None => Place::of(like, ratios),
            Some(Place::Train) if lacks_valid => Place::of(like, &within).min(Place::Valid),
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

    fn check_part<R: Role>(&self, indices: &[usize]) -> Result<()> {
        if indices.is_empty() {
            return Err(DataError::TooFewRows {
                path: self.source.clone(),
                part: R::NAME,
                purpose: "each part of a split".to_string(),
                needed: 1,
                there: 0,
            });
        }
        Ok(())
    }

    fn part<R: Role>(&self, indices: Vec<usize>, labels: &Arc<[String]>) -> Result<LabelledPart<R>> {
        self.check_part::<R>(&indices)?;
        let number = |index: &usize| {
            let LabelledText { label, line, .. } = &self.texts[*index];
            let found = labels.iter().position(|known| known == label);
            found.ok_or_else(|| DataError::UnknownLabel {
                path: self.source.clone(),
                line: *line,
                column: self.column.clone(),
                found: shortened(label),
                labels: labels.to_vec(),
            })
        };
        let numbers = indices.iter().map(number).collect::<Result<_>>()?;
        Ok(LabelledPart { texts: self.clone(), indices, numbers, labels: Arc::clone(labels), role: PhantomData })
    }
}

fn position(table: &Table, name: &str) -> Option<usize> {
    table.headers().iter().position(|header| header.eq_ignore_ascii_case(name))
}

fn said(table: &Table, row: &Row, column: usize, expected: &'static str) -> Result<String> {
    match row.cell(column) {
        "" => Err(DataError::EmptyCell {
            path: table.source().to_string(),
            line: row.line(),
            column: table.headers()[column].clone(),
            expected,
        }),
        cell => Ok(cell.to_string()),
    }
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
/// # use recurrent_data::{CodecKind, LabelledSplit, Result, TextCodec};
/// fn cheat(split: &LabelledSplit) -> Result<TextCodec> {
///     TextCodec::fit(CodecKind::Words, 0, 0, split.test.texts())
/// }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LabelledSplit {
    /// The texts to learn from.
    pub train: LabelledPart<Train>,
    /// The texts to choose by.
    pub valid: LabelledPart<Valid>,
    /// The texts to be judged on.
    pub test: LabelledPart<Test>,
    /// The labels of training, sorted. A label's number is its place here.
    pub labels: Arc<[String]>,
    /// How many held-out texts were left out because training has them.
    pub crossed: usize,
}

/// Some texts with labels, with their role. Only [`Labelled`] makes one.
#[derive(Debug, Clone)]
pub struct LabelledPart<R: Role> {
    texts: Labelled,
    indices: Vec<usize>,
    numbers: Vec<usize>,
    labels: Arc<[String]>,
    role: PhantomData<R>,
}

impl<R: Role> LabelledPart<R> {
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
    pub fn labelled(&self) -> impl Iterator<Item = &LabelledText> {
        self.indices.iter().map(|index| &self.texts.texts[*index])
    }

    /// The texts alone.
    pub fn texts(&self) -> Texts<'_, R> {
        Texts::borrowed(self.labelled().map(|text| text.text.as_str()))
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
    pub fn encode(&self, codec: &TextCodec, max_length: usize) -> Result<EncodedTexts<R>> {
        if max_length == 0 {
            return Err(DataError::ZeroLength { what: "length in tokens" });
        }
        let mut truncated = 0;
        let ids = self.labelled().map(|text| {
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
