//! What the program says of itself.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::program::Desk;

#[test]
fn all_commands_are_listed() {
    let desk = Desk::new();
    let help = desk.help("--help");
    let commands = [
        "tour",
        "forecast",
        "generate",
        "translate",
        "sentiment",
        "resume",
        "evaluate",
        "predict",
        "complete",
        "compare",
        "summary",
        "data",
        "devices",
    ];
    for command in commands {
        assert!(help.contains(&format!("\n  {command} ")), "`{command}` in:\n{help}");
        desk.help(&format!("{command} --help"));
    }
    assert!(desk.help("tour --help").contains("Show everything"), "the tour");
}

#[test]
fn devices_are_listed_with_their_limits() {
    let listed = Desk::new().ok("devices").stdout;
    assert!(listed.contains("flex  the CPU, "), "{listed}");
    #[cfg(feature = "wgpu")]
    for word in ["wgpu:0  ", "shared memory ", "planes ", "cooperative matrices ", "recurrent layers fused"] {
        assert!(listed.contains(word), "`{word}` in:\n{listed}");
    }
}

/// Each option of a task with the default that its help tells.
fn told(desk: &Desk, task: &str) -> Vec<(String, String)> {
    let help = desk.help(&format!("{task} --help"));
    let mut options: Vec<String> = Vec::new();
    for line in help.lines().map(str::trim) {
        match options.last_mut() {
            _ if line.starts_with('-') => options.push(line.to_string()),
            Some(option) => *option += &format!(" {line}"),
            None => {}
        }
    }
    let told = options.iter().filter_map(|option| {
        let name = option.split("--").nth(1)?.split([' ', '[']).next()?;
        let default = option.split_once("[default: ")?.1.split(']').next()?;
        // `the data set's, or else 0.1`
        let default = default.rsplit("or else ").next()?;
        Some((name.replace('-', "_"), default.to_string()))
    });
    told.collect()
}

/// The plan of a run of which nothing was said but the data.
fn planned(desk: &Desk, task: &str, data: &str) -> toml::Table {
    let mut child = desk
        .command(&format!("{task} --data {data} --out {task}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let plan = desk.path(task).join("plan.toml");
    let start = Instant::now();
    // It is there before the first step, and no step is needed.
    while !plan.exists() && start.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    desk.read(&format!("{task}/plan.toml")).parse().expect("TOML")
}

fn in_words(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(list) => list.iter().map(in_words).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

fn is_same(said: &str, planned: &str) -> bool {
    let numbers = |text: &str| text.split(',').map(|number| number.parse::<f64>().ok()).collect::<Option<Vec<_>>>();
    said == planned || numbers(said).is_some_and(|said| Some(said) == numbers(planned))
}

#[track_caller]
fn assert_told_as_planned(desk: &Desk, task: &str, data: &str, at_least: usize) {
    let plan = planned(desk, task, data);
    let mut compared = 0;
    for (name, said) in told(desk, task) {
        match plan.get(&name) {
            _ if name == "data" || name == "trace" => {}
            Some(planned) => {
                let planned = in_words(planned);
                assert!(is_same(&said, &planned), "{task} --{name}: help says {said}, the plan {planned}");
                compared += 1;
            }
            None => assert!(said.parse::<f64>().is_err(), "{task} --{name}: help says {said}, the plan nothing"),
        }
    }
    assert!(compared >= at_least, "{task}: {compared} defaults");
}

#[test]
fn help_tells_the_defaults_that_are_planned() {
    assert_told_as_planned(&Desk::with_story(), "generate", "story.txt", 15);
    assert_told_as_planned(&Desk::with_pairs(), "translate", "pairs.tsv", 20);
    assert_told_as_planned(&Desk::with_opinions(2), "sentiment", "opinions.tsv", 18);
}

impl Desk {
    /// What is asked for help.
    #[track_caller]
    fn help(&self, line: &str) -> String {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_train"));
        let output = command.current_dir(self.path("")).args(line.split_whitespace()).output().expect("it starts");
        assert!(output.status.success(), "train {line}");
        String::from_utf8(output.stdout).expect("text")
    }
}
