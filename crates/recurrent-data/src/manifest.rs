//! The manifest of a data set, its `dataset.toml`: what it is, where it comes from, its license, and how to use it by
//! default.
//!
//! All manifests have the same fields, and one table with those of their kind: `[series]`, `[text]`, `[pairs]`, `[labeled]`,
//! `[speech]` or `[music]`.

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::download_source::{Converter, DownloadSource, is_checksum};
use crate::error::{DataError, Result};
use crate::file::{decode_utf8, read_at_most};
use crate::kind::DatasetKind;
use crate::schema::{LabeledSchema, MusicSchema, PairsSchema, SeriesSchema, SpeechSchema, TextSchema};

/// The maximum size of a manifest in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// The manifest of a data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DatasetManifest {
    /// The name by which the data set is found.
    pub name: String,
    /// A title for plots and reports.
    pub title: String,
    /// What the data set consists of. The manifest has the table of this kind.
    pub kind: DatasetKind,
    /// What users should know about it.
    pub description: String,
    /// The license of the data.
    pub license: String,
    /// Who wrote it, if it has no sources.
    pub author: Option<String>,
    /// The name of its file: beside the manifest if it is embedded, in its folder among the fetched data sets if not.
    pub file: String,
    /// The size of that file in bytes.
    pub num_bytes: u64,
    /// The SHA-256 of that file.
    pub sha256: String,
    /// How the file is made from the downloaded one; `None` if it is the downloaded one.
    pub converter: Option<Converter>,
    /// Where it can be downloaded, in order of preference.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<DownloadSource>,
    series: Option<SeriesSchema>,
    text: Option<TextSchema>,
    pairs: Option<PairsSchema>,
    labeled: Option<LabeledSchema>,
    speech: Option<SpeechSchema>,
    music: Option<MusicSchema>,
}

impl DatasetManifest {
    /// Parses a manifest; `path` is its name in error messages.
    ///
    /// # Errors
    /// If the text is not TOML, a field is missing or unknown, or a field has a value that is not allowed.
    pub fn from_toml(path: &str, text: &str) -> Result<Self> {
        let manifest: Self = toml::from_str(text)
            .map_err(|cause| DataError::InvalidManifest { path: path.to_string(), cause: Box::new(cause) })?;
        match manifest.invalid_field() {
            None => Ok(manifest),
            Some((field, expected, found)) => {
                Err(DataError::InvalidManifestField { path: path.to_string(), field, expected, found })
            }
        }
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// If the file cannot be read or is not a manifest: see [`DatasetManifest::from_toml`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let name = path.as_ref().display().to_string();
        let bytes = read_at_most(path, MAX_BYTES)?;
        Self::from_toml(&name, decode_utf8(&name, &bytes)?)
    }

    /// The path of its file once it is fetched into `folder`.
    pub fn path_in(&self, folder: impl AsRef<Path>) -> PathBuf {
        folder.as_ref().join(&self.name).join(&self.file)
    }

    /// The columns of a series.
    ///
    /// # Errors
    /// If the data set is of another kind.
    pub fn series(&self) -> Result<&SeriesSchema> {
        self.series.as_ref().ok_or_else(|| self.wrong_kind(DatasetKind::Series))
    }

    /// The defaults for a text.
    ///
    /// # Errors
    /// If the data set is of another kind.
    pub fn text(&self) -> Result<&TextSchema> {
        self.text.as_ref().ok_or_else(|| self.wrong_kind(DatasetKind::Text))
    }

    /// The columns of a parallel corpus.
    ///
    /// # Errors
    /// If the data set is of another kind.
    pub fn pairs(&self) -> Result<&PairsSchema> {
        self.pairs.as_ref().ok_or_else(|| self.wrong_kind(DatasetKind::Pairs))
    }

    /// The columns of labeled texts.
    ///
    /// # Errors
    /// If the data set is of another kind.
    pub fn labeled(&self) -> Result<&LabeledSchema> {
        self.labeled.as_ref().ok_or_else(|| self.wrong_kind(DatasetKind::Labeled))
    }

    /// The recordings of speech.
    ///
    /// # Errors
    /// If the data set is of another kind.
    pub fn speech(&self) -> Result<&SpeechSchema> {
        self.speech.as_ref().ok_or_else(|| self.wrong_kind(DatasetKind::Speech))
    }

    /// The pieces of music.
    ///
    /// # Errors
    /// If the data set is of another kind.
    pub fn music(&self) -> Result<&MusicSchema> {
        self.music.as_ref().ok_or_else(|| self.wrong_kind(DatasetKind::Music))
    }

    fn wrong_kind(&self, expected: DatasetKind) -> DataError {
        DataError::WrongKind { name: self.name.clone(), expected, found: self.kind }
    }

