//! A run that is interrupted and resumed gives the same result as one that is not.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use recurrent::data::sha256;

use crate::program::TestSandbox;

/// The metrics of each epoch, without the time that it took.
fn losses(sandbox: &TestSandbox, run: &str) -> Vec<serde_json::Value> {
    let metrics = |line: &str| {
        let mut epoch: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        epoch.as_object_mut().expect("an object").remove("seconds");
        epoch
    };
    sandbox.read(&format!("{run}/metrics.jsonl")).lines().map(metrics).collect()
}

/// Enough epochs that a run is still training after its first lines of output.
const EPOCHS: usize = 80;

/// The command of most tests.
const FORECAST: &str = "forecast --config small.toml";

/// A sandbox with an uninterrupted run, `whole`.
fn with_whole_run() -> TestSandbox {
    let sandbox = TestSandbox::with_waves();
    sandbox.ok(&format!("{FORECAST} --epochs {EPOCHS} --patience 0 --out whole"));
    sandbox
}

/// A sandbox, a command and a number of epochs for each task on text. Dropout, word dropout and scheduled sampling draw
/// random numbers, so that a generator in a wrong state changes the result.
fn with_texts() -> [(TestSandbox, &'static str, usize); 3] {
    [
        (TestSandbox::with_story(), "generate --config story.toml --dropout 0.2", 12),
        (
            TestSandbox::with_pairs(),
            "translate --config pairs.toml --dropout 0.2 --scheduled-sampling 0.2 --warmup 12 --average 0.98",
            50,
        ),
        (TestSandbox::with_opinions(2), "classify --config opinions.toml --dropout 0.2 --word-dropout 0.1", 60),
    ]
}

#[track_caller]
pub fn assert_same_result(sandbox: &TestSandbox, run: &str) {
    assert_eq!(losses(sandbox, run), losses(sandbox, "whole"));
    assert_eq!(sandbox.bytes(&format!("{run}/weights.safetensors")), sandbox.bytes("whole/weights.safetensors"));
}

/// Starts a run, and returns once `epochs` of its epochs are done.
fn start_and_wait(sandbox: &TestSandbox, run: &str, epochs: usize) -> Child {
    start_command_and_wait(sandbox, &format!("{FORECAST} --epochs {EPOCHS} --patience 0 --out {run}"), epochs)
}

fn start_command_and_wait(sandbox: &TestSandbox, line: &str, epochs: usize) -> Child {
    let mut child =
        sandbox.command(line).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    let done = lines.map_while(Result::ok).filter(|line| line.starts_with("epoch ")).take(epochs).count();
    assert_eq!(done, epochs, "the run ended before it was interrupted");
    child
}

#[test]
fn added_epochs_equal_a_longer_run() {
    let sandbox = with_whole_run();
    sandbox.ok("forecast --config small.toml --epochs 3 --patience 0 --out parts");
    sandbox.ok(&format!("resume parts --epochs {EPOCHS}"));
    assert_same_result(&sandbox, "parts");
}

#[test]
fn killed_run_resumes_to_the_same_result() {
    let sandbox = with_whole_run();
    for epochs in [1, 2, 5] {
        let run = format!("killed-{epochs}");
        let mut child = start_and_wait(&sandbox, &run, epochs);
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        assert!(losses(&sandbox, &run).len() < EPOCHS, "the run was over before it was killed");
        sandbox.ok(&format!("resume {run}"));
        assert_same_result(&sandbox, &run);
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_exits_with_130_and_resumes_to_the_same_result() {
    let sandbox = with_whole_run();
    let mut child = start_and_wait(&sandbox, "stopped", 2);
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert!(losses(&sandbox, "stopped").len() < EPOCHS);
    sandbox.ok("resume stopped");
    assert_same_result(&sandbox, "stopped");
}

#[test]
fn resuming_a_finished_run_changes_nothing() {
    let sandbox = TestSandbox::with_waves();
    sandbox.ok("forecast --config small.toml --epochs 2 --out run");
    let weights = sandbox.bytes("run/weights.safetensors");
    let ran = sandbox.ok("resume run");
    assert!(ran.stdout.contains("All 2 epochs are done"), "{}", ran.stdout);
    assert_eq!(sandbox.bytes("run/weights.safetensors"), weights);
}

#[test]
fn cosine_schedule_cannot_be_extended() {
    let sandbox = TestSandbox::with_waves();
    sandbox.ok("forecast --config small.toml --epochs 2 --schedule cosine --out run");
    sandbox.refused("resume run --epochs 4", "--epochs: expected 2, since the cosine schedule ends there");
}

#[test]
fn changed_data_are_refused() {
    let sandbox = TestSandbox::with_waves();
    sandbox.ok("forecast --config small.toml --epochs 1 --out run");
    let text = sandbox.read("waves.csv").replace("20.0000", "21.0000");
    sandbox.write("waves.csv", text);
    sandbox.refused("resume run --epochs 2", "expected the bytes that it began with (sha256 ");
}

#[test]
fn hostile_checkpoints_under_their_checksums_are_refused() {
    let sandbox = TestSandbox::with_waves();
    sandbox.ok("forecast --config small.toml --epochs 1 --average 0.9 --out run");
    sandbox.ok("forecast --config small.toml --epochs 1 --average 0.9 --hidden-size 5,4 --out other");
    let folder = "run/checkpoints/epoch-000001";
    let progress = sandbox.read(&format!("{folder}/progress.toml"));
    for name in ["model.bpk", "optimizer.bpk", "scheduler.bpk", "average.bpk"] {
        let path = format!("{folder}/{name}");
        let good = sandbox.bytes(&path);
        let mut longer = good.clone();
        // The length of the metadata.
        longer[6..10].copy_from_slice(&[0xff; 4]);
        let mut all = vec![Vec::new(), b"no record".to_vec(), good[..16].to_vec(), longer];
        if name != "scheduler.bpk" {
            all.push(sandbox.bytes(&format!("other/checkpoints/epoch-000001/{name}")));
        }
        for bytes in all {
            sandbox.write(&path, &bytes);
            let checksums = progress.replace(&sha256(&good), &sha256(&bytes));
            sandbox.write(&format!("{folder}/progress.toml"), checksums);
            sandbox.refused("resume run --epochs 2", &format!("{name}: expected a whole checkpoint"));
        }
        sandbox.write(&path, good);
        sandbox.write(&format!("{folder}/progress.toml"), &progress);
    }
    sandbox.ok("resume run --epochs 2");
}

#[test]
fn average_of_the_weights_is_validated_and_saved() {
    let sandbox = TestSandbox::with_waves();
    for (run, average) in [("plain", ""), ("averaged", "--average 0.9")] {
        sandbox.ok(&format!("forecast --config small.toml --epochs 2 --patience 0 {average} --out {run}"));
    }
    let [plain, averaged] = ["plain", "averaged"].map(|run| losses(&sandbox, run));
    // The steps are the same, and what is validated after them is not.
    assert_eq!(plain[1]["train_loss"], averaged[1]["train_loss"]);
    assert_ne!(plain[1]["valid_loss"], averaged[1]["valid_loss"]);
    assert_ne!(sandbox.bytes("plain/weights.safetensors"), sandbox.bytes("averaged/weights.safetensors"));
    // A run that began without an average has none to resume from.
    let config = sandbox.read("plain/config.toml");
    sandbox.write("plain/config.toml", config.replace("average = 0.0", "average = 0.9"));
    sandbox.refused("resume plain --epochs 3", "found none of the averaged weights (`average`)");
}

#[test]
fn damaged_checkpoint_is_reported_and_the_one_before_it_works() {
    let sandbox = with_whole_run();
    sandbox.ok("forecast --config small.toml --epochs 3 --patience 0 --out run");
    let model = "run/checkpoints/epoch-000003/model.bpk";
    let mut bytes = sandbox.bytes(model);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    sandbox.write(model, bytes);
    sandbox.refused(&format!("resume run --epochs {EPOCHS}"), "model.bpk: expected a whole checkpoint");
    std::fs::remove_dir_all(sandbox.path("run/checkpoints/epoch-000003")).expect("the folder");
    sandbox.ok(&format!("resume run --epochs {EPOCHS}"));
    assert_same_result(&sandbox, "run");
}

#[test]
fn run_killed_before_its_first_checkpoint_starts_again() {
    let sandbox = with_whole_run();
    sandbox.ok(&format!("forecast --config small.toml --epochs {EPOCHS} --patience 0 --out run"));
    // As if it was killed while it wrote the checkpoint of the first epoch.
    std::fs::remove_dir_all(sandbox.path("run/checkpoints")).expect("the checkpoints");
    std::fs::remove_file(sandbox.path("run/metrics.jsonl")).expect("the metrics");
    std::fs::create_dir_all(sandbox.path("run/checkpoints/.epoch-000001.partial")).expect("a folder");
    sandbox.write("run/checkpoints/.epoch-000001.partial/model.bpk", "half");
    sandbox.ok("resume run");
    assert_same_result(&sandbox, "run");
}

#[test]
fn learning_rate_schedules_resume_where_they_stopped() {
    let sandbox = TestSandbox::with_waves();
    for schedule in ["exponential", "cosine", "cosine --warmup 9 --average 0.9"] {
        let train = format!("forecast --config small.toml --epochs 6 --schedule {schedule} --noise 0.1 --out");
        sandbox.ok(&format!("{train} whole --force"));
        sandbox.ok(&format!("{train} run --force"));
        std::fs::remove_dir_all(sandbox.path("run/checkpoints/epoch-000006")).expect("the last checkpoint");
        sandbox.ok("resume run");
        assert_same_result(&sandbox, "run");
    }
}

#[test]
fn epochs_cannot_be_fewer_than_are_done() {
    let sandbox = TestSandbox::with_waves();
    sandbox.ok("forecast --config small.toml --epochs 3 --out run");
    let config = sandbox.read("run/config.toml");
    sandbox.refused("resume run --epochs 2", "--epochs: expected at least 3, which are done, found 2");
    assert_eq!(sandbox.read("run/config.toml"), config);
}

#[test]
fn run_is_locked_while_it_trains() {
    let sandbox = TestSandbox::with_waves();
    let mut child = start_and_wait(&sandbox, "run", 1);
    let config = sandbox.read("run/config.toml");
    for command in [
        "resume run",
        "resume run --epochs 100",
        "evaluate run",
        "forecast --config small.toml --hidden-size 5 --out run --force",
    ] {
        let error = "run: expected a run that no other process trains or evaluates, found one that a process does";
        sandbox.refused(command, error);
    }
    assert!(child.try_wait().expect("its state").is_none(), "the run ended before all commands were tried");
    assert_eq!(sandbox.read("run/config.toml"), config);
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    sandbox.ok("forecast --config small.toml --epochs 1 --out run --force");
    let hidden = sandbox.listing("").into_iter().find(|name| name.contains(".new-") || name.contains(".old-"));
    assert_eq!(hidden, None);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_scoring_at_once() {
    use std::time::{Duration, Instant};

    let sandbox = TestSandbox::with_pairs();
    let rows: String = crate::program::pairs()
        .iter()
        .flat_map(|(source, target)| (0..8).map(move |day| format!("{source} n{day}\t{target} n{day}\n")))
        .collect();
    sandbox.write("pairs.tsv", format!("english\tartish\n{rows}"));
    sandbox.ok("translate --config pairs.toml --epochs 1 --split 0.1,0.1,0.8 --beam-size 1 --out run");
    // A wide beam takes many seconds.
    let config = sandbox.read("run/config.toml").replace("beam_size = 1\n", "beam_size = 100\n");
    sandbox.write("run/config.toml", config);
    let mut child =
        sandbox.command("evaluate run").stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("train");
    std::thread::sleep(Duration::from_secs(2));
    assert!(child.try_wait().expect("its state").is_none(), "the evaluation was over before it was interrupted");
    let start = Instant::now();
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert!(start.elapsed() < Duration::from_secs(3), "it took {:?}", start.elapsed());
}

#[test]
fn added_epochs_equal_a_longer_run_on_text() {
    for (sandbox, train, _) in with_texts() {
        sandbox.ok(&format!("{train} --epochs 5 --patience 0 --out whole"));
        sandbox.ok(&format!("{train} --epochs 2 --patience 0 --out parts"));
        sandbox.ok("resume parts --epochs 5");
        assert_same_result(&sandbox, "parts");
        assert_eq!(sandbox.read("parts/scores.json"), sandbox.read("whole/scores.json"));
        let ran = sandbox.ok("resume parts");
        assert!(ran.stdout.contains("All 5 epochs are done"), "{}", ran.stdout);
        let scores = sandbox.read("parts/scores.json");
        sandbox.ok("evaluate parts");
        assert_eq!(sandbox.read("parts/scores.json"), scores);
    }
}

#[test]
fn killed_run_on_text_resumes_to_the_same_result() {
    for (sandbox, train, epochs) in with_texts() {
        sandbox.ok(&format!("{train} --epochs {epochs} --patience 0 --out whole"));
        let mut child =
            start_command_and_wait(&sandbox, &format!("{train} --epochs {epochs} --patience 0 --out killed"), 2);
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        assert!(losses(&sandbox, "killed").len() < epochs, "the run was over before it was killed");
        sandbox.ok("resume killed");
        assert_same_result(&sandbox, "killed");
    }
}
