//! Data that is opened once, by the name of a registered data set or by path.

use std::borrow::Cow;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::checksum::{sha256, sha256_of_file};
use crate::content::{self, Content};
use crate::error::{DataError, Result};
use crate::file::read_file;
use crate::manifest::DatasetManifest;
use crate::registry::RegisteredDataset;
use crate::table::Table;
use crate::text::corpus::Corpus;

/// A registered data set or a file, read at most once.
///
/// [`table`](Self::table), [`corpus`](Self::corpus) and [`bytes`](Self::bytes) read the data when they are first called
/// and keep the result; [`sha256`](Self::sha256) after one of them is free. So a program opens its source, makes its
/// settings from it (columns, checksum), and later its batches from the same bytes. A clone shares what was read.
///
/// The checksum of a fetched data set is compared with its manifest's whenever the file is read.
///
/// ```
/// use recurrent_data::{DataSource, RAW_FOLDER};
///
/// let source = DataSource::open("weather", RAW_FOLDER)?;
/// let schema = source.manifest().unwrap().series()?;
/// let series = source.table()?.series(&schema.column_selection())?;
/// assert_eq!((series.len(), source.sha256()?.len()), (1461, 64));
/// # Ok::<(), recurrent_data::DataError>(())
/// ```
#[derive(Clone)]
pub struct DataSource {
    inner: Arc<Inner>,
}

struct Inner {
    name: String,
    manifest: Option<&'static DatasetManifest>,
    location: Location,
    bytes: OnceLock<Vec<u8>>,
    sha256: OnceLock<String>,
    table: OnceLock<Table>,
    corpus: OnceLock<Corpus>,
}

#[derive(Debug)]
enum Location {
    Memory(Cow<'static, [u8]>),
    File(PathBuf),
}

impl DataSource {
    /// Finds data: an embedded data set by its name, a data set fetched into `raw_folder` by its name, or a file by its
    /// path. Nothing is read yet.
    ///
    /// # Errors
    /// If the data set has not been fetched, the file does not exist or is a directory, pipe or device (which could not be
    /// read again when the run is evaluated), or `data` is a single word that is neither a name nor a file.
    pub fn open(data: &str, raw_folder: impl AsRef<Path>) -> Result<Self> {
        match RegisteredDataset::find(data) {
            Ok(RegisteredDataset { manifest, bytes: Some(bytes) }) => {
                Ok(Self::new(data, Some(manifest), Location::Memory(Cow::Borrowed(bytes))))
            }
            Ok(RegisteredDataset { manifest, bytes: None }) => {
                let path = manifest.path_in(raw_folder);
                let (name, label) = (data.to_string(), path.display().to_string());
                match manifest.fetched_bytes(&path)? {
                    None => Err(DataError::NotFetched { path: label, name }),
                    // It is not read at all: the checksum would be wrong.
                    Some(found) if found > manifest.num_bytes => Err(DataError::ChecksumMismatch {
                        path: label,
                        name,
                        expected: manifest.sha256.clone(),
                        found: format!("one of {found} bytes, more than {}", manifest.num_bytes),
                    }),
                    Some(_) => Ok(Self::new(data, Some(manifest), Location::File(path))),
                }
            }
            Err(unknown) => {
                let path = Path::new(data);
                let is_word = path.extension().is_none() && path.components().count() == 1;
                match fs::metadata(path) {
                    // A bare word that is not a file was meant as a name: this error lists the names.
                    Err(_) if is_word => Err(unknown),
                    Err(cause) => Err(DataError::Unreadable { path: data.to_string(), cause }),
                    Ok(metadata) if metadata.is_dir() => Err(DataError::IsDirectory { path: data.to_string() }),
                    Ok(metadata) if !metadata.is_file() => Err(DataError::NotRegular {
                        path: data.to_string(),
                        found: crate::regular_file::describe(metadata.file_type()),
                    }),
                    Ok(_) => Ok(Self::new(data, None, Location::File(path.to_path_buf()))),
                }
            }
        }
    }

    /// Takes bytes in memory; `name` is their name in error messages.
    pub fn from_bytes(name: impl Into<String>, bytes: impl Into<Cow<'static, [u8]>>) -> Self {
        Self::new(name, None, Location::Memory(bytes.into()))
    }

