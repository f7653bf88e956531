//! The program under test, in a temporary folder.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use recurrent::data::DateTime;
use recurrent::zoo::{Pretrained, Unpacked};
use tempfile::TempDir;

/// A temporary folder in which the program runs.
pub struct TestSandbox {
    folder: TempDir,
}

/// The exit code and the output of a finished program.
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// The folder of a recognizer of digits and commands.
pub fn transcribe_run() -> &'static Path {
    static UNPACKED: OnceLock<Unpacked> = OnceLock::new();
    let unpack = || Pretrained::find("spoken-digits").and_then(Pretrained::unpack).expect("a pretrained model");
    UNPACKED.get_or_init(unpack).as_ref()
}

/// The dates from a day on.
pub fn days_from(year: i16, month: i8, day: i8) -> impl Iterator<Item = String> {
    let first = DateTime::constant(year, month, day, 0, 0, 0, 0);
    std::iter::successors(Some(first), |day| day.tomorrow().ok()).map(|day| day.date().to_string())
}

impl TestSandbox {
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

    /// A daily series with a period of a week, and the settings of a network that trains in seconds.
    pub fn with_waves() -> Self {
        let sandbox = Self::new();
        let mut text = String::from("date,wave,other\n");
        for (day, date) in days_from(2024, 1, 21).take(240).enumerate() {
            let phase = day as f64 * std::f64::consts::TAU / 7.0;
            writeln!(text, "{date},{:.4},{:.4}", 20.0 + 5.0 * phase.sin(), phase.cos()).expect("text");
        }
        sandbox.write("waves.csv", text);
        sandbox.write(
            "small.toml",
            "data = \"waves.csv\"\ntarget = [\"wave\"]\nwindow = 10\nhidden_size = [6, 4]\nepochs = 4\ndropout = 0.1\n\
             season = 7\n",
        );
        sandbox
    }

