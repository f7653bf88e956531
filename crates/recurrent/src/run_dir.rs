//! A run's folder: all that a prediction needs, and all that training needs to go on.
//!
//! ```text
//! runs/forecast-weather-lstm-1/
//!   plan.toml             what was asked for, complete; `--config` takes it
//!   codec.toml, .json     columns and scaler, or how tokens are numbered; fitted on the training part
//!   history.csv           the last rows, where a forecast begins
//!   labels.json           what a classifier's labels are called
//!   baseline.json         the bag of words beside it
//!   weights.safetensors   the best epoch's weights
//!   metrics.jsonl         one line an epoch
//!   scores.json           the test part, beside the baselines
//!   pictures/*.svg
//!   checkpoints/epoch-*/  the last two epochs: weights, optimiser, schedule, progress
//! ```
//!
//! A reader never meets half a file: each is written beside its place and renamed into it, and the folder itself
//! appears only once plan and codec are inside.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::store::{ModuleSnapshot, SafetensorsStore};
use recurrent_data::Tokenizer;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, Result};

const PLAN: &str = "plan.toml";
const CODEC: &str = "codec.json";
const WEIGHTS: &str = "weights.safetensors";

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
    pub fn create(root: &Path, files: &[(&str, String)], force: bool) -> Result<Self> {
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

    /// Opens a run's folder.
    ///
    /// # Errors
    /// If there is none.
    pub fn open(root: &Path) -> Result<Self> {
        let run_dir = Self { root: root.to_path_buf() };
        let found = if !root.exists() {
            "nothing"
        } else if !root.is_dir() {
            "a file"
        } else if !run_dir.is_run() {
            "a folder without plan.toml"
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
        toml::from_str(&text).map_err(|cause| {
            let found = cause.message().to_string();
            let line = cause.span().map_or(1, |span| text[..span.start].lines().count().max(1));
            self.damaged(&self.path(name), &format!("the {name} of this run"), format!("{found} (line {line})"))
        })
    }

    /// The plan, in whatever form its task gives it.
    ///
    /// # Errors
    /// As [`read_toml`](Self::read_toml).
    pub fn plan<T: DeserializeOwned>(&self) -> Result<T> {
        self.read_toml(PLAN)
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
    pub(crate) fn read_codec(&self, weights: &str) -> Result<Tokenizer> {
        let codec = Tokenizer::from_json(&self.path(CODEC).display().to_string(), &self.read(CODEC)?)?;
        if self.has_weights() {
            self.check_rows(weights, codec.len())?;
        }
        Ok(codec)
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
            Some(rows) => Err(self.damaged(&path, &format!("weights for the {tokens} tokens of the codec"), rows)),
            None => Err(self.damaged(&path, "the weights of this run", format!("no `{name}` among them"))),
        }
    }

    /// Whether there are weights yet: from the first epoch on.
    pub fn has_weights(&self) -> bool {
        self.path(WEIGHTS).is_file()
    }

    fn is_run(&self) -> bool {
        self.path(PLAN).is_file()
    }

    fn damaged(&self, path: &Path, expected: &str, found: impl ToString) -> Error {
        Error::RunDir { path: path.to_path_buf(), expected: expected.to_string(), found: found.to_string() }
    }
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
