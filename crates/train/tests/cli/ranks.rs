//! Several processes that train one network, started by `mpirun` on this machine.

use crate::program::TestSandbox;

/// Without MPI, a program that a launcher has started several times must not train the same run several times.
#[cfg(not(feature = "mpi"))]
#[test]
fn launcher_without_mpi_is_refused() {
    let sandbox = TestSandbox::with_waves();
    let rank = |rank: &str| {
        let mut command = sandbox.command("forecast --config small.toml --out run");
        command.env("OMPI_COMM_WORLD_RANK", rank).env("OMPI_COMM_WORLD_SIZE", "2").output().expect("it runs")
    };
    let first = rank("0");
    assert_eq!(first.status.code(), Some(2));
    let error = String::from_utf8_lossy(&first.stderr).into_owned();
    assert!(error.ends_with("this program is built without MPI, build with --features mpi\n"), "{error}");
    assert!(!sandbox.path("run").exists());
}

#[cfg(feature = "mpi")]
mod mpi {
    use std::process::{Child, Command, Output, Stdio};
    use std::thread::sleep;
    use std::time::{Duration, Instant};

    use super::TestSandbox;
    use crate::checkpoints::with_tones;
    use crate::resume::assert_same_result;

    /// No job of these tests takes longer.
    const TIMEOUT: Duration = Duration::from_secs(120);

    /// `mpirun -n N train …` in the sandbox. Root and more ranks than cores are for tests alone.
    fn job(sandbox: &TestSandbox, ranks: usize, line: &str) -> Command {
        launched(sandbox, &[], &[(ranks, "", line)])
    }

    /// A job of several programs: the ranks, folder and arguments of each. They are started by `wrapper`, if there is one.
    fn launched(sandbox: &TestSandbox, wrapper: &[&str], programs: &[(usize, &str, &str)]) -> Command {
        let mut mpirun = Command::new("mpirun");
        for (index, (ranks, folder, line)) in programs.iter().enumerate() {
            let train = sandbox.command(line);
            if index > 0 {
                mpirun.arg(":");
            }
            mpirun.args(["-n", &ranks.to_string(), "-wdir"]).arg(sandbox.path(folder));
            mpirun.args(wrapper).arg(train.get_program()).args(train.get_args());
            mpirun.envs(train.get_envs().filter_map(|(name, value)| Some((name, value?))));
        }
        mpirun.current_dir(sandbox.path("")).env("RAYON_NUM_THREADS", "1");
        for (name, value) in [
            ("OMPI_ALLOW_RUN_AS_ROOT", "1"),
            ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"),
            ("OMPI_MCA_rmaps_base_oversubscribe", "1"),
            ("OMPI_MCA_hwloc_base_binding_policy", "none"),
        ] {
            mpirun.env(name, value);
        }
        mpirun
    }

    fn start(mut command: Command) -> Child {
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("mpirun, of Open MPI or MPICH, is installed")
    }

    /// The exit code and standard error of a job that ends by itself.
    fn ended(mut job: Child) -> (Option<i32>, String) {
        let start = Instant::now();
        while job.try_wait().expect("its state").is_none() {
            if start.elapsed() > TIMEOUT {
                let _ = job.kill();
                panic!("the job does not end");
            }
            sleep(Duration::from_millis(20));
        }
        let Output { status, stderr, .. } = job.wait_with_output().expect("its output");
        (status.code(), String::from_utf8_lossy(&stderr).into_owned())
    }

    fn ok(sandbox: &TestSandbox, ranks: usize, line: &str) {
        let (code, stderr) = ended(start(job(sandbox, ranks, line)));
        assert_eq!(code, Some(0), "train {line}: {stderr}");
    }

    /// A job that fails tells one error.
    fn assert_one_error(stderr: &str, expected: &str) {
        let errors: Vec<&str> = stderr.lines().filter(|line| line.starts_with("error: ")).collect();
        assert!(errors.len() == 1 && errors[0].contains(expected), "expected `{expected}`, found {stderr}");
    }

