//! A run's folder: all that a prediction needs, and all that training needs to be resumed.
//!
//! ```text
//! runs/forecast-weather-lstm-1/
//!   config.toml           format version, task, and all settings
//!   transform.toml        columns and scaler of a forecast, fitted on the training split
//!   tokenizer.json        the tokenizer of a text, fitted on the training split (tokenizers.json: of two languages)
//!   history.csv           the last rows, where a forecast begins
//!   labels.json           the labels of a classifier, in the order of their indices
//!   baseline.json         the bag of words of a classifier
//!   search.toml           the length penalty of a translator, chosen on the validation split
//!   weights.safetensors   the weights of the best epoch
//!   initial.safetensors   the weights that training starts from, if they are not random
//!   metrics.jsonl         one line per epoch
//!   scores.json           the scores of the network and the baselines
//!   plots/*.svg           losses and evaluation
//!   checkpoints/epoch-*/  the last checkpoints: weights, their average, optimizer, learning rate schedule, history
//! ```
//!
//! All writes are atomic and on disk before they count: a file is written under a temporary name, synced and renamed. The
//! folder itself appears once configuration and tokenizer are inside, and one that it replaces is exchanged with it.
//!
//! A run may come from somebody else. Each file is reached by its name through [`RunDir`], which refuses links, pipes and
//! devices on the way to it, and files that are too large.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::module::Module;
use burn::store::{ModuleSnapshot, ModuleStore, SafetensorsStore, bridge};
use recurrent_data::regular_file::FileLock;
use recurrent_data::{RegisteredDataset, Tokenizer, regular_file};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use toml::de::DeTable;
use toml::{Table, Value};

use crate::config::check_num_parameters;
use crate::partial::Partial;
use crate::run_header::{FORMAT_VERSION, RunHeader, WRITTEN_BY, line_at, unexpected};
use crate::{Error, Result, TaskConfig};

const CONFIG: &str = "config.toml";
const TOKENIZER: &str = "tokenizer.json";
const WEIGHTS: &str = "weights.safetensors";
const INITIAL_WEIGHTS: &str = "initial.safetensors";
const LOCK: &str = ".lock";

/// How the names of files that are not complete yet begin.
const TEMPORARY: &str = ".new-";

/// The largest text file that is read.
pub(crate) const MAX_TEXT_BYTES: u64 = 1 << 28;
/// The largest header of weights that is read.
const MAX_HEADER_BYTES: u64 = 1 << 24;

/// The folder of a run.
#[derive(Debug, Clone)]
pub struct RunDir {
    root: PathBuf,
    /// The lock, if this value was made with it. It lives as long as the last clone.
    lock: Option<Arc<FileLock>>,
    /// The folder itself, if it is to be removed with the last clone.
    _temporary: Option<Arc<TempDir>>,
}

impl RunDir {
    /// Creates a run's folder with the given files, `(name, text)`, atomically. With `force`, an existing run is replaced,
    /// unless another process has locked it; a folder that is not a run never is. A link to a run stays, and the run behind
    /// it is replaced.
    ///
    /// The new run is locked until the returned value and its clones are dropped.
    ///
    /// # Errors
    /// [`Error::Exists`] if the folder exists, [`Error::RunDir`] if another process uses it, [`Error::Io`] if it cannot be
    /// written.
    pub fn create(root: impl AsRef<Path>, files: &[(&str, String)], force: bool) -> Result<Self> {
        let root = root.as_ref();
        let exists = |found| Err(Error::Exists { path: root.to_path_buf(), found });
        let place = match fs::canonicalize(root) {
            Ok(place) => place,
            Err(_) if root.is_symlink() => return exists("a link to nothing"),
            Err(_) => root.to_path_buf(),
        };
        restore(&place).map_err(Error::io("cannot restore", root))?;
        let existing = Self { root: place.clone(), lock: None, _temporary: None };
        let is_old = place.exists();
        let is_run = is_old && existing.has_header();
        if is_old && !(force && is_run) {
            return exists(if is_run { "a run" } else { "something that is not a run" });
        }
        // Taken before anything is written, and held until the old run is gone.
        let _old_lock = if is_old { existing.try_lock(root)? } else { None };
        let parent = parent(&place);
        fs::create_dir_all(parent).map_err(Error::io("cannot make the folder", parent))?;

        let new = Self { root: beside(&place, TEMPORARY), lock: None, _temporary: None };
        let lock = new.begin(root)?;
        let written = new.fill(files).and_then(|()| {
            let renamed = if is_old { exchange(&new.root, &place) } else { fs::rename(&new.root, &place) };
            let synced = renamed.and_then(|()| {
                regular_file::sync_folder(parent).inspect_err(|_| {
                    // The old run is the one that stays. Best effort: the error to report is this one.
                    let _ = if is_old { exchange(&new.root, &place) } else { fs::rename(&place, &new.root) };
                })
            });
            synced.map_err(Error::io("cannot make the folder", root))
        });
        if is_old || written.is_err() {
            // What is left under the temporary name: the old run, or the new one if it failed. Another process that makes
            // this run removes what cannot be removed now.
            let _ = new.clear().and_then(|()| fs::remove_dir_all(&new.root));
        }
        written?;
        Ok(Self { root: root.to_path_buf(), lock, _temporary: None })
    }

