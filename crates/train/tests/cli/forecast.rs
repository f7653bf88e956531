//! `train forecast`, and forecasts with its runs.

use crate::program::TestSandbox;

#[test]
fn run_folder_is_complete_and_predicts() {
    let sandbox = TestSandbox::with_waves();
    let ran = sandbox.ok("forecast --config small.toml --out run");
    assert!(ran.stderr.contains("epoch 4/4: training loss "), "{}", ran.stderr);
    for word in ["persistence", "seasonal naive (7)", "drift", "RMSE", "lstm_1 (LSTM)", "train predict run"] {
        assert!(ran.stdout.contains(word), "`{word}` in:\n{}", ran.stdout);
    }
    let files = sandbox.listing("run");
    for file in [
        "config.toml",
        "history.csv",
        "metrics.jsonl",
        "plots/forecast-wave.svg",
        "plots/loss.svg",
        "scores.json",
        "transform.toml",
        "weights.safetensors",
    ] {
        assert!(files.contains(&file.to_string()), "{file} in {files:?}");
    }
    assert!(!files.iter().any(|file| file.contains(".tmp") || file.contains("partial")), "{files:?}");
    assert_eq!(sandbox.read("run/metrics.jsonl").lines().count(), 4);
    assert!(sandbox.read("run/plots/forecast-wave.svg").starts_with("<svg"));

    // A prediction needs only the folder.
    std::fs::remove_file(sandbox.path("waves.csv")).expect("the data");
    let csv = sandbox.ok("predict run").stdout;
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "row,wave");
    assert!(lines[1].starts_with("2024-09-17,"), "{csv}");
    assert_eq!(lines.len(), 2);

    // All features are also targets, so a forecast can be longer than the horizon.
    sandbox.ok("predict run --steps 9 --format json --output next.json");
    let json: serde_json::Value = serde_json::from_str(&sandbox.read("next.json")).expect("JSON");
    assert_eq!(json["targets"], serde_json::json!(["wave"]));
    assert_eq!(json["rows"].as_array().expect("rows").len(), 9);
    assert_eq!(json["rows"][8]["row"], "2024-09-25");
    let first: f64 = lines[1].split(',').nth(1).expect("a number").parse().expect("a number");
    // serde_json may read a number one unit in the last place off, the standard library does not.
    let text = sandbox.read("next.json");
    let (_, values) = text.split_once("\"values\":").expect("values of the first row");
    let number = values.trim_start().trim_start_matches('[').split([',', ']']).next().expect("a number");
    assert_eq!(number.trim().parse(), Ok(first));
}

#[test]
fn several_targets_and_a_longer_horizon() {
    let sandbox = TestSandbox::with_waves();
    sandbox.ok(
        "forecast --config small.toml --target wave,other --features wave,other --horizon 3 --cell gru --epochs 1 \
                --out run",
    );
    let csv = sandbox.ok("predict run").stdout;
    assert!(csv.starts_with("row,wave,other\n2024-09-17,"), "{csv}");
    assert_eq!(csv.lines().count(), 4);
    let scores: serde_json::Value = serde_json::from_str(&sandbox.read("run/scores.json")).expect("JSON");
    let targets: Vec<_> = scores.as_array().expect("tables").iter().map(|table| &table["target"]).collect();
    assert_eq!(targets, ["wave", "other"]);
    assert_eq!(scores[0]["rows"][0]["name"], "GRU");
}

#[test]
fn target_that_is_no_feature_is_not_needed_for_a_forecast() {
    let sandbox = TestSandbox::with_waves();
    let ran = sandbox.ok("forecast --config small.toml --features other --residual none --epochs 1 --out run");
    assert!(ran.stdout.contains(" from `other`, dates in column `date`, every day: window 10"), "{}", ran.stdout);
    let expected = sandbox.ok("predict run").stdout;
    let rows = sandbox.read("waves.csv");
    let without: Vec<&str> = rows.lines().collect();
    let without = without.iter().map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        format!("{},{}\n", cells[0], cells[2])
    });
    sandbox.write("other.csv", without.collect::<String>());
    assert_eq!(sandbox.ok("predict run --data other.csv").stdout, expected);
}

#[test]
fn column_called_row() {
    let sandbox = TestSandbox::new();
    let rows: String = (0..120).map(|row| format!("{}\n", row % 7)).collect();
    sandbox.write("row.csv", format!("row\n{rows}"));
    sandbox.ok("forecast --data row.csv --window 5 --hidden-size 3 --epochs 1 --out run");
    let csv = sandbox.ok("predict run").stdout;
    assert!(csv.starts_with("_row,row\n+1,"), "{csv}");
}

