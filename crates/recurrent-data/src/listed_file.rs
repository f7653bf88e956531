//! Files that a table lists.

use crate::error::Result;
use crate::table::Table;
use crate::text::SplitAssignment;

/// Headers, in any case, by which the columns are found.
const FILE_HEADERS: &[&str] = &["file", "path", "midi_filename"];
pub(crate) const SPLIT_HEADERS: &[&str] = &["split", "part"];
pub(crate) const CHECKSUM_HEADERS: &[&str] = &["sha256"];

/// A file that a table lists.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedFile {
    /// Its path, as the table says it: a relative one begins at the folder of the table.
    pub path: String,
    /// The line of the table, counted from 1.
    pub line: usize,
    /// The split that it is in, if the table has a column for it.
    pub assignment: Option<SplitAssignment>,
    /// The SHA-256 of the file, if the table has it.
    pub sha256: Option<String>,
}

impl ListedFile {
    /// Reads the column `file` (or path, midi_filename) of a table, and `split` (or part) and `sha256`, if there are such
    /// columns.
    ///
    /// # Errors
    /// If the column is missing, a path or a checksum is empty, or a file is in another split than train, valid or test.
    pub fn from_table(table: &Table) -> Result<Vec<Self>> {
        let file = table.needed(FILE_HEADERS, "a column `file` with the paths of files")?;
        let [split, sha256] = [SPLIT_HEADERS, CHECKSUM_HEADERS].map(|names| table.position(names));
        let files = table.rows()?.map(|row| {
            let row = &row?;
            Ok(Self {
                path: table.text(row, file, "the path of a file")?,
                line: row.line(),
                assignment: split.map(|column| SplitAssignment::in_column(table, row, column)).transpose()?,
                sha256: sha256.map(|column| table.text(row, column, "a checksum")).transpose()?,
            })
        });
        files.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<ListedFile>> {
        ListedFile::from_table(&Table::from_bytes("music.csv", text.as_bytes(), None)?)
    }

    #[test]
    fn columns_are_found_by_their_headers() {
        let files = read("composer,Split,midi_filename\nBach,train,a.mid\nBach,validation,b/c.mid\n").unwrap();
        let found: Vec<_> = files.iter().map(|file| (&*file.path, file.line, file.assignment)).collect();
        let (train, valid) = (Some(SplitAssignment::Train), Some(SplitAssignment::Valid));
        assert_eq!(found, [("a.mid", 2, train), ("b/c.mid", 3, valid)]);
        assert_eq!(read("file,sha256\na.mid,12\n").unwrap()[0].sha256.as_deref(), Some("12"));
        for (text, message) in [
            ("name,year\na,b\n", "music.csv: expected a column `file` with the paths of files, found none"),
            (
                "file,year\n\"\",b\n",
                "music.csv, line 2, column `file`: expected the path of a file, found an empty cell",
            ),
            ("file,split\na,dev\n", "music.csv, line 2, column `split`: expected train, valid or test, found `dev`"),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), message);
        }
    }
}
