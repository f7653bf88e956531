//! A run's folder: all that a prediction needs, and all that training needs to be resumed.
//!
//! ```text
//! runs/forecast-weather-lstm-1/
//!   config.toml           format version, task, and all settings
//!   transform.toml        columns and scaler of a forecast, fitted on the training split
//!   tokenizer.json        the tokenizer of a text, fitted on the training split (tokenizers.json: of two languages)
//!   history.csv           the last rows, where a forecast begins
//!   labels.json           the labels of a classifier, in the order of their indices
//!   baseline.json         the bag of words beside a classifier
//!   weights.safetensors   the weights of the best epoch
//!   metrics.jsonl         one line an epoch
//!   scores.json           the scores of the test split, beside the baselines
//!   plots/*.svg
//!   checkpoints/epoch-*/  the last two epochs: weights, optimizer, schedule, progress
//! ```
//!
//! A reader never meets half a file: each is written to a temporary file beside its place and renamed. The folder itself
//! appears once configuration and tokenizer are inside.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::store::{ModuleSnapshot, SafetensorsStore};
use recurrent_data::Tokenizer;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use toml::de::DeTable;
use toml::{Table, Value};

use crate::settings::Partial;
use crate::{Error, Result, TaskConfig};

/// The version of the format in which this program writes a run's folder, and the only one that it reads.
pub const FORMAT_VERSION: u32 = 1;

const CONFIG: &str = "config.toml";
const TOKENIZER: &str = "tokenizer.json";
const WEIGHTS: &str = "weights.safetensors";
const WRITTEN_BY: &str = concat!("recurrent ", env!("CARGO_PKG_VERSION"));

/// How `config.toml` begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunHeader {
    /// The version of the folder's format.
    pub format_version: u32,
    /// The program that wrote it, with its version.
    pub written_by: String,
    /// The task's name.
    pub task: String,
}

impl RunHeader {
    /// The keys of the header.
    const KEYS: [&str; 3] = ["format_version", "written_by", "task"];

    /// Checks that the file at `path` is in this program's format.
    fn check(&self, path: &Path) -> Result<()> {
        if self.format_version == FORMAT_VERSION {
            return Ok(());
        }
        let Self { format_version, written_by, .. } = self;
        let expected = format!("format version {FORMAT_VERSION}");
        Err(unexpected(path, &expected, format!("format version {format_version}, written by {written_by}")))
    }
}

/// Takes the header off the file of settings at `path`, if it has one, and checks that it is of this format and task.
pub(crate) fn take_header(path: &Path, values: &mut Table, task: &str) -> Result<()> {
    let [version, written_by, found] = RunHeader::KEYS.map(|name| values.remove(name));
    if let Some(version) = version {
        let format_version = version.as_integer().and_then(|version| version.try_into().ok()).unwrap_or(0);
        let written_by = written_by.as_ref().and_then(Value::as_str).unwrap_or("an unknown program").into();
        RunHeader { format_version, written_by, task: String::new() }.check(path)?;
    }
    match found {
        Some(found) if found.as_str() != Some(task) => {
            let found = found.as_str().map_or_else(|| found.to_string(), String::from);
            Err(unexpected(path, &format!("settings of `{task}`"), format!("those of `{found}`")))
        }
        _ => Ok(()),
    }
}

/// A run's folder, on disk.
#[derive(Debug, Clone)]
pub struct RunDir {
    root: PathBuf,
}

impl RunDir {
    /// Makes a run's folder with the given files in it, all at once. With `force`, a run that is there is replaced;
    /// a folder that is not a run never is.
    ///
    /// # Errors
    /// If the folder exists or cannot be written.
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
            // The old run goes aside and is deleted last, so that a kill leaves one of the two whole.
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
                    // Best effort: the error that matters is the one that is already under way.
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
    /// If there is none.
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