#[test]
fn small_values_are_printed_with_their_digits() {
    let sandbox = TestSandbox::new();
    let rows: String = (0..120).map(|row| format!("{:e}\n", 1e-9 * (2.0 + f64::from(row).sin()))).collect();
    sandbox.write("tiny.csv", format!("y\n{rows}"));
    let ran = sandbox.ok("forecast --data tiny.csv --window 5 --hidden-size 3 --epochs 1 --scaler none --out run");
    assert!(ran.stdout.contains("e-10 ") && !ran.stdout.contains(" 0.0000 "), "{}", ran.stdout);
    assert!(!ran.stderr.contains("training loss 0.0000"), "{}", ran.stderr);
}

#[cfg(unix)]
#[test]
fn forecast_from_a_pipe() {
    use std::io::Write;
    use std::process::Stdio;

    let sandbox = TestSandbox::with_waves();
    sandbox.ok("forecast --config small.toml --epochs 1 --out run");
    let mut command = sandbox.command("predict run --data /dev/stdin");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program starts");
    child.stdin.take().expect("a pipe").write_all(&sandbox.bytes("waves.csv")).expect("a reader");
    let ran = child.wait_with_output().expect("the program ends");
    assert_eq!(String::from_utf8(ran.stdout).expect("text"), sandbox.ok("predict run").stdout);
}

#[test]
fn forecast_from_other_rows() {
    let sandbox = TestSandbox::with_waves();
    sandbox.ok("forecast --config small.toml --epochs 1 --out run");
    let text = sandbox.read("waves.csv");
    let shorter: String = text.lines().take(101).map(|line| format!("{line}\n")).collect();
    sandbox.write("shorter.csv", shorter);
    let csv = sandbox.ok("predict run --data shorter.csv").stdout;
    assert!(csv.lines().nth(1).expect("a row").starts_with("2024-04-30,"), "{csv}");
}

#[test]
fn weights_depend_on_the_seed() {
    let sandbox = TestSandbox::with_waves();
    sandbox.ok("forecast --config small.toml --epochs 2 --seed 5 --out a");
    sandbox.ok("forecast --config small.toml --epochs 2 --seed 5 --out b");
    sandbox.ok("forecast --config small.toml --epochs 2 --seed 6 --out c");
    assert_eq!(sandbox.bytes("a/weights.safetensors"), sandbox.bytes("b/weights.safetensors"));
    assert_ne!(sandbox.bytes("a/weights.safetensors"), sandbox.bytes("c/weights.safetensors"));
}

#[test]
fn config_reproduces_the_run() {
    let sandbox = TestSandbox::with_waves();
    sandbox.ok("forecast --config small.toml --epochs 1 --clip-norm 0 --patience 0 --out a");
    sandbox.ok("forecast --config a/config.toml --out b");
    assert_eq!(sandbox.read("a/config.toml"), sandbox.read("b/config.toml"));
    assert_eq!(sandbox.bytes("a/weights.safetensors"), sandbox.bytes("b/weights.safetensors"));
}

#[test]
fn evaluating_again_gives_the_same_scores() {
    let sandbox = TestSandbox::with_waves();
    let trained = sandbox.ok("forecast --config small.toml --epochs 1 --out run").stdout;
    let scores = sandbox.read("run/scores.json");
    let evaluated = sandbox.ok("evaluate run").stdout;
    assert_eq!(sandbox.read("run/scores.json"), scores);
    let table = evaluated.trim();
    assert!(trained.contains(table), "{evaluated}\nin\n{trained}");
}

#[test]
fn early_stopping_keeps_the_best_epoch() {
    let sandbox = TestSandbox::with_waves();
    // The learning rate is far too high, so the validation loss soon stops improving.
    let ran = sandbox.ok("forecast --config small.toml --epochs 60 --lr 1 --patience 2 --out run");
    assert!(ran.stdout.contains("Stopped early: no better validation loss since epoch "), "{}", ran.stdout);
    assert!(sandbox.read("run/metrics.jsonl").lines().count() < 60);
    // There is nothing left to train, which is not an error.
    assert!(sandbox.ok("resume run").stdout.contains("Stopped early: no better validation loss since epoch "));
}

