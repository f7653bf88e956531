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
//!   weights.safetensors   the weights of the best epoch
//!   metrics.jsonl         one line per epoch
//!   scores.json           the scores of the network and the baselines
//!   plots/*.svg           losses and evaluation
//!   checkpoints/epoch-*/  the last two epochs: weights, optimizer, learning rate schedule, history
//! ```
//!
//! All writes are atomic: a file is written under a temporary name and renamed. The folder itself appears once
//! configuration and tokenizer are inside.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::store::{ModuleSnapshot, SafetensorsStore};
use recurrent_data::Tokenizer;
use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::de::DeTable;
use toml::{Table, Value};

use crate::config::check_num_parameters;
use crate::partial::Partial;
use crate::run_header::{FORMAT_VERSION, RunHeader, WRITTEN_BY, line_at, unexpected};
use crate::{Error, Result, TaskConfig};

const CONFIG: &str = "config.toml";
const TOKENIZER: &str = "tokenizer.json";
const WEIGHTS: &str = "weights.safetensors";

/// The maximum size of the header of weights in bytes, as in the safetensors library.
const MAX_HEADER: u64 = 100_000_000;

/// The folder of a run.
#[derive(Debug, Clone)]
pub struct RunDir {
    root: PathBuf,
}

impl RunDir {
    /// Creates a run's folder with the given files, `(name, text)`, atomically. With `force`, an existing run is replaced;
    /// a folder that is not a run never is.
    ///
    /// # Errors
    /// [`Error::Exists`] if the folder exists, [`Error::Io`] if it cannot be written.
    pub fn create(root: impl AsRef<Path>, files: &[(&str, String)], force: bool) -> Result<Self> {
        let root = root.as_ref();
        let existing = Self { root: root.to_path_buf() };
        if root.exists() && !(force && existing.is_run()) {
            let found = if existing.is_run() { "a run" } else { "something that is not a run" };
            return Err(Error::Exists { path: root.to_path_buf(), found });
        }
        let parent = match root.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(parent).map_err(Error::io("cannot make the folder", parent))?;
        let new = builder(0o777)
            .prefix(".new-run-")
            .tempdir_in(parent)
            .map_err(Error::io("cannot write into the folder", parent))?;
        for (name, text) in files {
            let path = new.path().join(name);
            fs::write(&path, text).map_err(Error::io("cannot write", &path))?;
        }
        let mut replaced = None;
        if root.exists() {
            // The old run is moved away and deleted last, so that one of the two survives a kill.
            let old = builder(0o777)
                .prefix(".old-run-")
                .tempdir_in(parent)
                .map_err(Error::io("cannot write into the folder", parent))?;
            fs::rename(root, old.path().join("run")).map_err(Error::io("cannot replace", root))?;
            replaced = Some(old);
        }
        match fs::rename(new.path(), root) {
            Ok(()) => Ok(existing),
            Err(cause) => {
                if let Some(old) = replaced {
                    // Best effort: the error to report is the first one.
                    let _ = fs::rename(old.keep().join("run"), root);
                }
                Err(Error::io("cannot make the folder", root)(cause))
            }
        }
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
        let run_dir = Self { root: root.to_path_buf() };
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

    /// Locks the run for training by this process, until the returned file is dropped.
    ///
    /// # Errors
    /// [`Error::RunDir`] if another process holds the lock.
    pub fn lock(&self) -> Result<File> {
        let path = self.path(".lock");
        let file = File::create(&path).map_err(Error::io("cannot write", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => {
                Err(self.damaged(&self.root, "a run that nobody trains", "another process that trains it"))
            }
            Err(TryLockError::Error(cause)) => Err(Error::io("cannot lock", &path)(cause)),
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

    /// Writes a file atomically, and creates its parent folders.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be written; an earlier version of the file is then unchanged.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> Result<()> {
        let path = self.path(name);
        let parent = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(parent).map_err(Error::io("cannot make the folder", parent))?;
        replace(&path, contents.as_ref())
    }

    /// Reads a text file.
    ///
    /// # Errors
    /// [`Error::RunDir`] if it is missing or not UTF-8.
    pub fn read(&self, name: &str) -> Result<String> {
        let path = self.path(name);
        fs::read_to_string(&path).map_err(|cause| self.damaged(&path, "a text file of this run", cause))
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
        Partial::read(self.path(CONFIG), C::TASK, C::settings())?;
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
        // A single metadata entry, since several have no fixed order and equal weights must give equal bytes.
        let mut store = SafetensorsStore::from_bytes(None).clear_metadata().metadata("producer", "recurrent");
        let bytes = network
            .save_into(&mut store)
            .and_then(|()| store.get_bytes())
            .map_err(|cause| Error::Training(format!("the weights cannot be written: {cause}")))?;
        self.write(WEIGHTS, bytes)
    }

    /// Reads weights into a network of the same architecture.
    ///
    /// # Errors
    /// [`Error::RunDir`] if the file is missing, damaged, or of another network.
    pub fn read_weights<M: Module>(&self, network: &mut M) -> Result<()> {
        let path = self.path(WEIGHTS);
        let bytes = fs::read(&path).map_err(|cause| self.damaged(&path, "the weights of this run", cause))?;
        let mut store = SafetensorsStore::from_bytes(Some(bytes));
        match network.load_from(&mut store) {
            Ok(result) if result.errors.is_empty() && result.unused.is_empty() => Ok(()),
            Ok(result) => Err(self.damaged(&path, "the weights of this run", result)),
            Err(cause) => Err(self.damaged(&path, "the weights of this run", cause)),
        }
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
        let path = self.path(WEIGHTS);
        let bytes = fs::read(&path).map_err(|cause| self.damaged(&path, "the weights of this run", cause))?;
        // safetensors begins with the length of its header in 8 bytes, and the header as JSON.
        let header = bytes.first_chunk().map(|length| u64::from_le_bytes(*length) as usize);
        let header = header.and_then(|length| bytes.get(8..8_usize.checked_add(length)?));
        let header: Option<serde_json::Value> = header.and_then(|header| serde_json::from_slice(header).ok());
        let rows = header.as_ref().and_then(|header| header[name]["shape"][0].as_u64());
        match rows {
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
        let path = self.path(WEIGHTS);
        let of_file = |cause: io::Error| self.damaged(&path, "the weights of this run", cause);
        let mut file = File::open(&path).map_err(of_file)?;
        let file_length = file.metadata().map_err(of_file)?.len();
        let mut length = [0; 8];
        file.read_exact(&mut length).map_err(of_file)?;
        let length = u64::from_le_bytes(length);
        if length > file_length.min(MAX_HEADER) {
            return Err(self.damaged(&path, "the weights of this run", format!("a header of {length} bytes")));
        }
        let mut header = Vec::new();
        file.take(length).read_to_end(&mut header).map_err(of_file)?;
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
        self.path(WEIGHTS).is_file()
    }

    fn is_run(&self) -> bool {
        self.path(CONFIG).is_file()
    }

    fn damaged(&self, path: &Path, expected: &str, found: impl ToString) -> Error {
        unexpected(path, expected, found)
    }
}

/// The number of elements of all tensors in the header of a safetensors file; `None` if it is not such a header.
fn num_elements(header: &[u8]) -> Option<usize> {
    let header: serde_json::Value = serde_json::from_slice(header).ok()?;
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
    if target.exists() && !target.is_file() {
        return fs::write(&target, contents).map_err(Error::io("cannot write", path));
    }
    let parent = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let temporary = builder(0o666).prefix(".new-").tempfile_in(parent);
    let mut temporary = temporary.map_err(Error::io("cannot write into the folder", parent))?;
    temporary.write_all(contents).map_err(Error::io("cannot write", path))?;
    temporary.persist(&target).map_err(|error| Error::io("cannot write", path)(error.error))?;
    Ok(())
}

/// Temporary files and folders with the permissions of ordinary ones.
fn builder(mode: u32) -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(mode));
    }
    #[cfg(not(unix))]
    let _ = mode;
    builder
}