    /// A number of each epoch.
    fn per_epoch(sandbox: &TestSandbox, run: &str, number: &str) -> Vec<f64> {
        let text = sandbox.read(&format!("{run}/metrics.jsonl"));
        let number_of = |line: &str| {
            let epoch: serde_json::Value = serde_json::from_str(line).expect("JSON");
            epoch[number].as_f64().unwrap_or(1.0)
        };
        text.lines().map(number_of).collect()
    }

    /// The process of the highest rank of a job that trains a run with this name.
    fn last_rank(job: &Child, ranks: usize) -> u32 {
        let children = format!("/proc/{0}/task/{0}/children", job.id());
        let start = Instant::now();
        loop {
            let pids: Vec<u32> =
                std::fs::read_to_string(&children).expect("Linux").split_whitespace().flat_map(str::parse).collect();
            if pids.len() >= ranks {
                return *pids.iter().max().expect("at least one");
            }
            assert!(start.elapsed() < TIMEOUT, "the job does not start");
            sleep(Duration::from_millis(5));
        }
    }

    fn signal(pid: u32, name: &str) {
        assert!(Command::new("kill").args([name, &pid.to_string()]).status().expect("kill").success());
    }

    fn wait_for(sandbox: &TestSandbox, checkpoint: impl Fn(&str) -> bool) {
        let start = Instant::now();
        while !sandbox.path("run/checkpoints").exists()
            || !sandbox.names("run/checkpoints").iter().any(|name| checkpoint(name))
        {
            assert!(start.elapsed() < TIMEOUT, "no checkpoint");
            sleep(Duration::from_millis(1));
        }
    }

    /// Uneven last batches, and with five ranks batches of which some ranks have no share.
    #[test]
    fn every_task_follows_one_process() {
        let tunes = TestSandbox::new();
        tunes.write("tunes.abc", crate::compose::tunes());
        let cases = [
            // A hundred steps.
            (
                TestSandbox::with_waves(),
                2,
                "forecast --config small.toml --noise 0 --level-noise 0 --schedule cosine --warmup 3 --epochs 17",
            ),
            (
                TestSandbox::with_waves(),
                5,
                "forecast --config small.toml --noise 0 --level-noise 0 --accumulate 4 --batch-size 4 --epochs 2",
            ),
            (TestSandbox::with_story(), 3, "generate --config story.toml --state-reset 0 --average 0.9 --epochs 3"),
            (TestSandbox::with_pairs(), 2, "translate --config pairs.toml --epochs 2"),
            (TestSandbox::with_opinions(2), 3, "classify --config opinions.toml --word-dropout 0 --epochs 3"),
            (
                with_tones(),
                5,
                "transcribe --data . --hidden-size 8 --num-layers 1 --batch-size 4 --speed 0 --gain 0 --noise 0 --masks 0 \
                 --epochs 3",
            ),
            (
                tunes,
                3,
                "compose --data tunes.abc --hidden-size 8 --embedding-dim 4 --bptt 4 --batch-size 4 --transpose 0.5 \
                 --epochs 3",
            ),
        ];
        for (sandbox, ranks, train) in cases {
            let train = format!("{train} --dropout 0 --patience 0");
            ok(&sandbox, 1, &format!("{train} --out one"));
            sandbox.ok(&format!("{train} --out whole"));
            assert_same_result(&sandbox, "one");
            for run in ["several", "again"] {
                ok(&sandbox, ranks, &format!("{train} --out {run}"));
            }
            let weights = |run: &str| sandbox.bytes(&format!("{run}/weights.safetensors"));
            assert!(weights("several") == weights("again"), "two jobs of {train}");
            for loss in ["train_loss", "valid_loss"] {
                let [expected, found] = ["one", "several"].map(|run| per_epoch(&sandbox, run, loss));
                for (expected, found) in expected.iter().zip(&found) {
                    assert!((found - expected).abs() < 1e-4 * expected.abs(), "{train}: {found}, not {expected}");
                }
            }
            assert!(per_epoch(&sandbox, "several", "ranks").iter().all(|found| *found == ranks as f64));
        }
    }

