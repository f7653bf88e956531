//! The default folders of runs.

use std::path::{Path, PathBuf};

/// The first of `runs/{name}-1`, `runs/{name}-2`, … that does not exist.
pub fn new(name: &str) -> PathBuf {
    let numbered = |number: usize| Path::new("runs").join(format!("{name}-{number}"));
    (1..).map(numbered).find(|folder| !folder.exists()).expect("some number is free")
}
