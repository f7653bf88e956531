//! A state that is carried from batch to batch.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use burn::module::{Module, Param, ParamId};
use burn::store::ModuleRecord;
use burn::tensor::{Device, Tensor, TensorData};
use recurrent_models::{AnyState, CellKind};

use super::checkpoint::damaged;
use super::ranks::{Ranks, Share, append, row_indices};
use super::records::check_model;
use crate::{Error, Result};

/// The state after the last batch, with which the next one begins: truncated back-propagation through time.
///
/// burn-train's training step takes no state, so the batch carries it.
#[derive(Debug, Clone, Default)]
pub struct CarriedState(Arc<Mutex<Option<AnyState>>>);

impl CarriedState {
    /// Takes the state, which leaves none.
    pub(crate) fn take(&self) -> Option<AnyState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Keeps a state, through which no gradient flows into earlier batches.
    pub(crate) fn put(&self, state: AnyState) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(state.detach());
    }

    fn get(&self) -> Option<AnyState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The state that is carried in training, and what it can be: checkpoints inside an epoch save it.
#[derive(Debug, Clone)]
pub struct Carried {
    state: CarriedState,
    cell: CellKind,
    /// `[num_layers, rows, hidden]`, with as many rows as it can have.
    shape: [usize; 3],
}

/// The tensors of a state, `[num_layers, rows, hidden]` each, as they are saved.
#[derive(Module, Debug)]
struct Parts {
    parts: Vec<Param<Tensor<3>>>,
}

impl Parts {
    fn new(parts: Vec<Tensor<3>>) -> Self {
        Self { parts: parts.into_iter().map(|part| Param::initialized(ParamId::new(), part)).collect() }
    }
}

impl Carried {
    /// The `state` that the training batches share, of recurrent layers with this cell.
    ///
    /// - `shape`: `[num_layers, batch_size, hidden]`; the state may have fewer rows.
    pub fn new(state: CarriedState, cell: CellKind, shape: [usize; 3]) -> Self {
        Self { state, cell, shape }
    }

    /// Writes the state, if there is one, and returns the number of its rows.
    pub(super) fn save(&self, path: &Path) -> Result<Option<usize>> {
        let Some(state) = self.state.get() else { return Ok(None) };
        let parts = Parts::new(state.into_parts().into_iter().map(Tensor::without_autodiff).collect());
        let [_, rows, _] = parts.parts[0].dims();
        parts.into_record().save(path).map_err(|cause| {
            Error::Training(format!("{}: the carried state cannot be written: {cause}", path.display()))
        })?;
        Ok(Some(rows))
    }

    /// The state of the rows of all ranks, in which this rank has its share of so many rows.
    pub(super) fn of_all(&self, rows: usize, ranks: &dyn Ranks) -> Result<Self> {
        if ranks.is_alone() {
            return Ok(self.clone());
        }
        let of_all = CarriedState::default();
        let [num_layers, _, hidden_size] = self.shape;
        // On the other ranks, too: whether there is a state is the same on all of them.
        if let Some(state) = self.state.get() {
            let own: Vec<usize> = ranks.share().rows(rows).collect();
            let mut parts = vec![];
            for part in state.into_parts() {
                let (device, mut values) = (part.device(), vec![]);
                append(&mut values, part.without_autodiff());
                let mut all = vec![0.0; num_layers * rows * hidden_size];
                for (layer, values) in values.chunks_exact(own.len().max(1) * hidden_size).enumerate() {
                    for (row, values) in own.iter().zip(values.chunks_exact(hidden_size)) {
                        all[(layer * rows + row) * hidden_size..][..hidden_size].copy_from_slice(values);
                    }
                }
                ranks.sum(&mut all)?;
                parts.push(Tensor::from_data(TensorData::new(all, [num_layers, rows, hidden_size]), &device));
            }
            of_all.put(AnyState::from_parts(self.cell, parts));
        }
        Ok(Self { state: of_all, ..self.clone() })
    }

    /// Takes the state of so many rows from a file, and keeps a share of them; no state if there are none.
    ///
    /// # Errors
    /// If the file cannot be read, or is not of this network.
    pub(super) fn resume(&self, path: &Path, rows: Option<usize>, share: Share, device: &Device) -> Result<()> {
        self.state.take();
        let Some(rows) = rows else { return Ok(()) };
        let [num_layers, max_rows, hidden_size] = self.shape;
        if rows > max_rows {
            return Err(damaged(path, format!("a state of {rows} rows, where a batch has at most {max_rows}")));
        }
        let inner = device.clone().inner();
        let num_parts = if self.cell == CellKind::Lstm { 2 } else { 1 };
        let empty = || Tensor::zeros([num_layers, rows, hidden_size], &inner);
        let parts = Parts::new((0..num_parts).map(|_| empty()).collect());
        check_model(path, &parts).map_err(|found| damaged(path, found))?;
        let record = ModuleRecord::load(path).map_err(|cause| damaged(path, cause))?;
        let parts = parts.try_load_record(record).map_err(|cause| damaged(path, cause))?;
        let on_device = |part: Param<Tensor<3>>| Tensor::from_data(part.val().into_data(), device);
        let state = AnyState::from_parts(self.cell, parts.parts.into_iter().map(on_device).collect());
        self.state.put(match share {
            Share::WHOLE => state,
            share => state.select_rows(row_indices(&share.computed_rows(rows), device)),
        });
        Ok(())
    }
}
