//! Data sets are listed, shown and fetched.

use std::fs;
use std::path::Path;
#[cfg(unix)]
use std::process::Command;

use recurrent::data::{RAW_FOLDER, sha256};

use crate::program::{Desk, Ran};
use crate::server::{Answer, Server};

/// A text of more than one chunk.
fn letter() -> Vec<u8> {
    "To whom it may concern: \n".repeat(8_000).into_bytes()
}

/// A desk with the manifest of a letter, which lies at an address.
fn with_letter(url: &str) -> Desk {
    with_source(&format!("url = \"{url}\""))
}

fn with_source(source: &str) -> Desk {
    let (desk, letter) = (Desk::new(), letter());
    let (bytes, sum) = (letter.len(), sha256(&letter));
    desk.write(
        "letter.toml",
        format!(
            "name = \"letter\"\ntitle = \"A letter\"\nkind = \"text\"\ndescription = \"A letter to many.\"\n\
             licence = \"mine\"\nfile = \"letter.txt\"\nbytes = {bytes}\nsha256 = \"{sum}\"\n\n\
             [[sources]]\n{source}\nsha256 = \"{sum}\"\n\n[text]\nvalid = 0.1\n"
        ),
    );
    desk
}

const FETCH: &str = "data fetch letter.toml --folder raw";

/// Runs what must fail through no fault of who typed it.
#[track_caller]
fn fails(desk: &Desk, line: &str, error: &str) -> Ran {
    let ran = desk.run(line);
    assert_eq!(ran.code, Some(1), "train {line}\n{}\n{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("error: ") && ran.stderr.contains(error), "expected `{error}` in:\n{}", ran.stderr);
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    assert!(!desk.path("raw/letter/letter.txt").exists(), "half a data set is in its place");
    ran
}

/// Runs what must be refused, after it was told what is to be fetched.
#[track_caller]
fn refused_at_last(desk: &Desk, line: &str, error: &str) {
    let ran = desk.run(line);
    assert_eq!(ran.code, Some(2), "train {line}\n{}\n{}", ran.stdout, ran.stderr);
    let last = ran.stderr.lines().last().unwrap_or_default();
    assert!(last.starts_with("error: ") && last.contains(error), "expected `{error}` in:\n{}", ran.stderr);
}

/// What lies beside the data set's place, without the lock.
fn parts(desk: &Desk) -> Vec<String> {
    desk.listing("raw/letter").into_iter().filter(|name| name != ".lock").collect()
}

#[test]
fn the_list_tells_what_is_at_hand() {
    let desk = Desk::new();
    let list = desk.ok("data list").stdout;
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
        ("home-assistant ", "pairs", "not fetched"),
    ] {
        assert!(line(name).contains(kind) && line(name).contains(state), "{}", line(name));
    }
    assert!(line("home-assistant ").contains("2.5 MB") && line("home-assistant ").contains("Apache-2.0"), "{list}");

    fs::create_dir_all(desk.path("mine/tiny-shakespeare")).expect("a folder");
    desk.write("mine/tiny-shakespeare/tiny-shakespeare.txt", "To be");
    let list = desk.ok("data list --folder mine").stdout;
    assert!(list.lines().any(|line| line.starts_with("tiny-shakespeare ") && line.contains("damaged")), "{list}");
    let shown = desk.ok("data show tiny-shakespeare --folder mine").stdout;
    let command = "`train data fetch tiny-shakespeare --folder mine`";
    assert!(shown.contains("damaged: ") && shown.contains(command), "{shown}");
    assert!(!shown.contains("To be"), "{shown}");
}

#[test]
fn what_a_data_set_is_can_be_shown() {
    let desk = Desk::new();
    for (name, words) in [
        ("weather", &["temp_max from temp_max, 7 ahead, again after 365", "date,precipitation", "2012-01-01,"][..]),
        ("fables", &["the last 0.1 of it to validate", "written  by this project", "The Goat Who Owned the Gate"]),
        ("phrases", &["English to Russian", "split 0.85,0.05,0.1", "Hello!\tПривет!"]),
        ("reviews", &["`label` of `text`; split by `part`", "text\tlabel\tlanguage\tkind\tpart"]),
        ("vader-reviews", &["MIT (C.J. Hutto)", "never score on SST-2", "`train data fetch vader-reviews`"]),
        ("home-assistant", &["Apache-2.0", "the package homeassistant 2026.11.0, 67.6 MB"]),
    ] {
        let shown = desk.ok(&format!("data show {name}")).stdout;
        for word in words {
            assert!(shown.contains(word), "`{word}` in:\n{shown}");
        }
        assert!(shown.lines().all(|line| line.chars().count() <= 140), "{shown}");
    }
}

#[test]
fn a_name_that_is_none_is_told() {
    let desk = Desk::new();
    desk.refused("data show wether", "found `wether`; did you mean `weather`?");
    desk.refused("data fetch home-asistant", "did you mean `home-assistant`?");
    desk.refused("data fetch none.toml", "none.toml: expected a readable file");
    desk.refused(
        "forecast --data fables",
        "fables: expected a data set of the kind series, found one of the kind text",
    );
    let place = Path::new(RAW_FOLDER).join("home-assistant/home-assistant.csv");
    let words = "expected a fetched data set, found nothing; run `train data fetch home-assistant`";
    desk.refused("forecast --data home-assistant", &format!("{}: {words}", place.display()));
}