    /// Makes and locks the folder in which the run `root` is made. Files of a process that was killed here are removed.
    fn begin(&self, root: &Path) -> Result<Option<Arc<FileLock>>> {
        let cannot_write = |cause| Error::io("cannot make the folder", &self.root)(cause);
        match fs::create_dir(&self.root) {
            Err(cause) if cause.kind() == ErrorKind::AlreadyExists => {
                // Each process locks the folder before it writes into it.
                let is_empty = || Ok(fs::read_dir(&self.root)?.next().is_none());
                let file_type = fs::symlink_metadata(&self.root).map_err(cannot_write)?.file_type();
                if !file_type.is_dir() || !self.path(LOCK).exists() && !is_empty().map_err(cannot_write)? {
                    return Err(Error::Exists { path: self.root.clone(), found: "something that is not a run" });
                }
            }
            made => made.map_err(cannot_write)?,
        }
        let lock = self.try_lock(root)?;
        self.clear().map_err(cannot_write)?;
        Ok(lock)
    }

    /// Writes the first files of a run.
    fn fill(&self, files: &[(&str, String)]) -> Result<()> {
        for (name, text) in files {
            let path = self.path(name);
            File::create_new(&path)
                .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
                .map_err(Error::io("cannot write", &path))?;
        }
        regular_file::sync_folder(&self.root).map_err(Error::io("cannot write into the folder", &self.root))
    }

    /// Removes everything but the lock, without following links.
    fn clear(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else if entry.file_name() != LOCK {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// The text of `config.toml`: header and settings.
    pub fn config_text(task: &str, config: &impl Serialize) -> String {
        let header = RunHeader { format_version: FORMAT_VERSION, written_by: WRITTEN_BY.into(), task: task.into() };
        to_toml(&header) + &to_toml(config)
    }

    /// Opens a run's folder.
    ///
    /// # Errors
    /// [`Error::RunDir`] if it does not exist or has no `config.toml`.
    pub fn open(root: impl AsRef<Path>) -> Result<Self> {
        let root = root.as_ref();
        let run_dir = Self { root: root.to_path_buf(), lock: None, _temporary: None };
        let found = if !root.exists() {
            "nothing"
        } else if !root.is_dir() {
            "a file"
        } else if !run_dir.is_run() {
            "a folder without config.toml"
        } else {
            return Ok(run_dir);
        };
        Err(run_dir.damaged(root, "the folder of a run", found))
    }

    /// The run in a temporary folder, which is removed with the last clone.
    #[cfg(feature = "fit")]
    pub(crate) fn with_temporary(self, folder: TempDir) -> Self {
        Self { _temporary: Some(Arc::new(folder)), ..self }
    }

    /// [Opens](Self::open) a run's folder to write into it. It is locked until the returned value and its clones are
    /// dropped. A folder on a read-only disk has no need of a lock.
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`Error::RunDir`] if another process has locked the run.
    pub fn open_locked(root: impl AsRef<Path>) -> Result<Self> {
        let run_dir = Self::open(root)?;
        // Nothing is written into the folder of another program.
        run_dir.header()?;
        Ok(Self { lock: run_dir.try_lock(&run_dir.root)?, ..run_dir })
    }

    /// Locks the run for this process, until the returned value is dropped. A value that was made with the lock shares it.
    ///
    /// # Errors
    /// [`Error::RunDir`] if another process holds the lock, or the folder cannot be written.
    pub fn lock(&self) -> Result<Arc<FileLock>> {
        let lock = self.try_lock(&self.root)?;
        lock.ok_or_else(|| self.damaged(&self.root, "a folder that can be written", "a read-only one"))
    }

    /// The lock; `None` if there is none and none can be made, on a read-only disk. `shown` is the folder in an error.
    ///
    /// Temporary files of processes that were killed are removed.
    fn try_lock(&self, shown: &Path) -> Result<Option<Arc<FileLock>>> {
        if let Some(lock) = &self.lock {
            return Ok(Some(lock.clone()));
        }
        let path = self.checked(LOCK)?;
        loop {
            let file = match regular_file::open_lock(&path) {
                Err(cause) if is_read_only(&cause) => match regular_file::open(&path) {
                    Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
                    opened => opened,
                },
                opened => opened,
            };
            let file = file.map_err(Error::io("cannot write", &path))?;
            match FileLock::try_new(file) {
                Ok(lock) if is_at(lock.file(), &path) => {
                    self.sweep();
                    return Ok(Some(Arc::new(lock)));
                }
                // Another process has replaced the run meanwhile.
                Ok(_) => {}
                Err(TryLockError::WouldBlock) => {
                    let expected = "a run that no other process trains or evaluates";
                    return Err(self.damaged(shown, expected, "one that a process does"));
                }
                Err(TryLockError::Error(cause)) => return Err(Error::io("cannot lock", &path)(cause)),
            }
        }
    }

    /// Removes the temporary files that killed processes have left. Failures are ignored: the files do no harm.
    fn sweep(&self) {
        let entries = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten();
        let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|file_type| file_type.is_dir());
        let folders = entries(&self.root).filter(is_folder).map(|entry| entry.path());
        for folder in folders.chain([self.root.clone()]) {
            for entry in entries(&folder) {
                if entry.file_name().to_string_lossy().starts_with(TEMPORARY) && !is_folder(&entry) {
                    let _ = fs::remove_file(entry.path());
                }
            }
        }
    }