    /// The first field with a value that is not allowed, with what was expected and found.
    fn invalid_field(&self) -> Option<(&'static str, &'static str, String)> {
        const NAME: &str = "a name that can be a folder's, such as tiny-shakespeare";
        if !is_plain_name(&self.name) {
            return Some(("name", NAME, format!("`{}`", self.name)));
        }
        if !is_plain_name(&self.file) {
            return Some(("file", "the name of a file, without folders", format!("`{}`", self.file)));
        }
        if !is_checksum(&self.sha256) {
            return Some(("sha256", "64 hexadecimal digits", format!("`{}`", self.sha256)));
        }
        if let Some(invalid) = self.sources.iter().find_map(DownloadSource::invalid_field) {
            return Some(invalid);
        }
        let is_repository = |source: &DownloadSource| matches!(source, DownloadSource::Repository { .. });
        if self.converter.is_none() && self.sources.iter().any(is_repository) {
            return Some(("converter", "a converter, for the archive of a repository", "none".to_string()));
        }
        if self.sources.is_empty() == self.author.is_none() {
            let found = if self.sources.is_empty() { "neither" } else { "both" };
            return Some(("sources", "either [[sources]] or an `author`", found.to_string()));
        }
        let tables: Vec<DatasetKind> = self.tables().into_iter().flatten().collect();
        if tables != [self.kind] {
            let found =
                if tables.is_empty() { vec!["none".into()] } else { tables.iter().map(ToString::to_string).collect() };
            return Some((
                "kind",
                "one table, named after the kind",
                format!("{} and {}", self.kind, found.join(", ")),
            ));
        }
        if let Some((field, name)) = self.series.as_ref().and_then(SeriesSchema::unknown_column) {
            return Some((field, "the names of columns in [[series.columns]]", format!("`{name}`")));
        }
        match self.text {
            Some(TextSchema { valid_fraction, .. }) if !(valid_fraction > 0.0 && valid_fraction < 1.0) => {
                Some(("text.valid_fraction", "a fraction between 0 and 1", valid_fraction.to_string()))
            }
            _ => None,
        }
    }

    fn tables(&self) -> [Option<DatasetKind>; 6] {
        [
            self.series.as_ref().map(|_| DatasetKind::Series),
            self.text.as_ref().map(|_| DatasetKind::Text),
            self.pairs.as_ref().map(|_| DatasetKind::Pairs),
            self.labeled.as_ref().map(|_| DatasetKind::Labeled),
            self.speech.as_ref().map(|_| DatasetKind::Speech),
            self.music.as_ref().map(|_| DatasetKind::Music),
        ]
    }
}

