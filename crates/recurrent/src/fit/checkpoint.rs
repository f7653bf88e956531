//! Checkpoints: a folder an epoch, there whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use burn::train::checkpoint::{
    Checkpoint, Checkpointer, CheckpointerError, CheckpointingAction, CheckpointingStrategy,
};
use burn::train::metric::store::EventStoreClient;
use serde::{Deserialize, Serialize};

use super::History;
use recurrent_data::sha256;

use crate::run_dir::{replace, to_toml};
use crate::{Error, Result};

/// How many checkpoints are kept: the last, and the one before in case that the last is damaged.
const KEPT: usize = 2;
const PROGRESS: &str = "progress.toml";
const PARTS: [&str; 3] = ["model.bpk", "optimizer.bpk", "scheduler.bpk"];

/// The checkpoints of a run.
///
/// burn-train writes the three records of a checkpoint from three threads. They go into a folder beside the place; the
/// last to come adds the history and the records' sums, and renames the folder into its place.
#[derive(Debug)]
pub(super) struct Checkpoints {
    root: PathBuf,
    pending: Mutex<Pending>,
    settled: Condvar,
}

/// The checkpoint that is being written.
#[derive(Debug, Default)]
struct Pending {
    history: History,
    written: usize,
    failed: bool,
}

/// What a checkpoint says of itself.
#[derive(Debug, Serialize, Deserialize)]
struct Progress {
    /// The sums of the records, in the order of [`PARTS`].
    sha256: [String; 3],
    history: History,
}

impl Checkpoints {
    /// The checkpoints in a folder, which is made if there is none.
    pub fn new(root: &Path) -> Result<Self> {
        fs::create_dir_all(root).map_err(Error::io("cannot make the folder", root))?;
        Ok(Self { root: root.to_path_buf(), pending: Mutex::default(), settled: Condvar::new() })
    }

    /// The history up to the last checkpoint, if there is one; its records have been checked.
    pub fn latest(&self) -> Result<Option<History>> {
        let Some(epoch) = self.epochs()?.pop() else {
            return Ok(None);
        };
        let folder = self.folder(epoch);
        let path = folder.join(PROGRESS);
        let progress: Progress = fs::read_to_string(&path)
            .map_err(|cause| damaged(&path, cause))
            .and_then(|text| toml::from_str(&text).map_err(|cause| damaged(&path, cause.message())))?;
        for (part, expected) in PARTS.iter().zip(&progress.sha256) {
            let path = folder.join(part);
            let found = sum(&path).map_err(|cause| damaged(&path, cause))?;
            if found != *expected {
                return Err(damaged(&path, "other bytes than were written"));
            }
        }
        if progress.history.epochs.len() != epoch {
            return Err(damaged(&path, format!("a history of {} epochs", progress.history.epochs.len())));
        }
        Ok(Some(progress.history))
    }

    /// Says what the next checkpoint is to remember.
    pub fn stage(&self, history: History) {
        *self.pending() = Pending { history, ..Pending::default() };
    }

    /// Waits until the checkpoint is in its place, or cannot be: then burn-train has been told why.
    pub fn wait(&self) {
        let under_way = |pending: &mut Pending| pending.written < PARTS.len() && !pending.failed;
        drop(self.settled.wait_while(self.pending(), under_way).unwrap_or_else(PoisonError::into_inner));
    }

    /// The three ends that burn-train writes to: model, optimiser and scheduler.
    pub fn parts(checkpoints: &Arc<Self>) -> [Part; 3] {
        PARTS.map(|name| Part { checkpoints: checkpoints.clone(), name })
    }

    fn folder(&self, epoch: usize) -> PathBuf {
        self.root.join(format!("epoch-{epoch:06}"))
    }

    fn partial(&self, epoch: usize) -> PathBuf {
        self.root.join(format!(".epoch-{epoch:06}.partial"))
    }

