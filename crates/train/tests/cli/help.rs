//! The help texts, and the list of devices.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::program::TestSandbox;

/// Each task with data that its default settings can be used for, in a sandbox.
fn tasks() -> [(&'static str, &'static str, TestSandbox); 4] {
    let with_series = TestSandbox::new();
    let rows: String = (0..1000).map(|row| format!("{}\n", row % 7)).collect();
    with_series.write("series.csv", format!("y\n{rows}"));
    [
        ("forecast", "series.csv", with_series),
        ("generate", "story.txt", TestSandbox::with_story()),
        ("translate", "pairs.tsv", TestSandbox::with_pairs()),
        ("classify", "opinions.tsv", TestSandbox::with_opinions(2)),
    ]
}

#[test]
fn all_commands_are_listed() {
    let sandbox = TestSandbox::new();
    let help = sandbox.help("--help");
    let commands = [
        "demo",
        "forecast",
        "generate",
        "translate",
        "classify",
        "backtest",
        "resume",
        "evaluate",
        "predict",
        "complete",
        "listen",
        "compare",
        "summary",
        "data",
        "zoo",
        "devices",
    ];
    let mut abouts: Vec<&str> = Vec::new();
    for command in commands {
        let start = format!("\n  {command} ");
        let about = help.split_once(&start).unwrap_or_else(|| panic!("`{command}` in:\n{help}")).1;
        abouts.push(about.lines().next().expect("a line").trim());
        sandbox.help(&format!("{command} --help"));
    }
    assert!(sandbox.help("demo --help").contains("Train each task"), "the about text of the demo");
    // Each command is described by its own text.
    abouts.sort_unstable();
    assert!(abouts.windows(2).all(|pair| pair[0] != pair[1]), "{abouts:?}");
    assert!(help.contains("[alias: sentiment]"), "{help}");
}

#[test]
fn devices_are_listed_with_their_limits() {
    let devices = TestSandbox::new().ok("devices").stdout;
    assert!(devices.contains("flex  the CPU, "), "{devices}");
    #[cfg(feature = "wgpu")]
    for word in ["wgpu:0  ", "shared memory ", "planes ", "cooperative matrices ", "recurrent layers fused"] {
        assert!(devices.contains(word), "`{word}` in:\n{devices}");
    }
}

/// An option in a help text.
struct HelpOption {
    /// Its name as the key of a setting, such as `batch_size`.
    name: String,
    /// Its default, if the help states one.
    default: Option<String>,
}

/// The options of a command in its help text.
fn options(sandbox: &TestSandbox, command: &str) -> Vec<HelpOption> {
    let help = sandbox.help(&format!("{command} --help"));
    let mut texts: Vec<String> = Vec::new();
    for line in help.lines().map(str::trim) {
        match texts.last_mut() {
            _ if line.starts_with('-') => texts.push(line.to_string()),
            Some(text) => *text += &format!(" {line}"),
            None => {}
        }
    }
    let options = texts.iter().filter_map(|text| {
        let name = text.split("--").nth(1)?.split([' ', '[']).next()?.replace('-', "_");
        let default = text.split_once("[default: ").and_then(|(_, rest)| rest.split(']').next());
        // `the data set's, or else 0.1`
        let default = default.and_then(|default| default.rsplit("or else ").next()).map(String::from);
        Some(HelpOption { name, default })
    });
    options.collect()
}

