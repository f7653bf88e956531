//! Checkpoints: one folder per epoch, which appears as a whole or not at all.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use burn::store::ModuleRecord;
use burn::train::checkpoint::{
    Checkpoint, Checkpointer, CheckpointerError, CheckpointingAction, CheckpointingStrategy,
};
use burn::train::metric::store::EventStoreClient;
use recurrent_data::regular_file;
use serde::{Deserialize, Serialize};

use super::{Epoch, History};
use crate::run_dir::{replace, to_toml};
use crate::{Error, Result, RunDir};

/// The folder of the checkpoints in the run's folder.
const CHECKPOINTS: &str = "checkpoints";
/// How many checkpoints stay on disk: the last one, and the one before it in case the last is damaged.
const MAX_CHECKPOINTS: usize = 2;
/// The largest record that is read where the network is not known.
pub(super) const MAX_RECORD_BYTES: u64 = 1 << 34;
const PROGRESS: &str = "progress.toml";
/// How the name of a checkpoint's folder ends before it is complete.
const PARTIAL: &str = ".partial";
pub(super) const RECORDS: [&str; 3] = ["model.bpk", "optimizer.bpk", "scheduler.bpk"];
/// The averaged weights, if there are any.
pub(super) const AVERAGE: &str = "average.bpk";

/// The checkpoints of a run.
///
/// burn-train writes the three records of a checkpoint from three threads. They go into a temporary folder, in which the
/// averaged weights are already; the last thread to finish adds the history and the checksums of the records, and renames
/// the folder.
#[derive(Debug)]
pub(super) struct Checkpoints {
    run_dir: RunDir,
    root: PathBuf,
    pending: Mutex<Pending>,
    finished: Condvar,
}

/// The checkpoint that is being written.
#[derive(Debug, Default)]
struct Pending {
    history: History,
    /// The steps that the averaged weights are of.
    averaged: Option<u64>,
    written: usize,
    failed: bool,
}

/// The content of `progress.toml`.
#[derive(Debug, Serialize, Deserialize)]
struct Progress {
    /// The checksums of the records, in the order of [`RECORDS`].
    sha256: [String; 3],
    #[serde(default, skip_serializing_if = "Option::is_none")]
    average: Option<SavedAverage>,
    history: History,
}

/// The averaged weights of a checkpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SavedAverage {
    sha256: String,
    /// The steps that are averaged.
    pub updates: u64,
}

/// The last checkpoint of a run.
#[derive(Debug, Default)]
pub(super) struct Latest {
    pub history: History,
    pub average: Option<SavedAverage>,
}

impl Checkpoints {
    /// The checkpoints of a run, in a folder that is made if it does not exist.
    pub fn new(run_dir: &RunDir) -> Result<Self> {
        let root = run_dir.make_folder(CHECKPOINTS)?;
        Ok(Self { run_dir: run_dir.clone(), root, pending: Mutex::default(), finished: Condvar::new() })
    }

    /// The last checkpoint, if there is one. The checksums of its records are verified, and that none is larger than
    /// `max_bytes`.
    pub fn latest(&self, max_bytes: u64) -> Result<Option<Latest>> {
        let Some(epoch) = self.epochs()?.pop() else {
            return Ok(None);
        };
        let file = |name: &str| format!("{CHECKPOINTS}/{}/{name}", Self::name(epoch));
        let path = self.run_dir.path(&file(PROGRESS));
        let progress: Progress = match self.run_dir.read(&file(PROGRESS)) {
            Ok(text) => toml::from_str(&text).map_err(|cause| damaged(&path, cause.message()))?,
            Err(Error::RunDir { path, found, .. }) => return Err(damaged(&path, found)),
            Err(error) => return Err(error),
        };
        let average = progress.average.iter().map(|average| (&AVERAGE, &average.sha256));
        for (record, expected) in RECORDS.iter().zip(&progress.sha256).chain(average) {
            let path = self.run_dir.checked(&file(record))?;
            let found = regular_file::sha256(&path, max_bytes).map_err(|cause| damaged(&path, cause))?;
            if found != *expected {
                return Err(damaged(&path, "a file with another checksum"));
            }
        }
        if progress.history.epochs.len() != epoch {
            return Err(damaged(&path, format!("a history of {} epochs", progress.history.epochs.len())));
        }
        let is_whole = |(number, epoch): (usize, &Epoch)| epoch.epoch == number && epoch.valid_loss.is_finite();
        if !(1..).zip(&progress.history.epochs).all(is_whole) {
            return Err(damaged(
                &path,
                "a history that does not count its epochs, or has a loss that is NaN or infinite",
            ));
        }
        Ok(Some(Latest { history: progress.history, average: progress.average }))
    }

