//! System calls that fail, and kills in the middle of them, by strace: an old run or a whole new one is left, and it
//! predicts.

use std::process::{Command, Stdio};

use crate::program::TestSandbox;

/// `(system call, what happens in it)`.
const FAULTS: [(&str, &str); 8] = [
    ("fsync", "error=EIO"),
    ("renameat2", "error=EIO"),
    ("rename", "error=EACCES"),
    ("mkdir", "error=ENOSPC"),
    ("openat", "error=ENOSPC"),
    ("fsync", "signal=KILL"),
    ("renameat2", "signal=KILL"),
    ("rename", "signal=KILL"),
];

/// Where strace is not installed, or may not trace, there is nothing to inject faults with.
#[allow(clippy::print_stderr, reason = "a test that tries nothing says so")]
fn can_inject() -> bool {
    let traced = Command::new("strace").args(["-qq", "-e", "trace=none", "true"]).stderr(Stdio::null()).status();
    let can = traced.is_ok_and(|status| status.success());
    if !can {
        eprintln!("strace cannot be run: no faults are injected");
    }
    can
}

#[test]
fn faults_leave_a_run_that_predicts() {
    if !can_inject() {
        return;
    }
    for (number, (call, fault)) in FAULTS.into_iter().enumerate() {
        let sandbox = TestSandbox::with_waves();
        sandbox.ok("forecast --config small.toml --epochs 1 --out run");
        // Later and later in the program; opened files are mostly libraries and the like at first.
        let when = if call == "openat" { 60 } else { 1 + number % 3 };
        let mut traced = Command::new("strace");
        traced.args(["-qq", "-f", "-o", "/dev/null", "-e", &format!("trace={call}")]);
        traced.args(["-e", &format!("inject={call}:{fault}:when={when}")]);
        let program = sandbox.command("forecast --config small.toml --epochs 2 --out run --force");
        traced.arg(program.get_program()).args(program.get_args()).current_dir(sandbox.path(""));
        for (name, value) in program.get_envs().filter_map(|(name, value)| Some((name, value?))) {
            traced.env(name, value);
        }
        let ended = traced.output().expect("strace");
        let stderr = String::from_utf8_lossy(&ended.stderr);
        let context = format!("{call}:{fault}:when={when}: {stderr}");
        assert!(!stderr.contains("panicked"), "{context}");
        if fault.starts_with("error") && !ended.status.success() {
            assert!(matches!(ended.status.code(), Some(1 | 2)), "{context}");
            let errors = stderr.lines().filter(|line| line.starts_with("error: "));
            assert_eq!(errors.count(), 1, "{context}");
        }
        // The old run, whole, or the new one, which may have no weights yet.
        let predicted = sandbox.run("predict run");
        if predicted.code != Some(0) {
            sandbox.ok("resume run");
            sandbox.ok("predict run");
        }
    }
}
