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

/// Epochs enough that a run is under way for a while after its first lines.
const EPOCHS: usize = 80;

/// What is trained.
const FORECAST: &str = "forecast --config small.toml";

/// A desk with an uninterrupted run.
fn with_whole_run() -> Desk {
    let desk = Desk::with_waves();
    desk.ok(&format!("{FORECAST} --epochs {EPOCHS} --patience 0 --out whole"));
    desk
}

/// Desks of the tasks with texts, what is trained on each, and how long. Words are struck out and inputs replaced at
/// random, so that a random number that went astray would be seen.
fn with_texts() -> [(Desk, &'static str, usize); 3] {
    [
        (Desk::with_story(), "generate --config story.toml --dropout 0.2", 12),
        (Desk::with_pairs(), "translate --config pairs.toml --dropout 0.2 --sampling 0.2", 50),
        (Desk::with_opinions(2), "sentiment --config opinions.toml --dropout 0.2 --word-dropout 0.1", 60),
    ]
}

#[track_caller]
fn assert_same_end(desk: &Desk, run: &str) {
    assert_eq!(losses(desk, run), losses(desk, "whole"));
    assert_eq!(desk.bytes(&format!("{run}/weights.safetensors")), desk.bytes("whole/weights.safetensors"));
}

/// Starts a run and waits until `epochs` of its epochs are done.
fn start_and_wait(desk: &Desk, run: &str, epochs: usize) -> Child {
    start_task_and_wait(desk, &format!("{FORECAST} --epochs {EPOCHS} --patience 0 --out {run}"), epochs)
}

fn start_task_and_wait(desk: &Desk, line: &str, epochs: usize) -> Child {
    let mut child =
        desk.command(line).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    let done = lines.map_while(Result::ok).filter(|line| line.starts_with("epoch ")).take(epochs).count();
    assert_eq!(done, epochs, "the run ended before it was interrupted");
    child
}

#[test]
fn more_epochs_equal_as_many_at_once() {
    let desk = with_whole_run();
    desk.ok("forecast --config small.toml --epochs 3 --patience 0 --out parts");
    desk.ok(&format!("resume parts --epochs {EPOCHS}"));
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
        assert!(losses(&desk, &run).len() < EPOCHS, "the run was over before it was killed");
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
    assert!(losses(&desk, "stopped").len() < EPOCHS);
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
    desk.ok("forecast --config small.toml --epochs 3 --patience 0 --out run");
    let model = "run/checkpoints/epoch-000003/model.bpk";
    let mut bytes = desk.bytes(model);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    desk.write(model, bytes);
    desk.refused(&format!("resume run --epochs {EPOCHS}"), "model.bpk: expected a whole checkpoint");
    std::fs::remove_dir_all(desk.path("run/checkpoints/epoch-000003")).expect("the folder");
    desk.ok(&format!("resume run --epochs {EPOCHS}"));
    assert_same_end(&desk, "run");
}

#[test]
fn a_run_killed_before_its_first_checkpoint_goes_on_to_the_same_end() {
    let desk = with_whole_run();
    desk.ok(&format!("forecast --config small.toml --epochs {EPOCHS} --patience 0 --out run"));
    // As if the kill had come in the first epoch, in the middle of writing its checkpoint.
    std::fs::remove_dir_all(desk.path("run/checkpoints")).expect("the checkpoints");
    std::fs::remove_file(desk.path("run/metrics.jsonl")).expect("the metrics");
    std::fs::create_dir_all(desk.path("run/checkpoints/.epoch-000001.partial")).expect("a folder");
    desk.write("run/checkpoints/.epoch-000001.partial/model.bpk", "half");
    desk.ok("resume run");
    assert_same_end(&desk, "run");
}

#[test]
fn every_schedule_goes_on_where_it_was() {
    let desk = Desk::with_waves();
    for schedule in ["exponential", "cosine"] {
        let train = format!("forecast --config small.toml --epochs 6 --schedule {schedule} --noise 0.1 --out");
        desk.ok(&format!("{train} whole --force"));
        desk.ok(&format!("{train} run --force"));
        std::fs::remove_dir_all(desk.path("run/checkpoints/epoch-000006")).expect("the last checkpoint");
        desk.ok("resume run");
        assert_same_end(&desk, "run");
    }
}

#[test]
fn epochs_that_are_done_cannot_be_undone() {
    let desk = Desk::with_waves();
    desk.ok("forecast --config small.toml --epochs 3 --out run");
    let plan = desk.read("run/plan.toml");
    desk.refused("resume run --epochs 2", "--epochs: expected at least 3, for so many are done, found 2");
    assert_eq!(desk.read("run/plan.toml"), plan);
}

#[test]
fn a_run_is_trained_by_one_process_at_a_time() {
    let desk = Desk::with_waves();
    let mut child = start_and_wait(&desk, "run", 1);
    desk.refused("resume run", "run: expected a run that nobody trains, found another process that trains it");
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
}

#[test]
fn more_epochs_of_a_text_equal_as_many_at_once() {
    for (desk, train, _) in with_texts() {
        desk.ok(&format!("{train} --epochs 5 --patience 0 --out whole"));
        desk.ok(&format!("{train} --epochs 2 --patience 0 --out parts"));
        desk.ok("resume parts --epochs 5");
        assert_same_end(&desk, "parts");
        assert_eq!(desk.read("parts/scores.json"), desk.read("whole/scores.json"));
        let ran = desk.ok("resume parts");
        assert!(ran.stdout.contains("All 5 epochs are done"), "{}", ran.stdout);
        let scores = desk.read("parts/scores.json");
        desk.ok("evaluate parts");
        assert_eq!(desk.read("parts/scores.json"), scores);
    }
}

#[test]
fn a_killed_run_on_a_text_goes_on_to_the_same_end() {
    for (desk, train, epochs) in with_texts() {
        desk.ok(&format!("{train} --epochs {epochs} --patience 0 --out whole"));
        let mut child = start_task_and_wait(&desk, &format!("{train} --epochs {epochs} --patience 0 --out killed"), 2);
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        assert!(losses(&desk, "killed").len() < epochs, "the run was over before it was killed");
        desk.ok("resume killed");
        assert_same_end(&desk, "killed");
    }
}
