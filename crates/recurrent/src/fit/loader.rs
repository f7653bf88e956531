//! Data loaders whose order depends on the epoch's seed alone.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::data::dataloader::{DataLoader, DataLoaderIterator, Progress};
use burn::data::dataset::DatasetError;
use burn::tensor::Device;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use recurrent_data::{Role, WindowBatch, Windows};

use super::ranks::Share;

/// An epoch of training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrainingEpoch {
    /// Its number, counted from 1.
    pub number: usize,
    /// The seed of all its randomness.
    pub seed: u64,
}

/// The current epoch, shared by the training loop, which sets it, and its loaders.
#[derive(Debug, Clone)]
pub struct CurrentEpoch(Arc<Mutex<Current>>);

#[derive(Debug, Clone, Copy)]
struct Current {
    epoch: TrainingEpoch,
    /// The batches that were done before training was resumed.
    done: usize,
    /// What this rank takes of each batch.
    share: Share,
    /// The rows of the last batch, those of other ranks included.
    rows: usize,
}

impl Default for CurrentEpoch {
    fn default() -> Self {
        let epoch = TrainingEpoch { number: 1, seed: 0 };
        Self(Arc::new(Mutex::new(Current { epoch, done: 0, share: Share::WHOLE, rows: 0 })))
    }
}

impl CurrentEpoch {
    /// Begins an epoch, of which the first `done` batches are left out, and a share of the others is taken.
    pub(crate) fn set(&self, epoch: TrainingEpoch, done: usize, share: Share) {
        *self.current() = Current { epoch, done, share, rows: 0 };
    }

    /// The rows of the last batch, those of other ranks included.
    pub(crate) fn rows(&self) -> usize {
        self.get().rows
    }

    fn get(&self) -> Current {
        *self.current()
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The order of the items.
#[derive(Debug, Clone)]
pub enum Order {
    /// The order of the source, such as that of time.
    Sequential,
    /// The order of the source in each epoch of training; an epoch that is resumed goes on where it was.
    EachEpoch(CurrentEpoch),
    /// Shuffled anew in each epoch; repeating an epoch repeats its order.
    Shuffled(CurrentEpoch),
}

/// A source of batches, like a PyTorch dataset with its `collate_fn`.
pub trait BatchSource: Clone + Send + Sync + 'static {
    /// A batch of items on a device.
    type Batch: Send + 'static;

    /// The name of the items in progress reports: `windows`, `pairs`.
    const UNIT: &'static str;

    /// The number of items.
    fn len(&self) -> usize;

    /// Whether there are no items.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The indices of items in batches, by a source that groups items of similar length. It shuffles the batches with `rng`,
    /// which is `None` for [`Order::Sequential`]. The default is `None`: batches of items in their order.
    fn groups(&self, items: &[usize], batch_size: usize, rng: Option<&mut StdRng>) -> Option<Vec<Vec<usize>>> {
        let _ = (items, batch_size, rng);
        None
    }

    /// How many batches there are of all items, in whatever order.
    fn num_batches(&self, batch_size: usize) -> usize {
        self.len().div_ceil(batch_size)
    }

    /// The batch of the items at these indices, in this order.
    fn gather(&self, indices: &[usize], device: &Device) -> Self::Batch;

    /// A batch of an epoch of training, for a source that changes its items at random or in the course of training. All
    /// that is random follows from the epoch's seed and the indices. The default is [`gather`](Self::gather).
    fn gather_for(&self, indices: &[usize], epoch: TrainingEpoch, device: &Device) -> Self::Batch {
        let _ = epoch;
        self.gather(indices, device)
    }

    /// The rows of the batch of these indices, which ranks share: an item each, unless an item has several rows.
    fn num_rows(&self, indices: &[usize]) -> usize {
        indices.len()
    }

    /// Some rows of a batch of an epoch of training: a rank's share. The default is [`gather_for`](Self::gather_for) of the
    /// items in these places.
    fn gather_rows(&self, indices: &[usize], rows: &[usize], epoch: TrainingEpoch, device: &Device) -> Self::Batch {
        let indices: Vec<usize> = rows.iter().map(|row| indices[*row]).collect();
        self.gather_for(&indices, epoch, device)
    }
}

impl<R: Role> BatchSource for Windows<R> {
    type Batch = WindowBatch;

    const UNIT: &'static str = "windows";

    fn len(&self) -> usize {
        Self::len(self)
    }

    fn gather(&self, indices: &[usize], device: &Device) -> WindowBatch {
        WindowBatch::gather(self, indices, device)
    }
}

/// Items in memory, whose batches are lists.
impl<T: Clone + Send + Sync + 'static> BatchSource for Arc<[T]> {
    type Batch = Vec<T>;

    const UNIT: &'static str = "items";

    fn len(&self) -> usize {
        self.as_ref().len()
    }

    fn gather(&self, indices: &[usize], _device: &Device) -> Vec<T> {
        indices.iter().map(|index| self[*index].clone()).collect()
    }
}