    /// The path of the folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The path of a file in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The path of a file in the folder, after a check of what is there: every part of the path but the last must be a
    /// folder, and the last a regular file, as far as they exist.
    ///
    /// # Errors
    /// [`Error::RunDir`] if there is something else, such as a link.
    pub(crate) fn checked(&self, name: &str) -> Result<PathBuf> {
        let mut path = self.root.clone();
        let mut parts = Path::new(name).components().peekable();
        while let Some(part) = parts.next() {
            path.push(part);
            let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
            let (expected, is_expected) = match parts.peek() {
                Some(_) => ("a folder", metadata.is_dir()),
                None => ("a regular file", metadata.is_file()),
            };
            if !is_expected {
                return Err(self.damaged(&path, expected, regular_file::describe(metadata.file_type())));
            }
        }
        Ok(path)
    }

    /// Makes a folder in this one, unless it is there.
    ///
    /// # Errors
    /// [`Error::RunDir`] if something else is there, such as a link; [`Error::Io`] if it cannot be made.
    #[cfg(feature = "fit")]
    pub(crate) fn make_folder(&self, name: &str) -> Result<PathBuf> {
        // Checked as the folder of a file that need not exist.
        self.checked(&format!("{name}/file"))?;
        let path = self.path(name);
        fs::create_dir_all(&path).map_err(Error::io("cannot make the folder", &path))?;
        Ok(path)
    }

