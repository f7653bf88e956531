//! The data sets that are known by name, and how what somebody typed becomes data.
//!
//! Some are compiled into the program; others, too large or not ours to copy, are fetched into a folder of their own
//! first (the feature `fetch` has the way).
//!
//! To add one: a folder `datasets/NAME` with a `dataset.toml` (copy a neighbour's), beside it the file if it is to be
//! compiled in, and one line in [`known`]. The tests below then hold the file against its manifest.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::checksum::{sha256, sha256_of};
use crate::{DataError, DatasetManifest, Result, Table, read_file};

/// Where fetched data sets lie unless told otherwise, seen from where the program runs.
pub const RAW_FOLDER: &str = "datasets/raw";

/// A data set that is known by its name.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RegisteredDataset {
    /// What it is.
    pub manifest: DatasetManifest,
    /// Its file, if it is compiled into the program.
    pub bytes: Option<&'static [u8]>,
}

/// How far a data set is at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Compiled into the program.
    Embedded,
    /// Fetched, and whole.
    Fetched,
    /// Not there.
    NotFetched,
    /// There, with another sum than its manifest's.
    Damaged,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Embedded => "embedded",
            Self::Fetched => "fetched",
            Self::NotFetched => "not fetched",
            Self::Damaged => "damaged",
        })
    }
}

impl DatasetManifest {
    /// The data set of this name, among the known ones.
    ///
    /// # Errors
    /// If there is none.
    pub fn find(name: &str) -> Result<&'static RegisteredDataset> {
        let found = known().iter().find(|set| set.manifest.name == name);
        found.ok_or_else(|| DataError::UnknownDataset {
            name: name.to_string(),
            names: known().iter().map(|set| set.manifest.name.clone()).collect(),
        })
    }

    /// Where its file lies once it is fetched into a folder.
    pub fn place(&self, folder: &Path) -> PathBuf {
        folder.join(&self.name).join(&self.file)
    }

    /// How far it is at hand in a folder. Reads the file.
    ///
    /// # Errors
    /// If there is one that cannot be read.
    pub fn state(&self, folder: &Path) -> Result<State> {
        let place = self.place(folder);
        if !place.exists() {
            return Ok(State::NotFetched);
        }
        match sha256_of(&place) {
            Ok(found) if found == self.sha256 => Ok(State::Fetched),
            Ok(_) => Ok(State::Damaged),
            Err(cause) => Err(DataError::Unreadable { path: place.display().to_string(), cause }),
        }
    }
}

impl RegisteredDataset {
    /// Its rows as a table, if it is compiled into the program.
    ///
    /// # Errors
    /// If it is fetched, or a text and no table.
    pub fn table(&self) -> Result<Table> {
        let located = locate(&self.manifest.name, Path::new(RAW_FOLDER))?;
        located.table()
    }

    /// How far it is at hand.
    ///
    /// # Errors
    /// As [`DatasetManifest::state`].
    pub fn state(&self, folder: &Path) -> Result<State> {
        if self.bytes.is_some() { Ok(State::Embedded) } else { self.manifest.state(folder) }
    }
}

/// The manifest in `datasets/NAME`, and the file beside it if there is one.
macro_rules! known {
    ($name:literal) => {
        known!($name, None)
    };
    ($name:literal, $file:literal) => {
        known!($name, Some(include_bytes!(concat!("../../../datasets/", $name, "/", $file))))
    };
    ($name:literal, $bytes:expr) => {
        RegisteredDataset {
            manifest: DatasetManifest::from_toml(
                concat!("datasets/", $name, "/dataset.toml"),
                include_str!(concat!("../../../datasets/", $name, "/dataset.toml")),
            )
            .expect("a manifest compiled in was tested with the crate"),
            bytes: $bytes,
        }
    };
}

/// The data sets that are known by name: those that come with the crate, then those that are fetched.
pub fn known() -> &'static [RegisteredDataset] {
    static SETS: LazyLock<[RegisteredDataset; 9]> = LazyLock::new(|| {
        [
            known!("weather", "weather.csv"),
            known!("stocks", "stocks.csv"),
            known!("fables", "fables.txt"),
            known!("phrases", "phrases.tsv"),
            known!("reviews", "reviews.tsv"),
            known!("digits", "digits.csv"),
            known!("tiny-shakespeare"),
            known!("vader-reviews"),
            known!("home-assistant"),
        ]
    });
    &*SETS
}

/// Data that was found, and not yet read.
#[derive(Debug, Clone)]
pub struct DataSource {
    /// The data set's name, or the path as it was typed.
    pub name: String,
    /// What is known about it, if it is a known data set.
    pub manifest: Option<&'static DatasetManifest>,
    /// Where its bytes are.
    pub bytes: Bytes,
}

