//! The data sets that are known by name.
//!
//! Some are embedded in the program; others, too large or not ours to copy, have to be fetched first. Their files come
//! from the crate `recurrent-datasets`, whose README says how to add one.

use std::path::Path;
use std::sync::LazyLock;

use crate::availability::Availability;
use crate::error::{DataError, Result};
use crate::manifest::DatasetManifest;
use crate::table::Table;

/// The default folder of fetched data sets, relative to the working directory.
pub const RAW_FOLDER: &str = "datasets/raw";

/// A data set that is known by name.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RegisteredDataset {
    /// Its manifest.
    pub manifest: DatasetManifest,
    /// The contents of its file, if it is embedded.
    pub bytes: Option<&'static [u8]>,
}

impl RegisteredDataset {
    /// The registered data set of this name.
    ///
    /// # Errors
    /// If there is none. The error lists the names.
    pub fn find(name: &str) -> Result<&'static Self> {
        let found = registered_datasets().iter().find(|dataset| dataset.manifest.name == name);
        found.ok_or_else(|| DataError::UnknownDataset {
            name: name.to_string(),
            names: registered_datasets().iter().map(|dataset| dataset.manifest.name.clone()).collect(),
        })
    }

    /// Parses its embedded file as a table.
    ///
    /// # Errors
    /// If it is not embedded, or not a table. [`DataSource`](crate::DataSource) also reads fetched ones.
    pub fn table(&self) -> Result<Table> {
        let DatasetManifest { name, file, .. } = &self.manifest;
        let not_embedded = || DataError::NotFetched { path: file.clone(), name: name.clone() };
        Table::from_bytes(file, self.bytes.ok_or_else(not_embedded)?, None)
    }

    /// Whether it is embedded, or has been fetched into `folder`.
    ///
    /// # Errors
    /// As [`DatasetManifest::availability`].
    pub fn availability(&self, folder: impl AsRef<Path>) -> Result<Availability> {
        if self.bytes.is_some() { Ok(Availability::Embedded) } else { self.manifest.availability(folder) }
    }
}

