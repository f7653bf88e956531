//! Checkpoints: one folder each, which appears as a whole or not at all.

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

use super::position::{PartialEpoch, Position};
use super::{Carried, Epoch, History};
use crate::run_dir::{replace, to_toml};
use crate::{Error, Result, RunDir};

/// The folder of the checkpoints in the run's folder.
pub(super) const CHECKPOINTS: &str = "checkpoints";
/// The largest record that is read where the network is not known.
pub(super) const MAX_RECORD_BYTES: u64 = 1 << 34;
const PROGRESS: &str = "progress.toml";
/// How the name of a checkpoint's folder ends before it is complete.
const PARTIAL: &str = ".partial";
pub(super) const RECORDS: [&str; 3] = ["model.bpk", "optimizer.bpk", "scheduler.bpk"];
/// The averaged weights, if there are any.
pub(super) const AVERAGE: &str = "average.bpk";
/// The carried state inside an epoch, if there is one.
pub(super) const CARRIED: &str = "carried.bpk";

/// The checkpoints of a run.
///
/// burn-train writes the three records of a checkpoint from three threads. They go into a temporary folder, in which the
/// averaged weights and the carried state are already; the last thread to finish adds the progress and the checksums of the
/// records, and renames the folder.
#[derive(Debug)]
pub(super) struct Checkpoints {
    run_dir: RunDir,
    root: PathBuf,
    /// How many stay on disk.
    keep: usize,
    pending: Mutex<Pending>,
    finished: Condvar,
}

/// The checkpoint that is being written.
#[derive(Debug, Default)]
struct Pending {
    position: Position,
    progress: Progress,
    written: usize,
    failed: bool,
}

/// The content of `progress.toml`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Progress {
    /// The checksums of the records, in the order of [`RECORDS`].
    sha256: [String; 3],
    #[serde(default, skip_serializing_if = "Option::is_none")]
    average: Option<SavedAverage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    carried: Option<SavedState>,
    /// The epoch inside which the checkpoint is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    epoch: Option<PartialEpoch>,
    history: History,
}

/// The carried state of a checkpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct SavedState {
    sha256: String,
    rows: usize,
}

/// The averaged weights of a checkpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SavedAverage {
    sha256: String,
    /// The steps that are averaged.
    pub updates: u64,
}

/// The last checkpoint of a run.
#[derive(Debug)]
pub(super) struct Latest {
    pub folder: PathBuf,
    pub history: History,
    pub average: Option<SavedAverage>,
    /// The rows of the carried state.
    pub carried: Option<usize>,
    /// The epoch inside which it is.
    pub epoch: Option<PartialEpoch>,
}

/// What a checkpoint saves besides the three records.
pub(super) struct Progressed<'a> {
    pub history: History,
    pub epoch: Option<PartialEpoch>,
    /// The averaged weights, with the number of their steps.
    pub average: Option<(ModuleRecord, u64)>,
    pub carried: Option<&'a Carried>,
}

impl Checkpoints {
    /// The checkpoints of a run, in a folder that is made if it does not exist.
    pub fn new(run_dir: &RunDir) -> Result<Self> {
        let root = run_dir.make_folder(CHECKPOINTS)?;
        Ok(Self {
            run_dir: run_dir.clone(),
            root,
            keep: usize::MAX,
            pending: Mutex::default(),
            finished: Condvar::new(),
        })
    }

    /// The same, of which the last `keep` stay on disk.
    pub fn with_keep(self, keep: usize) -> Self {
        Self { keep, ..self }
    }

    /// The last checkpoint, if there is one. The checksums of its records are verified, and that none is larger than
    /// `max_bytes`.
    pub fn latest(&self, max_bytes: u64) -> Result<Option<Latest>> {
        self.positions()?.pop().map(|position| self.read(position, max_bytes)).transpose()
    }

    /// The last checkpoint at the end of an epoch, if there is one; it is verified as [`latest`](Self::latest) does.
    pub fn latest_epoch(&self, max_bytes: u64) -> Result<Option<Latest>> {
        let ends = self.positions()?.into_iter().rfind(|position| position.batches == 0);
        ends.map(|position| self.read(position, max_bytes)).transpose()
    }