    fn new(name: impl Into<String>, manifest: Option<&'static DatasetManifest>, location: Location) -> Self {
        let inner = Inner {
            name: name.into(),
            manifest,
            location,
            bytes: OnceLock::new(),
            sha256: OnceLock::new(),
            table: OnceLock::new(),
            corpus: OnceLock::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The name of the data set, or the path as it was given.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The name by which the same data is found from any working directory: the name of the data set, or the absolute
    /// path of the file.
    pub fn absolute_name(&self) -> String {
        match (self.manifest(), self.path()) {
            (None, Some(path)) => {
                std::path::absolute(path).map_or_else(|_| self.name().to_string(), |path| path.display().to_string())
            }
            _ => self.name().to_string(),
        }
    }

    /// The manifest, if it is a registered data set.
    pub fn manifest(&self) -> Option<&'static DatasetManifest> {
        self.inner.manifest
    }

    /// The path of the file, if the data is not in memory.
    pub fn path(&self) -> Option<&Path> {
        match &self.inner.location {
            Location::Memory(_) => None,
            Location::File(path) => Some(path),
        }
    }

    /// The name of the data in error messages: the path of the file, or the name of the embedded file.
    pub fn label(&self) -> String {
        match (self.path(), self.manifest()) {
            (Some(path), _) => path.display().to_string(),
            (None, Some(manifest)) => manifest.file.clone(),
            (None, None) => self.name().to_string(),
        }
    }

    /// The contents, read once and kept.
    ///
    /// # Errors
    /// If the file cannot be read, or has another checksum than its manifest's.
    pub fn bytes(&self) -> Result<&[u8]> {
        match &self.inner.location {
            Location::Memory(bytes) => Ok(bytes),
            Location::File(path) => get_or_try_init(&self.inner.bytes, || self.read(path)).map(Vec::as_slice),
        }
    }

    /// The contents as a table, checked once and kept. The delimiter is detected, and a large file stays on disk: see [`Table`].
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes), and if they are not a table: see [`Table::from_bytes`].
    pub fn table(&self) -> Result<&Table> {
        get_or_try_init(&self.inner.table, || {
            let content = match (&self.inner.location, self.inner.bytes.get()) {
                (Location::Memory(bytes), _) => Content::from_bytes(self.label(), bytes.clone())?,
                (_, Some(bytes)) => Content::from_bytes(self.label(), bytes.clone().into())?,
                (Location::File(path), None) => Content::open(path, self.label(), content::MEMORY)?,
            };
            self.check(content.scanned().sha256.clone())?;
            Table::new(content, None)
        })
    }

    /// The contents as a text, checked once and kept. A large text stays on disk: see [`Corpus::MEMORY`].
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes), and if they are not a text: see [`Corpus::open`].
    pub fn corpus(&self) -> Result<&Corpus> {
        get_or_try_init(&self.inner.corpus, || match &self.inner.location {
            Location::Memory(bytes) => Corpus::from_bytes(self.label(), bytes.clone()),
            Location::File(path) => {
                let corpus = Corpus::open(path)?;
                self.check(corpus.sha256().to_string())?;
                Ok(corpus)
            }
        })
    }

