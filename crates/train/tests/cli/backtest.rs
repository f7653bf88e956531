//! `train backtest`.

use serde_json::Value;

use crate::program::TestSandbox;

const SMALL: &str = "backtest --config small.toml --horizon 3";

fn json(sandbox: &TestSandbox, name: &str) -> Value {
    serde_json::from_str(&sandbox.read(name)).expect("JSON")
}

/// The value of a setting in a run's folder.
fn setting(sandbox: &TestSandbox, run: &str, name: &str) -> toml::Value {
    let config: toml::Table = sandbox.read(&format!("{run}/config.toml")).parse().expect("TOML");
    config[name].clone()
}

/// 240 rows with 36 test rows from row 204 on have 34 origins of 3 rows.
#[test]
fn folds_are_disjoint_and_consecutive() {
    let sandbox = TestSandbox::with_waves();
    let ran = sandbox.ok(&format!("{SMALL} --folds 3 --refit --out out"));
    for word in ["Fold 3 of 3", "RMSE LSTM", "best baseline", "mean", "std", "On `wave` the network beats"] {
        assert!(ran.stdout.contains(word), "`{word}` in:\n{}", ran.stdout);
    }
    let table = &json(&sandbox, "out/backtest.json")[0];
    let folds = table["folds"].as_array().expect("folds");
    let origins: Vec<u64> = folds.iter().map(|fold| fold["origins"].as_u64().expect("a number")).collect();
    assert_eq!(origins, [11, 11, 12]);
    let dates = sandbox.read("waves.csv");
    let dates: Vec<&str> = dates.lines().skip(1).map(|line| &line[..10]).collect();
    let row = |date: &Value| dates.iter().position(|known| date == known).expect("a date");
    let found: Vec<[usize; 2]> = folds.iter().map(|fold| [row(&fold["from"]), row(&fold["to"])]).collect();
    assert_eq!(found, [[203, 213], [214, 224], [225, 236]]);
    // The last origin of a fold is followed by the three rows of its horizon.
    for (fold, rows) in [(1, 217), (2, 228), (3, 240)] {
        assert_eq!(setting(&sandbox, &format!("out/fold-{fold}"), "num_rows").as_integer(), Some(rows));
    }
    let report = sandbox.read("out/report.html");
    for word in ["Root mean squared error of wave by fold", "Autocorrelation of the errors of wave", "trained again"] {
        assert!(report.contains(word), "{word}");
    }
    assert_ne!(sandbox.bytes("out/fold-1/weights.safetensors"), sandbox.bytes("out/fold-2/weights.safetensors"));
}

#[test]
fn scores_are_those_of_the_runs_of_the_folds() {
    let sandbox = TestSandbox::with_waves();
    sandbox.ok(&format!("{SMALL} --folds 2 --sliding --out out"));
    let table = json(&sandbox, "out/backtest.json")[0].clone();
    for (number, of_backtest) in (1..).zip(table["folds"].as_array().expect("folds")) {
        let run = format!("out/fold-{number}");
        let before = sandbox.read(&format!("{run}/scores.json"));
        sandbox.ok(&format!("evaluate {run}"));
        assert_eq!(sandbox.read(&format!("{run}/scores.json")), before);
        let scores = json(&sandbox, &format!("{run}/scores.json"))[0].clone();
        assert_eq!(scores["rows"][0]["score"], of_backtest["network"]);
        let best =
            scores["rows"].as_array().expect("rows").iter().find(|row| row["name"] == of_backtest["best_baseline"]);
        assert_eq!(best.expect("the best baseline")["score"], of_backtest["baseline"]);
        assert_eq!(scores["forecasts"], of_backtest["origins"]);
    }
    let rmse = |fold: usize| table["folds"][fold]["network"]["rmse"].as_f64().expect("a number");
    let mean = table["network_rmse"]["mean"].as_f64().expect("a number");
    assert!((mean - (rmse(0) + rmse(1)) / 2.0).abs() < 1e-12);
    // One network and its scale; the baselines have later rows, as many as the first fold's.
    for file in ["weights.safetensors", "transform.toml", "metrics.jsonl"] {
        assert_eq!(
            sandbox.bytes(&format!("out/fold-1/{file}")),
            sandbox.bytes(&format!("out/fold-2/{file}")),
            "{file}"
        );
    }
    assert_eq!(setting(&sandbox, "out/fold-2", "first_row").as_integer(), Some(17));
    let csv = sandbox.ok("predict out/fold-1").stdout;
    let dates = sandbox.read("waves.csv");
    let next = &dates.lines().nth(1 + 223).expect("a row")[..10];
    assert!(csv.lines().nth(1).expect("a row").starts_with(next), "{csv}");
    // There is nothing left to train.
    let weights = sandbox.bytes("out/fold-2/weights.safetensors");
    sandbox.ok("resume out/fold-2");
    assert_eq!(sandbox.bytes("out/fold-2/weights.safetensors"), weights);
}

