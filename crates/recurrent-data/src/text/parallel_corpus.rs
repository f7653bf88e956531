//! Parallel corpora: pairs of a source and a target text, such as a sentence and its translation.

use std::{collections::HashSet, path::Path, sync::Arc};

use crate::error::{DataError, Result};
use crate::file::{decode_utf8, read_file};
use crate::table::Table;

/// A source text and its target, neither of them empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The source text.
    pub source: String,
    /// The target text.
    pub target: String,
    /// The group, such as a document, with which the pair stays together in a split.
    pub group: Option<String>,
    /// The line of the file, counted from 1.
    pub line: usize,
}

/// Pairs of texts without exact duplicates. A clone shares them.
#[derive(Debug, Clone)]
pub struct ParallelCorpus {
    source: String,
    pairs: Arc<Vec<Pair>>,
    duplicates: usize,
}

impl ParallelCorpus {
    /// Reads two columns of a table, by default the first two. Pairs with equal values in the group column stay together
    /// in a split.
    ///
    /// # Errors
    /// If a column does not exist, or a text or group is empty.
    pub fn from_table(
        table: &Table,
        source_column: Option<&str>,
        target_column: Option<&str>,
        group_column: Option<&str>,
    ) -> Result<Self> {
        let column = |name: Option<&str>, default| name.map_or(Ok(default), |name| table.index_of(name));
        let source = column(source_column, 0)?;
        let target = column(target_column, 1)?;
        let group = group_column.map(|name| table.index_of(name)).transpose()?;
        let path = table.source();
        if target >= table.headers().len() {
            let expected = "a second column, with the targets";
            return Err(DataError::NoColumn { path: path.to_string(), expected });
        }
        if source == target {
            let expected = "a column of sources and another of targets";
            return Err(DataError::NoColumn { path: path.to_string(), expected });
        }
        let pairs = table.rows()?.map(|row| {
            let row = &row?;
            Ok(Pair {
                source: table.text(row, source, "a text")?,
                target: table.text(row, target, "a text")?,
                group: group.map(|group| table.text(row, group, "a group")).transpose()?,
                line: row.line(),
            })
        });
        Self::new(path, pairs)
    }

    /// Reads two files with one text per line, where line `n` of the target file translates line `n` of the source file.
    /// Lines that are empty in both files are skipped.
    ///
    /// # Errors
    /// If a file cannot be read or is not UTF-8, their numbers of lines differ, a line is empty in one of them only, or
    /// there are no pairs.
    pub fn from_aligned(source: impl AsRef<Path>, target: impl AsRef<Path>) -> Result<Self> {
        let (source, target) = (source.as_ref(), target.as_ref());
        let name = |path: &Path| path.display().to_string();
        Self::from_aligned_bytes((&name(source), &read_file(source)?), (&name(target), &read_file(target)?))
    }

    /// The same from bytes, each with its name in error messages.
    ///
    /// # Errors
    /// As [`from_aligned`](Self::from_aligned).
    pub fn from_aligned_bytes(source: (&str, &[u8]), target: (&str, &[u8])) -> Result<Self> {
        let (sources, targets) = (decode_utf8(source.0, source.1)?, decode_utf8(target.0, target.1)?);
        let (lines, other_lines) = (sources.lines().count(), targets.lines().count());
        let (path, other) = (source.0.to_string(), target.0.to_string());
        if lines != other_lines {
            return Err(DataError::LineCountMismatch { path, other, lines, other_lines });
        }
        let lines = sources.lines().map(str::trim).zip(targets.lines().map(str::trim)).zip(1..);
        let pairs = lines.filter_map(|((source, target), line)| {
            let empty = |path: &str, other: &str| {
                Some(Err(DataError::EmptyLine { path: path.to_string(), line, other: other.to_string() }))
            };
            match (source, target) {
                ("", "") => None,
                ("", _) => empty(&path, &other),
                (_, "") => empty(&other, &path),
                _ => Some(Ok(Pair { source: source.to_string(), target: target.to_string(), group: None, line })),
            }
        });
        let pairs = Self::new(&path, pairs)?;
        if pairs.pairs.is_empty() { Err(DataError::NoPairs { path, other }) } else { Ok(pairs) }
    }

    fn new(source: &str, all: impl Iterator<Item = Result<Pair>>) -> Result<Self> {
        let mut seen = HashSet::new();
        let (mut pairs, mut duplicates) = (Vec::new(), 0);
        for pair in all {
            let pair = pair?;
            if seen.insert((pair.source.clone(), pair.target.clone())) {
                pairs.push(pair);
            } else {
                duplicates += 1;
            }
        }
        Ok(Self { source: source.to_string(), pairs: Arc::new(pairs), duplicates })
    }