    /// Writes a file atomically, and creates its parent folders.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be written, [`Error::RunDir`] if something else than a regular file is in its place; an
    /// earlier version of the file is then unchanged.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> Result<()> {
        let path = self.checked(name)?;
        let parent = parent(&path);
        fs::create_dir_all(parent).map_err(Error::io("cannot make the folder", parent))?;
        write_and_rename(&path, contents.as_ref()).map_err(Error::io("cannot write", &path))
    }

    /// Reads a text file.
    ///
    /// # Errors
    /// [`Error::RunDir`] if it is missing, no regular file, not UTF-8 or larger than 256 MiB.
    pub fn read(&self, name: &str) -> Result<String> {
        let path = self.checked(name)?;
        let damaged = |found: String| self.damaged(&path, "a text file of this run", found);
        let bytes = regular_file::read(&path, MAX_TEXT_BYTES).map_err(|cause| damaged(cause.to_string()))?;
        String::from_utf8(bytes).map_err(|cause| damaged(format!("no UTF-8: {cause}")))
    }

    /// Checks that data which the configuration names are no pipe or device: these may have no end, and a run of somebody
    /// else may name any. `setting` is the name of the data's setting.
    ///
    /// # Errors
    /// [`Error::RunDir`] if they are.
    pub fn check_data(&self, setting: &str, data: &str) -> Result<()> {
        match fs::metadata(data) {
            Ok(metadata) if !metadata.is_file() && !metadata.is_dir() && RegisteredDataset::find(data).is_err() => {
                let found = format!("`{data}`, {}", regular_file::describe(metadata.file_type()));
                Err(self.damaged(&self.path(CONFIG), &format!("the path of a regular file as `{setting}`"), found))
            }
            _ => Ok(()),
        }
    }

    /// Writes a value as TOML; floats keep all their bits.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_toml(&self, name: &str, value: &impl Serialize) -> Result<()> {
        self.write(name, to_toml(value))
    }

    /// Reads a value from TOML.
    ///
    /// # Errors
    /// [`Error::RunDir`] if the file is missing or cannot be parsed as `T`.
    pub fn read_toml<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        let text = self.read(name)?;
        toml::from_str(&text).map_err(|cause| self.invalid_toml(name, &text, &cause))
    }

    fn invalid_toml(&self, name: &str, text: &str, cause: &toml::de::Error) -> Error {
        let line = cause.span().map_or(1, |span| line_at(text, span.start));
        let found = format!("{} (line {line})", cause.message());
        self.damaged(&self.path(name), &format!("the {name} of this run"), found)
    }

    /// The header of `config.toml`: format version and task.
    ///
    /// # Errors
    /// [`Error::RunDir`] if the file is missing or damaged, or was written in another format.
    pub fn header(&self) -> Result<RunHeader> {
        let mut values: Table = self.read_toml(CONFIG)?;
        values.retain(|name, _| RunHeader::KEYS.contains(&name));
        let path = self.path(CONFIG);
        let header: RunHeader = Value::Table(values).try_into().map_err(|cause: toml::de::Error| {
            self.damaged(&path, "format_version, written_by and task", cause.message())
        })?;
        header.check(&path)?;
        Ok(header)
    }

    /// Reads and checks the settings of the run.
    ///
    /// # Errors
    /// [`Error::RunDir`] if the run belongs to another task or format, or its configuration is damaged;
    /// [`Error::SettingsFile`], with the line, if a setting is unknown or of the wrong type; [`Error::Setting`] if a value
    /// is not allowed.
    pub fn config<C: TaskConfig>(&self) -> Result<C> {
        self.check_task(C::TASK)?;
        // For errors with lines: serde has none for the settings of training, which are flattened.
        Partial::parse(&self.path(CONFIG), &self.read(CONFIG)?, C::TASK, C::settings())?;
        let config: C = self.read_config(C::TASK)?;
        config.check()?;
        Ok(config)
    }

    /// Reads the settings of a run of `task` as any type, without checking their bounds.
    ///
    /// # Errors
    /// [`Error::RunDir`] if the run belongs to another task or format, or its configuration is damaged.
    pub fn read_config<C: DeserializeOwned>(&self, task: &str) -> Result<C> {
        self.check_task(task)?;
        let text = self.read(CONFIG)?;
        let invalid = |cause| self.invalid_toml(CONFIG, &text, &cause);
        // The values keep their places in the text, so that an error has its line.
        let mut values = DeTable::parse(&text).map_err(invalid)?;
        for name in RunHeader::KEYS {
            values.get_mut().remove(name);
        }
        C::deserialize(toml::Deserializer::from(values)).map_err(invalid)
    }

    fn check_task(&self, task: &str) -> Result<()> {
        let found = self.header()?.task;
        if found == task {
            return Ok(());
        }
        Err(self.damaged(&self.root, &format!("a run of `{task}`"), format!("a run of `{found}`")))
    }

    /// Writes the settings of the run.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_config<C: TaskConfig>(&self, config: &C) -> Result<()> {
        self.write(CONFIG, Self::config_text(C::TASK, config))
    }

    /// Writes a network's weights, in the safetensors format.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_weights<M: Module>(&self, network: &M) -> Result<()> {
        self.write_weights_as(WEIGHTS, network)
    }

    /// Writes the weights that training starts from.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_initial_weights<M: Module>(&self, network: &M) -> Result<()> {
        self.write_weights_as(INITIAL_WEIGHTS, network)
    }

    fn write_weights_as<M: Module>(&self, name: &str, network: &M) -> Result<()> {
        // A single metadata entry, since several have no fixed order and equal weights must give equal bytes.
        let mut store = SafetensorsStore::from_bytes(None).clear_metadata().metadata("producer", "recurrent");
        let bytes = network
            .save_into(&mut store)
            .and_then(|()| store.get_bytes())
            .map_err(|cause| Error::Training(format!("the weights cannot be written: {cause}")))?;
        self.write(name, bytes)
    }

    /// Reads weights into a network of the same architecture.
    ///
    /// # Errors
    /// [`Error::RunDir`] if the file is missing, damaged, or of another network, or a weight is NaN or infinite.
    pub fn read_weights<M: Module>(&self, network: &mut M) -> Result<()> {
        self.read_weights_of(WEIGHTS, network, &[])
    }

    /// Reads the weights that training starts from into a network of the same architecture. Without such it stays as it is.
    ///
    /// # Errors
    /// As [`read_weights`](Self::read_weights), but for a missing file.
    #[cfg(feature = "fit")]
    pub(crate) fn read_initial_weights<M: Module>(&self, network: &mut M) -> Result<()> {
        match fs::symlink_metadata(self.path(INITIAL_WEIGHTS)) {
            Ok(_) => self.read_weights_of(INITIAL_WEIGHTS, network, &[]),
            Err(_) => Ok(()),
        }
    }

    /// Reads the weights of another run into a network that may differ from its in the `fresh` parts, which stay as they are.
    ///
    /// # Errors
    /// As [`read_weights`](Self::read_weights).
    #[cfg(feature = "fit")]
    pub(crate) fn read_weights_but<M: Module>(&self, network: &mut M, fresh: &[&str]) -> Result<()> {
        self.read_weights_of(WEIGHTS, network, fresh)
    }

    /// Reads a file of weights into a network, but for its `fresh` parts, whose weights in the file may be others.
    fn read_weights_of<M: Module>(&self, name: &str, network: &mut M, fresh: &[&str]) -> Result<()> {
        let path = self.checked(name)?;
        let damaged = |found: String| self.damaged(&path, "the weights of this run", found);
        let is_fresh = |name: &str| name.split('.').any(|part| fresh.contains(&part));
        // Fresh parts may be larger in the file.
        let bytes_of_weight = if fresh.is_empty() { 8 } else { 16 };
        let max_bytes = MAX_HEADER_BYTES + bytes_of_weight * network.num_params() as u64;
        let bytes = regular_file::read(&path, max_bytes).map_err(|cause| damaged(cause.to_string()))?;
        let mut store = SafetensorsStore::from_bytes(Some(bytes));
        if !fresh.is_empty() {
            let names = store.get_all_tensors().map_err(|cause| damaged(cause.to_string()))?;
            let kept: Vec<String> = names.keys().filter(|name| !is_fresh(name)).cloned().collect();
            store = store.with_full_paths(kept).allow_partial(true);
        }
        match network.load_from(&mut store) {
            Ok(result)
                if result.errors.is_empty()
                    && result.unused.iter().all(|name| is_fresh(name))
                    && result.missing.iter().all(|(name, _)| is_fresh(name)) => {}
            Ok(result) => return Err(damaged(result.to_string())),
            Err(cause) => return Err(damaged(cause.to_string())),
        }
        for (name, tensor) in store.get_all_tensors().map_err(|cause| damaged(cause.to_string()))? {
            let weights = bridge::to_data(tensor).map_err(|cause| damaged(cause.to_string()))?;
            if let Some(weight) = weights.iter::<f32>().find(|weight| !weight.is_finite()) {
                return Err(self.damaged(&path, "finite weights", format!("{weight} in `{name}`")));
            }
        }
        Ok(())
    }

    /// Reads the tokenizer, and checks that the weights of this name, if they exist yet, have a row per token.
    ///
    /// # Errors
    /// If the file is missing or damaged, or the tokenizer belongs to another run.
    pub(crate) fn read_tokenizer(&self, weights: &str) -> Result<Tokenizer> {
        let tokenizer = Tokenizer::from_json(&self.path(TOKENIZER).display().to_string(), &self.read(TOKENIZER)?)?;
        if self.has_weights() {
            self.check_rows(weights, tokenizer.vocab_size())?;
        }
        Ok(tokenizer)
    }

    /// Checks that the weights of this name have a row per token.
    ///
    /// # Errors
    /// If the file is missing or damaged, or the weights have another number of rows.
    pub(crate) fn check_rows(&self, name: &str, vocab_size: usize) -> Result<()> {
        let path = self.checked(WEIGHTS)?;
        let header = regular_file::open(&path).and_then(read_header);
        let header = header.map_err(|cause| self.damaged(&path, "the weights of this run", cause))?;
        match header[name]["shape"][0].as_u64() {
            Some(rows) if rows == vocab_size as u64 => Ok(()),
            Some(rows) => {
                Err(self.damaged(&path, &format!("weights for the {vocab_size} tokens of the tokenizer"), rows))
            }
            None => Err(self.damaged(&path, "the weights of this run", format!("no `{name}` among them"))),
        }
    }

    /// Checks that a network with so many parameters can be made and that the weights are of its size, by their header.
    /// It comes before the network, so that edited settings cannot allocate more memory than the weights need.
    ///
    /// # Errors
    /// If the network is too large, or the file is missing, damaged, or has another number of parameters. A `count` of 0 is
    /// an unknown one.
    pub(crate) fn check_size(&self, count: usize) -> Result<()> {
        check_num_parameters(count)?;
        let path = self.checked(WEIGHTS)?;
        let of_file = |cause: io::Error| self.damaged(&path, "the weights of this run", cause);
        let file = regular_file::open(&path).map_err(of_file)?;
        let file_length = file.metadata().map_err(of_file)?.len();
        let header = read_header(file).map_err(of_file)?;
        let found = num_elements(&header).filter(|found| *found as u64 <= file_length);
        match found {
            Some(found) if found == count || count == 0 => Ok(()),
            Some(found) => {
                let found = format!("{found} parameters in place of {count}");
                Err(self.damaged(&path, "the weights of this run", found))
            }
            None => Err(self.damaged(&path, "the weights of this run", "a header without their shapes")),
        }
    }

    /// Whether there are weights yet; they are written after the first epoch.
    pub fn has_weights(&self) -> bool {
        // A link counts, and is refused when it is read.
        fs::symlink_metadata(self.path(WEIGHTS)).is_ok()
    }

    fn is_run(&self) -> bool {
        self.path(CONFIG).is_file()
    }

    /// Whether `config.toml` is that of a run of any format: other programs have files of this name too.
    fn has_header(&self) -> bool {
        let has_keys = |values: Table| ["format_version", "task"].iter().all(|key| values.contains_key(*key));
        self.read_toml(CONFIG).is_ok_and(has_keys)
    }

    fn damaged(&self, path: &Path, expected: &str, found: impl ToString) -> Error {
        unexpected(path, expected, found)
    }
}