/// The configuration of a run with default settings.
fn default_config(sandbox: &TestSandbox, task: &str, data: &str) -> toml::Table {
    let mut child = sandbox
        .command(&format!("{task} --data {data} --out {task}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let config = sandbox.path(task).join("config.toml");
    let start = Instant::now();
    // It is written before the first step of training.
    while !config.exists() && start.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    sandbox.read(&format!("{task}/config.toml")).parse().expect("TOML")
}

fn in_words(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(list) => list.iter().map(in_words).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

fn is_same(stated: &str, configured: &str) -> bool {
    let numbers = |text: &str| text.split(',').map(|number| number.parse::<f64>().ok()).collect::<Option<Vec<_>>>();
    stated == configured || numbers(stated).is_some_and(|stated| Some(stated) == numbers(configured))
}

/// Checks the defaults in the help of a task against the configuration of a run, and that there are enough of them.
#[track_caller]
fn assert_defaults_as_configured(sandbox: &TestSandbox, task: &str, data: &str, at_least: usize) {
    let config = default_config(sandbox, task, data);
    let mut compared = 0;
    for HelpOption { name, default } in options(sandbox, task) {
        let Some(stated) = default else { continue };
        match config.get(&name) {
            // These depend on the data, which are not the default ones.
            _ if ["data", "trace"].contains(&name.as_str()) || is_of_columns(&name) => {}
            Some(configured) => {
                let configured = in_words(configured);
                assert!(
                    is_same(&stated, &configured),
                    "{task} --{name}: the help states {stated}, config.toml has {configured}"
                );
                compared += 1;
            }
            None => assert!(
                stated.parse::<f64>().is_err(),
                "{task} --{name}: the help states {stated}, config.toml has nothing"
            ),
        }
    }
    assert!(compared >= at_least, "{task}: {compared} defaults");
}

/// Settings whose default in words depends on the columns.
fn is_of_columns(name: &str) -> bool {
    ["target", "features", "future", "lags", "date", "residual", "instance_norm", "tie_weights"].contains(&name)
        || name.ends_with("_column")
}

#[test]
fn defaults_in_the_help_are_those_of_a_run() {
    for ((task, data, sandbox), at_least) in tasks().into_iter().zip([17, 18, 24, 20]) {
        assert_defaults_as_configured(&sandbox, task, data, at_least);
    }
}

#[test]
fn all_settings_are_in_the_help() {
    for (task, data, sandbox) in tasks() {
        let options: Vec<String> = options(&sandbox, task).into_iter().map(|option| option.name).collect();
        let config = default_config(&sandbox, task, data);
        // The header and the checksum of the data are not settings.
        let header = ["format_version", "written_by", "task", "sha256"];
        assert!(header.iter().all(|key| config.contains_key(*key)), "{task}: {config}");
        for setting in config.keys().filter(|key| !header.contains(&key.as_str())) {
            assert!(options.contains(setting), "{task}: `{setting}` in {options:?}");
        }
        // Settings without a value are not in config.toml.
        let without_value: &[&str] = match task {
            "forecast" => &["date"],
            "translate" => &["target_data", "source_column", "target_column", "group_column"],
            "classify" => &["text_column", "label_column", "split_column"],
            _ => &[],
        };
        for setting in without_value {
            assert!(options.iter().any(|option| option == setting), "{task}: `{setting}` in {options:?}");
        }
        // An unknown setting is refused with the names of all settings, and each of them is an option.
        sandbox.write("unknown.toml", "unknown_setting = 1\n");
        let ran = sandbox.run(&format!("{task} --config unknown.toml"));
        let (_, known) = ran.stderr.trim_end().split_once("expected one of ").expect("the known settings");
        assert!(known.split(", ").count() >= config.len() - header.len(), "{task}: {known}");
        for setting in known.split(", ") {
            assert!(options.iter().any(|option| option == setting), "{task}: `{setting}` in {options:?}");
        }
    }
}

#[test]
fn options_of_all_tasks_are_in_the_help_of_predict() {
    let help = TestSandbox::new().help("predict --help");
    for heading in [
        "forecast",
        "generate",
        "translate",
        "classify",
        "transcribe",
        "compose",
        "generate and compose",
        "generate, translate and transcribe",
        "translate, classify and transcribe",
    ] {
        assert!(help.contains(&format!("\nRuns of {heading}:\n")), "`{heading}` in:\n{help}");
    }
}

impl TestSandbox {
    /// The help text that a command prints.
    #[track_caller]
    fn help(&self, line: &str) -> String {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_train"));
        let output = command.current_dir(self.path("")).args(line.split_whitespace()).output().expect("it starts");
        assert!(output.status.success(), "train {line}");
        String::from_utf8(output.stdout).expect("text")
    }
}