/// All registered data sets: those that are embedded, then those that have to be fetched.
pub fn registered_datasets() -> &'static [RegisteredDataset] {
    static REGISTERED: LazyLock<Vec<RegisteredDataset>> = LazyLock::new(|| {
        let files = recurrent_datasets::DATASETS.iter();
        let registered = files.map(|files| RegisteredDataset {
            manifest: DatasetManifest::from_toml(&format!("datasets/{}/dataset.toml", files.name), files.manifest)
                .expect("embedded manifests are valid"),
            bytes: files.data,
        });
        registered.collect()
    });
    &REGISTERED
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashSet};

    use super::*;
    use crate::checksum::sha256;
    use crate::download_source::DownloadSource;
    use crate::kind::DatasetKind;

    fn embedded() -> impl Iterator<Item = (&'static DatasetManifest, &'static [u8])> {
        registered_datasets().iter().filter_map(|dataset| Some((&dataset.manifest, dataset.bytes?)))
    }

    fn find(name: &str) -> &'static RegisteredDataset {
        RegisteredDataset::find(name).unwrap()
    }

    fn table(name: &str) -> Table {
        find(name).table().unwrap()
    }

    /// The texts in some columns of a table, row by row.
    fn columns<const N: usize>(table: &Table, names: [&str; N]) -> Vec<[String; N]> {
        let indices = names.map(|name| table.headers().iter().position(|header| header == name).unwrap());
        let rows = table.rows().unwrap().map(Result::unwrap);
        rows.map(|row| indices.map(|index| row.cell(index).to_string())).collect()
    }

    #[test]
    fn embedded_files_match_their_manifests() {
        assert_eq!(embedded().count(), 6);
        for (manifest, bytes) in embedded() {
            assert_eq!(sha256(bytes), manifest.sha256, "{}", manifest.name);
            assert_eq!(bytes.len() as u64, manifest.num_bytes, "{}", manifest.name);
        }
    }

    #[test]
    fn names_are_unique_and_name_the_folder_and_the_file() {
        let names: HashSet<_> = registered_datasets().iter().map(|dataset| &dataset.manifest.name).collect();
        assert_eq!(names.len(), registered_datasets().len());
        for (RegisteredDataset { manifest, .. }, files) in
            registered_datasets().iter().zip(&recurrent_datasets::DATASETS)
        {
            assert_eq!(manifest.name, files.name);
            let stem = Path::new(&manifest.file).file_stem().unwrap();
            assert_eq!(stem.to_str(), Some(&*manifest.name));
        }
    }

    #[test]
    fn datasets_that_are_not_embedded_have_sources() {
        for RegisteredDataset { manifest, .. } in registered_datasets().iter().filter(|dataset| dataset.bytes.is_none())
        {
            assert!(!manifest.sources.is_empty(), "{}", manifest.name);
            // The archive of a repository has neither a known size nor a known checksum.
            let is_known = |source: &DownloadSource| source.num_bytes().is_some() || source.sha256().is_none();
            assert!(manifest.sources.iter().all(is_known), "{}", manifest.name);
            assert!(find(&manifest.name).table().is_err());
        }
    }

    #[test]
    fn series_have_the_rows_and_columns_of_their_schemas() {
        for (manifest, _) in embedded().filter(|(manifest, _)| manifest.kind == DatasetKind::Series) {
            let (schema, table) = (manifest.series().unwrap(), table(&manifest.name));
            let columns: Vec<_> = schema.columns.iter().map(|c| &c.name).collect();
            assert_eq!(table.headers().iter().collect::<Vec<_>>(), columns);
            assert_eq!(table.num_rows(), schema.rows);
            assert_eq!(table.date_column(), Some(&*schema.date_column));
        }
    }

    #[test]
    fn series_can_be_split_by_their_schemas() {
        for (manifest, _) in embedded().filter(|(manifest, _)| manifest.kind == DatasetKind::Series) {
            let schema = manifest.series().unwrap();
            let series = table(&manifest.name).series(&schema.column_selection()).unwrap();
            assert_eq!(series.len(), schema.rows);
            for name in schema.features.iter().chain(&schema.targets) {
                assert!(series.column(name).is_ok(), "{name}");
            }
            let split = series.split(&schema.split).unwrap();
            assert!(split.test.rows().len() > 200);
        }
    }

    #[test]
    fn weather_is_daily_and_stocks_skip_weekends() {
        let dates = |name: &str| {
            let schema = find(name).manifest.series().unwrap();
            table(name).series(&schema.column_selection()).unwrap().dates().unwrap().clone()
        };
        let weather = dates("weather");
        assert!(!weather.skips_weekends());
        assert_eq!(weather.labels_after(1460, 1), ["2016-01-01"]);
        let stocks = dates("stocks");
        assert!(stocks.skips_weekends());
        // The last row is a Friday.
        assert_eq!(stocks.labels_after(3269, 2), ["2013-03-04", "2013-03-05"]);
    }

    #[test]
    fn fables_are_plain_text_with_a_title_each() {
        let fables = std::str::from_utf8(find("fables").bytes.unwrap()).unwrap();
        assert!(fables.is_ascii() && !fables.contains('\r') && fables.ends_with('\n'));
        let fables: Vec<_> = fables.split("\n\n\n").collect();
        assert!(fables.iter().all(|fable| fable.split("\n\n").count() > 1), "a title and a paragraph at least");
        let titles: HashSet<_> = fables.iter().map(|fable| fable.lines().next().unwrap()).collect();
        assert_eq!(titles.len(), FABLES);
        assert!(titles.iter().all(|title| !title.is_empty() && title.len() < 60));
    }

    const FABLES: usize = 86;

    #[test]
    fn phrases_are_distinct_and_grouped_by_source() {
        let schema = find("phrases").manifest.pairs().unwrap();
        let table = table("phrases");
        let pairs = columns(&table, [&schema.source.column, &schema.target.column]);
        assert_eq!(pairs.len(), schema.rows);
        assert!(pairs.iter().flatten().all(|text| !text.is_empty()));
        assert_eq!(pairs.iter().collect::<HashSet<_>>().len(), schema.rows);
        assert!(schema.group_column.iter().all(|group| table.headers().contains(group)));

        let mut english: Vec<_> = pairs.iter().map(|[english, _]| english).collect();
        english.dedup();
        assert_eq!(english.iter().collect::<HashSet<_>>().len(), english.len(), "equal sources are adjacent");
        assert!(english.len() < schema.rows, "some sources have several references");
    }

    #[test]
    fn reviews_are_balanced_in_every_split() {
        let schema = find("reviews").manifest.labeled().unwrap();
        let table = table("reviews");
        assert_eq!(table.num_rows(), schema.rows);
        let split_column = schema.split_column.as_deref().unwrap();
        let rows = columns(&table, [&schema.text_column, &schema.label_column, split_column, "language", "kind"]);
        assert_eq!(rows.iter().map(|[text, ..]| text).collect::<HashSet<_>>().len(), schema.rows);
        for split in ["train", "valid", "test"] {
            let labels: Vec<_> = rows.iter().filter(|row| row[2] == split).map(|row| &*row[1]).collect();
            let positive = labels.iter().filter(|label| **label == "positive").count();
            let is_even = (2 * positive).abs_diff(labels.len()) <= labels.len() / 50;
            assert!(labels.len() > 250 && is_even, "{split}: {positive} of {}", labels.len());
        }
        let values = |column: usize| rows.iter().map(|row| &*row[column]).collect::<BTreeSet<_>>();
        assert_eq!(values(1), BTreeSet::from(["negative", "positive"]));
        assert_eq!(values(2), BTreeSet::from(["test", "train", "valid"]));
        assert_eq!(values(3), BTreeSet::from(["en", "ru"]));
        assert_eq!(values(4), BTreeSet::from(["irony", "mixed", "negation", "plain"]));
    }

    #[test]
    fn digits_have_64_gray_values_a_label_and_a_split() {
        let table = table("digits");
        let schema = find("digits").manifest.labeled().unwrap();
        assert_eq!(table.num_rows(), schema.rows);
        let rows =
            columns(&table, [&*schema.text_column, &*schema.label_column, schema.split_column.as_deref().unwrap()]);
        for [pixels, digit, _] in &rows {
            let values: Vec<u8> = pixels.split(' ').map(|value| value.parse().unwrap()).collect();
            assert!(values.len() == 64 && values.iter().all(|value| *value <= 16));
            assert!(digit.parse::<u8>().unwrap() < 10);
        }
        let count = |split: &str| rows.iter().filter(|row| row[2] == split).count();
        assert_eq!(["train", "valid", "test"].map(count), [1259, 269, 269]);
    }

    #[test]
    fn unknown_name_lists_the_names_and_suggests_one() {
        let names = "weather, stocks, fables, phrases, reviews, digits, tiny-shakespeare, vader-reviews, opinions, home-assistant, electricity, an4, \
             fsdd, mfcc-digits, jsb-chorales, nottingham, bach-chorales";
        assert_eq!(
            RegisteredDataset::find("wether").unwrap_err().to_string(),
            format!("expected a data set, one of {names}; found `wether`; did you mean `weather`?")
        );
    }
}
