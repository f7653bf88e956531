//! The program under test, in a folder of its own.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A folder in which the program runs.
pub struct Desk {
    folder: TempDir,
}

/// What the program left behind.
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Desk {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), contents).expect("a file");
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// A file of daily numbers with a rhythm of a week, and a network that is small enough for a test.
    pub fn with_waves() -> Self {
        let desk = Self::new();
        let mut text = String::from("date,wave,other\n");
        for day in 0..240 {
            let date = format!("2024-{:02}-{:02}", day / 28 + 1, day % 28 + 1);
            let phase = day as f64 * std::f64::consts::TAU / 7.0;
            writeln!(text, "{date},{:.4},{:.4}", 20.0 + 5.0 * phase.sin(), phase.cos()).expect("text");
        }
        desk.write("waves.csv", text);
        desk.write(
            "small.toml",
            "data = \"waves.csv\"\ntarget = [\"wave\"]\nwindow = 10\nhidden = [6, 4]\nepochs = 4\ndropout = 0.1\nseason = 7\n",
        );
        desk
    }

    /// The program, not yet started; on the CPU, whatever else is compiled in.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_train"));
        command.current_dir(self.folder.path()).args(line.split_whitespace()).stdin(Stdio::null());
        // Graphics drivers complain of its absence on standard error.
        command.env("XDG_RUNTIME_DIR", self.folder.path());
        if !line.contains("--device") && !line.starts_with("data ") {
            command.args(["--device", "flex"]);
        }
        command
    }

    pub fn run(&self, line: &str) -> Ran {
        Ran::from(self.command(line).output().expect("the program starts"))
    }

    /// Runs what must succeed.
    #[track_caller]
    pub fn ok(&self, line: &str) -> Ran {
        let ran = self.run(line);
        assert_eq!(ran.code, Some(0), "train {line}\n{}\n{}", ran.stdout, ran.stderr);
        ran
    }

    /// Runs what must be refused: exit code 2, one clear error, nothing else.
    #[track_caller]
    pub fn refused(&self, line: &str, error: &str) {
        let ran = self.run(line);
        assert_eq!(ran.code, Some(2), "train {line}\n{}\n{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.starts_with("error: "), "{}", ran.stderr);
        assert!(ran.stderr.contains(error), "expected `{error}` in:\n{}", ran.stderr);
        assert_eq!(ran.stderr.trim_end().lines().count(), 1, "one line:\n{}", ran.stderr);
        assert!(ran.stderr.matches("os error").count() <= 1, "the cause once:\n{}", ran.stderr);
        assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    }

    /// Everything in a folder, for comparing before and after.
    pub fn listing(&self, name: &str) -> Vec<String> {
        fn walk(folder: &Path, root: &Path, names: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    walk(&path, root, names);
                } else {
                    names.push(path.strip_prefix(root).expect("inside").display().to_string());
                }
            }
        }
        let mut names = Vec::new();
        walk(&self.path(name), &self.path(name), &mut names);
        names.sort();
        names
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }
}
