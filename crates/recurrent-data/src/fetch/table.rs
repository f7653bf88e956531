//! Tables that are made of what was downloaded.

use std::io::Write;
use std::path::Path;

use super::error::{FetchError, Result};

/// Writes a CSV file; `path` is its name in errors.
pub(super) fn write_table<const N: usize>(
    head: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    out: impl Write,
    path: &Path,
) -> Result<()> {
    let cannot_write = |cause: csv::Error| FetchError::io("cannot write", path)(cause.into());
    let mut out = csv::Writer::from_writer(out);
    out.write_record(head).map_err(cannot_write)?;
    for row in rows {
        out.write_record(&row).map_err(cannot_write)?;
    }
    out.flush().map_err(FetchError::io("cannot write", path))
}
