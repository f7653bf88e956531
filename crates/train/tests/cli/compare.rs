//! `train compare`.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use crate::program::TestSandbox;

/// A study that is done in seconds.
const TINY: &str = "compare --parts memory --tasks recall --lengths 5 --seeds 2 --steps 5 --hidden-size 6";

/// The modification time of each measurement.
fn modified(sandbox: &TestSandbox, run: &str) -> Vec<(String, SystemTime)> {
    let at = |name: String| {
        let file = sandbox.path(&format!("{run}/measurements/{name}"));
        (name, file.metadata().expect("a file").modified().expect("a time"))
    };
    sandbox.listing(&format!("{run}/measurements")).into_iter().map(at).collect()
}

fn json(sandbox: &TestSandbox, run: &str) -> serde_json::Value {
    serde_json::from_str(&sandbox.read(&format!("{run}/compare.json"))).expect("JSON")
}

/// A list in the results.
fn list(sandbox: &TestSandbox, run: &str, name: &str) -> Vec<serde_json::Value> {
    json(sandbox, run)[name].as_array().expect("a list").clone()
}

#[test]
fn study_writes_tables_report_and_json() {
    let sandbox = TestSandbox::new();
    let ran = sandbox.ok(&format!("{TINY} --out small"));
    let expected =
        ["Differences between the cells", "| property", "| RNN", "| LSTM", "| GRU", "memory", "bad: ", "report.html"];
    for text in expected {
        assert!(ran.stdout.contains(text), "`{text}` in:\n{}", ran.stdout);
    }
    assert!(ran.stdout.contains("The fraction of training steps whose gradients were clipped."), "{}", ran.stdout);
    let page = sandbox.read("small/report.html");
    assert!(page.contains("<html lang=\"en\">") && page.contains("<svg") && page.contains("not measured"));
    assert!(page.contains("a new cell keeps σ(1) = 0.73 of its state per step"));
    assert_eq!(list(&sandbox, "small", "trials").len(), 3 * 2);
    let config = &json(&sandbox, "small")["config"];
    assert!(config["steps"] == 5 && config["retention_bias"] == 1.0, "{config}");
    assert!(list(&sandbox, "small", "claims").len() == 9);
    assert!(sandbox.read("small/config.toml").contains("task = \"compare\""));
}

#[test]
fn existing_measurements_are_not_repeated() {
    let sandbox = TestSandbox::new();
    sandbox.ok(&format!("{TINY} --out run"));
    let (before, results) = (modified(&sandbox, "run"), json(&sandbox, "run"));
    let ran = sandbox.ok(&format!("{TINY} --out run --lang ru"));
    assert!(ran.stderr.contains("6 measurements were already there"), "{}", ran.stderr);
    assert_eq!(modified(&sandbox, "run"), before);
    assert_eq!(json(&sandbox, "run"), results);
}

#[test]
fn resumed_study_keeps_its_language() {
    let sandbox = TestSandbox::new();
    sandbox.ok(&format!("{TINY} --out run --lang ru"));
    assert!(sandbox.ok("resume run").stdout.contains("свойство"));
    assert!(sandbox.read("run/report.html").contains("<html lang=\"ru\">"));
    sandbox.ok(&format!("{TINY} --out run"));
    assert!(sandbox.ok("resume run").stdout.contains("property"));
    sandbox.write("run/language.txt", "de");
    sandbox.refused("resume run", "language.txt: unknown language `de`: expected en or ru");
}

#[test]
fn equal_time_trains_until_the_time_limit() {
    let sandbox = TestSandbox::new();
    // More steps than a tenth of a second has time for.
    let steps = 1_000_000;
    let timed = format!("{TINY} --match-by time --seconds 0.1 --out run");
    sandbox.ok(&timed.replace("--steps 5", &format!("--steps {steps}")));
    let all = json(&sandbox, "run");
    let config = &all["config"];
    assert!(config["match_by"] == "time" && config["seconds"] == 0.1 && config["steps"] == steps);
    let trials = list(&sandbox, "run", "trials");
    assert_eq!(trials.len(), 3 * 2);
    for trial in trials {
        let taken = trial["result"]["steps"].as_u64().expect("a number");
        assert!((1..steps).contains(&taken), "{taken} steps");
        assert_eq!(trial["result"]["hidden_size"], 6);
    }
    assert!(sandbox.read("run/report.html").contains("equal training time and hidden size"));
}