    /// The SHA-256 of the contents, in hexadecimal digits. It is known once the data was read; before that, a file is
    /// read to compute it, without being kept.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes).
    pub fn sha256(&self) -> Result<&str> {
        let computed = get_or_try_init(&self.inner.sha256, || match &self.inner.location {
            Location::Memory(bytes) => Ok(sha256(bytes)),
            Location::File(path) => {
                let found = sha256_of_file(path)
                    .map_err(|cause| DataError::Unreadable { path: path.display().to_string(), cause })?;
                self.compare(&found)?;
                Ok(found)
            }
        });
        computed.map(String::as_str)
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>> {
        let bytes = read_file(path)?;
        self.check(sha256(&bytes))?;
        Ok(bytes)
    }

    /// Keeps the checksum if it is the manifest's.
    fn check(&self, found: String) -> Result<()> {
        self.compare(&found)?;
        self.inner.sha256.get_or_init(|| found);
        Ok(())
    }

    fn compare(&self, found: &str) -> Result<()> {
        match self.manifest() {
            Some(manifest) if found != manifest.sha256 => Err(DataError::ChecksumMismatch {
                path: self.label(),
                name: self.name().to_string(),
                expected: manifest.sha256.clone(),
                found: found.to_string(),
            }),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for DataSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataSource").field("name", &self.name()).field("path", &self.path()).finish_non_exhaustive()
    }
}

fn get_or_try_init<T>(cell: &OnceLock<T>, init: impl FnOnce() -> Result<T>) -> Result<&T> {
    match cell.get() {
        Some(value) => Ok(value),
        None => {
            let value = init()?;
            Ok(cell.get_or_init(|| value))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RAW_FOLDER;
    use crate::availability::Availability;
    use crate::kind::DatasetKind;

    #[test]
    fn misspelled_name_is_rejected_with_a_suggestion() {
        let error = DataSource::open("tinyshakespeare", "raw").unwrap_err().to_string();
        assert!(error.ends_with("found `tinyshakespeare`; did you mean `tiny-shakespeare`?"), "{error}");
    }

    #[test]
    fn embedded_dataset_is_found_by_name() {
        let source = DataSource::open("fables", "nowhere").unwrap();
        assert_eq!((source.name(), &*source.label(), source.path()), ("fables", "fables.txt", None));
        let manifest = source.manifest().unwrap();
        assert_eq!((manifest.kind, &*source.absolute_name()), (DatasetKind::Text, "fables"));
        assert_eq!(Some(source.bytes().unwrap()), RegisteredDataset::find("fables").unwrap().bytes);
        assert_eq!(source.sha256().unwrap(), manifest.sha256);
        assert_eq!(source.corpus().unwrap().sha256(), manifest.sha256);
    }

    #[test]
    fn fetched_dataset_is_found_in_the_folder_and_its_checksum_is_verified() {
        let folder = tempfile::tempdir().unwrap();
        let (folder, dataset) = (folder.path(), RegisteredDataset::find("tiny-shakespeare").unwrap());
        let path = dataset.manifest.path_in(folder);
        assert_eq!(dataset.availability(folder).unwrap(), Availability::NotFetched);
        let error = DataSource::open("tiny-shakespeare", folder).unwrap_err();
        assert!(matches!(&error, DataError::NotFetched { name, .. } if name == "tiny-shakespeare"), "{error}");
        assert_eq!(
            error.to_string(),
            format!("{}: expected the fetched data set `tiny-shakespeare`, found no such file", path.display())
        );

        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "To be, or not").unwrap();
        assert_eq!(dataset.availability(folder).unwrap(), Availability::ChecksumMismatch);
        let expected = format!("{}: expected a file with the sha256 86c4e6aa", path.display());
        let source = DataSource::open("tiny-shakespeare", folder).unwrap();
        assert_eq!(source.path(), Some(&*path));
        for error in [
            source.bytes().unwrap_err(),
            source.table().unwrap_err(),
            source.corpus().unwrap_err(),
            source.sha256().unwrap_err(),
        ] {
            assert!(error.to_string().starts_with(&expected), "{error}");
        }
    }

    #[test]
    fn file_is_found_by_path() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pairs.csv");
        std::fs::write(&file, "a;b\n1;2\n").unwrap();
        let source = DataSource::open(&file.display().to_string(), RAW_FOLDER).unwrap();
        assert_eq!((source.manifest(), source.path()), (None, Some(&*file)));
        assert_eq!(source.table().unwrap().headers(), ["a", "b"]);
        assert_eq!(source.absolute_name(), file.display().to_string());

        let error = DataSource::open("none.csv", RAW_FOLDER).unwrap_err().to_string();
        assert!(error.starts_with("none.csv: expected a readable file: "), "{error}");
        let here = folder.path().display().to_string();
        let error = DataSource::open(&here, RAW_FOLDER).unwrap_err().to_string();
        assert_eq!(error, format!("{here}: expected a file, found a directory"));
    }

    #[cfg(unix)]
    #[test]
    fn devices_are_rejected() {
        let error = DataSource::open("/dev/null", RAW_FOLDER).unwrap_err().to_string();
        assert!(error.starts_with("/dev/null: expected a regular file, which can be read again later"), "{error}");
    }

    #[test]
    fn file_is_read_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pairs.csv");
        for read in [
            |source: &DataSource| source.table().is_ok(),
            |source: &DataSource| source.corpus().is_ok(),
            |source: &DataSource| source.bytes().is_ok(),
        ] {
            std::fs::write(&file, "a;b\n1;2\n").unwrap();
            let source = DataSource::open(&file.display().to_string(), RAW_FOLDER).unwrap();
            assert!(read(&source));
            std::fs::remove_file(&file).unwrap();
            assert!(read(&source.clone()));
            assert_eq!(source.sha256().unwrap(), sha256(b"a;b\n1;2\n"));
        }
    }

    #[test]
    fn bytes_in_memory_are_a_source() {
        let source = DataSource::from_bytes("pairs", b"a,b\n1,2\n".as_slice());
        assert_eq!((source.label(), source.table().unwrap().num_rows()), ("pairs".to_string(), 1));
        assert_eq!(source.corpus().unwrap().source(), "pairs");
    }
}
