//! The progress of fetching.

use super::error::FetchError;
use crate::download_source::DownloadSource;

/// A progress event.
#[derive(Debug)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// The download from a source begins.
    Connecting(&'a DownloadSource),
    /// The download continues after what an earlier call received.
    Resuming {
        /// The number of bytes that are already there.
        bytes: u64,
    },
    /// Bytes were received.
    Received {
        /// The number of bytes so far.
        bytes: u64,
        /// The size of the file, if it is known.
        total: Option<u64>,
    },
    /// A source failed, and the next one is tried.
    Failed(&'a FetchError),
    /// The download is complete, and the data set's file is made from it.
    Converting,
}