    fn read(&self, position: Position, max_bytes: u64) -> Result<Latest> {
        let file = |name: &str| format!("{CHECKPOINTS}/{}/{name}", position.name());
        let path = self.run_dir.path(&file(PROGRESS));
        let progress: Progress = match self.run_dir.read(&file(PROGRESS)) {
            Ok(text) => toml::from_str(&text).map_err(|cause| damaged(&path, cause.message()))?,
            Err(Error::RunDir { path, found, .. }) => return Err(damaged(&path, found)),
            Err(error) => return Err(error),
        };
        let average = progress.average.iter().map(|average| (&AVERAGE, &average.sha256));
        let carried = progress.carried.iter().map(|carried| (&CARRIED, &carried.sha256));
        for (record, expected) in RECORDS.iter().zip(&progress.sha256).chain(average).chain(carried) {
            let path = self.run_dir.checked(&file(record))?;
            let found = regular_file::sha256(&path, max_bytes).map_err(|cause| damaged(&path, cause))?;
            if found != *expected {
                return Err(damaged(&path, "a file with another checksum"));
            }
        }
        if progress.history.epochs.len() != position.epochs {
            return Err(damaged(&path, format!("a history of {} epochs", progress.history.epochs.len())));
        }
        let is_whole = |(number, epoch): (usize, &Epoch)| epoch.epoch == number && epoch.valid_loss.is_finite();
        if !(1..).zip(&progress.history.epochs).all(is_whole) {
            return Err(damaged(
                &path,
                "a history that does not count its epochs, or has a loss that is NaN or infinite",
            ));
        }
        if progress.epoch.as_ref().map_or(0, |epoch| epoch.batches) != position.batches {
            return Err(damaged(&path, "another place in its epoch"));
        }
        Ok(Latest {
            folder: self.folder(position),
            history: progress.history,
            average: progress.average,
            carried: progress.carried.map(|carried| carried.rows),
            epoch: progress.epoch,
        })
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

    /// Makes the folder of a checkpoint, which saves this progress; burn-train then writes the records.
    pub fn begin(&self, progressed: Progressed<'_>) -> Result<()> {
        let Progressed { history, epoch, average, carried } = progressed;
        let position =
            Position { epochs: history.epochs.len(), batches: epoch.as_ref().map_or(0, |epoch| epoch.batches) };
        self.sweep()?;
        let partial = self.partial(position);
        fs::create_dir(&partial).map_err(Error::io("cannot make the folder", &partial))?;
        let mut progress = Progress { history, epoch, ..Progress::default() };
        if let Some((record, updates)) = average {
            let path = partial.join(AVERAGE);
            record.save(&path).map_err(|cause| {
                Error::Training(format!("{}: the averaged weights cannot be written: {cause}", path.display()))
            })?;
            progress.average = Some(SavedAverage { sha256: synced(&path)?, updates });
        }
        if let Some(carried) = carried {
            let path = partial.join(CARRIED);
            if let Some(rows) = carried.save(&path)? {
                progress.carried = Some(SavedState { sha256: synced(&path)?, rows });
            }
        }
        *self.pending() = Pending { position, progress, ..Pending::default() };
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

    fn folder(&self, position: Position) -> PathBuf {
        self.root.join(position.name())
    }

    fn partial(&self, position: Position) -> PathBuf {
        self.root.join(format!(".{}{PARTIAL}", position.name()))
    }

    /// What has a checkpoint, in ascending order.
    fn positions(&self) -> Result<Vec<Position>> {
        let entries = fs::read_dir(&self.root).map_err(Error::io("cannot read the folder", &self.root))?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut positions: Vec<Position> = names.filter_map(|name| Position::of_name(&name)).collect();
        positions.sort_unstable();
        Ok(positions)
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one more record; the last one completes the checkpoint.
    fn written(&self) -> Result<()> {
        let mut pending = self.pending();
        if pending.written + 1 == RECORDS.len() {
            self.commit(pending.position, std::mem::take(&mut pending.progress))?;
        }
        pending.written += 1;
        Ok(())
    }

    /// Renames the folder of a checkpoint whose records are written, once they are on disk, and removes the oldest
    /// checkpoints.
    fn commit(&self, position: Position, mut progress: Progress) -> Result<()> {
        let partial = self.partial(position);
        for (slot, record) in progress.sha256.iter_mut().zip(RECORDS) {
            *slot = synced(&partial.join(record))?;
        }
        replace(&partial.join(PROGRESS), to_toml(&progress).as_bytes())?;
        let folder = self.folder(position);
        fs::rename(&partial, &folder).map_err(Error::io("cannot write", &folder))?;
        regular_file::sync_folder(&self.root).map_err(Error::io("cannot write into the folder", &self.root))?;
        let positions = self.positions()?;
        for old in &positions[..positions.len().saturating_sub(self.keep)] {
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
    /// The number is that of the epochs that are done; [`Checkpoints::begin`] knows the whole position.
    fn save(&self, _epochs: usize, record: R) -> std::result::Result<(), CheckpointerError> {
        let guard = SaveGuard { checkpoints: &self.checkpoints, saved: false };
        let position = self.checkpoints.pending().position;
        record.save(self.checkpoints.partial(position).join(self.name))?;
        self.checkpoints.written().map_err(|error| CheckpointerError::Unknown(error.to_string()))?;
        guard.succeed();
        Ok(())
    }

    fn restore(&self, _epochs: usize) -> std::result::Result<R, CheckpointerError> {
        let positions = self.checkpoints.positions().map_err(|error| CheckpointerError::Unknown(error.to_string()))?;
        let last = positions.last().ok_or_else(|| CheckpointerError::Unknown("no checkpoint".into()))?;
        R::load(self.checkpoints.folder(*last).join(self.name))
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

/// Saves a checkpoint whenever the training loop asks for one.
pub(super) struct Always;

impl CheckpointingStrategy for Always {
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
    let Some(Latest { history, average, .. }) = checkpoints.latest_epoch(MAX_RECORD_BYTES)? else {
        return Err(Error::RunDir {
            path: from.root().to_path_buf(),
            expected: "a trained run".into(),
            found: "one without a checkpoint at the end of an epoch".into(),
        });
    };
    let folder = format!("{CHECKPOINTS}/{}", Position::after(history.epochs.len()).name());
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
