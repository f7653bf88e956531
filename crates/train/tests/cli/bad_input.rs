//! Bad tables and settings are refused with one line: where, what was expected, and what was found.

use crate::program::{TestSandbox, days_from};

/// Trains on a bad file, which must be refused before a run's folder is made.
#[track_caller]
fn refused(contents: impl AsRef<[u8]>, more: &str, error: &str) {
    let sandbox = TestSandbox::new();
    sandbox.write("bad.csv", contents);
    sandbox.refused(&format!("forecast --data bad.csv --window 2 --out run {more}"), error);
    assert!(!sandbox.path("run").exists(), "the run's folder was made");
}

/// Enough valid rows, with one of them replaced.
fn rows_with(line: usize, row: &str) -> String {
    let mut rows: Vec<String> =
        days_from(2024, 1, 2).take(60).enumerate().map(|(day, date)| format!("{date},{}", day + 1)).collect();
    rows[line - 2] = row.to_string();
    format!("date,y\n{}\n", rows.join("\n"))
}

#[test]
fn days_that_are_missing() {
    let rows = rows_with(9, "2024-01-09,9").replace("2024-01-20,19\n2024-01-21,20\n", "");
    refused(
        rows,
        "",
        "bad.csv, line 20, column `date`: expected a row every day, found 2024-01-22 after 2024-01-19 (line 19): 2 rows are \
         missing; add them, or choose the policy `fill`, `split` or `ignore` for gaps",
    );
}

#[test]
fn missing_file() {
    TestSandbox::new().refused("forecast --data none.csv", "none.csv: expected a readable file");
}

#[test]
fn unknown_data_set() {
    TestSandbox::new().refused("forecast --data wether", "weather");
}

#[test]
fn directory_instead_of_a_file() {
    let sandbox = TestSandbox::new();
    std::fs::create_dir(sandbox.path("folder.csv")).expect("a folder");
    sandbox.refused("forecast --data folder.csv", "folder.csv: expected a file, found a directory");
}

#[test]
fn empty_file() {
    refused("", "", "bad.csv: expected a header line and rows below it");
}

#[test]
fn missing_header() {
    refused("1,2\n3,4\n", "", "bad.csv, line 1: expected a header of column names, found numbers or dates: 1, 2");
}

#[test]
fn dates_and_numbers_as_header() {
    let rows = rows_with(9, "2024-01-09,9").replacen("date,y\n", "", 1);
    refused(rows, "", "bad.csv, line 1: expected a header of column names, found numbers or dates: 2024-01-02, 1");
    let error = "bad.csv, line 1: expected a header of column names, found numbers or dates: 31.12.2020, 100";
    refused("31.12.2020;100\n01.01.2021;101\n02.01.2021;102\n", "", error);
}

#[test]
fn decimal_commas_below_a_comma_in_the_header() {
    let rows: String =
        days_from(2020, 1, 1).take(120).enumerate().map(|(day, date)| format!("{date};{day},07\n")).collect();
    refused(
        format!("Datum;Umsatz, netto\n{rows}"),
        "",
        "bad.csv, line 2, column `Umsatz, netto`: expected a number with a decimal point and without marks between \
         thousands, such as 1234.5, found `0,07`",
    );
}

#[test]
fn two_delimiters_that_fit() {
    let error = "bad.csv: expected one delimiter, found two that fit the header and the rows, ',' and ';'";
    refused("text;more,label\nfoo;bar,good\nbar;foo,bad\n", "", error);
}

#[test]
fn dates_out_of_order_in_a_column_of_another_name() {
    let rows = |days: [u32; 3]| days.map(|day| format!("2020-04-{day:02},{day}\n")).concat();
    for (header, days) in [("Datum", [27, 8, 9]), ("trade_date", [29, 28, 27])] {
        let error = format!("bad.csv, line 3, column `{header}`: expected a date after 2020-04-{} (line 2)", days[0]);
        refused(format!("{header},close\n{}", rows(days)), "", &error);
    }
}

#[test]
fn blank_line_in_a_single_column() {
    let rows: String = (0..100).map(|row| if row == 5 { "\n".into() } else { format!("{row}\n") }).collect();
    refused(format!("y\n{rows}"), "", "bad.csv, line 7, column `y`: expected a number, found no value; fill it in");
}

#[test]
fn column_of_dates_as_target() {
    let rows: String = (1..=28).map(|day| format!("202001{day:02},{day}\n")).collect();
    let error = "--date: expected a column that is neither a target nor a feature, found `day`";
    refused(format!("day,y\n{rows}"), "--target day", error);
}

