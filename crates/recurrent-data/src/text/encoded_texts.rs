//! Labeled texts as token ids, and batches of them.

use std::{marker::PhantomData, sync::Arc};

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::bucket::{bucket, by_length};
use super::labeled_split::LabeledSubset;
use super::padding::{max_length, padded_rows};
use super::tokenization::Tokenizer;
use crate::error::{DataError, Result};
use crate::role::Role;

/// Texts as token ids, at least one each, with their label ids.
///
/// A clone shares the ids.
#[derive(Debug, Clone)]
pub struct EncodedTexts<R: Role> {
    ids: Arc<[Vec<u32>]>,
    label_ids: Arc<[usize]>,
    labels: Arc<[String]>,
    features: Option<TokenFeatures>,
    pad: u32,
    truncated: usize,
    role: PhantomData<R>,
}

/// Real values of each token.
#[derive(Debug, Clone)]
struct TokenFeatures {
    /// How many of a token.
    count: usize,
    /// Of each text, token after token.
    values: Arc<[Vec<f32>]>,
}

impl<R: Role> LabeledSubset<R> {
    /// Encodes the texts. Each is truncated to `max_length` tokens; one without tokens becomes a single `<unk>`.
    ///
    /// # Errors
    /// If `max_length` is 0.
    pub fn encode(&self, tokenizer: &Tokenizer, max_length: usize) -> Result<EncodedTexts<R>> {
        if max_length == 0 {
            return Err(DataError::ZeroLength { setting: "max_length" });
        }
        let mut truncated = 0;
        let ids = self.labeled().map(|text| {
            let mut ids = tokenizer.encode(&text.text);
            truncated += usize::from(ids.len() > max_length);
            ids.truncate(max_length);
            if ids.is_empty() { vec![tokenizer.special_tokens().unk] } else { ids }
        });
        Ok(EncodedTexts {
            ids: ids.collect(),
            label_ids: self.label_ids().into(),
            labels: Arc::clone(self.shared_labels()),
            features: None,
            pad: tokenizer.special_tokens().pad,
            truncated,
            role: PhantomData,
        })
    }
}

impl<R: Role> EncodedTexts<R> {
    /// The number of texts, at least one.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are no texts; always `false`.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// All labels, sorted. The id of a label is its index here.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The number of truncated texts.
    pub fn truncated(&self) -> usize {
        self.truncated
    }

    /// The token ids of a text.
    ///
    /// # Panics
    /// If `index` is out of range.
    pub fn ids(&self, index: usize) -> &[u32] {
        &self.ids[index]
    }

    /// These texts with `count` real values of each token, given for each text, token after token.
    ///
    /// # Panics
    /// If a text has another number of values than `count` for each of its tokens.
    #[must_use]
    pub fn with_features(self, count: usize, values: Vec<Vec<f32>>) -> Self {
        let fits = |(values, ids): (&Vec<f32>, &Vec<u32>)| values.len() == count * ids.len();
        let all = values.len() == self.len() && values.iter().zip(self.ids.iter()).all(fits);
        assert!(all, "every token of every text needs {count} values");
        Self { features: Some(TokenFeatures { count, values: values.into() }), ..self }
    }

    /// The number of real values of each token.
    pub fn num_features(&self) -> usize {
        self.features.as_ref().map_or(0, |features| features.count)
    }

    /// The label id of a text.
    ///
    /// # Panics
    /// If `index` is out of range.
    pub fn label_id(&self, index: usize) -> usize {
        self.label_ids[index]
    }

    /// Cuts a shuffled order of indices into batches of similar length: pools of 50 batches are sorted by length. Shuffle
    /// the batches again, because each pool goes from short to long.
    ///
    /// # Panics
    /// If `batch_size` is 0 or an index is out of range.
    pub fn bucket(&self, order: &[usize], batch_size: usize) -> Vec<Vec<usize>> {
        bucket(order, batch_size, |index| self.ids[index].len())
    }

    /// Batches of all texts, from the shortest to the longest: the least padding, in a fixed order.
    ///
    /// # Panics
    /// If `batch_size` is 0.
    pub fn by_length(&self, batch_size: usize) -> Vec<Vec<usize>> {
        by_length(self.len(), batch_size, |index| self.ids[index].len())
    }
}

