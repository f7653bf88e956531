//! Where runs go unless told otherwise.

use std::path::{Path, PathBuf};

/// The first of `runs/{what}-1`, `runs/{what}-2`, … that is not there.
pub fn fresh(what: &str) -> PathBuf {
    let numbered = |number: usize| Path::new("runs").join(format!("{what}-{number}"));
    (1..).map(numbered).find(|folder| !folder.exists()).expect("one of endless many is free")
}
