//! A run that is killed inside an epoch and resumed gives the same result as one that is not, for every task.

use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Duration;

use recurrent::audio::Audio;

use crate::program::TestSandbox;
use crate::resume::assert_same_result;

/// A sandbox and a command for each task. All that draws random numbers, is carried from batch to batch or depends on the
/// step is on.
fn every_task() -> [(TestSandbox, &'static str); 6] {
    let tunes = TestSandbox::new();
    tunes.write("tunes.abc", crate::compose::tunes());
    [
        (TestSandbox::with_waves(), "forecast --config small.toml --accumulate 2 --schedule cosine --warmup 3"),
        (TestSandbox::with_story(), "generate --config story.toml --state-reset 0.1 --average 0.9"),
        (
            TestSandbox::with_pairs(),
            "translate --config pairs.toml --dropout 0.2 --scheduled-sampling 0.2 --average 0.98",
        ),
        (TestSandbox::with_opinions(2), "classify --config opinions.toml --dropout 0.2 --word-dropout 0.1"),
        (
            with_tones(),
            "transcribe --data . --hidden-size 8 --num-layers 1 --batch-size 4 --dropout 0.1 \
             --speed 0.1 --gain 6 --noise 0.5 --masks 2",
        ),
        (tunes, "compose --data tunes.abc --hidden-size 8 --embedding-dim 4 --bptt 4 --batch-size 4 --transpose 0.5"),
    ]
}

/// Two labels with recordings of tones that tell them apart.
pub fn with_tones() -> TestSandbox {
    let sandbox = TestSandbox::new();
    for (label, step) in [("low", 0.2), ("high", 0.8)] {
        std::fs::create_dir(sandbox.path(label)).expect("a folder");
        for number in 0..20 {
            let sample = |time: usize| (step * (1.0 + 0.01 * number as f32) * time as f32).sin() / 2.0;
            let audio = Audio::new(8_000, (0..2_400).map(sample).collect());
            sandbox.write(&format!("{label}/{number}.wav"), audio.to_wav("tone").expect("a WAV file"));
        }
    }
    sandbox
}

/// Starts a run, and kills it once one of its checkpoints has a name that is wanted.
fn kill_when(sandbox: &TestSandbox, line: &str, wanted: fn(&str) -> bool) {
    let mut child =
        sandbox.command(line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
    while !sandbox.names("killed/checkpoints").iter().any(|name| wanted(name)) {
        assert!(is_running(&mut child), "the run ended before it was killed: train {line}");
        sleep(Duration::from_millis(1));
    }
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
}

fn is_running(child: &mut Child) -> bool {
    child.try_wait().expect("its state").is_none()
}

fn is_inside(name: &str) -> bool {
    name.starts_with("epoch-") && name.contains("-batch-")
}

#[test]
fn a_run_killed_inside_an_epoch_resumes_to_the_same_result() {
    for (sandbox, train) in every_task() {
        let train = format!("{train} --epochs 3 --patience 0 --checkpoint-every 1 --keep 3");
        sandbox.ok(&format!("{train} --out whole"));
        let kills: [fn(&str) -> bool; 3] = [
            is_inside,
            // In the second epoch, while a checkpoint is written.
            |name| name.starts_with(".epoch-000002-batch-"),
            // As soon as the second epoch is over.
            |name| name == "epoch-000002",
        ];
        for wanted in kills {
            kill_when(&sandbox, &format!("{train} --out killed --force"), wanted);
            sandbox.ok("resume killed");
            assert_same_result(&sandbox, "killed");
            assert_eq!(sandbox.names("killed/checkpoints").len(), 3, "{train}");
        }
    }
}

#[test]
fn checkpoints_are_written_after_steps_or_time() {
    let sandbox = TestSandbox::with_waves();
    let epoch = |options: &str| {
        sandbox.ok(&format!("forecast --config small.toml --epochs 1 --keep 100 --force --out run {options}"));
        sandbox.names("run/checkpoints")
    };
    assert_eq!(epoch(""), ["epoch-000001"]);
    assert_eq!(epoch("--checkpoint-every 1h"), ["epoch-000001"]);
    // Six batches of 32 windows each.
    let inside = ["epoch-000001", "epoch-000001-batch-00000002", "epoch-000001-batch-00000004"];
    assert_eq!(epoch("--checkpoint-every 2")[..3], inside);
    assert_eq!(epoch("--checkpoint-every 1 --accumulate 2")[..3], inside);
    sandbox.write("bad.toml", sandbox.read("small.toml") + "checkpoint_every = \"5d\"\n");
    sandbox.refused("forecast --config bad.toml --out other", "expected gradient steps (500) or a time (90s, 10m, 2h)");
    sandbox.refused("forecast --config small.toml --keep 0 --out other", "keep");
}

#[test]
fn a_damaged_checkpoint_inside_an_epoch_is_refused() {
    let sandbox = TestSandbox::with_story();
    let train = "generate --config story.toml --epochs 3 --checkpoint-every 1 --out killed";
    kill_when(&sandbox, train, is_inside);
    let last = sandbox.names("killed/checkpoints").into_iter().rfind(|name| is_inside(name)).expect("a checkpoint");
    let progress = format!("killed/checkpoints/{last}/progress.toml");
    let text = sandbox.read(&progress);
    for (from, to, error) in [
        ("\nbatches = ", "\nbatches = 9", "another place in its epoch"),
        ("\nrows = 8\n", "\nrows = 9\n", "a state of 9 rows, where a batch has at most 8"),
        ("\nrows = 8\n", "\nrows = 7\n", "a tensor `parts.0`"),
        ("\n[carried]\n", "\n[dropped]\n", "none of the state that is carried"),
        ("\nseconds = ", "\nseconds = -", "means or a place that no epoch of this run has"),
        ("\nseconds = ", "\nseconds = inf #", "means or a place that no epoch of this run has"),
        ("\nitems = ", "\nitems = -", "invalid value"),
    ] {
        assert!(text.contains(from), "no `{from}` in {text}");
        sandbox.write(&progress, text.replacen(from, to, 1));
        sandbox.refused("resume killed", error);
    }
    sandbox.write(&progress, &text);
    sandbox.ok("resume killed");
}
