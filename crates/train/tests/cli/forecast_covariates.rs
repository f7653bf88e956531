//! Forecasts with known-future covariates, several series, distributions and intervals.

use std::fmt::Write;

use serde_json::Value;

use crate::program::TestSandbox;

/// Days on which a shop sells twice as much if it is open longer, which is known ahead.
const SMALL: &str = "--window 14 --horizon 4 --hidden-size 8 --epochs 2 --batch-size 32";

/// The first rows of a table and, with `ahead`, what is known of the rows after them.
fn shops(days: usize, shops: &[&str]) -> String {
    let mut text = "day,shop,sold,late\n".to_string();
    for (number, shop) in (1..).zip(shops) {
        for day in 0..days {
            let late = usize::from(day % 5 == 2);
            let date = date(day);
            writeln!(text, "{date},{shop},{},{late}", number * (10 + day % 7) * (1 + late)).expect("a line");
        }
    }
    text
}

/// A day of 2023 or 2024.
fn date(day: usize) -> String {
    let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31, 29];
    let (mut month, mut rest) = (0, day);
    while rest >= lengths[month] {
        rest -= lengths[month];
        month += 1;
    }
    format!("{}-{:02}-{:02}", 2023 + month / 12, month % 12 + 1, rest + 1)
}

fn ahead(days: std::ops::Range<usize>) -> String {
    days.fold("day,late\n".to_string(), |text, day| text + &format!("{},{}\n", date(day), usize::from(day % 5 == 2)))
}

#[test]
fn covariates_that_are_known_ahead_are_asked_for() {
    let sandbox = TestSandbox::new();
    let one = shops(200, &["a"]);
    sandbox.write("shop.csv", &one);
    let ran = sandbox.ok(&format!(
        "forecast --data shop.csv --target sold --future late --calendar --lags 7 --patch-len 2 --output quantiles \
         {SMALL} --out run"
    ));
    assert!(ran.stdout.contains("known ahead: `late`") && ran.stdout.contains("Intervals: "), "{}", ran.stdout);
    let files = sandbox.listing("run");
    for file in ["calibration.toml", "plots/forecast-sold-fan.svg", "plots/forecast-sold-residuals.svg"] {
        assert!(files.contains(&file.to_string()), "{file} in {files:?}");
    }

    let missing = "known-future covariates: expected late on the 4 rows to forecast, found nothing for 2023-07-20";
    sandbox.refused("predict run", missing);
    sandbox.write("short.csv", ahead(200..203));
    sandbox.refused("predict run --future-data short.csv", "found nothing for 2023-07-23");
    sandbox.write("ahead.csv", ahead(195..210));
    let csv = sandbox.ok("predict run --future-data ahead.csv --quantiles").stdout;
    assert!(csv.starts_with("row,sold,sold_q0.025,sold_q0.1,"), "{csv}");
    for line in csv.lines().skip(1) {
        let values: Vec<f64> = line.split(',').skip(2).map(|cell| cell.parse().expect("a number")).collect();
        assert!(values.len() == 7 && values.is_sorted(), "{line}");
    }
    // Nine rows are two horizons and one row: what is known of the third is asked for too.
    sandbox.ok("predict run --future-data ahead.csv --steps 8");
    sandbox.refused("predict run --future-data ahead.csv --steps 9", "on the 12 rows to forecast");
}

#[test]
fn several_series_share_a_network() {
    let sandbox = TestSandbox::new();
    sandbox.write("shops.csv", shops(150, &["north", "south"]));
    let all = format!("forecast --data shops.csv --target sold --series shop {SMALL}");
    sandbox.ok(&format!("{all} --out run"));
    let config = sandbox.read("run/config.toml");
    assert!(config.contains("instance_norm = true"), "{config}");
    let csv = sandbox.ok("predict run").stdout;
    assert!(csv.starts_with("row,series,sold\n2023-05-31,north,"), "{csv}");
    assert_eq!(csv.lines().filter(|line| line.contains(",south,")).count(), 4);
    assert!(sandbox.ok("evaluate run").stdout.contains("seasonal naive"));

    // A series that the network has never seen.
    sandbox.write("west.csv", shops(40, &["west"]));
    let lines = sandbox.ok("predict run --data west.csv --format json").stdout;
    let found: Value = serde_json::from_str(lines.trim()).expect("JSON");
    assert_eq!((&found["series"], found["rows"].as_array().map(Vec::len)), (&"west".into(), Some(4)));
    assert_eq!(found["levels"].as_array().map(Vec::len), Some(7));

    let mixed = "or name the column of ids if there are several series";
    sandbox.refused(&format!("forecast --data shops.csv --target sold {SMALL}"), mixed);
}

#[test]
fn counts_have_a_distribution_of_their_own() {
    let sandbox = TestSandbox::new();
    let counts = shops(150, &["a"]);
    sandbox.write("counts.csv", &counts);
    let with = |data: &str, more: &str| format!("forecast --data {data} --target sold --features sold {SMALL} {more}");
    for output in ["normal", "student-t", "negative-binomial"] {
        let ran = sandbox.ok(&with("counts.csv", &format!("--output {output} --out {output}")));
        assert!(ran.stdout.contains("Intervals: "), "{}", ran.stdout);
    }
    sandbox.ok(&with("counts.csv", "--transform box-cox --out box-cox"));
    sandbox.ok("predict box-cox --steps 9");
    // Intervals that a calibration widens far: neither counts nor values with a power transform fall below their bound.
    let far = format!("corrections = {:?}", [[-1e6; 7]; 4]);
    for (run, bounded) in [("negative-binomial", true), ("box-cox", true), ("normal", false)] {
        let widened = |line: &str| if line.starts_with("corrections") { far.clone() } else { line.to_string() };
        let calibration = sandbox.read(&format!("{run}/calibration.toml"));
        sandbox
            .write(&format!("{run}/calibration.toml"), calibration.lines().map(widened).collect::<Vec<_>>().join("\n"));
        let csv = sandbox.ok(&format!("predict {run} --quantiles")).stdout;
        assert_eq!(csv.contains(",-"), !bounded, "{run}:\n{csv}");
    }
    sandbox.write("negative.csv", counts.replacen(",a,11,", ",a,-11,", 1));
    sandbox.refused(&with("negative.csv", "--output negative-binomial"), "-11");
    let not_positive = "column `sold`, row 2: expected a positive value";
    sandbox.refused(&with("negative.csv", "--transform log"), not_positive);
    let levels = "--quantiles: expected one or more values, each a fraction between 0 and 1";
    sandbox.refused(&with("counts.csv", "--output quantiles --quantiles 0.1,1.5"), levels);
    let near = "--lags: expected rows from the horizon of 4 to the window of 14, found 3";
    sandbox.refused(&with("counts.csv", "--lags 3"), near);
}