    /// Removes what killed processes have left of incomplete checkpoints.
    pub fn sweep(&self) -> Result<()> {
        let entries = fs::read_dir(&self.root).map_err(Error::io("cannot read the folder", &self.root))?;
        for entry in entries.flatten() {
            let (name, path) = (entry.file_name(), entry.path());
            if name.to_string_lossy().ends_with(PARTIAL) {
                let is_folder = entry.file_type().is_ok_and(|file_type| file_type.is_dir());
                let removed = if is_folder { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
                removed.map_err(Error::io("cannot remove", &path))?;
            }
        }
        Ok(())
    }

    /// Makes the folder of a checkpoint, which saves this history, and the averaged weights with the number of their steps.
    pub fn begin(&self, epoch: usize, history: History, average: Option<(ModuleRecord, u64)>) -> Result<()> {
        self.sweep()?;
        let partial = self.partial(epoch);
        fs::create_dir(&partial).map_err(Error::io("cannot make the folder", &partial))?;
        let averaged = average.as_ref().map(|(_, updates)| *updates);
        if let Some((record, _)) = average {
            let path = partial.join(AVERAGE);
            record.save(&path).map_err(|cause| {
                Error::Training(format!("{}: the averaged weights cannot be written: {cause}", path.display()))
            })?;
        }
        *self.pending() = Pending { history, averaged, ..Pending::default() };
        Ok(())
    }

    /// Waits until the checkpoint is written or has failed; burn-train gets the cause of a failure.
    pub fn wait(&self) {
        let is_pending = |pending: &mut Pending| pending.written < RECORDS.len() && !pending.failed;
        drop(self.finished.wait_while(self.pending(), is_pending).unwrap_or_else(PoisonError::into_inner));
    }

    /// The checkpointers that burn-train writes to: of the model, the optimizer and the scheduler.
    pub fn checkpointers(checkpoints: &Arc<Self>) -> [RecordCheckpointer; 3] {
        RECORDS.map(|name| RecordCheckpointer { checkpoints: checkpoints.clone(), name })
    }

    fn name(epoch: usize) -> String {
        format!("epoch-{epoch:06}")
    }

    pub fn folder(&self, epoch: usize) -> PathBuf {
        self.root.join(Self::name(epoch))
    }

    fn partial(&self, epoch: usize) -> PathBuf {
        self.root.join(format!(".{}{PARTIAL}", Self::name(epoch)))
    }

    /// The epochs that have a checkpoint, in ascending order.
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

    /// Counts one more record; the last one completes the checkpoint.
    fn written(&self, epoch: usize) -> Result<()> {
        let mut pending = self.pending();
        if pending.written + 1 == RECORDS.len() {
            self.commit(epoch, std::mem::take(&mut pending.history), pending.averaged)?;
        }
        pending.written += 1;
        Ok(())
    }

    /// Renames the folder of a checkpoint whose records are written, once they are on disk, and removes the oldest
    /// checkpoints.
    fn commit(&self, epoch: usize, history: History, averaged: Option<u64>) -> Result<()> {
        let partial = self.partial(epoch);
        let mut sha256 = <[String; 3]>::default();
        for (slot, record) in sha256.iter_mut().zip(RECORDS) {
            *slot = synced(&partial.join(record))?;
        }
        let average = match averaged {
            Some(updates) => Some(SavedAverage { sha256: synced(&partial.join(AVERAGE))?, updates }),
            None => None,
        };
        let progress = Progress { sha256, average, history };
        replace(&partial.join(PROGRESS), to_toml(&progress).as_bytes())?;
        let folder = self.folder(epoch);
        fs::rename(&partial, &folder).map_err(Error::io("cannot write", &folder))?;
        regular_file::sync_folder(&self.root).map_err(Error::io("cannot write into the folder", &self.root))?;
        let epochs = self.epochs()?;
        for old in &epochs[..epochs.len().saturating_sub(MAX_CHECKPOINTS)] {
            let folder = self.folder(*old);
            fs::remove_dir_all(&folder).map_err(Error::io("cannot remove", &folder))?;
        }
        Ok(())
    }
}

/// The checksum of a record, once it is on disk.
fn synced(path: &Path) -> Result<String> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .and_then(|()| regular_file::sha256(path, u64::MAX))
        .map_err(Error::io("cannot read", path))
}

