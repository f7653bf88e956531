//! Whatever is wrong with what was given is told in one line: where, what was expected, what came.

use crate::program::Desk;

/// Writes a file and lets the program forecast from it.
#[track_caller]
fn refused(contents: impl AsRef<[u8]>, more: &str, error: &str) {
    let desk = Desk::new();
    desk.write("bad.csv", contents);
    desk.refused(&format!("forecast --data bad.csv --window 2 --out run {more}"), error);
    assert!(!desk.path("run").exists(), "a run was begun");
}

/// Enough good rows, with one of them replaced.
fn rows_with(line: usize, row: &str) -> String {
    let mut rows: Vec<String> =
        (1..=60).map(|day| format!("2024-{:02}-{:02},{day}", day / 28 + 1, day % 28 + 1)).collect();
    rows[line - 2] = row.to_string();
    format!("date,y\n{}\n", rows.join("\n"))
}

#[test]
fn a_file_that_is_not_there() {
    Desk::new().refused("forecast --data none.csv", "none.csv: expected a readable file");
}

#[test]
fn a_name_that_is_no_data_set() {
    Desk::new().refused("forecast --data wether", "weather");
}

#[test]
fn a_directory() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("folder.csv")).expect("a folder");
    desk.refused("forecast --data folder.csv", "folder.csv: expected a file, found a directory");
}

#[test]
fn an_empty_file() {
    refused("", "", "bad.csv: expected a header line and rows below it");
}

#[test]
fn no_header() {
    refused("1,2\n3,4\n", "", "bad.csv, line 1: expected a header of column names, found only numbers");
}

#[test]
fn a_ragged_row() {
    refused(rows_with(7, "2024-01-07,7,7"), "", "bad.csv, line 7: expected 2 fields as in the header, found 3");
}

#[test]
fn text_in_a_column_of_numbers() {
    refused(
        rows_with(9, "2024-01-09,warm"),
        "--target y",
        "bad.csv, line 9, column `y`: expected a number, found `warm`",
    );
}

#[test]
fn a_wrong_cell_in_the_only_column_of_numbers() {
    refused(rows_with(9, "2024-01-09,warm"), "", "bad.csv, line 9, column `y`: expected a number, found `warm`");
}

#[test]
fn a_quote_that_is_never_closed() {
    refused(rows_with(9, "2024-01-09,\"9"), "", "bad.csv, line 9: expected the quote that begins a cell to be closed");
}

#[test]
fn numbers_that_are_not_finite() {
    for number in ["NaN", "inf", "-Infinity", "1e400"] {
        let row = format!("2024-01-09,{number}");
        refused(rows_with(9, &row), "--target y", "bad.csv, line 9, column `y`: expected a finite number");
    }
}

#[test]
fn a_missing_value_without_a_policy() {
    refused(
        rows_with(9, "2024-01-09,"),
        "--target y",
        "bad.csv, line 9, column `y`: expected a number, found no value; fill it in",
    );
}

#[test]
fn dates_out_of_order_or_twice_or_not_at_all() {
    refused(rows_with(9, "2023-01-01,9"), "--target y", "bad.csv, line 9");
    refused(rows_with(10, "2024-01-09,9"), "--target y", "bad.csv, line 10");
    refused(
        rows_with(9, "yesterday,9"),
        "--target y",
        "bad.csv, line 9, column `date`: expected a date such as 2012-01-31",
    );
}

#[test]
fn invalid_utf_8() {
    let mut bytes = rows_with(9, "2024-01-09,9").into_bytes();
    bytes[100] = 0xff;
    refused(bytes, "", "bad.csv, line ");
}

#[test]
fn too_few_rows_for_one_window() {
    let rows: String = (1..=14).map(|row| format!("{row}\n")).collect();
    let error = "bad.csv (valid): expected at least 3 rows for a window of 2 and a horizon of 1, found 2";
    refused(format!("y\n{rows}"), "", error);
}

#[test]
fn an_unknown_column() {
    refused(rows_with(9, "2024-01-09,9"), "--target z", "bad.csv: ");
}

#[test]
fn several_columns_and_no_target() {
    refused("a,b\n1,2\n3,4\n", "", "--target: expected one of the columns of bad.csv: a, b, found none");
}

#[test]
fn settings_that_cannot_be() {
    let desk = Desk::with_waves();
    for (setting, error) in [
        ("--window 0", "--window: expected at least 1, found 0"),
        ("--horizon 0", "--horizon: expected at least 1, found 0"),
        ("--hidden 0", "--hidden: expected one size of at least 1 a layer"),
        ("--dropout 1", "--dropout: expected a share in [0, 1), found 1"),
        ("--noise=-1", "--noise: expected a standard deviation of 0 or more, found -1"),
        ("--epochs 0", "--epochs: expected between 1 and 1000000, found 0"),
        ("--batch 0", "--batch: expected at least 1, found 0"),
        ("--lr 0", "--lr: expected a positive number"),
        ("--clip=-1", "--clip: expected a positive number, or 0 for none, found -1"),
        ("--target wave,wave", "--target: expected each column once, found `wave` twice"),
        ("--window 500", "expected at least 501 rows for a window of 500 and a horizon of 1"),
    ] {
        desk.refused(&format!("forecast --config small.toml --out run {setting}"), error);
        assert!(!desk.path("run").exists(), "{setting}: a run was begun");
    }
}

