//! A run from its first line to its last forecast.

use crate::program::Desk;

#[test]
fn a_run_leaves_a_bundle_that_predicts() {
    let desk = Desk::with_waves();
    let ran = desk.ok("forecast --config small.toml --out run");
    assert!(ran.stderr.contains("epoch 4/4: training loss "), "{}", ran.stderr);
    for word in ["persistence", "seasonal naive (7)", "drift", "RMSE", "lstm_1 (LSTM)", "train predict run"] {
        assert!(ran.stdout.contains(word), "`{word}` in:\n{}", ran.stdout);
    }
    let files = desk.listing("run");
    for file in [
        "codec.toml",
        "history.csv",
        "metrics.jsonl",
        "pictures/forecast-wave.svg",
        "pictures/loss.svg",
        "plan.toml",
        "scores.json",
        "weights.safetensors",
    ] {
        assert!(files.contains(&file.to_string()), "{file} in {files:?}");
    }
    assert!(!files.iter().any(|file| file.contains(".tmp") || file.contains("partial")), "{files:?}");
    assert_eq!(desk.read("run/metrics.jsonl").lines().count(), 4);
    assert!(desk.read("run/pictures/forecast-wave.svg").starts_with("<svg"));

    // A prediction needs the folder alone.
    std::fs::remove_file(desk.path("waves.csv")).expect("the data");
    let csv = desk.ok("predict run").stdout;
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "row,wave");
    assert!(lines[1].starts_with("2024-09-17,"), "{csv}");
    assert_eq!(lines.len(), 2);

    // All that is looked at is foretold, so it can go on.
    desk.ok("predict run --steps 9 --format json --output next.json");
    let json: serde_json::Value = serde_json::from_str(&desk.read("next.json")).expect("JSON");
    assert_eq!(json["targets"], serde_json::json!(["wave"]));
    assert_eq!(json["rows"].as_array().expect("rows").len(), 9);
    assert_eq!(json["rows"][8]["row"], "2024-09-25");
    let first: f64 = lines[1].split(',').nth(1).expect("a number").parse().expect("a number");
    assert_eq!(json["rows"][0]["values"][0].as_f64(), Some(first));
}

#[test]
fn several_columns_and_rows_at_once() {
    let desk = Desk::with_waves();
    desk.ok("forecast --config small.toml --target wave,other --inputs wave,other --horizon 3 --model gru --epochs 1 --out run");
    let csv = desk.ok("predict run").stdout;
    assert!(csv.starts_with("row,wave,other\n2024-09-17,"), "{csv}");
    assert_eq!(csv.lines().count(), 4);
    let scores: serde_json::Value = serde_json::from_str(&desk.read("run/scores.json")).expect("JSON");
    let targets: Vec<_> = scores.as_array().expect("tables").iter().map(|table| &table["target"]).collect();
    assert_eq!(targets, ["wave", "other"]);
    assert_eq!(scores[0]["rows"][0]["name"], "GRU");
}

#[test]
fn other_rows_of_the_same_columns_can_be_gone_on_from() {
    let desk = Desk::with_waves();
    desk.ok("forecast --config small.toml --epochs 1 --out run");
    let text = desk.read("waves.csv");
    let shorter: String = text.lines().take(101).map(|line| format!("{line}\n")).collect();
    desk.write("shorter.csv", shorter);
    let csv = desk.ok("predict run --data shorter.csv").stdout;
    assert!(csv.lines().nth(1).expect("a row").starts_with("2024-04-17,"), "{csv}");
}

#[test]
fn the_same_seed_gives_the_same_numbers_and_another_others() {
    let desk = Desk::with_waves();
    desk.ok("forecast --config small.toml --epochs 2 --seed 5 --out a");
    desk.ok("forecast --config small.toml --epochs 2 --seed 5 --out b");
    desk.ok("forecast --config small.toml --epochs 2 --seed 6 --out c");
    assert_eq!(desk.bytes("a/weights.safetensors"), desk.bytes("b/weights.safetensors"));
    assert_ne!(desk.bytes("a/weights.safetensors"), desk.bytes("c/weights.safetensors"));
}

#[test]
fn a_plan_makes_the_same_run_again() {
    let desk = Desk::with_waves();
    desk.ok("forecast --config small.toml --epochs 1 --clip 0 --patience 0 --out a");
    desk.ok("forecast --config a/plan.toml --out b");
    assert_eq!(desk.read("a/plan.toml"), desk.read("b/plan.toml"));
    assert_eq!(desk.bytes("a/weights.safetensors"), desk.bytes("b/weights.safetensors"));
}

#[test]
fn evaluating_again_gives_the_same_scores() {
    let desk = Desk::with_waves();
    let trained = desk.ok("forecast --config small.toml --epochs 1 --out run").stdout;
    let scores = desk.read("run/scores.json");
    let evaluated = desk.ok("evaluate run").stdout;
    assert_eq!(desk.read("run/scores.json"), scores);
    let table = evaluated.trim();
    assert!(trained.contains(table), "{evaluated}\nin\n{trained}");
}