/// Saves and restores one of the three records of a checkpoint.
pub(super) struct RecordCheckpointer {
    checkpoints: Arc<Checkpoints>,
    name: &'static str,
}

impl<R: Checkpoint> Checkpointer<R> for RecordCheckpointer {
    fn save(&self, epoch: usize, record: R) -> std::result::Result<(), CheckpointerError> {
        let guard = SaveGuard { checkpoints: &self.checkpoints, saved: false };
        record.save(self.checkpoints.partial(epoch).join(self.name))?;
        self.checkpoints.written(epoch).map_err(|error| CheckpointerError::Unknown(error.to_string()))?;
        guard.succeed();
        Ok(())
    }

    fn restore(&self, epoch: usize) -> std::result::Result<R, CheckpointerError> {
        R::load(self.checkpoints.folder(epoch).join(self.name))
    }

    /// Does nothing: old checkpoints are removed as a whole when a new one is complete.
    fn delete(&self, _epoch: usize) -> std::result::Result<(), CheckpointerError> {
        Ok(())
    }
}

/// Wakes the thread that waits for the checkpoint, even if saving a record fails or panics.
struct SaveGuard<'a> {
    checkpoints: &'a Checkpoints,
    saved: bool,
}

impl SaveGuard<'_> {
    fn succeed(mut self) {
        self.saved = true;
    }
}

impl Drop for SaveGuard<'_> {
    fn drop(&mut self) {
        if !self.saved {
            self.checkpoints.pending().failed = true;
        }
        self.checkpoints.finished.notify_all();
    }
}

/// Saves a checkpoint after every epoch.
pub(super) struct EveryEpoch;

impl CheckpointingStrategy for EveryEpoch {
    fn checkpointing(&mut self, _epoch: usize, _store: &EventStoreClient) -> Vec<CheckpointingAction> {
        vec![CheckpointingAction::Save]
    }
}

/// Gives a run the last checkpoint and the weights of another, as if it had been trained here.
///
/// # Errors
/// If the other run is not trained, its checkpoint is damaged, or a file cannot be written.
pub(crate) fn copy_last_checkpoint(from: &RunDir, to: &RunDir) -> Result<()> {
    let checkpoints = Checkpoints::new(from)?;
    let Some(Latest { history, average }) = checkpoints.latest(MAX_RECORD_BYTES)? else {
        return Err(Error::RunDir {
            path: from.root().to_path_buf(),
            expected: "a trained run".into(),
            found: "one without a checkpoint".into(),
        });
    };
    let folder = format!("{CHECKPOINTS}/{}", Checkpoints::name(history.epochs.len()));
    let files = RECORDS.into_iter().chain([PROGRESS]).map(|file| format!("{folder}/{file}"));
    let averaged = average.map(|_| format!("{folder}/{AVERAGE}"));
    for file in files.chain(averaged).chain(["weights.safetensors".into()]) {
        let path = from.checked(&file)?;
        let bytes = regular_file::read(&path, MAX_RECORD_BYTES).map_err(|cause| damaged(&path, cause))?;
        to.write(&file, bytes)?;
    }
    Ok(())
}

pub(super) fn damaged(path: &Path, found: impl ToString) -> Error {
    Error::RunDir {
        path: path.to_path_buf(),
        expected: "a whole checkpoint (remove its folder to resume from the one before)".into(),
        found: found.to_string(),
    }
}