    /// Takes the run for this process, until the file that it gives is dropped.
    ///
    /// # Errors
    /// If another process has it.
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

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The path of a file in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Writes a file whole: beside its place first, then into it. Folders on the way are made.
    ///
    /// # Errors
    /// If it cannot be written; what was there before is then still there.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> Result<()> {
        let path = self.path(name);
        let parent = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(parent).map_err(Error::io("cannot make the folder", parent))?;
        replace(&path, contents.as_ref())
    }

    /// Reads a text file.
    ///
    /// # Errors
    /// If it is missing or not text.
    pub fn read(&self, name: &str) -> Result<String> {
        let path = self.path(name);
        fs::read_to_string(&path).map_err(|cause| self.damaged(&path, "a text file of this run", cause))
    }

    /// Writes a value as TOML, which keeps every bit of a number.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_toml(&self, name: &str, value: &impl Serialize) -> Result<()> {
        self.write(name, to_toml(value))
    }

    /// Reads a value from TOML.
    ///
    /// # Errors
    /// If the file is missing or holds something else.
    pub fn read_toml<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        let text = self.read(name)?;
        toml::from_str(&text).map_err(|cause| self.invalid_toml(name, &text, &cause))
    }

    fn invalid_toml(&self, name: &str, text: &str, cause: &toml::de::Error) -> Error {
        let line = cause.span().map_or(1, |span| line_at(text, span.start));
        let found = format!("{} (line {line})", cause.message());
        self.damaged(&self.path(name), &format!("the {name} of this run"), found)
    }

    /// The header of the configuration: task and format.
    ///
    /// # Errors
    /// If the file is missing or damaged, or was written in another format.
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

    /// The settings of the run, checked.
    ///
    /// # Errors
    /// If the run is another task's or was written in another format, or its configuration is damaged.
    pub fn config<C: TaskConfig>(&self) -> Result<C> {
        self.check_task(C::TASK)?;
        // For errors with lines: serde has none for the settings of training, which are flattened.
        Partial::read(self.path(CONFIG), C::TASK, C::settings())?;
        let config: C = self.read_config(C::TASK)?;
        config.check()?;
        Ok(config)
    }

    /// The settings of a run of `task`, whatever type holds them.
    ///
    /// # Errors
    /// If the run is another task's or was written in another format, or its configuration is damaged.
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
        // One word of metadata alone: several would come in any order, and equal weights have equal bytes.
        let mut store = SafetensorsStore::from_bytes(None).clear_metadata().metadata("producer", "recurrent");
        let bytes = network
            .save_into(&mut store)
            .and_then(|()| store.get_bytes())
            .map_err(|cause| Error::Training(format!("the weights cannot be written: {cause}")))?;
        self.write(WEIGHTS, bytes)
    }

    /// Reads weights into a network of the same shape.
    ///
    /// # Errors
    /// If the file is missing, damaged, or of another network.
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

    /// Reads the codec, and sees that the weights of this name, if there are any yet, have a row for each of its tokens.
    ///
    /// # Errors
    /// If the file is missing or damaged, or the codec is another run's.
    pub(crate) fn read_tokenizer(&self, weights: &str) -> Result<Tokenizer> {
        let tokenizer = Tokenizer::from_json(&self.path(TOKENIZER).display().to_string(), &self.read(TOKENIZER)?)?;
        if self.has_weights() {
            self.check_rows(weights, tokenizer.len())?;
        }
        Ok(tokenizer)
    }

    /// Sees that the weights of this name have as many rows as there are tokens.
    ///
    /// # Errors
    /// If the file is missing or damaged, or the weights have other rows: the codec is another run's.
    pub(crate) fn check_rows(&self, name: &str, tokens: usize) -> Result<()> {
        let path = self.path(WEIGHTS);
        let bytes = fs::read(&path).map_err(|cause| self.damaged(&path, "the weights of this run", cause))?;
        // The format begins with the length of a header, eight bytes, and the header as JSON.
        let header = bytes.first_chunk().map(|length| u64::from_le_bytes(*length) as usize);
        let header = header.and_then(|length| bytes.get(8..8_usize.checked_add(length)?));
        let header: Option<serde_json::Value> = header.and_then(|header| serde_json::from_slice(header).ok());
        let rows = header.as_ref().and_then(|header| header[name]["shape"][0].as_u64());
        match rows {
            Some(rows) if rows == tokens as u64 => Ok(()),
            Some(rows) => Err(self.damaged(&path, &format!("weights for the {tokens} tokens of the tokenizer"), rows)),
            None => Err(self.damaged(&path, "the weights of this run", format!("no `{name}` among them"))),
        }
    }

    /// Whether there are weights yet: from the first epoch on.
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

fn unexpected(path: &Path, expected: &str, found: impl ToString) -> Error {
    Error::RunDir { path: path.to_path_buf(), expected: expected.to_string(), found: found.to_string() }
}

/// The line of a byte in a text, counted from 1.
pub(crate) fn line_at(text: &str, offset: usize) -> usize {
    text[..offset.min(text.len())].matches('\n').count() + 1
}

/// A value as TOML.
///
/// # Panics
/// If the value has no form in TOML, which none of a run's does not.
pub fn to_toml(value: &impl Serialize) -> String {
    toml::to_string(value).expect("plans and codecs have a form in TOML")
}

/// Writes a file beside its place and renames it into it. What is no ordinary file (a pipe, a device) is written to as
/// it is, and a link stays one.
///
/// # Errors
/// If it cannot be written; what was there before is then still there.
pub fn replace(path: &Path, contents: &[u8]) -> Result<()> {
    let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    if place.exists() && !place.is_file() {
        return fs::write(&place, contents).map_err(Error::io("cannot write", path));
    }
    let parent = match place.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let beside = builder(0o666).prefix(".new-").tempfile_in(parent);
    let mut beside = beside.map_err(Error::io("cannot write into the folder", parent))?;
    beside.write_all(contents).map_err(Error::io("cannot write", path))?;
    beside.persist(&place).map_err(|error| Error::io("cannot write", path)(error.error))?;
    Ok(())
}

/// Temporary files and folders with the permissions that any other would get.
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
