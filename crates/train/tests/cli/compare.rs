//! Comparisons of cells, as their users meet them.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use crate::program::TestSandbox as Desk;

/// A grid that is done in seconds.
const TINY: &str = "compare --parts memory --tasks recall --lengths 5 --seeds 2 --steps 5 --hidden 6";

/// When each file of a run's grid was written.
fn written(desk: &Desk, run: &str) -> Vec<(String, SystemTime)> {
    let at = |name: String| {
        let file = desk.path(&format!("{run}/measured/{name}"));
        (name, file.metadata().expect("a file").modified().expect("a time"))
    };
    desk.listing(&format!("{run}/measured")).into_iter().map(at).collect()
}

fn json(desk: &Desk, run: &str) -> serde_json::Value {
    serde_json::from_str(&desk.read(&format!("{run}/compare.json"))).expect("JSON")
}

#[test]
fn a_small_grid_leaves_tables_a_page_and_numbers_for_others() {
    let desk = Desk::new();
    let ran = desk.ok(&format!("{TINY} --out small"));
    for text in ["The cells", "| property", "| RNN", "| LSTM", "| GRU", "memory", "bad: ", "report.html"] {
        assert!(ran.stdout.contains(text), "`{text}` in:\n{}", ran.stdout);
    }
    assert!(ran.stdout.contains("The share of training steps whose gradients were clipped."), "{}", ran.stdout);
    let page = desk.read("small/report.html");
    assert!(page.contains("<html lang=\"en\">") && page.contains("<svg") && page.contains("not measured"));
    let all = json(&desk, "small");
    assert_eq!(all["tried"].as_array().expect("a list").len(), 3 * 2);
    assert_eq!(all["plan"]["steps"], 5);
    assert!(all["claims"].as_array().expect("a list").len() == 9);
    assert!(desk.read("small/plan.toml").contains("task = \"compare\""));
}

#[test]
fn what_is_measured_is_not_measured_again() {
    let desk = Desk::new();
    desk.ok(&format!("{TINY} --out run"));
    let (before, numbers) = (written(&desk, "run"), json(&desk, "run"));
    let ran = desk.ok(&format!("{TINY} --out run --lang ru"));
    assert!(ran.stderr.contains("6 were measured before"), "{}", ran.stderr);
    assert_eq!(written(&desk, "run"), before);
    assert_eq!(json(&desk, "run"), numbers);
}

#[test]
fn a_comparison_goes_on_in_the_language_that_it_was_begun_in() {
    let desk = Desk::new();
    desk.ok(&format!("{TINY} --out run --lang ru"));
    assert!(desk.ok("resume run").stdout.contains("свойство"));
    assert!(desk.read("run/report.html").contains("<html lang=\"ru\">"));
    desk.ok(&format!("{TINY} --out run"));
    assert!(desk.ok("resume run").stdout.contains("property"));
    desk.write("run/language.txt", "de");
    desk.refused("resume run", "language.txt: expected `en` or `ru`, found `de`");
}

#[test]
fn equal_time_takes_as_many_steps_as_there_is_time_for() {
    let desk = Desk::new();
    // More steps than a tenth of a second has room for.
    let steps = 1_000_000;
    desk.ok(&format!("{TINY} --fair time --seconds 0.1 --out run").replace("--steps 5", &format!("--steps {steps}")));
    let all = json(&desk, "run");
    assert!(all["plan"]["fair"] == "time" && all["plan"]["seconds"] == 0.1 && all["plan"]["steps"] == steps);
    let tried = all["tried"].as_array().expect("a list");
    assert_eq!(tried.len(), 3 * 2);
    for one in tried {
        let taken = one["outcome"]["steps"].as_u64().expect("a number");
        assert!((1..steps).contains(&taken), "{taken} steps");
        assert_eq!(one["outcome"]["hidden"], 6);
    }
    assert!(desk.read("run/report.html").contains("equal time and hidden size"));
}

#[test]
fn a_killed_grid_goes_on_where_it_was() {
    let desk = Desk::new();
    let grid = "compare --parts memory --tasks recall --lengths 60 --seeds 3 --steps 60 --hidden 16 --out run";
    let mut child = desk.command(grid).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
    let lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    let done = lines.map_while(Result::ok).filter(|line| line.contains(" of 9 ")).take(2).count();
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    assert_eq!(done, 2);
    let before = written(&desk, "run");
    assert!((2..9).contains(&before.len()), "{before:?}");
    desk.ok("resume run");
    let after = written(&desk, "run");
    assert_eq!(after.len(), 9);
    assert!(before.iter().all(|file| after.contains(file)), "computed again");
    assert!(desk.path("run/report.html").exists());
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_with_130_and_says_how_to_go_on() {
    let desk = Desk::new();
    let grid = "compare --parts memory --tasks recall --lengths 60 --seeds 3 --steps 200 --hidden 16 --out run";
    let mut child = desk.command(grid).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    assert!(lines.by_ref().map_while(Result::ok).any(|line| line.contains("1 of 9 ")));
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
    lines.for_each(drop);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130));
    assert!(String::from_utf8_lossy(&output.stdout).contains("Go on with `train resume run`"));
    assert!(!desk.path("run/compare.json").exists());
}