/// The number of elements of all tensors in the header of a safetensors file; `None` if it is not such a header.
fn num_elements(header: &serde_json::Value) -> Option<usize> {
    let tensors = header.as_object()?.iter().filter(|(name, _)| *name != "__metadata__");
    let elements = |tensor: &serde_json::Value| {
        let mut sizes = tensor["shape"].as_array()?.iter().map(serde_json::Value::as_u64);
        sizes.try_fold(1_usize, |product, size| product.checked_mul(usize::try_from(size?).ok()?))
    };
    tensors.map(|(_, tensor)| elements(tensor)).try_fold(0_usize, |sum, count| sum.checked_add(count?))
}

/// A value as TOML.
///
/// # Panics
/// If the value cannot be written as TOML.
pub fn to_toml(value: &impl Serialize) -> String {
    toml::to_string(value).expect("the value can be written as TOML")
}

/// Writes a file atomically: under a temporary name in its folder, which is then renamed. Pipes and devices are written
/// to directly, and symbolic links are followed.
///
/// # Errors
/// [`Error::Io`] if it cannot be written; an earlier version of the file is then unchanged.
pub fn replace(path: &Path, contents: &[u8]) -> Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let written = if target.exists() && !target.is_file() {
        fs::write(&target, contents)
    } else {
        write_and_rename(&target, contents)
    };
    written.map_err(Error::io("cannot write", path))
}