#[cfg(unix)]
#[test]
fn pipe_instead_of_a_file() {
    let sandbox = TestSandbox::with_waves();
    let mut command = sandbox.command("forecast --data /dev/stdin --target wave --out run");
    let mut child = command
        .stdin(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdin.take());
    let ran = child.wait_with_output().expect("the program ends");
    let stderr = String::from_utf8(ran.stderr).expect("text");
    assert_eq!(ran.status.code(), Some(2), "{stderr}");
    assert!(
        stderr.contains("/dev/stdin: expected a regular file, which can be read again later, found a pipe"),
        "{stderr}"
    );
}

#[test]
fn row_with_too_many_fields() {
    refused(rows_with(7, "2024-01-07,7,7"), "", "bad.csv, line 7: expected 2 fields as in the header, found 3");
}

#[test]
fn text_in_the_target_column() {
    refused(
        rows_with(9, "2024-01-09,warm"),
        "--target y",
        "bad.csv, line 9, column `y`: expected a number, found `warm`",
    );
}

#[test]
fn text_in_the_only_numeric_column() {
    refused(rows_with(9, "2024-01-09,warm"), "", "bad.csv, line 9, column `y`: expected a number, found `warm`");
}

#[test]
fn unclosed_quote() {
    refused(
        rows_with(9, "2024-01-09,\"9"),
        "",
        "bad.csv, line 9: expected a closing quote for the cell that begins here",
    );
}

#[test]
fn numbers_that_are_not_finite() {
    for number in ["NaN", "inf", "-Infinity", "1e400"] {
        let row = format!("2024-01-09,{number}");
        refused(rows_with(9, &row), "--target y", "bad.csv, line 9, column `y`: expected a finite number");
    }
}

#[test]
fn missing_value_without_a_policy() {
    refused(
        rows_with(9, "2024-01-09,"),
        "--target y",
        "bad.csv, line 9, column `y`: expected a number, found no value; fill it in",
    );
}