/// Whether a name is a single path component, so that it cannot leave the folder that it is joined to.
fn is_plain_name(name: &str) -> bool {
    let mut components = Path::new(name).components();
    let plain = matches!(components.next(), Some(Component::Normal(_))) && components.next().is_none();
    plain && !name.starts_with('.') && !name.contains(['/', '\\', ':'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn embedded(name: &str) -> &'static str {
        recurrent_datasets::DATASETS.iter().find(|dataset| dataset.name == name).unwrap().manifest
    }

    #[track_caller]
    fn rejected(text: &str, error: &str) {
        let found = DatasetManifest::from_toml("x.toml", text).unwrap_err().to_string();
        assert!(found.starts_with("x.toml"), "{found}");
        assert!(found.contains(error), "expected `{error}` in: {found}");
    }

    #[test]
    fn manifest_is_the_same_after_a_round_trip() {
        for dataset in &recurrent_datasets::DATASETS {
            let manifest = DatasetManifest::from_toml(dataset.name, dataset.manifest).unwrap();
            let text = toml::to_string(&manifest).unwrap();
            assert_eq!(DatasetManifest::from_toml("again", &text).unwrap(), manifest);
        }
    }

    #[test]
    fn unknown_and_missing_fields_are_rejected() {
        let fables = embedded("fables");
        rejected(&format!("color = 1\n{fables}"), "expected a data set's manifest: ");
        rejected(&format!("color = 1\n{fables}"), "unknown field `color`");
        rejected(&fables.replace("valid_fraction =", "test ="), "unknown field `test`");
        rejected(&fables.replace("license =", "#"), "missing field `license`");
    }

    #[test]
    fn names_that_leave_their_folder_are_rejected() {
        for name in ["../fables", "a/b", "/fables", "..", "", ".part", "a\\\\b", "c:"] {
            rejected(
                &embedded("fables").replace("name = \"fables\"", &format!("name = \"{name}\"")),
                "x.toml, name: expected a name that can be a folder's",
            );
            rejected(
                &embedded("fables").replace("\"fables.txt\"", &format!("\"{name}\"")),
                "x.toml, file: expected the name of a file, without folders, found",
            );
        }
    }

    #[test]
    fn checksum_must_have_64_digits() {
        let fables = embedded("fables");
        rejected(&fables.replace("sha256 = \"", "sha256 = \"0"), "x.toml, sha256: expected 64 hexadecimal digits");
        let (head, _) = embedded("tiny-shakespeare").rsplit_once("sha256 = ").unwrap();
        let short = format!("{head}sha256 = \"86C4\"\n[text]\nvalid_fraction = 0.1\n");
        rejected(&short, "x.toml, sources.sha256: expected 64 hexadecimal digits, found `86C4`");
    }

    #[test]
    fn manifest_has_either_sources_or_an_author() {
        rejected(
            &embedded("fables").replace("author", "#"),
            "x.toml, sources: expected either [[sources]] or an `author`, found neither",
        );
        let both = embedded("tiny-shakespeare").replace("file =", "author = \"me\"\nfile =");
        rejected(&both, "found both");
    }

    #[test]
    fn source_is_a_url_or_a_package() {
        let expected = "a source has either a `url`, or a `package` and its `version`";
        let shakespeare = embedded("tiny-shakespeare");
        rejected(&shakespeare.replace("url =", "package = \"x\"\nurl ="), expected);
        rejected(&shakespeare.replace("url =", "package ="), expected);
        rejected(&shakespeare.replace("url =", "archive_sha256 = \"\"\nversion ="), expected);
        let both = "a source with a `url` has both a `path` and an `archive_sha256`, or neither";
        rejected(&shakespeare.replace("url =", "path = \"x\"\nurl ="), both);
        rejected(&shakespeare.replace("url =", "archive_sha256 = \"x\"\nurl ="), both);
    }

    #[test]
    fn sources_have_no_arguments_for_other_programs() {
        let home = embedded("home-assistant");
        let package = |name: &str| home.replace("\"homeassistant\"", &format!("{name:?}"));
        for name in ["./setup", "/tmp/x", "-e", "--index-url", "a b", "a==1", "a[b]", "git+https://x", "", ".", "a\n"] {
            rejected(&package(name), "x.toml, sources.package: expected the name of a package, such as letters-sample");
        }
        for name in ["a", "scikit-learn", "zope.interface", "a_b", "A1"] {
            DatasetManifest::from_toml("x.toml", &package(name)).unwrap();
        }
        let version = |version: &str| home.replace("\"2026.11.0\"", &format!("{version:?}"));
        for found in ["", "*", "1.*", "1 --pre", ">=1", "-r", "1;x", "1/2", "1\n"] {
            rejected(&version(found), "x.toml, sources.version: expected a version, such as 1.0.2, found");
        }
        for valid in ["1", "2026.11.0", "1!2.0rc1.post2.dev3+local.7"] {
            DatasetManifest::from_toml("x.toml", &version(valid)).unwrap();
        }
        for field in ["pip_args = [\"--pre\"]", "format = \"sdist\""] {
            rejected(&home.replace("version =", &format!("{field}\nversion =")), "unknown field");
        }
    }

    #[test]
    fn sources_are_on_the_web() {
        let shakespeare = embedded("tiny-shakespeare");
        for url in ["file:///etc/passwd", "ftp://x/y", "//x", "https://", "http://x y", "/etc/passwd"] {
            rejected(
                &shakespeare.replace("https://raw.githubusercontent.com", url),
                "x.toml, sources.url: expected a URL of the scheme https or http, found",
            );
        }
    }

    #[test]
    fn only_the_beginning_of_a_huge_manifest_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.toml");
        std::fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let error = DatasetManifest::open(&path).unwrap_err().to_string();
        assert!(error.ends_with("x.toml: expected a file of at most 1048576 bytes, found more"), "{error}");
    }

    #[test]
    fn manifest_has_the_table_of_its_kind() {
        let fables = embedded("fables");
        rejected(
            &fables.replace("kind = \"text\"", "kind = \"series\""),
            "x.toml, kind: expected one table, named after the kind, found series and text",
        );
        rejected(&fables.replace("[text]\nvalid_fraction = 0.1\n", ""), "found text and none");
        rejected(&fables.replace("\"text\"", "\"poem\""), "unknown variant `poem`");
        rejected(
            &fables.replace("valid_fraction = 0.1", "valid_fraction = 1.5"),
            "x.toml, text.valid_fraction: expected a fraction between 0 and 1, found 1.5",
        );
    }

    #[test]
    fn columns_of_a_series_are_described() {
        let electricity = embedded("electricity");
        assert_eq!(DatasetManifest::from_toml("x", electricity).unwrap().series().unwrap().future, ["Holiday"]);
        let other = electricity.replace("future = [\"Holiday\"]", "future = [\"Holidays\"]");
        let expected = "expected the names of columns in [[series.columns]], found `Holidays`";
        rejected(&other, &format!("x.toml, series.future: {expected}"));
        let other = electricity.replace("targets = [\"Demand\"]", "targets = [\"Holidays\"]");
        rejected(&other, &format!("x.toml, series.targets: {expected}"));
    }

    #[test]
    fn manifest_in_the_readme_is_valid() {
        let readme = recurrent_datasets::README;
        let toml = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let letters = DatasetManifest::from_toml("README.md", &toml.replace("0123...", &"0".repeat(64))).unwrap();
        assert_eq!((letters.sources.len(), letters.kind), (3, DatasetKind::Text));
    }

    #[test]
    fn schema_of_another_kind_is_an_error() {
        let fables = DatasetManifest::from_toml("x.toml", embedded("fables")).unwrap();
        assert_eq!(fables.text().unwrap().valid_fraction, 0.1);
        let error = fables.series().unwrap_err().to_string();
        assert_eq!(error, "fables: expected a data set of the kind series, found one of the kind text");
        assert!(fables.pairs().is_err() && fables.labeled().is_err());
    }
}