#[test]
fn default_folders_are_numbered() {
    let sandbox = TestSandbox::with_waves();
    sandbox.ok("forecast --config small.toml --epochs 1");
    sandbox.ok("forecast --config small.toml --epochs 1");
    assert!(sandbox.path("runs/forecast-waves-lstm-1/weights.safetensors").is_file());
    assert!(sandbox.path("runs/forecast-waves-lstm-2/weights.safetensors").is_file());
}

#[test]
fn existing_run_is_replaced_only_with_force() {
    let sandbox = TestSandbox::with_waves();
    sandbox.ok("forecast --config small.toml --epochs 1 --out run");
    let before = sandbox.bytes("run/weights.safetensors");
    sandbox.refused(
        "forecast --config small.toml --epochs 1 --seed 9 --out run",
        "run: expected no such folder, found a run",
    );
    assert_eq!(sandbox.bytes("run/weights.safetensors"), before);
    sandbox.ok("forecast --config small.toml --epochs 1 --seed 9 --out run --force");
    assert_ne!(sandbox.bytes("run/weights.safetensors"), before);
}

#[test]
fn summary_of_the_lecture_network_has_its_parameter_counts() {
    let sandbox = TestSandbox::new();
    let summary = sandbox.ok("summary forecast").stdout;
    for line in ["lstm_1 (LSTM)", "10,400", "20,200", "(batch, 100, 50)", "51", "30,651 (119.7 KiB)"] {
        assert!(summary.contains(line), "`{line}` in:\n{summary}");
    }
}

#[test]
fn summary_of_a_run_shows_its_network() {
    let sandbox = TestSandbox::with_waves();
    sandbox.ok("forecast --config small.toml --epochs 1 --cell rnn --out run");
    let summary = sandbox.ok("summary run").stdout;
    assert!(summary.contains("rnn_2 (RNN)") && summary.contains("(batch, 10, 6)"), "{summary}");
}

#[test]
fn losing_to_persistence_is_reported() {
    let sandbox = TestSandbox::new();
    // A random walk, for which persistence is the best forecast.
    let mut state = 1_u64;
    let mut level = 100.0;
    let mut text = String::from("price\n");
    for _ in 0..400 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        level += if state >> 63 == 1 { 1.0 } else { -1.0 };
        text += &format!("{level}\n");
    }
    sandbox.write("walk.csv", text);
    let ran = sandbox.ok("forecast --data walk.csv --window 10 --hidden-size 4 --epochs 1 --out run");
    assert!(ran.stderr.contains("there is no column of dates (--date): the rows are taken"), "{}", ran.stderr);
    assert!(ran.stdout.contains("Forecasting `price` of ") && ran.stdout.contains(" from `price`: "), "{}", ran.stdout);
    assert!(ran.stdout.contains("does NOT beat persistence"), "{}", ran.stdout);
}

#[test]
fn subsecond_times_and_numeric_column_names() {
    let sandbox = TestSandbox::new();
    let rows: String =
        (0..200).map(|row| format!("2020-01-01 00:00:{:02}.{}00,{}\n", row / 10, row % 10, row % 7)).collect();
    sandbox.write("fast.csv", format!("time,5\n{rows}"));
    sandbox.ok("forecast --data fast.csv --target 5 --window 5 --hidden-size 3 --epochs 1 --out fast");
    assert!(sandbox.ok("predict fast").stdout.contains("2020-01-01 00:00:20"));
    let rows: String = (0..200).map(|row| format!("a,{}\n", row % 7)).collect();
    sandbox.write("plain.csv", format!("label,5\n{rows}"));
    sandbox.ok("forecast --data plain.csv --target 5 --window 5 --hidden-size 3 --epochs 1 --out plain");
    assert!(sandbox.ok("predict plain").stdout.contains("+1,"));
}

#[cfg(unix)]
#[test]
fn output_to_a_link_or_device_does_not_replace_it() {
    let sandbox = TestSandbox::with_waves();
    sandbox.ok("forecast --config small.toml --epochs 1 --out run");
    sandbox.write("real.csv", "old");
    std::os::unix::fs::symlink(sandbox.path("real.csv"), sandbox.path("link.csv")).expect("a link");
    sandbox.ok("predict run --output link.csv");
    assert!(sandbox.path("link.csv").is_symlink() && sandbox.read("real.csv").starts_with("row,wave"));
    assert_eq!(sandbox.ok("predict run --output /dev/stdout").stdout, sandbox.read("real.csv"));
}