#[test]
fn killed_study_resumes() {
    let sandbox = TestSandbox::new();
    let study = "compare --parts memory --tasks recall --lengths 60 --seeds 3 --steps 60 --hidden-size 16 --out run";
    let mut child = sandbox.command(study).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
    let lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    let done = lines.map_while(Result::ok).filter(|line| line.contains(" of 9 ")).take(2).count();
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    assert_eq!(done, 2);
    let before = modified(&sandbox, "run");
    assert!((2..9).contains(&before.len()), "{before:?}");
    sandbox.ok("resume run");
    let after = modified(&sandbox, "run");
    assert_eq!(after.len(), 9);
    assert!(before.iter().all(|file| after.contains(file)), "measured again");
    assert!(sandbox.path("run/report.html").exists());
}

#[cfg(unix)]
#[test]
fn ctrl_c_exits_with_130_and_the_resume_command() {
    let sandbox = TestSandbox::new();
    let study = "compare --parts memory --tasks recall --lengths 60 --seeds 3 --steps 200 --hidden-size 16 --out run";
    let mut child = sandbox.command(study).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    assert!(lines.by_ref().map_while(Result::ok).any(|line| line.contains("1 of 9 ")));
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
    lines.for_each(drop);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130));
    assert!(String::from_utf8_lossy(&output.stdout).contains("Resume with `train resume run`"));
    assert!(!sandbox.path("run/compare.json").exists());
}

