//! Runs that come from somebody else: nothing in their folder is trusted.

use crate::program::TestSandbox;

/// A sandbox with a trained run, `run`.
fn with_run() -> TestSandbox {
    let sandbox = TestSandbox::with_waves();
    sandbox.ok("forecast --config small.toml --epochs 2 --patience 0 --out run");
    sandbox
}

#[test]
fn weights_that_are_no_numbers_are_refused() {
    let sandbox = with_run();
    let weights = sandbox.bytes("run/weights.safetensors");
    for weight in [f32::NAN, f32::INFINITY] {
        let mut damaged = weights.clone();
        let last = damaged.len() - 4;
        damaged[last..].copy_from_slice(&weight.to_le_bytes());
        sandbox.write("run/weights.safetensors", damaged);
        for command in ["predict run", "evaluate run", "resume run --epochs 3"] {
            sandbox.refused(command, "run/weights.safetensors: expected finite weights, found ");
        }
    }
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    use std::fs;
    use std::os::unix::fs::symlink;

    let sandbox = with_run();
    sandbox.write("letter", "mine");
    fs::create_dir(sandbox.path("photos")).expect("a folder");
    sandbox.write("photos/epoch-000001", "mine");
    for (name, target, command) in [
        ("scores.json", "letter", "evaluate run"),
        ("plots", "photos", "evaluate run"),
        (".lock", "letter", "evaluate run"),
        ("weights.safetensors", "letter", "predict run"),
        ("config.toml", "letter", "predict run"),
        ("metrics.jsonl", "letter", "resume run --epochs 3"),
        ("checkpoints", "photos", "resume run --epochs 3"),
        ("checkpoints/epoch-000002/model.bpk", "letter", "resume run --epochs 3"),
    ] {
        let [place, kept] = [sandbox.path(&format!("run/{name}")), sandbox.path("kept")];
        let existed = fs::rename(&place, &kept).is_ok();
        symlink(sandbox.path(target), &place).expect("a link");
        let ran = sandbox.run(command);
        assert_eq!(ran.code, Some(2), "{name}: {}", ran.stderr);
        let error = ran.stderr.lines().last().unwrap_or_default();
        assert!(error.contains(&format!("error: run/{name}: ")) && error.contains("found a symbolic link"), "{error}");
        assert_eq!((sandbox.read("letter"), sandbox.listing("photos")), ("mine".into(), vec!["epoch-000001".into()]));
        fs::remove_file(&place).expect("the link");
        if existed {
            fs::rename(&kept, &place).expect("it is put back");
        }
    }
    sandbox.ok("resume run --epochs 4");
}

#[cfg(unix)]
#[test]
fn data_of_a_run_must_be_a_regular_file() {
    let sandbox = with_run();
    let made = std::process::Command::new("mkfifo").arg(sandbox.path("pipe")).status().expect("mkfifo");
    assert!(made.success());
    let config = sandbox.read("run/config.toml");
    let data = config.lines().find(|line| line.starts_with("data = ")).expect("a setting");
    for path in [sandbox.path("pipe").display().to_string(), "/dev/zero".into()] {
        sandbox.write("run/config.toml", config.replace(data, &format!("data = \"{path}\"")));
        for command in ["evaluate run", "resume run", "summary run"] {
            let found = format!("found `{path}`, a pipe, a socket or a device");
            sandbox
                .refused(command, &format!("run/config.toml: expected the path of a regular file as `data`, {found}"));
        }
    }
}

#[cfg(unix)]
#[test]
fn pipes_in_a_run_are_refused_at_once() {
    let sandbox = with_run();
    std::fs::remove_file(sandbox.path("run/history.csv")).expect("the file");
    let made = std::process::Command::new("mkfifo").arg(sandbox.path("run/history.csv")).status().expect("mkfifo");
    assert!(made.success());
    let error = "run/history.csv: expected a regular file, found a pipe, a socket or a device";
    sandbox.refused("predict run", error);
}

#[test]
fn scores_that_cannot_be_saved_are_shown() {
    let sandbox = with_run();
    std::fs::remove_file(sandbox.path("run/scores.json")).expect("the scores");
    std::fs::create_dir(sandbox.path("run/scores.json")).expect("a folder");
    let ran = sandbox.run("evaluate run");
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(ran.stdout.contains("MASE"), "{}", ran.stdout);
    assert!(ran.stderr.contains("run/scores.json: expected a regular file, found a folder"), "{}", ran.stderr);
}

/// The administrator may write everywhere, so that for him this is an ordinary evaluation.
#[cfg(unix)]
#[test]
fn read_only_run_is_evaluated() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    let sandbox = with_run();
    std::fs::remove_file(sandbox.path("run/.lock")).expect("the lock");
    for folder in ["run/plots", "run"] {
        set_permissions(sandbox.path(folder), Permissions::from_mode(0o555)).expect("permissions");
    }
    let ran = sandbox.ok("evaluate run");
    assert!(ran.stdout.contains("MASE"), "{}", ran.stdout);
    for folder in ["run", "run/plots"] {
        set_permissions(sandbox.path(folder), Permissions::from_mode(0o755)).expect("permissions");
    }
}