    /// A text of simple sentences, and the settings of a language model that learns it in seconds.
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
        let sandbox = Self::new();
        sandbox.write("story.txt", text);
        sandbox.write(
            "story.toml",
            "data = \"story.txt\"\nembedding_dim = 12\nhidden_size = 24\nbptt = 16\nbatch_size = 8\nepochs = 3\nlr = 0.02\n\
             schedule = \"constant\"\ndropout = 0.2\n",
        );
        sandbox
    }

    /// Sentences with their translations into an artificial language, and the settings of a network that learns it in
    /// seconds.
    pub fn with_pairs() -> Self {
        let sandbox = Self::new();
        let rows: String = pairs().into_iter().map(|(source, target)| format!("{source}\t{target}\n")).collect();
        sandbox.write("pairs.tsv", format!("english\tartish\n{rows}"));
        sandbox.write(
            "pairs.toml",
            "data = \"pairs.tsv\"\ntokenizer = \"words\"\nembedding_dim = 16\nhidden_size = 24\nepochs = 25\n\
             patience = 0\nbatch_size = 16\nlr = 0.01\nschedule = \"constant\"\ndropout = 0.0\n\
             label_smoothing = 0.0\nbeam_size = 2\naverage = 0.0\ntie_weights = false\n",
        );
        sandbox
    }

    /// Sentences with two or three labels, and the settings of a classifier that learns them in seconds.
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
        let sandbox = Self::new();
        sandbox.write("opinions.tsv", rows);
        sandbox.write(
            "opinions.toml",
            "data = \"opinions.tsv\"\nembedding_dim = 8\nhidden_size = 8\nepochs = 6\nbatch_size = 16\nlr = 0.02\n\
             dropout = 0.0\nword_dropout = 0.0\naverage = 0.0\npatience = 8\nensemble = 1\n",
        );
        sandbox
    }

    /// Writes a Hugging Face `tokenizer.json` that knows these words, after an unknown token with the id 0.
    pub fn write_tokenizer(&self, name: &str, words: &str) {
        let words = std::iter::once("[UNK]").chain(words.split(' ')).zip(0..);
        let vocabulary: Vec<String> = words.map(|(word, id)| format!("\"{word}\":{id}")).collect();
        self.write(
            name,
            format!(
                "{{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":[],\"normalizer\":null,\
                 \"pre_tokenizer\":{{\"type\":\"Whitespace\"}},\"post_processor\":null,\"decoder\":null,\
                 \"model\":{{\"type\":\"WordLevel\",\"vocab\":{{{}}},\"unk_token\":\"[UNK]\"}}}}",
                vocabulary.join(",")
            ),
        );
    }

    /// The program with its arguments, not yet started; on the CPU, whatever else is compiled in.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_train"));
        command.current_dir(self.folder.path()).args(line.split_whitespace()).stdin(Stdio::null());
        // Graphics drivers write a warning to standard error if it is missing.
        command.env("XDG_RUNTIME_DIR", self.folder.path());
        if !line.contains("--device") && !["data ", "zoo ", "devices"].iter().any(|command| line.starts_with(command)) {
            command.args(["--device", "flex"]);
        }
        command
    }

    pub fn run(&self, line: &str) -> Ran {
        Ran::from(self.command(line).output().expect("the program starts"))
    }

    /// Runs a command that must succeed, with further arguments that may contain spaces.
    #[track_caller]
    pub fn ok_with_args(&self, line: &str, args: &[&str]) -> Ran {
        let ran = Ran::from(self.command(line).args(args).output().expect("the program starts"));
        assert_eq!(ran.code, Some(0), "train {line} {args:?}\n{}\n{}", ran.stdout, ran.stderr);
        ran
    }

    /// Runs a command that must succeed, with a text on its standard input.
    #[track_caller]
    pub fn ok_with_input(&self, line: &str, input: &str) -> Ran {
        self.write(".input", input);
        let input = std::fs::File::open(self.path(".input")).expect("a file");
        let ran = Ran::from(self.command(line).stdin(input).output().expect("the program starts"));
        assert_eq!(ran.code, Some(0), "train {line}\n{}\n{}", ran.stdout, ran.stderr);
        ran
    }

    /// Runs a command that must succeed.
    #[track_caller]
    pub fn ok(&self, line: &str) -> Ran {
        let ran = self.run(line);
        assert_eq!(ran.code, Some(0), "train {line}\n{}\n{}", ran.stdout, ran.stderr);
        ran
    }

    /// Runs a command that must be refused: exit code 2, and one line of error that contains `error`.
    #[track_caller]
    pub fn refused(&self, line: &str, error: &str) {
        self.refused_with_args(line, &[], error);
    }

    /// Runs a command that must be refused, with further arguments that may contain spaces.
    #[track_caller]
    pub fn refused_with_args(&self, line: &str, args: &[&str], error: &str) {
        let ran = Ran::from(self.command(line).args(args).output().expect("the program starts"));
        assert_eq!(ran.code, Some(2), "train {line}\n{}\n{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.starts_with("error: "), "{}", ran.stderr);
        assert!(ran.stderr.contains(error), "expected `{error}` in:\n{}", ran.stderr);
        assert_eq!(ran.stderr.trim_end().lines().count(), 1, "expected one line:\n{}", ran.stderr);
        assert!(ran.stderr.matches("os error").count() <= 1, "expected the cause once:\n{}", ran.stderr);
        assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    }

    /// The names of what a folder has, sorted; none if there is no such folder.
    pub fn names(&self, name: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(name)).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().display().to_string()).collect();
        names.sort();
        names
    }

    /// The paths of all files in a folder and its folders, sorted.
    pub fn listing(&self, name: &str) -> Vec<String> {
        fn collect(folder: &Path, root: &Path, names: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    collect(&path, root, names);
                } else {
                    names.push(path.strip_prefix(root).expect("inside").display().to_string());
                }
            }
        }
        let mut names = Vec::new();
        collect(&self.path(name), &self.path(name), &mut names);
        names.sort();
        names
    }
}

impl Ran {
    /// Standard output as JSON, one value per line.
    pub fn json(&self) -> Vec<serde_json::Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }
}

/// Sentences of four or five words with their translations: the noun first, then its adjective, and the verb last.
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