#[test]
fn words_that_are_no_settings() {
    let desk = Desk::with_waves();
    for line in ["forecast --model transformer", "forecast --split 0.5,0.5", "forecast --device tpu", "forecast --wat"]
    {
        let ran = desk.run(line);
        assert_eq!(ran.code, Some(2), "{line}: {}", ran.stderr);
    }
}

#[test]
fn a_file_of_settings_with_a_word_too_many() {
    let desk = Desk::with_waves();
    desk.write("wrong.toml", "window = 10\nwidnow = 20\n");
    desk.refused("forecast --config wrong.toml", "wrong.toml: line 2: unknown field `widnow`");
    desk.refused("forecast --config none.toml", "none.toml: expected a file of settings");
}

#[test]
fn a_folder_that_cannot_be_written() {
    let desk = Desk::with_waves();
    desk.refused("forecast --config small.toml --out small.toml/run", "cannot make the folder");
}

#[test]
fn a_folder_that_is_no_run_is_never_replaced() {
    let desk = Desk::with_waves();
    std::fs::create_dir(desk.path("precious")).expect("a folder");
    desk.write("precious/letter.txt", "dear");
    let line = "forecast --config small.toml --out precious --force";
    desk.refused(line, "precious: expected no such folder, found something that is not a run");
    assert_eq!(desk.read("precious/letter.txt"), "dear");
}

#[test]
fn a_folder_that_is_no_run_predicts_nothing() {
    let desk = Desk::with_waves();
    desk.refused("predict nowhere", "nowhere: expected the folder of a run, found nothing");
    desk.refused("predict waves.csv", "waves.csv: expected the folder of a run, found a file");
    std::fs::create_dir(desk.path("empty")).expect("a folder");
    desk.refused("resume empty", "empty: expected the folder of a run, found a folder without plan.toml");
}

#[test]
fn a_damaged_bundle_is_told() {
    let desk = Desk::with_waves();
    desk.ok("forecast --config small.toml --epochs 1 --out run");
    let weights = desk.bytes("run/weights.safetensors");
    desk.write("run/weights.safetensors", &weights[..weights.len() / 2]);
    desk.refused("predict run", "run/weights.safetensors: expected the weights of this run");
    std::fs::remove_file(desk.path("run/weights.safetensors")).expect("the weights");
    desk.refused("predict run", "run/weights.safetensors: expected the weights of this run");

    // Another network's weights.
    desk.ok("forecast --config small.toml --epochs 1 --hidden 3 --out other");
    std::fs::copy(desk.path("other/weights.safetensors"), desk.path("run/weights.safetensors")).expect("a copy");
    desk.refused("predict run", "run/weights.safetensors: expected the weights of this run");

    // A codec and a plan that do not belong together, and a plan that cannot be.
    let codec = desk.read("other/codec.toml");
    desk.write("other/codec.toml", codec.replace("horizon = 1", "horizon = 3"));
    desk.refused("predict other", "other/codec.toml: expected the columns, window and horizon of this run's plan.toml");
    desk.write("other/codec.toml", codec);
    let plan = desk.read("other/plan.toml");
    desk.write("other/plan.toml", plan.replace("hidden = [3]", "hidden = []"));
    desk.refused("predict other", "--hidden: expected one size of at least 1 a layer");
    desk.refused("summary other", "--hidden: expected one size of at least 1 a layer");
    desk.write("other/plan.toml", plan);

    desk.write("other/codec.toml", "window = \"ten\"\n");
    desk.refused("predict other", "other/codec.toml: expected the codec.toml of this run");
    desk.write("other/plan.toml", "task = \"translate\"\n");
    desk.refused("predict other", "other/plan.toml: expected the plan.toml of this run");
}

#[test]
fn a_forecast_further_than_can_be_seen() {
    let desk = Desk::with_waves();
    desk.ok("forecast --config small.toml --inputs wave,other --epochs 1 --out run");
    desk.refused("predict run --steps 2", "expected at most 1 steps, found 2: to go on");
    desk.refused("predict run --steps 0", "--steps: expected between 1 and 10000, found 0");
    desk.write("short.csv", "wave,other\n1,2\n");
    desk.refused("predict run --data short.csv", "short.csv");
}

#[test]
fn a_loss_that_is_no_number_stops_the_run() {
    let desk = Desk::new();
    let rows: String = (0..100).map(|row| format!("{}e30\n", row % 7)).collect();
    desk.write("huge.csv", format!("y\n{rows}"));
    let ran = desk.run("forecast --data huge.csv --scaler none --window 5 --hidden 4 --out run");
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    // Infinite at the first window; what the weights are after it depends on how the gates saturate.
    let became = ["inf", "NaN"].map(|what| format!("error: the training loss became {what} in epoch 1: "));
    assert!(became.iter().any(|line| ran.stderr.contains(line)), "{}", ran.stderr);
    assert!(ran.stderr.contains("try a smaller --lr (now 0.001)"), "{}", ran.stderr);
    assert!(!desk.path("run/weights.safetensors").exists());
}

#[test]
fn a_device_that_is_not_there() {
    let desk = Desk::with_waves();
    #[cfg(not(feature = "cuda"))]
    desk.refused(
        "forecast --config small.toml --device cuda:0",
        "device cuda: it is not compiled in, build with --features cuda (compiled in: ",
    );
    #[cfg(feature = "wgpu")]
    desk.refused("forecast --config small.toml --device wgpu:99", "device wgpu:99: no adapter was found");
}