/// Writes a file under a temporary name, and renames it once its contents are on disk.
fn write_and_rename(path: &Path, contents: &[u8]) -> io::Result<()> {
    let parent = parent(path);
    let mut temporary = temporary_file(parent)?;
    temporary.write_all(contents)?;
    temporary.as_file().sync_all()?;
    temporary.persist(path)?;
    regular_file::sync_folder(parent)
}

/// Exchanges two folders, at once where the system can.
fn exchange(new: &Path, old: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(CWD, new, CWD, old, RenameFlags::EXCHANGE) {
            // The kernel or the file system cannot.
            Err(Errno::NOSYS | Errno::INVAL | Errno::NOTSUP) => {}
            exchanged => return Ok(exchanged?),
        }
    }
    exchange_by_renaming(new, old)
}

/// Exchanges two folders in three steps. [`restore`] completes them if the process is killed in between.
fn exchange_by_renaming(new: &Path, old: &Path) -> io::Result<()> {
    let moved = beside(old, ".old-");
    if moved.exists() {
        fs::remove_dir_all(&moved)?;
    }
    fs::rename(old, &moved)?;
    if let Err(cause) = fs::rename(new, old) {
        fs::rename(&moved, old)?;
        return Err(cause);
    }
    fs::rename(&moved, new)
}

/// Brings back a run that [`exchange_by_renaming`] had moved away when its process was killed.
fn restore(place: &Path) -> io::Result<()> {
    let moved = beside(place, ".old-");
    if !place.exists() && moved.join(CONFIG).is_file() { fs::rename(&moved, place) } else { Ok(()) }
}

/// The path of a folder with a prefix before its name.
fn beside(folder: &Path, prefix: &str) -> PathBuf {
    let mut name = std::ffi::OsString::from(prefix);
    name.push(folder.file_name().unwrap_or_default());
    parent(folder).join(name)
}

/// The folder that a file or a folder is in.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Whether a file is still the one at its path.
fn is_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let id = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        file.metadata().is_ok_and(|file| fs::symlink_metadata(path).is_ok_and(|there| id(file) == id(there)))
    }
    #[cfg(not(unix))]
    {
        let _ = (file, path);
        true
    }
}

/// Whether an error is that of a disk or a folder that must not be written.
pub(crate) fn is_read_only(cause: &io::Error) -> bool {
    matches!(cause.kind(), ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied)
}

/// The header of weights: safetensors begins with its length in 8 bytes, and the header as JSON.
fn read_header(mut file: File) -> io::Result<serde_json::Value> {
    let mut length = [0; 8];
    file.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    if length > MAX_HEADER_BYTES {
        return Err(io::Error::new(ErrorKind::InvalidData, format!("a header of {length} bytes")));
    }
    let mut header = vec![0; length as usize];
    file.read_exact(&mut header)?;
    Ok(serde_json::from_slice(&header)?)
}

