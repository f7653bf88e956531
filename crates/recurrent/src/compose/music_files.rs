//! The files of music that a folder has, or a table lists.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use recurrent_data::{ListedFile, SplitAssignment, Table, regular_file, sha256};
use recurrent_music::MusicFile;

use crate::{Error, Result};

/// Files of a corpus, at most.
const MAX_FILES: usize = 100_000;
/// The largest file that is read.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// A file of music, and what is known of it.
#[derive(Debug)]
pub(super) struct ListedMusic {
    pub path: PathBuf,
    /// Its name in a folder or a table.
    pub name: String,
    pub assignment: Option<SplitAssignment>,
    /// Its checksum, and the line that says so.
    expected: Option<(String, String)>,
}

impl ListedMusic {
    /// A file that was named by itself.
    pub fn alone(path: &Path) -> Self {
        let name = Path::new(path.file_name().unwrap_or_default()).display().to_string();
        Self { path: path.to_path_buf(), name, assignment: None, expected: None }
    }

    /// Its bytes, which have the checksum of the table.
    pub fn read(&self) -> Result<Vec<u8>> {
        let path = &self.path;
        let bytes = regular_file::read(path, MAX_FILE_BYTES).map_err(Error::io("cannot read the music", path))?;
        if let Some((expected, line)) = &self.expected {
            let found = sha256(&bytes);
            if *expected != found {
                let what = format!("{} ({line})", path.display());
                return Err(Error::Input { what, expected: format!("the sha256 {expected}"), found });
            }
        }
        Ok(bytes)
    }
}

/// The files of music in a folder, at any depth, sorted. One in a folder `train`, `valid` or `test` is of that split.
pub(super) fn in_folder(root: &Path) -> Result<Vec<ListedMusic>> {
    let (mut folders, mut files) = (vec![root.to_path_buf()], BTreeSet::new());
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).map_err(Error::io("cannot list the folder", &folder))?;
        for entry in entries {
            let entry = entry.map_err(Error::io("cannot list the folder", &folder))?;
            let kind = entry.file_type().map_err(Error::io("cannot list the folder", &folder))?;
            let path = entry.path();
            if kind.is_dir() {
                folders.push(path);
            } else if is_music(&path) {
                files.insert(path);
            }
        }
        check_count(root, files.len())?;
    }
    let listed = |path: PathBuf| {
        let inside = path.strip_prefix(root).unwrap_or(&path);
        let assignment = inside.iter().next().and_then(|part| SplitAssignment::named(part.to_str()?));
        ListedMusic { name: inside.display().to_string(), assignment, expected: None, path }
    };
    Ok(files.into_iter().map(listed).collect())
}

/// The files that a table lists, in its order.
pub(super) fn in_table(path: &Path) -> Result<Vec<ListedMusic>> {
    let table = Table::open(path, None)?;
    check_count(path, table.num_rows())?;
    let absolute = std::path::absolute(path).map_err(Error::io("cannot find the path of", path))?;
    let folder = crate::run_dir::parent(&absolute);
    let listed = |file: ListedFile| {
        let line = format!("line {} of {}", file.line, table.source());
        ListedMusic {
            path: folder.join(&file.path),
            name: file.path,
            assignment: file.assignment,
            expected: file.sha256.map(|sha256| (sha256, line)),
        }
    };
    Ok(ListedFile::from_table(&table)?.into_iter().map(listed).collect())
}

fn is_music(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|found| MusicFile::EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(found)))
}

fn check_count(root: &Path, files: usize) -> Result<()> {
    if files > MAX_FILES {
        return Err(Error::Input {
            what: root.display().to_string(),
            expected: format!("at most {MAX_FILES} files of music"),
            found: "more".into(),
        });
    }
    Ok(())
}
