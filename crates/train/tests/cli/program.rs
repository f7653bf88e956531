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

    /// A text of simple sentences, and a network that learns to write like it in seconds.
    pub fn with_story() -> Self {
        let who = ["ana", "ben", "cleo", "dov", "eva", "finn", "gil", "hana"];
        let does = ["eats", "sees", "takes", "finds", "wants"];
        let things = ["bread", "fish", "stone", "apple", "water", "milk"];
        let mut text = String::new();
        for n in 0..240 {
            write!(text, "The {} {} the {}. ", who[n % 8], does[n * 7 % 5], things[n * 5 % 6]).expect("text");
            if n % 4 == 3 {
                text.push('\n');
            }
        }
        let desk = Self::new();
        desk.write("story.txt", text);
        desk.write(
            "story.toml",
            "data = \"story.txt\"\nembedding = 12\nhidden = 24\nwindow = 16\nbatch = 8\nepochs = 3\nlr = 0.02\n",
        );
        desk
    }

    /// Sentences with what they become in an artificial language, and a network that learns it in seconds.
    pub fn with_pairs() -> Self {
        let desk = Self::new();
        let rows: String = pairs().into_iter().map(|(source, target)| format!("{source}\t{target}\n")).collect();
        desk.write("pairs.tsv", format!("english\tartish\n{rows}"));
        desk.write(
            "pairs.toml",
            "data = \"pairs.tsv\"\ncodec = \"words\"\nembedding = 16\nhidden = 24\nepochs = 25\npatience = 0\n\
             batch = 16\nlr = 0.01\nschedule = \"constant\"\ndropout = 0.0\nsmoothing = 0.0\nbeam = 2\n",
        );
        desk
    }

    /// Sentences with two or three labels, and a network that learns to tell them in seconds.
    pub fn with_opinions(labels: usize) -> Self {
        let things = ["bread", "fish", "soup", "tea", "cake", "room", "film", "song"];
        let words = [
            ("negative", ["bad", "awful", "poor", "nasty", "sour"]),
            ("positive", ["good", "lovely", "fine", "great", "sweet"]),
            ("neutral", ["plain", "usual", "common", "normal", "average"]),
        ];
        let mut rows = String::from("text\tlabel\n");
        for (i, start) in ["This", "That", "The", "My", "Your", "Our"].into_iter().enumerate() {
            for (j, thing) in things.into_iter().enumerate() {
                for k in (0..5).filter(|k| (i + j + k) % 2 == 0) {
                    for (label, words) in &words[..labels] {
                        writeln!(rows, "{start} {thing} is {}\t{label}", words[k]).expect("text");
                    }
                }
            }
        }
        let desk = Self::new();
        desk.write("opinions.tsv", rows);
        desk.write(
            "opinions.toml",
            "data = \"opinions.tsv\"\nembedding = 8\nhidden = 8\nepochs = 6\nbatch = 16\nlr = 0.02\ndropout = 0.0\n\
             word_dropout = 0.0\n",
        );
        desk
    }

    /// The program, not yet started; on the CPU, whatever else is compiled in.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_train"));
        command.current_dir(self.folder.path()).args(line.split_whitespace()).stdin(Stdio::null());
        // Graphics drivers complain of its absence on standard error.
        command.env("XDG_RUNTIME_DIR", self.folder.path());
        if !line.contains("--device") && !line.starts_with("data ") && line != "devices" {
            command.args(["--device", "flex"]);
        }
        command
    }

    pub fn run(&self, line: &str) -> Ran {
        Ran::from(self.command(line).output().expect("the program starts"))
    }

    /// Runs what must succeed, with words that may hold blanks.
    #[track_caller]
    pub fn asked(&self, line: &str, words: &[&str]) -> Ran {
        let ran = Ran::from(self.command(line).args(words).output().expect("the program starts"));
        assert_eq!(ran.code, Some(0), "train {line} {words:?}\n{}\n{}", ran.stdout, ran.stderr);
        ran
    }

    /// Runs what must succeed, with something on its standard input.
    #[track_caller]
    pub fn fed(&self, line: &str, input: &str) -> Ran {
        self.write(".input", input);
        let input = std::fs::File::open(self.path(".input")).expect("a file");
        let ran = Ran::from(self.command(line).stdin(input).output().expect("the program starts"));
        assert_eq!(ran.code, Some(0), "train {line}\n{}\n{}", ran.stdout, ran.stderr);
        ran
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
        self.refused_to(line, &[], error);
    }

    /// Runs what must be refused, with words that may hold blanks.
    #[track_caller]
    pub fn refused_to(&self, line: &str, words: &[&str], error: &str) {
        let ran = Ran::from(self.command(line).args(words).output().expect("the program starts"));
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

impl Ran {
    /// What was answered, as JSON, a value a line.
    pub fn json(&self) -> Vec<serde_json::Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }
}

/// Sentences of four or five words, and what they become: the thing first, an adjective behind it, the verb last.
pub fn pairs() -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for who in ["ana", "ben", "cleo", "dov", "eva"] {
        for (does, verb) in [("eats", "mon"), ("sees", "vid"), ("takes", "pren")] {
            for (thing, noun) in [("bread", "pa"), ("fish", "lo"), ("stone", "ki"), ("apple", "zu"), ("water", "mi")] {
                pairs.push((format!("{who} {does} the {thing}"), format!("{noun} la {who} {verb}")));
                pairs.push((format!("{who} {does} the red {thing}"), format!("{noun} ru la {who} {verb}")));
            }
        }
    }
    pairs
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