#[test]
fn final_run_trains_on_all_rows_but_two_horizons() {
    let sandbox = TestSandbox::with_waves();
    let ran = sandbox.ok(&format!("{SMALL} --folds 2 --final --out out"));
    assert!(ran.stdout.contains("train predict out/final"), "{}", ran.stdout);
    let lines = sandbox.read("out/fold-1/metrics.jsonl");
    let losses = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")["valid_loss"].as_f64());
    let losses: Vec<f64> = losses.map(|loss| loss.expect("a number")).collect();
    let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
    let best = 1 + losses.iter().position(|loss| *loss == least).expect("an epoch");
    assert_eq!(setting(&sandbox, "out/final", "epochs").as_integer(), Some(best as i64));
    assert_eq!(setting(&sandbox, "out/final", "patience").as_integer(), Some(0));
    let split = setting(&sandbox, "out/final", "split");
    let rows: Vec<f64> = split.as_array().expect("fractions").iter().filter_map(toml::Value::as_float).collect();
    assert_eq!(rows.iter().map(|fraction| (fraction * 240.0).round()).collect::<Vec<_>>(), [234.0, 3.0, 3.0]);
    assert!(sandbox.ok("predict out/final").stdout.contains("2024-09-17,"));
    let report = sandbox.read("out/report.html");
    for word in ["the first 234 of 240 rows", "without early stopping", "median forecast", "34 origins of the folds"] {
        assert!(report.contains(word), "{word}");
    }
}

#[test]
fn an_interrupted_backtest_resumes() {
    let sandbox = TestSandbox::with_waves();
    sandbox.ok(&format!("{SMALL} --folds 2 --refit --out out"));
    let (whole, weights) = (sandbox.read("out/backtest.json"), sandbox.bytes("out/fold-2/weights.safetensors"));
    // As if it had been killed in the second fold.
    std::fs::remove_dir_all(sandbox.path("out/fold-2")).expect("a folder");
    std::fs::remove_file(sandbox.path("out/backtest.json")).expect("a file");
    let first = sandbox.bytes("out/fold-1/metrics.jsonl");
    sandbox.ok("resume out");
    assert_eq!(sandbox.read("out/backtest.json"), whole);
    assert_eq!(sandbox.bytes("out/fold-2/weights.safetensors"), weights);
    assert_eq!(sandbox.bytes("out/fold-1/metrics.jsonl"), first, "trained again");
    sandbox.refused("resume out --epochs 9", "--epochs: expected none: the folds of a backtest have the same epochs");
    sandbox.refused("evaluate out", "out: expected a run of forecast");
    sandbox.write("waves.csv", sandbox.read("waves.csv") + "2024-09-17,20,1\n");
    sandbox.refused("resume out", "expected the bytes that it began with");
}

#[cfg(unix)]
#[test]
fn ctrl_c_exits_with_130_and_the_resume_command() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    let sandbox = TestSandbox::with_waves();
    let mut command = sandbox.command("backtest --config small.toml --epochs 100000 --patience 0 --folds 2 --out out");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    assert!(lines.by_ref().map_while(Result::ok).any(|line| line.contains("epoch 2/")));
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
    lines.for_each(drop);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130));
    assert!(String::from_utf8_lossy(&output.stdout).contains("to continue: train resume out"));
}

#[test]
fn invalid_settings_are_refused_before_the_folder_is_created() {
    let sandbox = TestSandbox::with_waves();
    sandbox.refused(
        &format!("{SMALL} --folds 35 --out out"),
        "--folds: expected at most 34, one for each origin whose 3 row(s) are among the 36 test rows, found 35",
    );
    sandbox.refused(&format!("{SMALL} --folds 0 --out out"), "--folds: expected between 1 and 1000, found 0");
    sandbox.refused(&format!("{SMALL} --window 400 --out out"), "expected at least 403 rows for a window of 400");
    sandbox.refused(&format!("{SMALL} --first-row 240 --out out"), "--first-row: expected a row before row 240");
    sandbox.refused(&format!("{SMALL} --num-rows 241 --out out"), "--num-rows: expected at most 240");
    assert!(!sandbox.path("out").exists());
    sandbox.ok(&format!("{SMALL} --folds 1 --epochs 1 --out out"));
    sandbox.refused(&format!("{SMALL} --folds 1 --epochs 1 --out out"), "expected no such folder, found a run");
    sandbox.ok(&format!("{SMALL} --folds 2 --epochs 1 --out out --force"));
    assert!(sandbox.path("out/fold-2/scores.json").is_file());
}
