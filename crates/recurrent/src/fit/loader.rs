//! Batches, in an order that depends on the epoch alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use burn::data::dataloader::{DataLoader, DataLoaderIterator, Progress};
use burn::data::dataset::DatasetError;
use burn::tensor::Device;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use recurrent_data::{Role, WindowBatch, Windows};

/// Which epoch it is, known to the loop and to its loaders: the seed of the epoch's order.
#[derive(Debug, Clone, Default)]
pub struct EpochCounter(Arc<AtomicU64>);

impl EpochCounter {
    pub(crate) fn set_seed(&self, seed: u64) {
        self.0.store(seed, Ordering::SeqCst);
    }

    fn seed(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// The order in which items come.
#[derive(Debug, Clone)]
pub enum Order {
    /// As they lie.
    InTime,
    /// Shuffled, each epoch in its own way and the same whenever that epoch is run.
    Shuffled(EpochCounter),
}

/// What batches are gathered from.
pub trait BatchSource: Clone + Send + Sync + 'static {
    /// Items side by side, on a device.
    type Batch: Send + 'static;

    /// What progress counts.
    const UNIT: &'static str;

    /// How many items there are.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The items of each batch, from items in the order that they come in. Where similar items go together, `random`
    /// mixes the batches again; without it they come in the same order each time.
    fn batches(&self, items: &[usize], batch: usize, random: Option<&mut StdRng>) -> Vec<Vec<usize>> {
        let _ = random;
        items.chunks(batch).map(<[usize]>::to_vec).collect()
    }

    /// The items at these indices, in this order.
    fn gather(&self, indices: &[usize], device: &Device) -> Self::Batch;
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

/// Batches of a source.
#[derive(Debug, Clone)]
pub struct Loader<S> {
    source: S,
    batch: usize,
    order: Order,
    device: Device,
    range: (usize, usize),
}

impl<S: BatchSource> Loader<S> {
    /// All items, `batch` at a time; the last batch may be smaller.
    pub fn new(source: S, batch: usize, order: Order, device: &Device) -> Self {
        let range = (0, source.len());
        Self { source, batch, order, device: device.clone(), range }
    }
}

impl<S: BatchSource> DataLoader<S::Batch> for Loader<S> {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<S::Batch> + 'a> {
        let mut items: Vec<usize> = (self.range.0..self.range.1).collect();
        let mut random = match &self.order {
            Order::InTime => None,
            Order::Shuffled(epoch) => Some(StdRng::seed_from_u64(epoch.seed())),
        };
        if let Some(random) = &mut random {
            items.shuffle(random);
        }
        let batches = self.source.batches(&items, self.batch, random.as_mut());
        Box::new(Batches { loader: self, batches: batches.into_iter(), done: 0 })
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

struct Batches<'a, S> {
    loader: &'a Loader<S>,
    batches: std::vec::IntoIter<Vec<usize>>,
    done: usize,
}

impl<S: BatchSource> Iterator for Batches<'_, S> {
    type Item = Result<S::Batch, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let indices = self.batches.next()?;
        self.done += indices.len();
        Some(Ok(self.loader.source.gather(&indices, &self.loader.device)))
    }
}

impl<S: BatchSource> DataLoaderIterator<S::Batch> for Batches<'_, S> {
    fn progress(&self) -> Progress {
        Progress::new(self.done, self.loader.num_items(), Some(S::UNIT.into()))
    }
}
