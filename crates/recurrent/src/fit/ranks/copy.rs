//! A copy of the run's folder for the ranks that do not have it: settings, tokenizer or scaler, first weights, checkpoints.

use std::fs;
use std::path::{Path, PathBuf};

use recurrent_data::regular_file;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::{Ranks, on_rank};
use crate::fit::checkpoint::{CHECKPOINTS, MAX_RECORD_BYTES};
use crate::run_header::WRITTEN_BY;
use crate::{Error, Result};

/// What the first rank sends, before the files.
#[derive(Debug, Serialize, Deserialize)]
struct Contents {
    written_by: String,
    task: String,
    /// Paths relative to the run's folder.
    files: Vec<PathBuf>,
}

/// Sends the files of a run to the other ranks.
pub(crate) fn send_run(root: &Path, task: &str, ranks: &dyn Ranks) -> Result<()> {
    let mut files = files_in(root, Path::new(""))?;
    for entry in folder(&root.join(CHECKPOINTS))? {
        files.extend(files_in(root, &Path::new(CHECKPOINTS).join(entry))?);
    }
    let contents = Contents { written_by: WRITTEN_BY.into(), task: task.into(), files };
    ranks.broadcast(&mut serde_json::to_vec(&contents).expect("paths of a run are text"))?;
    for file in &contents.files {
        let path = root.join(file);
        ranks.broadcast(&mut regular_file::read(&path, MAX_RECORD_BYTES).map_err(Error::io("cannot read", &path))?)?;
    }
    Ok(())
}

/// Receives the files of a run of this task into a temporary folder.
///
/// # Errors
/// If the first rank trains another task, or is of another version.
pub(crate) fn receive_run(task: &str, ranks: &dyn Ranks) -> Result<TempDir> {
    let mut bytes = vec![];
    ranks.broadcast(&mut bytes)?;
    let contents: Contents = serde_json::from_slice(&bytes)
        .map_err(|cause| on_rank(ranks, format!("cannot read the run of the first rank: {cause}")))?;
    let copy = tempfile::tempdir().map_err(Error::io("cannot make the folder", &std::env::temp_dir()))?;
    for file in &contents.files {
        let path = copy.path().join(file);
        let parent = path.parent().expect("a folder");
        fs::create_dir_all(parent).map_err(Error::io("cannot make the folder", parent))?;
        ranks.broadcast(&mut bytes)?;
        fs::write(&path, &bytes).map_err(Error::io("cannot write", &path))?;
    }
    // Told when all is received: the first rank would wait for one that has left.
    let (expected, found) = (format!("{WRITTEN_BY}, {task}"), format!("{}, {}", contents.written_by, contents.task));
    if expected != found {
        return Err(on_rank(ranks, format!("this is {expected}, the first rank is {found}")));
    }
    Ok(copy)
}

/// The files of a folder in `root`, relative to it; hidden ones are locks and what is not complete yet.
fn files_in(root: &Path, relative: &Path) -> Result<Vec<PathBuf>> {
    let names = folder(&root.join(relative))?.into_iter().map(|name| relative.join(name));
    Ok(names.filter(|name| root.join(name).is_file()).collect())
}

/// The names in a folder, sorted; none if it does not exist.
fn folder(path: &Path) -> Result<Vec<String>> {
    if !path.is_dir() {
        return Ok(vec![]);
    }
    let entries = fs::read_dir(path).map_err(Error::io("cannot read the folder", path))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort_unstable();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::super::testing::on_threads;
    use super::*;

    #[test]
    fn copies_are_whole_and_of_the_same_task() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let checkpoint = root.join("checkpoints/epoch-000001");
        fs::create_dir_all(&checkpoint).unwrap();
        fs::create_dir_all(root.join("plots")).unwrap();
        for (name, text) in [("config.toml", "a"), (".lock", ""), ("plots/loss.svg", "svg")] {
            fs::write(root.join(name), text).unwrap();
        }
        fs::write(checkpoint.join("model.bpk"), [0, 255, 7]).unwrap();
        on_threads(3, |ranks| match ranks.rank() {
            0 => send_run(root, "forecast", ranks).unwrap(),
            1 => {
                let copy = receive_run("forecast", ranks).unwrap();
                assert_eq!(fs::read(copy.path().join("config.toml")).unwrap(), b"a");
                assert_eq!(fs::read(copy.path().join("checkpoints/epoch-000001/model.bpk")).unwrap(), [0, 255, 7]);
                assert!(!copy.path().join(".lock").exists() && !copy.path().join("plots").exists());
            }
            _ => {
                let error = receive_run("generate", ranks).unwrap_err().to_string();
                assert!(error.starts_with("rank 2: ") && error.ends_with(", forecast"), "{error}");
            }
        });
    }
}
