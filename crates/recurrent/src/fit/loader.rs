//! Batches of windows, in an order that depends on the epoch alone.

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

/// The order in which windows come.
#[derive(Debug, Clone)]
pub enum Order {
    /// As they lie in time.
    InTime,
    /// Shuffled, each epoch in its own way and the same whenever that epoch is run.
    Shuffled(EpochCounter),
}

/// Batches of windows.
#[derive(Debug, Clone)]
pub struct WindowLoader<R: Role> {
    windows: Windows<R>,
    batch: usize,
    order: Order,
    device: Device,
    range: (usize, usize),
}

impl<R: Role> WindowLoader<R> {
    /// All windows, `batch` at a time; the last batch may be smaller.
    pub fn new(windows: Windows<R>, batch: usize, order: Order, device: &Device) -> Self {
        let range = (0, windows.len());
        Self { windows, batch, order, device: device.clone(), range }
    }
}

impl<R: Role> DataLoader<WindowBatch> for WindowLoader<R> {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<WindowBatch> + 'a> {
        let mut indices: Vec<usize> = (self.range.0..self.range.1).collect();
        if let Order::Shuffled(epoch) = &self.order {
            indices.shuffle(&mut StdRng::seed_from_u64(epoch.seed()));
        }
        Box::new(Batches { loader: self, indices, done: 0 })
    }

    fn num_items(&self) -> usize {
        self.range.1 - self.range.0
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<WindowBatch>> {
        let device = device.clone();
        Arc::new(Self { device, ..self.clone() })
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<WindowBatch>> {
        let range = (self.range.0 + start, self.range.0 + end);
        Arc::new(Self { range, ..self.clone() })
    }
}

struct Batches<'a, R: Role> {
    loader: &'a WindowLoader<R>,
    indices: Vec<usize>,
    done: usize,
}

impl<R: Role> Iterator for Batches<'_, R> {
    type Item = Result<WindowBatch, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.indices.len().min(self.done.saturating_add(self.loader.batch));
        let indices = &self.indices[self.done..next];
        self.done = next;
        let WindowLoader { windows, device, .. } = self.loader;
        (!indices.is_empty()).then(|| Ok(WindowBatch::gather(windows, indices, device)))
    }
}

impl<R: Role> DataLoaderIterator<WindowBatch> for Batches<'_, R> {
    fn progress(&self) -> Progress {
        Progress::new(self.done, self.indices.len(), Some("windows".into()))
    }
}