    /// The epochs that have a checkpoint, in order.
    fn epochs(&self) -> Result<Vec<usize>> {
        let entries = fs::read_dir(&self.root).map_err(Error::io("cannot read the folder", &self.root))?;
        let number = |name: &str| name.strip_prefix("epoch-")?.parse().ok();
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut epochs: Vec<usize> = names.filter_map(|name| number(&name)).collect();
        epochs.sort_unstable();
        Ok(epochs)
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one more record; with the last the checkpoint is whole.
    fn written(&self, epoch: usize) -> Result<()> {
        let mut pending = self.pending();
        if pending.written + 1 == PARTS.len() {
            self.settle(epoch, std::mem::take(&mut pending.history))?;
        }
        pending.written += 1;
        Ok(())
    }

    /// Puts a checkpoint whose records are written into its place, and drops those too old.
    fn settle(&self, epoch: usize, history: History) -> Result<()> {
        let partial = self.partial(epoch);
        let mut sums = <[String; 3]>::default();
        for (sum_of, part) in sums.iter_mut().zip(PARTS) {
            let path = partial.join(part);
            *sum_of = sum(&path).map_err(Error::io("cannot read", &path))?;
        }
        let progress = Progress { sha256: sums, history };
        replace(&partial.join(PROGRESS), to_toml(&progress).as_bytes())?;
        let place = self.folder(epoch);
        fs::rename(&partial, &place).map_err(Error::io("cannot write", &place))?;
        let epochs = self.epochs()?;
        for old in &epochs[..epochs.len().saturating_sub(KEPT)] {
            let folder = self.folder(*old);
            fs::remove_dir_all(&folder).map_err(Error::io("cannot remove", &folder))?;
        }
        Ok(())
    }
}

/// One of the three records of a checkpoint.
pub(super) struct Part {
    checkpoints: Arc<Checkpoints>,
    name: &'static str,
}

impl<R: Checkpoint> Checkpointer<R> for Part {
    fn save(&self, epoch: usize, record: R) -> std::result::Result<(), CheckpointerError> {
        let watch = Watch { checkpoints: &self.checkpoints, saved: false };
        let partial = self.checkpoints.partial(epoch);
        fs::create_dir_all(&partial).map_err(CheckpointerError::IOError)?;
        record.save(partial.join(self.name))?;
        self.checkpoints.written(epoch).map_err(|error| CheckpointerError::Unknown(error.to_string()))?;
        watch.saved();
        Ok(())
    }

    fn restore(&self, epoch: usize) -> std::result::Result<R, CheckpointerError> {
        R::load(self.checkpoints.folder(epoch).join(self.name))
    }

    /// Old checkpoints go when a new one is in its place, all their records at once.
    fn delete(&self, _epoch: usize) -> std::result::Result<(), CheckpointerError> {
        Ok(())
    }
}

/// Wakes whoever waits for the checkpoint, however the saving of a record ends.
struct Watch<'a> {
    checkpoints: &'a Checkpoints,
    saved: bool,
}

impl Watch<'_> {
    fn saved(mut self) {
        self.saved = true;
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if !self.saved {
            self.checkpoints.pending().failed = true;
        }
        self.checkpoints.settled.notify_all();
    }
}

/// A checkpoint after every epoch.
pub(super) struct EveryEpoch;

impl CheckpointingStrategy for EveryEpoch {
    fn checkpointing(&mut self, _epoch: usize, _store: &EventStoreClient) -> Vec<CheckpointingAction> {
        vec![CheckpointingAction::Save]
    }
}

fn sum(path: &Path) -> std::io::Result<String> {
    fs::read(path).map(|bytes| sha256(&bytes))
}

fn damaged(path: &Path, found: impl ToString) -> Error {
    Error::RunDir {
        path: path.to_path_buf(),
        expected: "a whole checkpoint (remove its folder to go on from the one before)".into(),
        found: found.to_string(),
    }
}