#[test]
fn a_manifest_that_cannot_be_is_told() {
    let desk = with_letter("http://127.0.0.1:1/");
    let manifest = desk.read("letter.toml");
    desk.write("letter.toml", manifest.replace("name = \"letter\"", "name = \"../letter\""));
    desk.refused(
        FETCH,
        "letter.toml, name: expected a name that can be a folder's, such as tiny-shakespeare, found `../letter`",
    );
    assert!(!desk.path("letter").exists() && !desk.path("raw").exists());
}

#[test]
fn what_comes_with_the_program_is_not_fetched() {
    let desk = Desk::new();
    let ran = desk.ok("data fetch weather");
    assert_eq!(ran.stdout, "weather comes with the program: there is nothing to fetch.\n");
    assert!(!desk.path("datasets").exists());
}

#[test]
fn a_letter_comes_and_stays() {
    let server = Server::with_file(&letter());
    let to = server.url("moved");
    let guide = Server::start(move |_| Answer::redirect(&to));
    let desk = with_letter(&guide.url("letter"));
    let ran = desk.ok(FETCH);
    assert!(ran.stderr.contains("letter: A letter; licence: mine\n"), "{}", ran.stderr);
    assert!(ran.stderr.contains(&format!("from {}", guide.url("letter"))), "{}", ran.stderr);
    let place = Path::new("raw/letter/letter.txt");
    assert_eq!(ran.stdout, format!("letter is there: {}, 200 kB\n", place.display()));
    assert_eq!(desk.bytes("raw/letter/letter.txt"), letter());
    assert_eq!(parts(&desk), ["letter.txt"]);

    let ran = desk.ok(FETCH);
    assert_eq!(ran.stdout, format!("letter is already there: {}\n", place.display()));
    assert_eq!(server.requests().len(), 1);
    let shown = desk.ok("data show letter.toml --folder raw").stdout;
    assert!(shown.contains("state    fetched: ") && shown.contains("\nTo whom it may concern:"), "{shown}");
}

#[test]
fn a_cut_connection_goes_on_in_the_next_call() {
    let letter = letter();
    let server = Server::start(move |request| match request.from {
        None => Answer::whole(&letter).cut(150_000),
        from => Answer::part(&letter, from),
    });
    let desk = with_letter(&server.url("letter"));
    fails(&desk, FETCH, "expected 200000 bytes, found the end of the connection after 50000: ");
    let ran = desk.ok(FETCH);
    assert!(ran.stderr.contains("going on after 50 kB"), "{}", ran.stderr);
    assert_eq!(server.requests()[1].from, Some(50_000));
    assert_eq!(parts(&desk), ["letter.txt"]);
}

#[test]
fn what_the_server_does_wrong_is_no_fault_of_who_typed() {
    let other = Server::with_file(b"another letter");
    fails(&with_letter(&other.url("letter")), FETCH, &format!("found {}; it was removed", sha256(b"another letter")));
    let gone = Server::start(|_| Answer::not_found());
    fails(&with_letter(&gone.url("letter")), FETCH, "expected a file, found the answer 404 (not there)");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr()).expect("a port");
    fails(&with_letter(&format!("http://{nobody}/")), FETCH, "expected an answer, found none: ");
}

#[test]
fn a_file_at_hand_has_to_be_the_right_one() {
    let desk = with_letter("http://127.0.0.1:1/");
    desk.write("mine.txt", "another letter");
    refused_at_last(
        &desk,
        &format!("{FETCH} --from mine.txt"),
        "mine.txt: expected, for letter, http://127.0.0.1:1/ (sha256 ",
    );
    refused_at_last(&desk, &format!("{FETCH} --from none.txt"), "none.txt: expected a readable file");
    desk.write("mine.txt", letter());
    desk.ok(&format!("{FETCH} --from mine.txt"));
    assert_eq!(desk.bytes("raw/letter/letter.txt"), letter());
    assert_eq!(desk.bytes("mine.txt"), letter());
}

