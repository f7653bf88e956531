//! The data sets that come with the crate: what each is, where it is from, and its numbers.
//!
//! To add one: a folder `datasets/NAME` with its CSV and a `dataset.toml` (copy a neighbour's), the
//! lines that make the CSV in `datasets/prepare.py`, and one line in [`embedded`]. The tests below
//! then check the sum, the rows and the columns against the manifest.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::{DataError, Missing, Ratios, Result, SeriesRequest, Table};

/// What is to be known about a data set, as its `dataset.toml` says it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// What it is called on a command line.
    pub name: String,
    /// What it is called in a picture.
    pub title: String,
    /// What one should know before using it.
    pub description: String,
    /// The CSV beside the manifest.
    pub file: String,
    /// The sum of that file.
    pub sha256: String,
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
    /// Under what terms it may be used.
    pub licence: String,
    /// Where the numbers are from.
    pub source: Source,
    /// Every column of the file, from left to right.
    pub columns: Vec<Column>,
}

/// A file in a package of the Python Package Index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The package's name.
    pub package: String,
    /// Its version.
    pub version: String,
    /// The file inside.
    pub path: String,
    /// The sum of that file.
    pub sha256: String,
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

impl Dataset {
    /// Reads a manifest; `path` is what errors call it.
    ///
    /// # Errors
    /// If the text is no TOML, lacks a field or has one too many.
    pub fn from_toml(path: &str, text: &str) -> Result<Self> {
        toml::from_str(text)
            .map_err(|cause| DataError::DamagedManifest { path: path.to_string(), cause: Box::new(cause) })
    }

    /// The data set of this name, among those that come with the crate.
    ///
    /// # Errors
    /// If there is none.
    pub fn find(name: &str) -> Result<&'static Embedded> {
        let found = embedded().iter().find(|set| set.manifest.name == name);
        found.ok_or_else(|| DataError::UnknownDataset {
            name: name.to_string(),
            names: embedded().iter().map(|s| s.manifest.name.clone()).collect(),
        })
    }

    /// The columns that a model looks at or foretells by default, and no gap among them.
    pub fn request(&self) -> SeriesRequest {
        SeriesRequest {
            date: Some(self.date.clone()),
            columns: [&*self.inputs, &*self.targets].concat(),
            missing: Missing::Error,
        }
    }
}

/// A data set compiled into the program.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Embedded {
    /// What it is.
    pub manifest: Dataset,
    /// Its CSV.
    pub bytes: &'static [u8],
}

impl Embedded {
    /// Its CSV as a table.
    ///
    /// # Errors
    /// None that the tests of this crate would let pass.
    pub fn table(&self) -> Result<Table> {
        Table::from_bytes(&self.manifest.file, self.bytes, Some(','))
    }
}

/// The manifest and the CSV in `datasets/NAME`.
macro_rules! embed {
    ($name:literal) => {
        Embedded {
            manifest: Dataset::from_toml(
                concat!("datasets/", $name, "/dataset.toml"),
                include_str!(concat!("../../../datasets/", $name, "/dataset.toml")),
            )
            .expect("a manifest compiled in was tested with the crate"),
            bytes: include_bytes!(concat!("../../../datasets/", $name, "/", $name, ".csv")),
        }
    };
}

/// The data sets that come with the crate.
pub fn embedded() -> &'static [Embedded] {
    static SETS: LazyLock<[Embedded; 2]> = LazyLock::new(|| [embed!("weather"), embed!("stocks")]);
    &*SETS
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    fn sum(bytes: &[u8]) -> String {
        let digest = Sha256::digest(bytes);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn every_file_is_the_one_its_manifest_describes() {
        for Embedded { manifest, bytes } in embedded() {
            assert_eq!(sum(bytes), manifest.sha256, "{}", manifest.name);
            assert_eq!(manifest.file, format!("{}.csv", manifest.name));
        }
    }

    #[test]
    fn every_file_has_the_rows_and_columns_it_should() {
        for set in embedded() {
            let (manifest, table) = (&set.manifest, set.table().unwrap());
            let columns: Vec<_> = manifest.columns.iter().map(|c| &c.name).collect();
            assert_eq!(table.headers().iter().collect::<Vec<_>>(), columns);
            assert_eq!(table.rows().len(), manifest.rows);
            assert_eq!(table.date_column(), Some(&*manifest.date));
        }
    }

    #[test]
    fn every_default_can_be_read_and_split() {
        for set in embedded() {
            let (manifest, table) = (&set.manifest, set.table().unwrap());
            let series = table.series(&manifest.request()).unwrap();
            assert_eq!(series.len(), manifest.rows);
            for name in manifest.inputs.iter().chain(&manifest.targets) {
                assert!(series.column(name).is_ok(), "{name}");
            }
            let split = series.split(&manifest.split).unwrap();
            assert!(split.test.rows().len() > 200);
        }
    }

    #[test]
    fn weather_goes_on_every_day_and_markets_on_weekdays() {
        let dates = |name: &str| {
            let set = Dataset::find(name).unwrap();
            let series = set.table().unwrap().series(&set.manifest.request());
            series.unwrap().dates().unwrap().clone()
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
    fn a_name_that_is_nearly_right_is_recognised() {
        assert_eq!(
            Dataset::find("wether").unwrap_err().to_string(),
            "expected a data set, one of weather, stocks; found `wether`; did you mean `weather`?"
        );
    }

    #[test]
    fn a_manifest_with_a_field_too_many_is_refused() {
        let weather = include_str!("../../../datasets/weather/dataset.toml");
        let error = Dataset::from_toml("x.toml", &format!("colour = 1\n{weather}")).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("x.toml: expected a data set's manifest: "), "{text}");
        assert!(text.contains("unknown field `colour`"), "{text}");
    }
}