    /// The name of the pairs in error messages.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The number of pairs, at least one.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there are no pairs; always `false`.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The pairs, in the order of their lines.
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// The number of pairs that were dropped as exact duplicates.
    pub fn duplicates(&self) -> usize {
        self.duplicates
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn table(text: &str) -> Table {
        Table::from_bytes("p.tsv", text.as_bytes(), None).unwrap()
    }

    fn pairs(text: &str) -> Result<ParallelCorpus> {
        ParallelCorpus::from_table(&table(text), None, None, None)
    }

    #[test]
    fn first_two_columns_are_the_default() {
        let text = "en\tfr\tde\nGo!\tVa !\tGeh!\nGo!\tVa !\tLos!\nStop\tHalte\tHalt\n";
        let read = pairs(text).unwrap();
        assert_eq!((read.len(), read.duplicates()), (2, 1));
        assert_eq!(read.pairs()[1], Pair { source: "Stop".into(), target: "Halte".into(), group: None, line: 4 });
        let german = ParallelCorpus::from_table(&table(text), Some("de"), Some("en"), Some("fr")).unwrap();
        assert_eq!((german.len(), german.pairs()[0].group.as_deref()), (3, Some("Va !")));
    }

    #[test]
    fn invalid_pairs_are_rejected() {
        let message = |text: &str| pairs(text).unwrap_err().to_string();
        assert_eq!(message("en\tfr\na\tb\n\tc\n"), "p.tsv, line 3, column `en`: expected a text, found an empty cell");
        assert_eq!(message("en\tfr\na\t\n"), "p.tsv, line 2, column `fr`: expected a text, found an empty cell");
        assert_eq!(message("en\na\n"), "p.tsv: expected a second column, with the targets, found none");
        let error = ParallelCorpus::from_table(&table("en\tfr\na\tb\n"), Some("em"), None, None).unwrap_err();
        assert_eq!(error.to_string(), "p.tsv: expected one of the columns `en`, `fr`, found `em`; did you mean `en`?");
        let error = ParallelCorpus::from_table(&table("en\tfr\tg\na\tb\t\n"), None, None, Some("g")).unwrap_err();
        assert_eq!(error.to_string(), "p.tsv, line 2, column `g`: expected a group, found an empty cell");
        let error = ParallelCorpus::from_table(&table("en\tfr\na\tb\n"), Some("fr"), None, None).unwrap_err();
        assert_eq!(error.to_string(), "p.tsv: expected a column of sources and another of targets, found none");
    }

    #[test]
    fn aligned_files_are_read_line_by_line() {
        let read =
            |en: &str, fr: &str| ParallelCorpus::from_aligned_bytes(("x.en", en.as_bytes()), ("x.fr", fr.as_bytes()));
        let message = |en: &str, fr: &str| read(en, fr).unwrap_err().to_string();
        let both = read("\u{feff}Go!\r\n\r\nStop\n", " Va !\n\nHalte").unwrap();
        assert_eq!(both.pairs()[1], Pair { source: "Stop".into(), target: "Halte".into(), group: None, line: 3 });
        assert_eq!(both.pairs()[0].source, "Go!");
        assert_eq!(message("a\nb\n", "a\n"), "x.en and x.fr: expected the same number of lines in both, found 2 and 1");
        assert_eq!(
            message("a\nb\n", "a\n \n"),
            "x.fr, line 2: expected the counterpart of the same line in x.en, found an empty line"
        );
        assert_eq!(
            message("\nb\n", "a\nb\n"),
            "x.en, line 1: expected the counterpart of the same line in x.fr, found an empty line"
        );
        assert_eq!(message("\n\n", "\n\n"), "x.en and x.fr: expected pairs of texts, found none");
        assert_eq!(
            ParallelCorpus::from_aligned_bytes(("x.en", b"a"), ("x.fr", b"\xFF")).unwrap_err().to_string(),
            "x.fr, line 1: expected UTF-8 text, found an invalid byte at offset 0"
        );

        let folder = tempfile::tempdir().unwrap();
        let (en, fr) = (folder.path().join("x.en"), folder.path().join("x.fr"));
        fs::write(&en, "a\nb\n").unwrap();
        fs::write(&fr, "c\nd\n").unwrap();
        assert_eq!(ParallelCorpus::from_aligned(&en, &fr).unwrap().len(), 2);
        assert!(ParallelCorpus::from_aligned(&en, folder.path()).is_err());
    }
}
