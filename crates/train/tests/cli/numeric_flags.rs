//! Every numeric flag of every command with numbers out of all bounds: they are refused or work, and never crash.

use std::fs::File;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::program::TestSandbox;

const VALUES: [&str; 7] =
    ["0", "-1", "9223372036854775808", "18446744073709551615", "18446744073709551616", "NaN", "1e308"];

/// The placeholders of numbers in help texts.
const NUMBERS: [&str; 9] = ["N", "N,..", "X", "T", "ROWS", "NORM", "FRACTION", "TRAIN,VALID,TEST", "LIST"];

/// How long a command may take: all of them work on tiny data.
const LIMIT: Duration = Duration::from_secs(120);

/// The flags of a command whose values are numbers, from its help text.
fn numeric_flags(sandbox: &TestSandbox, command: &str) -> Vec<String> {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_train"))
        .args(command.split(' '))
        .arg("--help")
        .current_dir(sandbox.path(""))
        .output()
        .expect("it starts");
    let help = String::from_utf8(output.stdout).expect("text");
    let options = help.lines().map(str::trim).filter(|line| line.starts_with('-'));
    let numeric = options.filter_map(|line| {
        let (names, rest) = line.split_once('<')?;
        let value = rest.split_once('>')?.0;
        let flag = names.split([' ', ',']).find(|name| name.starts_with("--"))?;
        NUMBERS.contains(&value).then(|| flag.to_string())
    });
    numeric.collect()
}

/// Command lines with every value of every numeric flag. A flag that `rest` sets already is replaced.
fn lines(sandbox: &TestSandbox, command: &str, rest: &str) -> Vec<Vec<String>> {
    let flags = numeric_flags(sandbox, command);
    assert!(!flags.is_empty(), "{command}");
    let words: Vec<&str> = rest.split_whitespace().collect();
    let mut lines = Vec::new();
    for flag in &flags {
        let mut line: Vec<String> = command.split(' ').map(String::from).collect();
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            if word == flag {
                rest.next();
            } else {
                line.push(word.to_string());
            }
        }
        lines.extend(VALUES.map(|value| [line.clone(), vec![format!("{flag}={value}")]].concat()));
    }
    lines
}

/// Runs a command, and returns what is wrong with its end.
fn failure(sandbox: &TestSandbox, line: &[String], number: usize) -> Option<String> {
    let errors = sandbox.path(&format!("stderr-{number}"));
    let mut command = sandbox.command(&line[0]);
    command.args(&line[1..]).env("RUST_BACKTRACE", "0");
    command.stdout(Stdio::null()).stderr(File::create(&errors).expect("a file"));
    let mut child = command.spawn().expect("it starts");
    let start = Instant::now();
    let status = loop {
        match child.try_wait().expect("a child") {
            Some(status) => break Some(status),
            None if start.elapsed() > LIMIT => break None,
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    if status.is_none() {
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
    }
    let errors = String::from_utf8_lossy(&std::fs::read(errors).expect("a file")).into_owned();
    let ended = status.is_some_and(|status| matches!(status.code(), Some(0 | 2)));
    let explained = status.is_some_and(|status| status.code() == Some(0)) || errors.contains("error: ");
    let last = errors.lines().last().unwrap_or_default();
    (!ended || !explained || errors.contains("panicked"))
        .then(|| format!("train {}: {status:?}: {last}", line.join(" ")))
}

/// Runs commands on all cores; all of them must end with exit code 0 or 2.
fn all_end_well(sandbox: &TestSandbox, lines: &[Vec<String>]) {
    let next = AtomicUsize::new(0);
    let work = || {
        let numbers = std::iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed)));
        let taken = numbers.take_while(|number| *number < lines.len());
        taken.filter_map(|number| failure(sandbox, &lines[number], number)).collect::<Vec<String>>()
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let failures: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("no panic")).collect()
    });
    assert!(failures.is_empty(), "{} of {} commands:\n{}", failures.len(), lines.len(), failures.join("\n"));
}

/// The same commands, each with a folder of its own.
fn with_folders(lines: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let numbered = lines.into_iter().enumerate();
    numbered.map(|(number, line)| [line, vec!["--out".into(), format!("out-{number}")]].concat()).collect()
}

#[test]
fn of_forecast() {
    let sandbox = TestSandbox::with_waves();
    let mut all = with_folders(lines(&sandbox, "forecast", "--config small.toml --epochs 1"));
    sandbox.ok("forecast --config small.toml --epochs 1 --out run");
    all.extend(lines(&sandbox, "predict", "run"));
    all.extend(lines(&sandbox, "resume", "run"));
    all_end_well(&sandbox, &all);
}

#[test]
fn of_backtest() {
    let sandbox = TestSandbox::with_waves();
    // The settings of a run are those of `forecast`.
    let mut all = lines(&sandbox, "backtest", "--config small.toml --epochs 1");
    all.retain(|line| line.iter().any(|word| word.starts_with("--folds=")));
    all_end_well(&sandbox, &with_folders(all));
}

#[test]
fn of_generate() {
    let sandbox = TestSandbox::with_story();
    let mut all = with_folders(lines(&sandbox, "generate", "--config story.toml --epochs 1"));
    sandbox.ok("generate --config story.toml --epochs 1 --out run");
    all.extend(lines(&sandbox, "predict", "run --prompt The"));
    all.extend(lines(&sandbox, "complete", "run The"));
    all_end_well(&sandbox, &all);
}

#[test]
fn of_translate() {
    let sandbox = TestSandbox::with_pairs();
    let mut all = with_folders(lines(&sandbox, "translate", "--config pairs.toml --epochs 1 --max-length 8"));
    sandbox.ok("translate --config pairs.toml --epochs 1 --max-length 8 --out run");
    all.extend(lines(&sandbox, "predict", "run bread"));
    all_end_well(&sandbox, &all);
}

#[test]
fn of_classify() {
    let sandbox = TestSandbox::with_opinions(2);
    all_end_well(&sandbox, &with_folders(lines(&sandbox, "classify", "--config opinions.toml --epochs 1")));
}

#[test]
fn of_compare() {
    let sandbox = TestSandbox::new();
    let small = "--parts memory --tasks recall --lengths 4 --seeds 1 --steps 2 --hidden-size 2 --batch-size 2";
    all_end_well(&sandbox, &with_folders(lines(&sandbox, "compare", small)));
}