/// Where bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bytes {
    /// In the program.
    Embedded(&'static [u8]),
    /// In a file.
    File(PathBuf),
}

/// Finds what somebody means by `data`: the name of an embedded data set, the name of a fetched one in `folder`, or
/// else the path of a file, which is not opened here.
///
/// # Errors
/// If it is the name of a data set that was not fetched, or a single word that is neither a name nor a file.
pub fn locate(data: &str, folder: &Path) -> Result<DataSource> {
    let path = Path::new(data);
    match DatasetManifest::find(data) {
        Ok(RegisteredDataset { manifest, bytes }) => {
            let place = manifest.place(folder);
            let bytes = match bytes {
                Some(bytes) => Bytes::Embedded(bytes),
                None if place.exists() => Bytes::File(place),
                None => return Err(not_fetched(manifest, folder)),
            };
            Ok(DataSource { name: data.to_string(), manifest: Some(manifest), bytes })
        }
        // A bare word that is no file was meant as a name: the error then lists the names.
        Err(unknown) if !path.exists() && path.extension().is_none() && path.components().count() == 1 => Err(unknown),
        Err(_) => Ok(DataSource { name: data.to_string(), manifest: None, bytes: Bytes::File(path.to_path_buf()) }),
    }
}

fn not_fetched(manifest: &DatasetManifest, folder: &Path) -> DataError {
    let elsewhere = match folder == Path::new(RAW_FOLDER) {
        true => String::new(),
        false => format!(" --folder {}", folder.display()),
    };
    DataError::NotFetched {
        path: manifest.place(folder).display().to_string(),
        command: format!("train data fetch {}{elsewhere}", manifest.name),
    }
}

impl DataSource {
    /// What errors call it: the path of its file, or the name of the file that was compiled in.
    pub fn source(&self) -> String {
        match (&self.bytes, self.manifest) {
            (Bytes::Embedded(_), Some(manifest)) => manifest.file.clone(),
            (Bytes::Embedded(_), None) => self.name.clone(),
            (Bytes::File(path), _) => path.display().to_string(),
        }
    }