/// An empty file in a folder, with the permissions of ordinary ones.
fn temporary_file(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.prefix(TEMPORARY).tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::{Device, Tensor};

    use super::*;

    fn config(text: &str) -> String {
        format!("format_version = {FORMAT_VERSION}\nwritten_by = \"{WRITTEN_BY}\"\ntask = \"{text}\"\n")
    }

    fn files(text: &str) -> [(&'static str, String); 1] {
        [(CONFIG, config(text))]
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn replaced_run_is_exchanged_and_gone() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("run");
        drop(RunDir::create(&root, &files("old"), false).unwrap());
        fs::create_dir(root.join("plots")).unwrap();
        let error = RunDir::create(&root, &files("new"), false).unwrap_err();
        assert!(matches!(error, Error::Exists { found: "a run", .. }), "{error}");
        let run = RunDir::create(&root, &files("new"), true).unwrap();
        assert_eq!(run.read(CONFIG).unwrap(), config("new"));
        assert_eq!((names(folder.path()), names(&root)), (vec!["run".into()], vec![LOCK.into(), CONFIG.into()]));
    }

    #[test]
    fn run_in_use_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("run");
        let run = RunDir::create(&root, &files("old"), false).unwrap();
        let clone = run.clone();
        drop(run);
        assert!(clone.lock().is_ok());
        for error in [
            RunDir::create(&root, &files("new"), true).unwrap_err(),
            RunDir::open_locked(&root).unwrap_err(),
            RunDir::open(&root).unwrap().lock().unwrap_err(),
        ] {
            let expected =
                "run: expected a run that no other process trains or evaluates, found one that a process does";
            assert!(error.to_string().ends_with(expected) && error.is_bad_input(), "{error}");
        }
        assert_eq!((clone.read(CONFIG).unwrap(), names(folder.path())), (config("old"), vec!["run".into()]));
        drop(clone);
        assert_eq!(RunDir::create(&root, &files("new"), true).unwrap().read(CONFIG).unwrap(), config("new"));
    }

    #[test]
    fn what_killed_processes_left_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("run");
        // Killed while the files of a new run were written, and while an old run was removed.
        for left in [&["half"][..], &[LOCK, "config.toml", ".new-abc"], &[]] {
            let new = folder.path().join(".new-run");
            fs::create_dir_all(new.join("plots")).unwrap();
            fs::write(new.join(LOCK), "").unwrap();
            left.iter().for_each(|name| fs::write(new.join(name), "half").unwrap());
            drop(RunDir::create(&root, &files("new"), root.exists()).unwrap());
            assert_eq!((names(folder.path()), names(&root)), (vec!["run".into()], vec![LOCK.into(), CONFIG.into()]));
        }
        // Killed while a file of the run was written.
        fs::create_dir(root.join("plots")).unwrap();
        fs::write(root.join(".new-abc"), "half").unwrap();
        fs::write(root.join("plots/.new-def"), "half").unwrap();
        fs::write(root.join("plots/loss.svg"), "whole").unwrap();
        RunDir::open_locked(&root).unwrap();
        assert_eq!((names(&root).len(), names(&root.join("plots"))), (3, vec!["loss.svg".into()]));
    }

    #[test]
    fn folder_of_another_is_not_swept() {
        let folder = tempfile::tempdir().unwrap();
        let other = folder.path().join(".new-run");
        fs::create_dir(&other).unwrap();
        fs::write(other.join("letter"), "mine").unwrap();
        let error = RunDir::create(folder.path().join("run"), &files("new"), false).unwrap_err();
        assert!(matches!(error, Error::Exists { .. }), "{error}");
        assert_eq!(names(&other), ["letter"]);
    }

    /// A kill between any two steps leaves the old or the new run, whole.
    #[test]
    fn exchange_leaves_either_run_whole() {
        let folder = tempfile::tempdir().unwrap();
        let [old, new] = ["run", ".new-run"].map(|name| folder.path().join(name));
        let write = |path: &Path, text: &str| {
            fs::create_dir(path).unwrap();
            fs::write(path.join(CONFIG), text).unwrap();
        };
        let read = |path: &Path| fs::read_to_string(path.join(CONFIG)).unwrap();
        write(&old, "old");
        write(&new, "new");
        exchange(&new, &old).unwrap();
        assert_eq!((read(&old), read(&new)), ("new".into(), "old".into()));
        exchange_by_renaming(&new, &old).unwrap();
        assert_eq!((read(&old), read(&new)), ("old".into(), "new".into()));
        // Nothing to exchange with: the old run stays.
        fs::remove_dir_all(&new).unwrap();
        exchange_by_renaming(&new, &old).unwrap_err();
        assert_eq!(read(&old), "old");
        // Killed after the first step, and after the second.
        fs::rename(&old, folder.path().join(".old-run")).unwrap();
        restore(&old).unwrap();
        assert_eq!(read(&old), "old");
        write(&new, "new");
        fs::rename(&old, folder.path().join(".old-run")).unwrap();
        fs::rename(&new, &old).unwrap();
        restore(&old).unwrap();
        write(&new, "newer");
        exchange_by_renaming(&new, &old).unwrap();
        assert_eq!((read(&old), read(&new), names(folder.path()).len()), ("newer".into(), "new".into(), 2));
    }

    #[cfg(unix)]
    #[test]
    fn links_in_a_run_are_refused() {
        use std::os::unix::fs::symlink;

        let folder = tempfile::tempdir().unwrap();
        let victim = folder.path().join("victim");
        fs::create_dir(&victim).unwrap();
        fs::write(victim.join("file"), "mine").unwrap();
        let root = folder.path().join("run");
        let run = RunDir::create(&root, &files("text"), false).unwrap();
        symlink(victim.join("file"), root.join("scores.json")).unwrap();
        symlink(&victim, root.join("plots")).unwrap();
        symlink(&victim, root.join("checkpoints")).unwrap();
        symlink(victim.join("file"), root.join(WEIGHTS)).unwrap();
        for error in [
            run.write("scores.json", "x").unwrap_err(),
            run.read("scores.json").unwrap_err(),
            run.write("plots/file", "x").unwrap_err(),
            run.make_folder("checkpoints").unwrap_err(),
            run.check_rows("embedding.weight", 3).unwrap_err(),
        ] {
            assert!(error.to_string().ends_with(", found a symbolic link") && error.is_bad_input(), "{error}");
        }
        drop(run);
        fs::remove_file(root.join(LOCK)).unwrap();
        symlink(victim.join("file"), root.join(LOCK)).unwrap();
        RunDir::open_locked(&root).unwrap_err();
        assert_eq!(fs::read_to_string(victim.join("file")).unwrap(), "mine");
        assert_eq!(names(&victim), ["file"]);
    }

    #[cfg(unix)]
    #[test]
    fn linked_run_is_replaced_behind_its_link() {
        use std::os::unix::fs::symlink;

        let folder = tempfile::tempdir().unwrap();
        let [run, link, nothing] = ["run", "link", "nothing"].map(|name| folder.path().join(name));
        drop(RunDir::create(&run, &files("old"), false).unwrap());
        symlink(&run, &link).unwrap();
        symlink("none", &nothing).unwrap();
        let new = RunDir::create(&link, &files("new"), true).unwrap();
        assert!(link.is_symlink() && new.root() == link);
        assert_eq!(fs::read_to_string(run.join(CONFIG)).unwrap(), config("new"));
        let error = RunDir::create(&nothing, &files("new"), true).unwrap_err();
        assert!(matches!(error, Error::Exists { found: "a link to nothing", .. }), "{error}");
    }

    #[test]
    fn weights_that_are_no_numbers_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunDir::create(folder.path().join("run"), &files("text"), false).unwrap();
        let device = Device::flex();
        let network = |weight: f32| {
            let mut network: Linear = LinearConfig::new(2, 1).with_bias(false).init(&device);
            network.weight = network.weight.map(|_| Tensor::from_floats([[1.0], [weight]], &device));
            network
        };
        for (weight, found) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf"), (f32::NEG_INFINITY, "-inf")] {
            run.write_weights(&network(weight)).unwrap();
            let error = run.read_weights(&mut network(0.0)).unwrap_err();
            let expected = format!("weights.safetensors: expected finite weights, found {found} in `weight`");
            assert!(error.to_string().ends_with(&expected) && error.is_bad_input(), "{error}");
            #[cfg(feature = "fit")]
            assert_eq!(
                run.read_weights_but(&mut network(0.0), &["bias"]).unwrap_err().to_string(),
                error.to_string(),
                "whatever is made anew"
            );
        }
        run.write_weights(&network(0.5)).unwrap();
        let mut read = network(0.0);
        run.read_weights(&mut read).unwrap();
        assert_eq!(read.weight.val().into_data(), network(0.5).weight.val().into_data());
    }

    #[test]
    fn large_files_are_refused_before_they_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunDir::create(folder.path().join("run"), &files("text"), false).unwrap();
        // A file without blocks on the disk.
        for name in [CONFIG, WEIGHTS] {
            File::create(run.path(name)).and_then(|file| file.set_len(1 << 40)).unwrap();
        }
        let mut network: Linear = LinearConfig::new(2, 1).init(&Device::flex());
        for error in [run.read(CONFIG).unwrap_err(), run.read_weights(&mut network).unwrap_err()] {
            assert!(error.to_string().contains("found 1099511627776 bytes, more than"), "{error}");
        }
    }
}
