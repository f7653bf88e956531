//! A folder into which a test fetches.

use std::fs;
use std::path::{Path, PathBuf};

use recurrent_data::DatasetManifest;
use recurrent_data::fetch::{FetchError, Progress, fetch};
use tempfile::TempDir;

/// A folder for data sets, and what was told while they came.
pub struct Place {
    folder: TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Fetches, and gives the file with what was told.
    pub fn fetch(&self, set: &DatasetManifest, from: Option<&Path>) -> Result<(PathBuf, Vec<String>), FetchError> {
        let mut told = Vec::new();
        let file = fetch(set, self.path(), from, &mut |progress| {
            told.push(match progress {
                Progress::Asking(source) => format!("asking {source}"),
                Progress::Resuming { bytes } => format!("resuming after {bytes}"),
                Progress::Came { bytes, of } => format!("{bytes} of {of:?}"),
                Progress::Failed(error) => format!("failed: {error}"),
                Progress::Preparing => "preparing".to_string(),
                other => panic!("{other:?}"),
            });
        })?;
        Ok((file, told))
    }

    /// Fetches what must not come.
    #[track_caller]
    pub fn refused(&self, set: &DatasetManifest, from: Option<&Path>, bad_input: bool) -> String {
        let error = self.fetch(set, from).expect_err("it should not come");
        assert_eq!(error.is_bad_input(), bad_input, "{error}");
        assert!(!set.place(self.path()).exists(), "half a data set is in its place");
        error.to_string()
    }

    /// What lies in the folder of a data set, without the lock.
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

/// The manifest of a text, with sources as they stand in one.
pub fn text(contents: &[u8], sources: &str) -> DatasetManifest {
    let sum = recurrent_data::sha256(contents);
    let manifest = format!(
        "name = \"letter\"\ntitle = \"A letter\"\nkind = \"text\"\ndescription = \"short\"\nlicence = \"mine\"\n\
         file = \"letter.txt\"\nbytes = {}\nsha256 = \"{sum}\"\n{sources}\n[text]\nvalid = 0.1\n",
        contents.len()
    );
    DatasetManifest::from_toml("letter/dataset.toml", &manifest).expect("a manifest")
}

/// A source at an address.
pub fn at(url: &str, contents: &[u8]) -> String {
    format!("[[sources]]\nurl = \"{url}\"\nsha256 = \"{}\"\n", recurrent_data::sha256(contents))
}