#[test]
fn a_cell_that_diverges_is_shown_as_such_and_not_as_a_number() {
    let desk = Desk::new();
    let wild = "compare --parts memory --tasks adding --lengths 5 --seeds 1 --steps 40 --hidden 6 --lr 1e30 --clip 0";
    let ran = desk.ok(&format!("{wild} --out wild"));
    assert!(ran.stdout.contains("diverged (1 of 1)"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("NaN") && !ran.stdout.contains("inf"), "{}", ran.stdout);
    let tried = json(&desk, "wild")["tried"].clone();
    let diverged: Vec<_> =
        tried.as_array().expect("a list").iter().filter(|one| one["outcome"]["diverged"].is_u64()).collect();
    assert!(!diverged.is_empty() && diverged.iter().all(|one| one["outcome"]["loss"].is_null()));
    assert!(desk.read("wild/report.html").contains("diverged (1 of 1)"));
}

#[test]
fn gradients_are_shown_for_every_layer_with_clipping_and_without() {
    let desk = Desk::new();
    let small = "compare --parts gradients --gradient-length 6 --gradient-layers 2 --seeds 1 --steps 4 --hidden 6";
    let ran = desk.ok(&format!("{small} --clip 0.001 --out run"));
    for text in ["| 1 / 2 |", "| 2 / 2 |", "GRU, orthogonal weights, unclipped", "clipped to 0.001", "100 %", "never"] {
        assert!(ran.stdout.contains(text), "`{text}` in:\n{}", ran.stdout);
    }
    let looked = json(&desk, "run")["looked"].as_array().expect("a list").clone();
    assert_eq!(looked.len(), 3 * 3 + 1);
    for one in &looked {
        assert_eq!(one["fresh"].as_array().map(Vec::len), Some(2));
        assert_eq!(one["trained"].as_array().map(Vec::len), Some(2));
        let clipped = one["look"]["clip"].as_f64().expect("a number") > 0.0;
        assert_eq!(one["outcome"]["clipped"], if clipped { 1.0 } else { 0.0 });
    }
    let fresh = |clip: f64| {
        let same =
            |look: &serde_json::Value| look["cell"] == "gru" && look["gaussian"] == false && look["clip"] == clip;
        looked.iter().find(|one| same(&one["look"])).expect("one of each")["fresh"].clone()
    };
    assert_eq!(fresh(0.001), fresh(0.0), "the same weights begin with clipping and without");
    assert!(desk.read("run/report.html").contains("layer 2 of 2"));
}

#[test]
fn files_of_another_form_are_no_results() {
    let desk = Desk::new();
    desk.ok("compare --parts gradients --gradient-length 4 --seeds 1 --steps 1 --hidden 3 --out run");
    let file = "run/measured/gradient-T4-rnnx2-orthogonal-clip1-s0.json";
    let mut looked: serde_json::Value = serde_json::from_str(&desk.read(file)).expect("JSON");
    looked["fresh"] = looked["fresh"][0].clone();
    desk.write(file, looked.to_string());
    desk.refused("resume run", "clip1-s0.json: expected what was measured");
    let plan = desk.read("run/plan.toml").replace("gradient_layers = 2\n", "");
    desk.write("run/plan.toml", plan);
    desk.refused("resume run", "missing field `gradient_layers`");
}

#[test]
fn gates_are_shown_of_a_text_and_of_a_series() {
    let desk = Desk::with_waves();
    let gates = "compare --parts gates --series waves.csv --column wave --out run";
    let ran = desk.ok(gates);
    for text in ["| LSTM | a text", "| GRU  | a series: wave", "standard deviations"] {
        assert!(ran.stdout.contains(text), "`{text}` in:\n{}", ran.stdout);
    }
    let page = desk.read("run/report.html");
    for text in ["LSTM reads a series: forget gate", "GRU reads a text: update gate", "2024-09-16: ", "\nwave\n"] {
        assert!(page.contains(text), "{text}");
    }
    let readings = json(&desk, "run")["readings"].as_array().expect("a list").clone();
    assert_eq!(readings.len(), 4);
    assert_eq!(readings[2]["read"]["series"]["values"].as_array().map(Vec::len), Some(48));
    // What is measured does not need the file any more; what is not, does.
    desk.write("waves.csv", "date,wave\n");
    desk.ok("resume run");
    std::fs::remove_file(desk.path("run/measured/gates-series-gru.json")).expect("a file");
    desk.refused("resume run", "waves.csv: expected a header line and rows below it");
}

#[test]
fn costs_are_drawn_against_hidden_size_and_length() {
    let desk = Desk::new();
    let ran = desk.ok("compare --parts cost --cost-hidden 8,4 --cost-lengths 3,6 --batch 2 --out run");
    assert!(ran.stdout.contains("| cell | hidden | T   | parameters | operations a token |"), "{}", ran.stdout);
    assert_eq!(json(&desk, "run")["speeds"].as_array().map(Vec::len), Some(3 * 2 * 2));
    let page = desk.read("run/report.html");
    for quantity in ["parameters", "operations a token", "bytes kept a token", "ms a step", "tokens a second"] {
        assert!(page.contains(&format!("{quantity}, against the hidden size, T = 6")), "{quantity}");
    }
    for quantity in ["operations a row", "bytes kept a row", "ms a step", "tokens a second"] {
        assert!(page.contains(&format!("{quantity}, against the length, 8 hidden units")), "{quantity}");
    }
    desk.refused("compare --cost-hidden 0 --out other", "--cost-hidden: expected at least one size, each at least 1");
}

#[test]
fn damage_to_digits_and_to_a_forecast_is_shown() {
    let desk = Desk::new();
    let ran = desk.ok("compare --parts quality --seeds 2 --steps 3 --hidden 4 --out run");
    for text in ["the share of right answers", "The day before, as a forecast, is off by 0.", "30 % of values missing"]
    {
        assert!(ran.stdout.contains(text), "`{text}` in:\n{}", ran.stdout);
    }
    let tried = json(&desk, "run")["tried"].as_array().expect("a list").clone();
    assert_eq!(tried.len(), 2 * 5 * 3 * 2);
    let of = |damage: &str| {
        let here = |trial: &serde_json::Value| trial["task"] == "forecast" && trial["damage"] == damage;
        tried.iter().filter(|one| here(&one["trial"])).map(|one| one["outcome"]["loss"].clone()).collect::<Vec<_>>()
    };
    assert!(of("none").len() == 6 && of("labels").len() == 6 && of("none") != of("labels"));
    let page = desk.read("run/report.html");
    assert!(page.contains("forecast: error after training on damaged data"));
    assert!(page.contains("digits by rows: right answers after training on damaged data"));
}

#[test]
fn a_report_can_be_in_russian() {
    let desk = Desk::new();
    let ran = desk.ok(&format!("{TINY} --out run --lang ru"));
    assert!(ran.stdout.contains("свойство") && ran.stdout.contains("плохая: "), "{}", ran.stdout);
    let page = desk.read("run/report.html");
    for text in ["<html lang=\"ru\">", "<h2>Содержание</h2>", "запоминание", "не измерено"]
    {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn equal_parameters_give_cells_other_sizes() {
    let desk = Desk::new();
    desk.ok(&format!("{TINY} --fair parameters --out run"));
    let all = json(&desk, "run");
    let hidden = |cell: &str| {
        let tried = all["tried"].as_array().expect("a list").iter().find(|one| one["trial"]["cell"] == cell);
        tried.expect("one of each")["outcome"]["hidden"].as_u64().expect("a number")
    };
    assert!(hidden("lstm") == 6 && hidden("gru") > 6 && hidden("rnn") > hidden("gru"));
}

#[test]
fn another_plan_is_refused_where_one_is_there() {
    let desk = Desk::new();
    desk.ok(&format!("{TINY} --out run"));
    desk.refused(&format!("{TINY} --out run --lr 0.1"), "expected `lr = 0.1` as asked for");
    desk.refused("resume run --epochs 3", "--epochs: expected none, for a comparison has no epochs");
    desk.refused(
        "resume run --device ndarray",
        "--device: expected flex, on which the comparison began, found ndarray",
    );
    desk.write("run/measured/recall-T5-rnn-s0.json", "{");
    desk.refused("resume run", "recall-T5-rnn-s0.json: expected what was measured");
}

#[test]
fn bad_settings_are_refused_before_a_folder_is_made() {
    let desk = Desk::new();
    desk.refused("compare --seeds 0 --out run", "--seeds: expected a number from 1 to 1000000, found 0");
    desk.refused("compare --lengths 1 --out run", "--lengths: expected steps from 2 to 10000, found 1");
    desk.refused("compare --lr 0 --out run", "--lr: expected a positive number, found 0");
    desk.refused("compare --series nowhere.csv --out run", "nowhere.csv: expected a readable file");
    desk.refused("compare --series fables --out run", "fables");
    desk.refused("compare --column snow --out run", "expected one of the columns");
    desk.refused("compare --column weather --out run", "column `weather`: expected a number, found `drizzle`");
    desk.write("short.csv", "x\n1\n2\n");
    desk.refused("compare --series short.csv --out run", "--series: expected at least 70 rows, found 2 in short.csv");
    assert!(!desk.path("run").exists());
    for (said, expected) in [
        ("--tasks sums", "unknown task `sums`: expected recall, adding"),
        ("--fair play", "unknown `play`: expected hidden, parameters or time"),
        ("--lang de", "invalid value 'de'"),
    ] {
        let ran = desk.run(&format!("compare {said} --out run"));
        assert!(ran.code == Some(2) && ran.stderr.contains(expected), "{said}: {}", ran.stderr);
    }
    desk.write("file.txt", "");
    let ran = desk.run(&format!("{TINY} --out file.txt"));
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
}
