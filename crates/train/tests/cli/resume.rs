//! Interrupted in any way, a run comes to the same end.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::program::Desk;

/// What each epoch measured, without how long it took.
fn losses(desk: &Desk, run: &str) -> Vec<serde_json::Value> {
    let measured = |line: &str| {
        let mut epoch: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        epoch.as_object_mut().expect("an object").remove("seconds");
        epoch
    };
    desk.read(&format!("{run}/metrics.jsonl")).lines().map(measured).collect()
}

/// A desk with an uninterrupted run of eight epochs.
fn with_whole_run() -> Desk {
    let desk = Desk::with_waves();
    desk.ok("forecast --config small.toml --epochs 8 --out whole");
    desk
}

#[track_caller]
fn assert_same_end(desk: &Desk, run: &str) {
    assert_eq!(losses(desk, run), losses(desk, "whole"));
    assert_eq!(desk.bytes(&format!("{run}/weights.safetensors")), desk.bytes("whole/weights.safetensors"));
}

/// Starts a run and waits until `epochs` of its epochs are done.
fn start_and_wait(desk: &Desk, run: &str, epochs: usize) -> Child {
    let mut child = desk
        .command(&format!("forecast --config small.toml --epochs 8 --out {run}"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    let done = lines.map_while(Result::ok).filter(|line| line.starts_with("epoch ")).take(epochs).count();
    assert_eq!(done, epochs, "the run ended before it was interrupted");
    child
}

#[test]
fn more_epochs_equal_as_many_at_once() {
    let desk = with_whole_run();
    desk.ok("forecast --config small.toml --epochs 3 --out parts");
    desk.ok("resume parts --epochs 8");
    assert_same_end(&desk, "parts");
}

#[test]
fn a_killed_run_goes_on_to_the_same_end() {
    let desk = with_whole_run();
    for epochs in [1, 2, 5] {
        let run = format!("killed-{epochs}");
        let mut child = start_and_wait(&desk, &run, epochs);
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        desk.ok(&format!("resume {run}"));
        assert_same_end(&desk, &run);
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_with_130_and_goes_on_to_the_same_end() {
    let desk = with_whole_run();
    let mut child = start_and_wait(&desk, "stopped", 2);
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert!(losses(&desk, "stopped").len() < 8);
    desk.ok("resume stopped");
    assert_same_end(&desk, "stopped");
}

#[test]
fn a_finished_run_stays_as_it_is() {
    let desk = Desk::with_waves();
    desk.ok("forecast --config small.toml --epochs 2 --out run");
    let weights = desk.bytes("run/weights.safetensors");
    let ran = desk.ok("resume run");
    assert!(ran.stdout.contains("All 2 epochs are done"), "{}", ran.stdout);
    assert_eq!(desk.bytes("run/weights.safetensors"), weights);
}

#[test]
fn a_cosine_cannot_be_lengthened() {
    let desk = Desk::with_waves();
    desk.ok("forecast --config small.toml --epochs 2 --schedule cosine --out run");
    desk.refused("resume run --epochs 4", "--epochs: expected 2, for the cosine schedule ends there");
}

#[test]
fn changed_data_are_noticed() {
    let desk = Desk::with_waves();
    desk.ok("forecast --config small.toml --epochs 1 --out run");
    let text = desk.read("waves.csv").replace("20.0000", "21.0000");
    desk.write("waves.csv", text);
    desk.refused("resume run --epochs 2", "expected the bytes that it began with (sha256 ");
}

#[test]
fn a_damaged_checkpoint_is_told_and_the_one_before_serves() {
    let desk = with_whole_run();
    desk.ok("forecast --config small.toml --epochs 3 --out run");
    let model = "run/checkpoints/epoch-000003/model.bpk";
    let mut bytes = desk.bytes(model);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    desk.write(model, bytes);
    desk.refused("resume run --epochs 8", "model.bpk: expected a whole checkpoint");
    std::fs::remove_dir_all(desk.path("run/checkpoints/epoch-000003")).expect("the folder");
    desk.ok("resume run --epochs 8");
    assert_same_end(&desk, "run");
}
