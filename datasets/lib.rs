//! The data sets that come with Recurrent: one folder each, with a manifest and, where it is small and free enough to
//! copy, the data itself. This crate embeds these files and does nothing else; `recurrent-data` parses the manifests,
//! looks data sets up by name and fetches those that are not embedded.
//!
//! ```
//! let weather = recurrent_datasets::DATASETS.iter().find(|dataset| dataset.name == "weather").unwrap();
//! assert!(weather.manifest.starts_with("name = \"weather\"\n"));
//! assert!(weather.data.unwrap().starts_with(b"date,precipitation,"));
//! ```
//!
//! The manifest format and how to add a data set: see [`README`].

/// The files of one data set.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct DatasetFiles {
    /// The name of the data set and of its folder.
    pub name: &'static str,
    /// The contents of its `dataset.toml`.
    pub manifest: &'static str,
    /// The contents of its data file; `None` if the data has to be fetched.
    pub data: Option<&'static [u8]>,
}

macro_rules! dataset {
    ($name:literal, $data:expr) => {
        DatasetFiles { name: $name, manifest: include_str!(concat!($name, "/dataset.toml")), data: $data }
    };
    ($name:literal / $file:literal) => {
        dataset!($name, Some(include_bytes!(concat!($name, "/", $file))))
    };
    ($name:literal) => {
        dataset!($name, None)
    };
}

/// Every data set: those that are embedded, then those that have to be fetched.
pub static DATASETS: [DatasetFiles; 17] = [
    dataset!("weather" / "weather.csv"),
    dataset!("stocks" / "stocks.csv"),
    dataset!("fables" / "fables.txt"),
    dataset!("phrases" / "phrases.tsv"),
    dataset!("reviews" / "reviews.tsv"),
    dataset!("digits" / "digits.csv"),
    dataset!("tiny-shakespeare"),
    dataset!("vader-reviews"),
    dataset!("opinions"),
    dataset!("home-assistant"),
    dataset!("electricity"),
    dataset!("an4"),
    dataset!("fsdd"),
    dataset!("mfcc-digits"),
    dataset!("jsb-chorales"),
    dataset!("nottingham"),
    dataset!("bach-chorales"),
];

/// The list of data sets, the manifest format, and how to add a data set, in Markdown.
pub const README: &str = include_str!("README.md");
