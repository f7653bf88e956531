//! A temporary folder to fetch into.

use std::fs;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use recurrent_data::DatasetManifest;
use recurrent_data::fetch::{FetchError, Progress, fetch};
use tempfile::TempDir;

/// A temporary folder for data sets.
pub struct Sandbox {
    folder: TempDir,
}

impl Sandbox {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Fetches a data set, and returns the path of its file and the progress events.
    pub fn fetch(&self, set: &DatasetManifest, from: Option<&Path>) -> Result<(PathBuf, Vec<String>), FetchError> {
        let mut events = Vec::new();
        let file = fetch(set, self.path(), from, &mut |progress| {
            events.push(match progress {
                Progress::Connecting(source) => format!("connecting to {source}"),
                Progress::Resuming { bytes } => format!("resuming after {bytes}"),
                Progress::Received { bytes, total } => format!("{bytes} of {total:?}"),
                Progress::Failed(error) => format!("failed: {error}"),
                Progress::Converting => "converting".to_string(),
                other => panic!("{other:?}"),
            });
        })?;
        Ok((file, events))
    }

    /// Fetches with an error, and returns its message.
    #[track_caller]
    pub fn rejected(&self, set: &DatasetManifest, from: Option<&Path>, bad_input: bool) -> String {
        let error = self.fetch(set, from).expect_err("an error");
        assert_eq!(error.is_bad_input(), bad_input, "{error}");
        assert!(!set.path_in(self.path()).exists(), "the file of the data set is incomplete");
        error.to_string()
    }

    /// The files in the folder of a data set, without the lock.
    pub fn files(&self, set: &DatasetManifest) -> Vec<String> {
        let entries = fs::read_dir(self.path().join(&set.name)).expect("a folder");
        let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.filter(|name| name != ".lock").collect();
        names.sort();
        names
    }

    /// Writes a file beside the data sets.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, contents).expect("a file");
        path
    }
}

/// The manifest of a text with these contents and sources.
pub fn text_manifest(contents: &[u8], sources: &str) -> DatasetManifest {
    let sha256 = recurrent_data::sha256(contents);
    let manifest = format!(
        "name = \"letter\"\ntitle = \"A letter\"\nkind = \"text\"\ndescription = \"short\"\nlicense = \"mine\"\n\
         file = \"letter.txt\"\nnum_bytes = {}\nsha256 = \"{sha256}\"\n{sources}\n[text]\nvalid_fraction = 0.1\n",
        contents.len()
    );
    DatasetManifest::from_toml("letter/dataset.toml", &manifest).expect("a manifest")
}

/// A source at a URL.
pub fn url_source(url: &str, contents: &[u8]) -> String {
    format!("[[sources]]\nurl = \"{url}\"\nsha256 = \"{}\"\n", recurrent_data::sha256(contents))
}

/// A tar.gz archive of these files.
pub fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, contents) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(contents.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, *contents).expect("a file in an archive");
    }
    tar.into_inner().expect("an archive").finish().expect("an archive")
}