#[test]
fn dates_out_of_order_repeated_or_invalid() {
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
fn too_few_rows_for_a_window() {
    let rows: String = (1..=14).map(|row| format!("{row}\n")).collect();
    let error = "bad.csv (train): expected at least 11 rows for a window of 2 and a horizon of 9, found 10";
    refused(format!("y\n{rows}"), "--horizon 9", error);
    let error = "bad.csv (valid): expected at least 3 rows for a horizon of 3, found 2";
    refused(format!("y\n{rows}"), "--horizon 3", error);
}

#[test]
fn unknown_column() {
    refused(rows_with(9, "2024-01-09,9"), "--target z", "bad.csv: ");
}

#[test]
fn several_numeric_columns_without_a_target() {
    refused("a,b\n1,2\n3,4\n", "", "--target: expected one of the columns of bad.csv: a, b, found none");
}

#[test]
fn settings_out_of_bounds() {
    let sandbox = TestSandbox::with_waves();
    for (setting, error) in [
        ("--window 0", "--window: expected between 1 and 1000000, found 0"),
        ("--horizon 0", "--horizon: expected between 1 and 1000000, found 0"),
        ("--hidden-size 0", "--hidden-size: expected one or more values, each between 1 and 65536, found 0"),
        ("--dropout 1", "--dropout: expected a fraction in [0, 1), found 1"),
        ("--noise=-1", "--noise: expected a number from 0 to 1000, found -1"),
        ("--epochs 0", "--epochs: expected between 1 and 1000000, found 0"),
        ("--batch-size 0", "--batch-size: expected between 1 and 1000000, found 0"),
        ("--lr 0", "--lr: expected a positive number"),
        ("--clip-norm=-1", "--clip-norm: expected a number from 0 to 1000000000, found -1"),
        ("--target wave,wave", "--target: expected each column once, found `wave` twice"),
        ("--window 500", "expected at least 501 rows for a window of 500 and a horizon of 1"),
    ] {
        sandbox.refused(&format!("forecast --config small.toml --out run {setting}"), error);
        assert!(!sandbox.path("run").exists(), "{setting}: the run's folder was made");
    }
}

#[test]
fn invalid_arguments() {
    let sandbox = TestSandbox::with_waves();
    for line in ["forecast --cell transformer", "forecast --split 0.5,0.5", "forecast --device tpu", "forecast --wat"] {
        let ran = sandbox.run(line);
        assert_eq!(ran.code, Some(2), "{line}: {}", ran.stderr);
    }
}

#[test]
fn invalid_file_of_settings() {
    let sandbox = TestSandbox::with_waves();
    sandbox.write("wrong.toml", "window = 10\nwidnow = 20\n");
    sandbox.refused("forecast --config wrong.toml", "wrong.toml: line 2: unknown setting `widnow`");
    sandbox.refused("forecast --config none.toml", "none.toml: expected a file of settings, found No such file");
}

#[test]
fn file_of_settings_with_a_wrong_value() {
    let sandbox = TestSandbox::with_waves();
    sandbox.write("wrong.toml", "window = 10\n\nepochs = \"many\"\n");
    sandbox.refused("forecast --config wrong.toml", "wrong.toml: line 3: epochs: invalid type");
    sandbox.write("wrong.toml", "window = 10\nhidden_size = [8, \"x\"]\n");
    sandbox.refused("forecast --config wrong.toml", "wrong.toml: line 2: hidden_size: invalid type");
    sandbox.write("wrong.toml", "window = 10\nepochs = = 3\n");
    sandbox.refused("forecast --config wrong.toml", "wrong.toml: line 2: ");
}

#[test]
fn another_format_version_is_refused() {
    let sandbox = TestSandbox::with_waves();
    sandbox.ok("forecast --config small.toml --epochs 1 --out run");
    let config = sandbox.read("run/config.toml");
    assert!(config.starts_with("format_version = 1\nwritten_by = \"recurrent "), "{config}");
    let newer: String = ["format_version = 7", "written_by = \"recurrent 9.8.7\""]
        .into_iter()
        .chain(config.lines().skip(2))
        .map(|line| format!("{line}\n"))
        .collect();
    // Whatever else the newer program writes.
    sandbox.write("run/config.toml", format!("{newer}newer_setting = 1\n"));
    let error = "run/config.toml: expected format version 1, found format version 7, written by recurrent 9.8.7";
    for line in ["predict run", "evaluate run", "resume run", "summary run"] {
        sandbox.refused(line, error);
    }
    sandbox.refused("complete run x", error);
    sandbox.refused("forecast --config run/config.toml --out other", error);
    assert!(!sandbox.path("other").exists());

    let headless: String = config.lines().skip(1).map(|line| format!("{line}\n")).collect();
    sandbox.write("run/config.toml", headless);
    sandbox
        .refused("predict run", "run/config.toml: expected format_version, written_by and task, found missing field");
}

#[test]
fn error_in_the_config_of_a_run_names_its_line() {
    let sandbox = TestSandbox::with_waves();
    sandbox.ok("forecast --config small.toml --epochs 1 --out run");
    let config = sandbox.read("run/config.toml");
    let line = 1 + config.lines().position(|line| line.starts_with("window = ")).expect("the window");
    for (wrong, error) in [
        ("window = \"ten\"", format!("line {line}: window: invalid type: string \"ten\", expected usize")),
        ("widnow = 10", format!("line {line}: unknown setting `widnow`")),
        ("window = = 10", format!("(line {line})")),
    ] {
        sandbox.write("run/config.toml", config.replace("window = 10", wrong));
        for command in ["predict run", "resume run", "evaluate run", "summary run"] {
            sandbox.refused(command, &error);
        }
    }
    sandbox.write("run/config.toml", config.replace("window = 10\n", ""));
    sandbox
        .refused("predict run", "run/config.toml: expected the config.toml of this run, found missing field `window`");
}

#[test]
fn folder_that_cannot_be_made() {
    let sandbox = TestSandbox::with_waves();
    sandbox.refused("forecast --config small.toml --out small.toml/run", "cannot make the folder");
}

#[test]
fn folder_that_is_not_a_run_is_never_replaced() {
    let sandbox = TestSandbox::with_waves();
    std::fs::create_dir(sandbox.path("precious")).expect("a folder");
    sandbox.write("precious/letter.txt", "dear");
    let line = "forecast --config small.toml --out precious --force";
    sandbox.refused(line, "precious: expected no such folder, found something that is not a run");
    assert_eq!(sandbox.read("precious/letter.txt"), "dear");
}

#[test]
fn prediction_with_a_folder_that_is_not_a_run() {
    let sandbox = TestSandbox::with_waves();
    sandbox.refused("predict nowhere", "nowhere: expected the folder of a run, found nothing");
    sandbox.refused("predict waves.csv", "waves.csv: expected the folder of a run, found a file");
    std::fs::create_dir(sandbox.path("empty")).expect("a folder");
    sandbox.refused("resume empty", "empty: expected the folder of a run, found a folder without config.toml");
}

#[test]
fn damaged_run_folder() {
    let sandbox = TestSandbox::with_waves();
    sandbox.ok("forecast --config small.toml --epochs 1 --out run");
    let weights = sandbox.bytes("run/weights.safetensors");
    sandbox.write("run/weights.safetensors", &weights[..weights.len() / 2]);
    sandbox.refused("predict run", "run/weights.safetensors: expected the weights of this run");
    std::fs::remove_file(sandbox.path("run/weights.safetensors")).expect("the weights");
    sandbox.refused("predict run", "run/weights.safetensors: expected the weights of this run");

    // Weights of another network.
    sandbox.ok("forecast --config small.toml --epochs 1 --hidden-size 3 --out other");
    std::fs::copy(sandbox.path("other/weights.safetensors"), sandbox.path("run/weights.safetensors")).expect("a copy");
    sandbox.refused("predict run", "run/weights.safetensors: expected the weights of this run");

    // A transform that does not fit the configuration, and an invalid configuration.
    let transform = sandbox.read("other/transform.toml");
    sandbox.write("other/transform.toml", transform.replace("horizon = 1", "horizon = 3"));
    sandbox.refused(
        "predict other",
        "other/transform.toml: expected the columns, window, horizon and transforms of this run's config.toml",
    );
    sandbox.write("other/transform.toml", transform);
    let config = sandbox.read("other/config.toml");
    sandbox.write("other/config.toml", config.replace("hidden_size = [3]", "hidden_size = []"));
    sandbox
        .refused("predict other", "--hidden-size: expected one or more values, each between 1 and 65536, found none");
    sandbox
        .refused("summary other", "--hidden-size: expected one or more values, each between 1 and 65536, found none");
    sandbox.write("other/config.toml", &config);

    sandbox.write("other/transform.toml", "window = \"ten\"\n");
    sandbox.refused("predict other", "other/transform.toml: expected the transform.toml of this run");
    let header: String = config.lines().take(2).map(|line| format!("{line}\n")).collect();
    sandbox.write("other/config.toml", header + "task = \"translate\"\n");
    sandbox.refused("predict other", "other/config.toml: expected the config.toml of this run");
}

#[test]
fn forecast_beyond_the_horizon() {
    let sandbox = TestSandbox::with_waves();
    sandbox.ok("forecast --config small.toml --features wave,other --epochs 1 --out run");
    sandbox.refused("predict run --steps 2", "expected at most 1 steps, found 2: beyond its horizon the network needs");
    sandbox.refused("predict run --steps 0", "--steps: expected between 1 and 10000, found 0");
    sandbox.refused(
        "predict run --beam-size 2",
        "--beam-size: it is for runs of `generate`, `translate` and `transcribe`, and run is a run of `forecast`",
    );
    sandbox.write("short.csv", "wave,other\n1,2\n");
    sandbox.refused("predict run --data short.csv", "short.csv");
}

#[test]
fn diverged_loss_stops_training() {
    let sandbox = TestSandbox::new();
    let rows: String = (0..100).map(|row| format!("{}e30\n", row % 7)).collect();
    sandbox.write("huge.csv", format!("y\n{rows}"));
    let ran = sandbox.run("forecast --data huge.csv --scaler none --window 5 --hidden-size 4 --out run");
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    // Infinite at the first window; after it, the weights depend on how the gates saturate.
    let became = ["inf", "NaN"].map(|what| format!("error: the training loss became {what} in epoch 1: "));
    assert!(became.iter().any(|line| ran.stderr.contains(line)), "{}", ran.stderr);
    assert!(ran.stderr.contains("try a lower learning rate (--lr, now 0.001)"), "{}", ran.stderr);
    assert!(!sandbox.path("run/weights.safetensors").exists());
}

#[test]
fn unavailable_device() {
    let sandbox = TestSandbox::with_waves();
    #[cfg(not(feature = "cuda"))]
    sandbox.refused(
        "forecast --config small.toml --device cuda:0",
        "device cuda: it is not compiled in, build with --features cuda (compiled in: ",
    );
    #[cfg(feature = "wgpu")]
    sandbox.refused("forecast --config small.toml --device wgpu:99", "device wgpu:99: no adapter was found");
}