#[test]
fn diverged_trials_are_reported_without_numbers() {
    let sandbox = TestSandbox::new();
    let diverging = "compare --parts memory --tasks adding --lengths 5 --seeds 1 --steps 40 --hidden-size 6 --lr 1e30 --clip-norm 0";
    let ran = sandbox.ok(&format!("{diverging} --out run"));
    assert!(ran.stdout.contains("diverged (1 of 1)"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("NaN") && !ran.stdout.contains("inf"), "{}", ran.stdout);
    let trials = list(&sandbox, "run", "trials");
    let diverged: Vec<_> = trials.iter().filter(|trial| trial["result"]["diverged_at"].is_u64()).collect();
    assert!(!diverged.is_empty() && diverged.iter().all(|trial| trial["result"]["loss"].is_null()));
    assert!(sandbox.read("run/report.html").contains("diverged (1 of 1)"));
}

#[test]
fn gradient_flow_covers_every_layer_with_and_without_clipping() {
    let sandbox = TestSandbox::new();
    let small = "compare --parts gradients --gradient-length 6 --gradient-layers 2 --seeds 1 --steps 4 --hidden-size 6";
    let ran = sandbox.ok(&format!("{small} --clip-norm 0.001 --out run"));
    for text in [
        "| 1 / 2 |",
        "| 2 / 2 |",
        "GRU, orthogonal weights, retention bias 1, unclipped",
        "clipped to 0.001",
        "100 %",
        "| –",
    ] {
        assert!(ran.stdout.contains(text), "`{text}` in:\n{}", ran.stdout);
    }
    let flows = list(&sandbox, "run", "gradient_flow");
    assert_eq!(flows.len(), 3 * 3 + 2);
    for flow in &flows {
        assert_eq!(flow["initial"].as_array().map(Vec::len), Some(2));
        assert_eq!(flow["trained"].as_array().map(Vec::len), Some(2));
        let clipped = flow["config"]["clip_norm"].as_f64().expect("a number") > 0.0;
        assert_eq!(flow["result"]["clipped_fraction"], if clipped { 1.0 } else { 0.0 });
    }
    let initial = |clip_norm: f64| {
        let is_same = |config: &serde_json::Value| {
            let is_default = config["recurrent_init"] == "orthogonal" && config["retention_bias"] == 1.0;
            config["cell"] == "gru" && is_default && config["clip_norm"] == clip_norm
        };
        flows.iter().find(|flow| is_same(&flow["config"])).expect("one of each")["initial"].clone()
    };
    assert_eq!(initial(0.001), initial(0.0), "clipping does not change the initial weights");
    assert!(sandbox.read("run/report.html").contains("layer 2 of 2"));
}

#[test]
fn invalid_files_are_refused() {
    let sandbox = TestSandbox::new();
    sandbox.ok("compare --parts gradients --gradient-length 4 --seeds 1 --steps 1 --hidden-size 3 --out run");
    let file = "run/measurements/gradient-T4-rnnx2-orthogonal-clip1-s0.json";
    let mut flow: serde_json::Value = serde_json::from_str(&sandbox.read(file)).expect("JSON");
    flow["initial"] = flow["initial"][0].clone();
    sandbox.write(file, flow.to_string());
    sandbox.refused("resume run", "clip1-s0.json: expected a measurement");
    let config = sandbox.read("run/config.toml").replace("gradient_layers = 2\n", "");
    sandbox.write("run/config.toml", config);
    sandbox.refused("resume run", "missing field `gradient_layers`");
}

#[test]
fn gates_are_shown_for_a_text_and_a_series() {
    let sandbox = TestSandbox::with_waves();
    let gates = "compare --parts gates --series waves.csv --column wave --out run";
    let ran = sandbox.ok(gates);
    for text in ["| LSTM | text", "| GRU  | time series: wave", "standard deviations"] {
        assert!(ran.stdout.contains(text), "`{text}` in:\n{}", ran.stdout);
    }
    let page = sandbox.read("run/report.html");
    for text in ["LSTM, time series: forget gate", "GRU, text: update gate", "2024-09-16: ", "\nwave\n"] {
        assert!(page.contains(text), "{text}");
    }
    let traces = list(&sandbox, "run", "gate_traces");
    assert_eq!(traces.len(), 4);
    assert_eq!(traces[2]["input"]["series"]["values"].as_array().map(Vec::len), Some(48));
    // Existing measurements do not need the file; new ones do.
    sandbox.write("waves.csv", "date,wave\n");
    sandbox.ok("resume run");
    std::fs::remove_file(sandbox.path("run/measurements/gates-series-gru.json")).expect("a file");
    sandbox.refused("resume run", "waves.csv: expected a header line and rows below it");
}

#[test]
fn costs_are_plotted_by_hidden_size_and_length() {
    let sandbox = TestSandbox::new();
    let ran = sandbox.ok("compare --parts cost --cost-hidden-sizes 8,4 --cost-lengths 3,6 --batch-size 2 --out run");
    assert!(ran.stdout.contains("| cell | hidden size | T   | parameters | FLOPs per token |"), "{}", ran.stdout);
    assert_eq!(list(&sandbox, "run", "speeds").len(), 3 * 2 * 2);
    let page = sandbox.read("run/report.html");
    for quantity in ["parameters", "FLOPs per token", "bytes saved per token", "ms per step", "tokens per second"] {
        assert!(page.contains(&format!("{quantity} by hidden size, T = 6")), "{quantity}");
    }
    for quantity in ["FLOPs per sequence", "bytes saved per sequence", "ms per step", "tokens per second"] {
        assert!(page.contains(&format!("{quantity} by length, hidden size 8")), "{quantity}");
    }
    sandbox.refused(
        "compare --cost-hidden-sizes 0 --out other",
        "--cost-hidden-sizes: expected one or more integers from 1 to 4096",
    );
}

#[test]
fn corrupted_digits_and_forecasts_are_shown() {
    let sandbox = TestSandbox::new();
    let ran = sandbox.ok("compare --parts quality --seeds 2 --steps 3 --hidden-size 4 --out run");
    let expected =
        ["test accuracy after training", "The naive forecast, the value of the day before, has an RMSE of 0."];
    for text in expected.into_iter().chain(["30 % of values missing"]) {
        assert!(ran.stdout.contains(text), "`{text}` in:\n{}", ran.stdout);
    }
    let trials = list(&sandbox, "run", "trials");
    assert_eq!(trials.len(), 2 * 5 * 3 * 2);
    let losses = |corruption: &str| {
        let is_selected = |trial: &serde_json::Value| trial["task"] == "forecast" && trial["corruption"] == corruption;
        let selected = trials.iter().filter(|result| is_selected(&result["trial"]));
        selected.map(|result| result["result"]["loss"].clone()).collect::<Vec<_>>()
    };
    assert!(losses("none").len() == 6 && losses("labels").len() == 6 && losses("none") != losses("labels"));
    let page = sandbox.read("run/report.html");
    assert!(page.contains("forecast: RMSE after training on corrupted data"));
    assert!(page.contains("digits by rows: test accuracy after training on corrupted data"));
}

#[test]
fn report_is_available_in_russian() {
    let sandbox = TestSandbox::new();
    let ran = sandbox.ok(&format!("{TINY} --out run --lang ru"));
    assert!(ran.stdout.contains("свойство") && ran.stdout.contains("плохая: "), "{}", ran.stdout);
    let page = sandbox.read("run/report.html");
    for text in ["<html lang=\"ru\">", "<h2>Содержание</h2>", "запоминание", "не измерено"]
    {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn equal_parameters_give_different_hidden_sizes() {
    let sandbox = TestSandbox::new();
    sandbox.ok(&format!("{TINY} --match-by parameters --out run"));
    let trials = list(&sandbox, "run", "trials");
    let hidden_size = |cell: &str| {
        let trial = trials.iter().find(|trial| trial["trial"]["cell"] == cell);
        trial.expect("one of each")["result"]["hidden_size"].as_u64().expect("a number")
    };
    assert!(hidden_size("lstm") == 6 && hidden_size("gru") > 6 && hidden_size("rnn") > hidden_size("gru"));
}

#[test]
fn existing_study_with_other_settings_is_refused() {
    let sandbox = TestSandbox::new();
    sandbox.ok(&format!("{TINY} --out run"));
    sandbox.refused(&format!("{TINY} --out run --lr 0.1"), "expected `lr = 0.1`");
    sandbox.refused("resume run --epochs 3", "--epochs: expected none: a comparison has no epochs");
    sandbox
        .refused("resume run --device ndarray", "--device: expected flex, the device of the comparison, found ndarray");
    sandbox.write("run/measurements/recall-T5-rnn-s0.json", "{");
    sandbox.refused("resume run", "recall-T5-rnn-s0.json: expected a measurement");
}

#[test]
fn invalid_settings_are_refused_before_the_folder_is_created() {
    let sandbox = TestSandbox::new();
    sandbox.refused("compare --seeds 0 --out run", "--seeds: expected an integer from 1 to 1000, found 0");
    sandbox.refused("compare --lengths 1 --out run", "--lengths: expected integers from 2 to 10000, found 1");
    sandbox.refused("compare --lr 0 --out run", "--lr: expected a positive number of at most 1e30, found 0");
    sandbox.refused("compare --series nowhere.csv --out run", "nowhere.csv: expected a readable file");
    sandbox.refused("compare --series fables --out run", "fables");
    sandbox.refused("compare --column snow --out run", "expected one of the columns");
    sandbox.refused("compare --column weather --out run", "column `weather`: expected a number, found `drizzle`");
    sandbox.write("short.csv", "x\n1\n2\n");
    sandbox
        .refused("compare --series short.csv --out run", "--series: expected at least 70 rows, found 2 in short.csv");
    assert!(!sandbox.path("run").exists());
    for (argument, expected) in [
        ("--tasks sums", "unknown task `sums`: expected recall, adding"),
        ("--match-by play", "unknown quantity `play`: expected hidden-size, parameters or time"),
        ("--lang de", "invalid value 'de'"),
    ] {
        let ran = sandbox.run(&format!("compare {argument} --out run"));
        assert!(ran.code == Some(2) && ran.stderr.contains(expected), "{argument}: {}", ran.stderr);
    }
    sandbox.write("file.txt", "");
    let ran = sandbox.run(&format!("{TINY} --out file.txt"));
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
}