/// Batches of items of similar length: `by_length` of all items, from the shortest to the longest, or, in random order, the
/// `buckets` of items that were shuffled.
pub(crate) fn similar_batches(
    rng: Option<&mut StdRng>,
    by_length: impl FnOnce() -> Vec<Vec<usize>>,
    buckets: impl FnOnce() -> Vec<Vec<usize>>,
) -> Vec<Vec<usize>> {
    let Some(rng) = rng else { return by_length() };
    let mut batches = buckets();
    batches.shuffle(rng);
    batches
}

/// [`similar_batches`] of items in memory, whose lengths are known: sorted within [`BUCKET`] batches only, so that batches
/// differ from epoch to epoch.
pub(crate) fn batches_by_length(
    items: &[usize],
    batch_size: usize,
    rng: Option<&mut StdRng>,
    length: impl Fn(usize) -> usize,
) -> Vec<Vec<usize>> {
    let by_length = |items: &[usize]| {
        let mut sorted = items.to_vec();
        sorted.sort_by_key(|index| length(*index));
        sorted.chunks(batch_size).map(<[usize]>::to_vec).collect::<Vec<_>>()
    };
    let buckets = || items.chunks(BUCKET * batch_size).flat_map(by_length).collect();
    similar_batches(rng, || by_length(items), buckets)
}

/// Batches that are sorted by length together.
const BUCKET: usize = 20;

/// A data loader over a [`BatchSource`].
#[derive(Debug, Clone)]
pub struct Loader<S> {
    source: S,
    batch_size: usize,
    order: Order,
    device: Device,
    range: (usize, usize),
}

impl<S: BatchSource> Loader<S> {
    /// A loader of all items, `batch_size` at a time; the last batch may be smaller.
    pub fn new(source: S, batch_size: usize, order: Order, device: &Device) -> Self {
        let range = (0, source.len());
        Self { source, batch_size, order, device: device.clone(), range }
    }
}

impl<S: BatchSource> DataLoader<S::Batch> for Loader<S> {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<S::Batch> + 'a> {
        let mut items: Vec<usize> = (self.range.0..self.range.1).collect();
        let epoch = match &self.order {
            Order::Sequential => None,
            Order::EachEpoch(epoch) | Order::Shuffled(epoch) => Some(epoch),
        };
        let current = epoch.map(CurrentEpoch::get);
        let is_shuffled = matches!(self.order, Order::Shuffled(_));
        let mut rng = current.filter(|_| is_shuffled).map(|current| StdRng::seed_from_u64(current.epoch.seed));
        if let Some(rng) = &mut rng {
            items.shuffle(rng);
        }
        let mut indices = match self.source.groups(&items, self.batch_size, rng.as_mut()) {
            Some(groups) => Indices::Grouped(groups.into_iter()),
            None => Indices::InOrder { items: items.into_iter(), batch_size: self.batch_size },
        };
        let before = current.map_or(0, |current| current.done);
        let done = indices.by_ref().take(before).map(|batch| batch.len()).sum();
        Box::new(Batches { loader: self, epoch, indices, done })
    }

    fn num_items(&self) -> usize {
        self.range.1 - self.range.0
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<S::Batch>> {
        let device = device.clone();
        Arc::new(Self { device, ..self.clone() })
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<S::Batch>> {
        let range = (self.range.0 + start, self.range.0 + end);
        Arc::new(Self { range, ..self.clone() })
    }
}

/// The indices of the items of each batch.
enum Indices {
    InOrder { items: std::vec::IntoIter<usize>, batch_size: usize },
    Grouped(std::vec::IntoIter<Vec<usize>>),
}

impl Iterator for Indices {
    type Item = Vec<usize>;

    fn next(&mut self) -> Option<Vec<usize>> {
        match self {
            Self::InOrder { items, batch_size } => {
                let batch: Vec<usize> = items.take(*batch_size).collect();
                (!batch.is_empty()).then_some(batch)
            }
            Self::Grouped(batches) => batches.next(),
        }
    }
}

struct Batches<'a, S> {
    loader: &'a Loader<S>,
    epoch: Option<&'a CurrentEpoch>,
    indices: Indices,
    done: usize,
}

impl<S: BatchSource> Iterator for Batches<'_, S> {
    type Item = Result<S::Batch, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let indices = self.indices.next()?;
        self.done += indices.len();
        let Loader { source, device, .. } = self.loader;
        let Some(epoch) = self.epoch else { return Some(Ok(source.gather(&indices, device))) };
        let rows = source.num_rows(&indices);
        let Current { epoch, share, .. } = {
            let mut current = epoch.current();
            current.rows = rows;
            *current
        };
        Some(Ok(match share {
            Share::WHOLE => source.gather_for(&indices, epoch, device),
            share => source.gather_rows(&indices, &share.computed_rows(rows), epoch, device),
        }))
    }
}

impl<S: BatchSource> DataLoaderIterator<S::Batch> for Batches<'_, S> {
    fn progress(&self) -> Progress {
        Progress::new(self.done, self.loader.num_items(), Some(S::UNIT.into()))
    }
}