/// A batch of labeled texts, padded with `<pad>`.
#[derive(Debug, Clone)]
pub struct TextBatch {
    /// The token ids: `[batch, time]`.
    pub ids: Tensor<2, Int>,
    /// The length of each row without padding, at least one.
    pub lengths: Vec<usize>,
    /// The label ids: `[batch]`.
    pub labels: Tensor<1, Int>,
    /// The real values of each token, if the texts [have them](EncodedTexts::with_features), 0 in the padding:
    /// `[batch, time, features]`.
    pub features: Option<Tensor<3>>,
}

/// `count` values of each token, given for each text, token after token, → `[batch, time, count]`, 0 in the padding.
///
/// # Panics
/// If a text has more than `time` tokens.
pub fn padded_features(rows: &[&[f32]], count: usize, time: usize, device: &Device) -> Tensor<3> {
    let mut padded = vec![0.0; rows.len() * time * count];
    for (row, values) in padded.chunks_mut(time * count).zip(rows) {
        row[..values.len()].copy_from_slice(values);
    }
    Tensor::from_data(TensorData::new(padded, [rows.len(), time, count]), device)
}

impl TextBatch {
    /// The texts at these indices, in this order.
    ///
    /// # Panics
    /// If an index is out of range.
    pub fn gather<R: Role>(texts: &EncodedTexts<R>, indices: &[usize], device: &Device) -> Self {
        let ids = || indices.iter().map(|index| texts.ids(*index));
        let labels: Vec<i32> = indices.iter().map(|index| texts.label_id(*index) as i32).collect();
        let time = max_length(ids());
        let features = texts.features.as_ref().map(|features| {
            let rows: Vec<&[f32]> = indices.iter().map(|index| &*features.values[*index]).collect();
            padded_features(&rows, features.count, time, device)
        });
        Self {
            ids: padded_rows(ids(), time, texts.pad, device),
            lengths: ids().map(<[u32]>::len).collect(),
            labels: Tensor::from_data(TensorData::new(labels, [indices.len()]), device),
            features,
        }
    }

    /// The number of texts.
    pub fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Whether there are no texts.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::role::Whole;
    use crate::{LabeledTexts, Table, TokenizerConfig, TokenizerKind};

    /// The texts of a table, and a tokenizer that knows `a` and `b`.
    fn labeled(text: &str) -> (LabeledSubset<Whole>, Tokenizer) {
        let table = Table::from_bytes("l.csv", text.as_bytes(), None).unwrap();
        let labels = ["x".to_string(), "y".to_string()];
        let whole = LabeledTexts::from_table(&table, None, None, None).unwrap().whole(&labels).unwrap();
        (whole, Tokenizer::fit_strings(&TokenizerConfig::new(TokenizerKind::Chars), ["ab"]).unwrap())
    }

    #[test]
    fn batch_is_padded() {
        let (whole, tokenizer) = labeled("text,label\nabab,y\nb,x\nba,y\n");
        let texts = whole.encode(&tokenizer, 3).unwrap();
        assert_eq!((texts.truncated(), texts.by_length(2)), (1, vec![vec![1, 2], vec![0]]));
        let batch = TextBatch::gather(&texts, &[0, 1], &Device::default());
        assert_eq!((batch.ids.dims(), &batch.lengths[..], batch.len()), ([2, 3], &[3, 1][..], 2));
        assert_eq!(batch.ids.into_data().iter::<i64>().collect::<Vec<_>>(), [4, 5, 4, 5, 0, 0]);
        assert_eq!(batch.labels.into_data().iter::<i64>().collect::<Vec<_>>(), [1, 0]);
        assert!(whole.encode(&tokenizer, 0).is_err() && batch.features.is_none());
    }

    #[test]
    fn features_are_padded_with_zeros() {
        let (whole, tokenizer) = labeled("text,label\nab,x\nb,y\n");
        let texts =
            whole.encode(&tokenizer, 3).unwrap().with_features(2, vec![vec![1.0, 2.0, 3.0, 4.0], vec![5.0, 6.0]]);
        let features = TextBatch::gather(&texts, &[1, 0], &Device::default()).features.unwrap();
        assert_eq!(features.dims(), [2, 2, 2]);
        assert_eq!(features.into_data().iter::<f32>().collect::<Vec<_>>(), [5.0, 6.0, 0.0, 0.0, 1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    #[should_panic(expected = "every token of every text needs 2 values")]
    fn features_of_other_tokens_are_refused() {
        let (whole, tokenizer) = labeled("text,label\nab,x\nb,y\n");
        let _ = whole.encode(&tokenizer, 3).unwrap().with_features(2, vec![vec![1.0; 2], vec![5.0, 6.0]]);
    }
}