    /// With dropout, carried states and an average; then with another number of ranks.
    #[test]
    fn job_of_which_a_rank_is_killed_goes_on_from_its_last_checkpoint() {
        let sandbox = TestSandbox::with_story();
        let train =
            "generate --config story.toml --dropout 0.2 --average 0.9 --patience 0 --epochs 3 --checkpoint-every 1";
        ok(&sandbox, 2, &format!("{train} --out whole"));
        let kill = || {
            let child = start(job(&sandbox, 2, &format!("{train} --out run --force")));
            wait_for(&sandbox, |name| name.starts_with("epoch-000002-batch-"));
            signal(last_rank(&child, 2), "-KILL");
            let (code, stderr) = ended(child);
            assert_ne!(code, Some(0), "{stderr}");
        };
        kill();
        ok(&sandbox, 2, "resume run");
        assert_same_result(&sandbox, "run");

        std::fs::remove_dir_all(sandbox.path("run")).expect("the run");
        kill();
        ok(&sandbox, 3, "resume run");
        assert_eq!(per_epoch(&sandbox, "run", "ranks"), [2.0, 3.0, 3.0]);
    }

    #[test]
    fn rank_that_stops_ends_the_job_in_time() {
        let sandbox = TestSandbox::with_story();
        let child = start(job(
            &sandbox,
            2,
            "generate --config story.toml --epochs 60 --patience 0 --out run --rank-timeout 5s",
        ));
        wait_for(&sandbox, |name| name == "epoch-000001");
        signal(last_rank(&child, 2), "-STOP");
        let start = Instant::now();
        let (code, stderr) = ended(child);
        assert!(start.elapsed() < Duration::from_secs(30), "{stderr}");
        assert_ne!(code, Some(0), "{stderr}");
        assert_one_error(&stderr, "it has waited 5 s for another rank");
        sandbox.ok("resume run");
    }

    #[test]
    fn full_disk_ends_the_job_with_one_error() {
        let sandbox = TestSandbox::with_story();
        // Files of at most 200 blocks of 512 bytes, and an error in place of a signal.
        let wrapper = ["sh", "-c", "trap '' XFSZ; ulimit -f 200; exec \"$0\" \"$@\""];
        let train = "generate --config story.toml --hidden-size 200 --epochs 2 --out run";
        let mut limited = launched(&sandbox, &wrapper, &[(2, "", train)]);
        // The memory that ranks share is a file, too.
        limited.env("OMPI_MCA_btl", "self,tcp");
        let (code, stderr) = ended(start(limited));
        assert_ne!(code, Some(0), "{stderr}");
        assert_one_error(&stderr, "run/");
        assert!(sandbox.names("run/checkpoints").iter().all(|name| name.starts_with('.')), "a half-written checkpoint");
    }

    #[test]
    fn bad_input_is_told_once() {
        let sandbox = TestSandbox::with_waves();
        std::fs::create_dir(sandbox.path("other")).expect("a folder");
        sandbox.write("other/small.toml", sandbox.read("small.toml"));
        sandbox.write("other/waves.csv", sandbox.read("waves.csv") + "2025-01-01,1.0,1.0\n");
        // A path that leads each rank into its own folder, as on another machine.
        let train = "forecast --config small.toml --data /proc/self/cwd/waves.csv --out run";
        let (code, stderr) = ended(start(launched(&sandbox, &[], &[(1, "", train), (1, "other", train)])));
        assert_eq!(code, Some(2), "{stderr}");
        assert_one_error(&stderr, "rank 1: ");

        for (line, error) in [
            ("forecast --config small.toml --hidden-size 0 --out bad", "hidden-size"),
            ("forecast --config small.toml --no-such-flag", "--no-such-flag"),
            ("forecast --config missing.toml --out bad", "missing.toml"),
            ("evaluate run", "started as 3 ranks"),
            ("resume nowhere", "nowhere"),
        ] {
            let (code, stderr) = ended(start(job(&sandbox, 3, line)));
            assert_eq!(code, Some(2), "{line}: {stderr}");
            assert_one_error(&stderr, error);
        }
    }
}