    /// All of it.
    ///
    /// # Errors
    /// If the file cannot be read, or is not the one that the data set's manifest describes.
    pub fn read(&self) -> Result<Cow<'static, [u8]>> {
        let path = match &self.bytes {
            Bytes::Embedded(bytes) => return Ok(Cow::Borrowed(bytes)),
            Bytes::File(path) => path,
        };
        let bytes = read_file(path)?;
        match self.manifest {
            Some(manifest) if sha256(&bytes) != manifest.sha256 => Err(DataError::WrongBytes {
                path: self.source(),
                expected: manifest.sha256.clone(),
                found: sha256(&bytes),
                command: format!("train data fetch {}", manifest.name),
            }),
            _ => Ok(Cow::Owned(bytes)),
        }
    }

    /// Its rows as a table; the header shows what separates the columns.
    ///
    /// # Errors
    /// As [`read`](Self::read), and if it is no table: see [`Table::from_bytes`].
    pub fn table(&self) -> Result<Table> {
        Table::from_bytes(self.source(), &self.read()?, None)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashSet};

    use super::*;
    use crate::Kind;

    fn embedded() -> impl Iterator<Item = (&'static DatasetManifest, &'static [u8])> {
        known().iter().filter_map(|set| Some((&set.manifest, set.bytes?)))
    }

    fn table(name: &str) -> Table {
        DatasetManifest::find(name).unwrap().table().unwrap()
    }

    /// The texts in some columns of a table, row by row.
    fn columns<const N: usize>(table: &Table, names: [&str; N]) -> Vec<[String; N]> {
        let indices = names.map(|name| table.headers().iter().position(|header| header == name).unwrap());
        table.rows().iter().map(|row| indices.map(|index| row.cell(index).to_string())).collect()
    }

    #[test]
    fn every_file_is_the_one_its_manifest_describes() {
        assert_eq!(embedded().count(), 6);
        for (manifest, bytes) in embedded() {
            assert_eq!(sha256(bytes), manifest.sha256, "{}", manifest.name);
            assert_eq!(bytes.len() as u64, manifest.bytes, "{}", manifest.name);
        }
    }

    #[test]
    fn every_name_is_there_once_and_its_file_is_called_so() {
        let names: HashSet<_> = known().iter().map(|set| &set.manifest.name).collect();
        assert_eq!(names.len(), known().len());
        for RegisteredDataset { manifest, .. } in known() {
            let stem = Path::new(&manifest.file).file_stem().unwrap();
            assert_eq!(stem.to_str(), Some(&*manifest.name));
        }
    }

    #[test]
    fn what_is_not_embedded_has_a_source() {
        for set in known().iter().filter(|set| set.bytes.is_none()) {
            assert!(!set.manifest.sources.is_empty(), "{}", set.manifest.name);
            assert!(set.manifest.sources.iter().all(|source| source.bytes().is_some()), "{}", set.manifest.name);
        }
    }

    #[test]
    fn every_series_has_the_rows_and_columns_it_should() {
        for (manifest, _) in embedded().filter(|(manifest, _)| manifest.kind == Kind::Series) {
            let (facts, table) = (manifest.series().unwrap(), table(&manifest.name));
            let columns: Vec<_> = facts.columns.iter().map(|c| &c.name).collect();
            assert_eq!(table.headers().iter().collect::<Vec<_>>(), columns);
            assert_eq!(table.rows().len(), facts.rows);
            assert_eq!(table.date_column(), Some(&*facts.date));
        }
    }

    #[test]
    fn every_series_can_be_read_and_split_as_it_says() {
        for (manifest, _) in embedded().filter(|(manifest, _)| manifest.kind == Kind::Series) {
            let facts = manifest.series().unwrap();
            let series = table(&manifest.name).series(&facts.request()).unwrap();
            assert_eq!(series.len(), facts.rows);
            for name in facts.inputs.iter().chain(&facts.targets) {
                assert!(series.column(name).is_ok(), "{name}");
            }
            let split = series.split(&facts.split).unwrap();
            assert!(split.test.rows().len() > 200);
        }
    }

    #[test]
    fn weather_goes_on_every_day_and_markets_on_weekdays() {
        let dates = |name: &str| {
            let facts = DatasetManifest::find(name).unwrap().manifest.series().unwrap();
            table(name).series(&facts.request()).unwrap().dates().unwrap().clone()
        };
        let weather = dates("weather");
        assert!(!weather.skips_weekends());
        assert_eq!(weather.continue_from(1460, 1), ["2016-01-01"]);
        let stocks = dates("stocks");
        assert!(stocks.skips_weekends());
        // The last row is a Friday.
        assert_eq!(stocks.continue_from(3269, 2), ["2013-03-04", "2013-03-05"]);
    }

    #[test]
    fn fables_are_plain_text_with_a_title_each() {
        let fables = std::str::from_utf8(DatasetManifest::find("fables").unwrap().bytes.unwrap()).unwrap();
        assert!(fables.is_ascii() && !fables.contains('\r') && fables.ends_with('\n'));
        let fables: Vec<_> = fables.split("\n\n\n").collect();
        assert!(fables.iter().all(|fable| fable.split("\n\n").count() > 1), "a title and a paragraph at least");
        let titles: HashSet<_> = fables.iter().map(|fable| fable.lines().next().unwrap()).collect();
        assert_eq!(titles.len(), FABLES);
        assert!(titles.iter().all(|title| !title.is_empty() && title.len() < 60));
    }

    const FABLES: usize = 86;

    #[test]
    fn phrases_are_whole_different_and_side_by_side() {
        let facts = DatasetManifest::find("phrases").unwrap().manifest.pairs().unwrap();
        let table = table("phrases");
        let pairs = columns(&table, [&facts.source.column, &facts.target.column]);
        assert_eq!(pairs.len(), facts.rows);
        assert!(pairs.iter().flatten().all(|text| !text.is_empty()));
        assert_eq!(pairs.iter().collect::<HashSet<_>>().len(), facts.rows);
        assert!(facts.group.iter().all(|group| table.headers().contains(group)));

        let mut english: Vec<_> = pairs.iter().map(|[english, _]| english).collect();
        english.dedup();
        assert_eq!(english.iter().collect::<HashSet<_>>().len(), english.len(), "equals stand together");
        assert!(english.len() < facts.rows, "some have several translations");
    }

    #[test]
    fn reviews_are_balanced_in_every_part() {
        let facts = DatasetManifest::find("reviews").unwrap().manifest.labeled().unwrap();
        let table = table("reviews");
        assert_eq!(table.rows().len(), facts.rows);
        let part = facts.part.as_deref().unwrap();
        let rows = columns(&table, [&facts.text, &facts.label, part, "language", "kind"]);
        assert_eq!(rows.iter().map(|[text, ..]| text).collect::<HashSet<_>>().len(), facts.rows);
        for part in ["train", "valid", "test"] {
            let labels: Vec<_> = rows.iter().filter(|row| row[2] == part).map(|row| &*row[1]).collect();
            let positive = labels.iter().filter(|label| **label == "positive").count();
            assert!(labels.len() > 80 && positive * 2 == labels.len(), "{part}: {positive} of {}", labels.len());
        }
        let values = |column: usize| rows.iter().map(|row| &*row[column]).collect::<BTreeSet<_>>();
        assert_eq!(values(1), BTreeSet::from(["negative", "positive"]));
        assert_eq!(values(2), BTreeSet::from(["test", "train", "valid"]));
        assert_eq!(values(3), BTreeSet::from(["en", "ru"]));
        assert_eq!(values(4), BTreeSet::from(["irony", "mixed", "negation", "plain"]));
    }

    #[test]
    fn digits_are_64_shades_and_a_label_in_three_parts() {
        let table = table("digits");
        let facts = DatasetManifest::find("digits").unwrap().manifest.labeled().unwrap();
        assert_eq!(table.rows().len(), facts.rows);
        let rows = columns(&table, [&*facts.text, &*facts.label, facts.part.as_deref().unwrap()]);
        for [pixels, digit, _] in &rows {
            let shades: Vec<u8> = pixels.split(' ').map(|shade| shade.parse().unwrap()).collect();
            assert!(shades.len() == 64 && shades.iter().all(|shade| *shade <= 16));
            assert!(digit.parse::<u8>().unwrap() < 10);
        }
        let count = |part: &str| rows.iter().filter(|row| row[2] == part).count();
        assert_eq!(["train", "valid", "test"].map(count), [1259, 269, 269]);
    }

    #[test]
    fn a_name_that_is_nearly_right_is_recognised() {
        let names =
            "weather, stocks, fables, phrases, reviews, digits, tiny-shakespeare, vader-reviews, home-assistant";
        assert_eq!(
            DatasetManifest::find("wether").unwrap_err().to_string(),
            format!("expected a data set, one of {names}; found `wether`; did you mean `weather`?")
        );
        let error = locate("tinyshakespeare", Path::new("raw")).unwrap_err().to_string();
        assert!(error.ends_with("found `tinyshakespeare`; did you mean `tiny-shakespeare`?"), "{error}");
    }

    #[test]
    fn an_embedded_name_is_found_without_a_file() {
        let located = locate("fables", Path::new("nowhere")).unwrap();
        assert_eq!((&*located.name, &*located.source()), ("fables", "fables.txt"));
        assert_eq!(located.manifest.unwrap().kind, Kind::Text);
        assert_eq!(Some(&*located.read().unwrap()), DatasetManifest::find("fables").unwrap().bytes);
    }

    #[test]
    fn a_fetched_name_is_found_in_the_folder_and_held_against_its_sum() {
        let folder = tempfile::tempdir().unwrap();
        let (folder, set) = (folder.path(), DatasetManifest::find("tiny-shakespeare").unwrap());
        let place = set.manifest.place(folder);
        assert_eq!(set.state(folder).unwrap(), State::NotFetched);
        assert_eq!(
            locate("tiny-shakespeare", folder).unwrap_err().to_string(),
            format!(
                "{}: expected a fetched data set, found nothing; run `train data fetch tiny-shakespeare --folder {}`",
                place.display(),
                folder.display()
            )
        );
        let error = locate("tiny-shakespeare", Path::new(RAW_FOLDER));
        if let Err(error) = error {
            assert!(error.to_string().ends_with("run `train data fetch tiny-shakespeare`"), "{error}");
        }

        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(&place, "To be, or not").unwrap();
        assert_eq!(set.state(folder).unwrap(), State::Damaged);
        let located = locate("tiny-shakespeare", folder).unwrap();
        assert_eq!(located.bytes, Bytes::File(place.clone()));
        let error = located.read().unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("{}: expected a file with the sha256 86c4e6aa", place.display())),
            "{error}"
        );
        assert!(error.ends_with("; run `train data fetch tiny-shakespeare`"), "{error}");
    }

    #[test]
    fn anything_else_is_a_path() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pairs.csv");
        std::fs::write(&file, "a;b\n1;2\n").unwrap();
        let located = locate(&file.display().to_string(), folder.path()).unwrap();
        assert_eq!((located.manifest, &located.bytes), (None, &Bytes::File(file.clone())));
        assert_eq!(located.table().unwrap().headers(), ["a", "b"]);
        // What is not there is told by whoever opens it.
        let located = locate("none.csv", folder.path()).unwrap();
        assert!(located.read().unwrap_err().to_string().starts_with("none.csv: expected a readable file"));
    }
}