#[test]
fn early_stopping_keeps_the_best_epoch() {
    let desk = Desk::with_waves();
    // Steps that are far too long: what is learned in one epoch is lost in the next.
    let ran = desk.ok("forecast --config small.toml --epochs 60 --lr 1 --patience 2 --out run");
    assert!(ran.stdout.contains("Stopped: no better validation loss since epoch "), "{}", ran.stdout);
    assert!(desk.read("run/metrics.jsonl").lines().count() < 60);
    // There is nothing to go on with, and saying so is no failure.
    assert!(desk.ok("resume run").stdout.contains("Stopped: "));
}

#[test]
fn runs_get_folders_of_their_own() {
    let desk = Desk::with_waves();
    desk.ok("forecast --config small.toml --epochs 1");
    desk.ok("forecast --config small.toml --epochs 1");
    assert!(desk.path("runs/forecast-waves-lstm-1/weights.safetensors").is_file());
    assert!(desk.path("runs/forecast-waves-lstm-2/weights.safetensors").is_file());
}

#[test]
fn a_run_is_replaced_only_by_force() {
    let desk = Desk::with_waves();
    desk.ok("forecast --config small.toml --epochs 1 --out run");
    let before = desk.bytes("run/weights.safetensors");
    desk.refused(
        "forecast --config small.toml --epochs 1 --seed 9 --out run",
        "run: expected no such folder, found a run",
    );
    assert_eq!(desk.bytes("run/weights.safetensors"), before);
    desk.ok("forecast --config small.toml --epochs 1 --seed 9 --out run --force");
    assert_ne!(desk.bytes("run/weights.safetensors"), before);
}

#[test]
fn the_summary_of_the_lectures_network_has_the_lectures_counts() {
    let desk = Desk::new();
    let summary = desk.ok("summary forecast").stdout;
    for line in ["lstm_1 (LSTM)", "10,400", "20,200", "(batch, 100, 50)", "51", "30,651 (119.7 KiB)"] {
        assert!(summary.contains(line), "`{line}` in:\n{summary}");
    }
}

#[test]
fn the_summary_of_a_run_is_its_own() {
    let desk = Desk::with_waves();
    desk.ok("forecast --config small.toml --epochs 1 --model rnn --out run");
    let summary = desk.ok("summary run").stdout;
    assert!(summary.contains("rnn_2 (RNN)") && summary.contains("(batch, 10, 6)"), "{summary}");
}

#[test]
fn a_network_that_does_not_beat_persistence_is_told_so_in_words() {
    let desk = Desk::new();
    // A random walk: nothing beats its last value.
    let mut state = 1_u64;
    let mut level = 100.0;
    let mut text = String::from("price\n");
    for _ in 0..400 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        level += if state >> 63 == 1 { 1.0 } else { -1.0 };
        text += &format!("{level}\n");
    }
    desk.write("walk.csv", text);
    let ran = desk.ok("forecast --data walk.csv --window 10 --hidden 4 --epochs 1 --out run");
    assert!(ran.stdout.contains("does NOT beat persistence"), "{}", ran.stdout);
}

#[test]
fn times_below_a_second_and_columns_named_by_numbers_predict_too() {
    let desk = Desk::new();
    let rows: String =
        (0..200).map(|row| format!("2020-01-01 00:00:{:02}.{}00,{}\n", row / 10, row % 10, row % 7)).collect();
    desk.write("fast.csv", format!("time,5\n{rows}"));
    desk.ok("forecast --data fast.csv --target 5 --window 5 --hidden 3 --epochs 1 --out fast");
    assert!(desk.ok("predict fast").stdout.contains("2020-01-01 00:00:20"));
    let rows: String = (0..200).map(|row| format!("a,{}\n", row % 7)).collect();
    desk.write("plain.csv", format!("label,5\n{rows}"));
    desk.ok("forecast --data plain.csv --target 5 --window 5 --hidden 3 --epochs 1 --out plain");
    assert!(desk.ok("predict plain").stdout.contains("+1,"));
}

#[cfg(unix)]
#[test]
fn what_is_no_ordinary_file_is_written_to_and_not_replaced() {
    let desk = Desk::with_waves();
    desk.ok("forecast --config small.toml --epochs 1 --out run");
    desk.write("real.csv", "old");
    std::os::unix::fs::symlink(desk.path("real.csv"), desk.path("link.csv")).expect("a link");
    desk.ok("predict run --output link.csv");
    assert!(desk.path("link.csv").is_symlink() && desk.read("real.csv").starts_with("row,wave"));
    assert_eq!(desk.ok("predict run --output /dev/stdout").stdout, desk.read("real.csv"));
}