/// A disk with room for so many blocks of half a kilobyte, or a whole one: the shell forbids larger files.
#[cfg(unix)]
fn on_a_small_disk(desk: &Desk, line: &str, blocks: usize) -> Ran {
    let program = desk.command(line);
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script, "sh"]).arg(program.get_program()).args(program.get_args());
    shell.current_dir(desk.path("."));
    Ran::from(shell.output().expect("a shell"))
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_told_and_what_came_stays() {
    let server = Server::with_file(&letter());
    let desk = with_letter(&server.url("letter"));
    let ran = on_a_small_disk(&desk, FETCH, 100);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains(": cannot write: "), "{}", ran.stderr);
    let parts = parts(&desk);
    assert!(parts.len() == 1 && parts[0].starts_with(".part-"), "{parts:?}");
    let there = desk.bytes(&format!("raw/letter/{}", parts[0])).len();
    assert!(there > 0 && there < letter().len(), "{there}");

    // With room again, it goes on.
    desk.ok(FETCH);
    assert_eq!(server.requests()[1].from, Some(there));
    assert_eq!(desk.bytes("raw/letter/letter.txt"), letter());
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_with_130_and_keeps_its_part() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;
    use std::time::{Duration, Instant};

    let letter = letter();
    let server = Server::start(move |request| match request.from {
        None => Answer::whole(&letter).cut(150_000).then_silence(Duration::from_secs(2)),
        from => Answer::part(&letter, from),
    });
    let desk = with_letter(&server.url("letter"));
    let mut child =
        desk.command(FETCH).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let start = Instant::now();
    let came = || {
        let parts = fs::read_dir(desk.path("raw/letter")).into_iter().flatten().flatten();
        parts
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(".part-"))
            .any(|entry| entry.metadata().is_ok_and(|part| part.len() == 50_000))
    };
    while !came() {
        assert!(start.elapsed() < Duration::from_secs(60), "no part comes");
        std::thread::sleep(Duration::from_millis(10));
    }
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    let said: Vec<String> = BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok).collect();
    assert_eq!(said.last().map(String::as_str), Some("interrupted; to go on, run it again"));
    let ran = desk.ok(FETCH);
    assert!(ran.stderr.contains("going on after 50 kB"), "{}", ran.stderr);
}

/// Programs called pip that do what a test wants.
#[cfg(unix)]
mod pip {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const SOURCE: &str = "package = \"letters\"\nversion = \"1.2\"\narchive = \"sdist\"\npip = [\"--pre\"]";

    /// A program in the folder `bin`, which can tell its version.
    fn program(desk: &Desk, name: &str, script: &str) {
        fs::create_dir_all(desk.path("bin")).expect("a folder");
        let name = format!("bin/{name}");
        desk.write(&name, format!("#!/bin/sh\ncase \"$*\" in *--version) exit 0;; esac\n{script}\n"));
        fs::set_permissions(desk.path(&name), fs::Permissions::from_mode(0o755)).expect("a program");
    }

    /// Runs with no other programs than those in `bin`.
    fn run(desk: &Desk) -> Ran {
        fs::create_dir_all(desk.path("bin")).expect("a folder");
        Ran::from(desk.command(FETCH).env("PATH", desk.path("bin")).output().expect("the program starts"))
    }

    #[test]
    fn a_package_comes_by_pip() {
        let desk = with_source(SOURCE);
        desk.write("package", letter());
        // The folder is the last word but one.
        let copy =
            "echo \"$*\" >arguments\nwhile [ $# -gt 2 ]; do shift; done\n/bin/cp package \"$1/letters-1.2.tar.gz\"";
        program(&desk, "pip", copy);
        let ran = run(&desk);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(ran.stderr.contains("from the package letters 1.2"), "{}", ran.stderr);
        assert_eq!(desk.bytes("raw/letter/letter.txt"), letter());
        assert_eq!(parts(&desk), ["letter.txt"]);
        let arguments = desk.read("arguments");
        for words in ["download --no-deps ", "--no-binary letters", "--pre", "letters==1.2"] {
            assert!(arguments.contains(words), "`{words}` in {arguments}");
        }
    }

    #[test]
    fn another_package_is_refused() {
        let desk = with_source(SOURCE);
        program(&desk, "pip", "while [ $# -gt 2 ]; do shift; done\necho other >\"$1/letters-1.2.tar.gz\"");
        let ran = run(&desk);
        assert_eq!(ran.code, Some(1), "{}", ran.stderr);
        assert!(ran.stderr.contains("error: the package letters 1.2: expected the sha256 "), "{}", ran.stderr);
        assert!(!desk.path("raw/letter/letter.txt").exists());
    }

    #[test]
    fn what_pip_says_is_told() {
        let desk = with_source(SOURCE);
        program(&desk, "python3", "echo 'ERROR: No matching distribution' >&2\nexit 3");
        let ran = run(&desk);
        assert_eq!(ran.code, Some(1), "{}", ran.stderr);
        let words = "error: python3 -m pip download ";
        assert!(ran.stderr.contains(words), "`{words}` in {}", ran.stderr);
        assert!(
            ran.stderr
                .contains("expected a package, found exit status: 3; pip said:\n  ERROR: No matching distribution"),
            "{}",
            ran.stderr
        );
    }

    #[test]
    fn a_pip_that_brings_nothing_is_told() {
        let desk = with_source(SOURCE);
        program(&desk, "pip", "");
        let ran = run(&desk);
        assert_eq!(ran.code, Some(1), "{}", ran.stderr);
        assert!(ran.stderr.contains("expected a package, found no file; pip said:\n  nothing"), "{}", ran.stderr);
    }

    #[test]
    fn no_pip_is_told() {
        let desk = with_source(SOURCE);
        let ran = run(&desk);
        assert_eq!(ran.code, Some(1), "{}", ran.stderr);
        let words =
            "error: letters 1.2: expected pip to download it, found neither `pip` nor `python3 -m pip`; install pip";
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    }
}
