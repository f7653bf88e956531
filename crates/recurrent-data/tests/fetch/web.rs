//! Files at an address, whatever the server does.

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use recurrent_data::{State, sha256};

use crate::place::{Place, at, text};
use crate::server::{Answer, Request, Server};

/// More than one chunk of it.
fn letter() -> Vec<u8> {
    (0..150_000_u32).map(|index| (index % 251) as u8).collect()
}

/// How a file is called until it is whole.
fn part(contents: &[u8]) -> String {
    format!(".part-{}", &sha256(contents)[..8])
}

fn asked(from: &[Option<usize>]) -> Vec<Request> {
    from.iter().map(|from| Request { path: "/letter".into(), from: *from }).collect()
}

#[test]
fn a_file_comes_into_its_place_once() {
    let (place, letter) = (Place::new(), letter());
    let server = Server::with_file(&letter);
    let set = text(&letter, &at(&server.url("letter"), &letter));
    let (file, told) = place.fetch(&set, None).unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), letter);
    assert_eq!(file, set.place(place.path()));
    assert_eq!(set.state(place.path()).unwrap(), State::Fetched);
    assert_eq!(told[0], format!("asking {}", server.url("letter")));
    assert_eq!(told[1], "0 of Some(150000)");
    assert_eq!(told.last().unwrap(), "150000 of Some(150000)");
    assert_eq!(place.files(&set), ["letter.txt"]);

    let (again, told) = place.fetch(&set, None).unwrap();
    assert_eq!((again, told.len()), (file, 0));
    assert_eq!(server.requests(), asked(&[None]));
}

#[test]
fn a_file_that_changed_is_fetched_again() {
    let (place, letter) = (Place::new(), letter());
    let server = Server::with_file(&letter);
    let set = text(&letter, &at(&server.url("letter"), &letter));
    let (file, _) = place.fetch(&set, None).unwrap();
    std::fs::write(&file, "other words").unwrap();
    place.fetch(&set, None).unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), letter);
}

#[test]
fn a_cut_connection_keeps_its_part_and_the_next_call_goes_on() {
    let (place, letter) = (Place::new(), letter());
    let file = letter.clone();
    let server = Server::start(move |request| match request.from {
        None => Answer::whole(&file).cut(50_000),
        from => Answer::part(&file, from),
    });
    let set = text(&letter, &at(&server.url("letter"), &letter));
    let error = place.refused(&set, None, false);
    let url = server.url("letter");
    let expected = format!("{url}: expected 150000 bytes, found the end of the connection after 100000: ");
    assert!(error.starts_with(&expected), "{error}");
    assert!(error.ends_with("; run it again to go on from there"), "{error}");
    assert_eq!(place.files(&set), [part(&letter)]);

    let (file, told) = place.fetch(&set, None).unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), letter);
    assert_eq!(told[1..3], ["resuming after 100000", "100000 of Some(150000)"]);
    assert_eq!(place.files(&set), ["letter.txt"]);
    assert_eq!(server.requests(), asked(&[None, Some(100_000)]));
}

#[test]
fn a_server_that_cannot_go_on_gives_all_again() {
    let (place, letter) = (Place::new(), letter());
    let (file, calls) = (letter.clone(), std::sync::atomic::AtomicUsize::new(0));
    let server = Server::start(move |_| match calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
        0 => Answer::whole(&file).cut(1),
        _ => Answer::whole(&file),
    });
    let set = text(&letter, &at(&server.url("letter"), &letter));
    place.refused(&set, None, false);
    let (file, told) = place.fetch(&set, None).unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), letter);
    assert_eq!(told[1], "0 of Some(150000)");
    assert_eq!(server.requests(), asked(&[None, Some(149_999)]));
}

#[test]
fn a_server_that_goes_on_elsewhere_is_asked_for_all() {
    let (place, letter) = (Place::new(), letter());
    let file = letter.clone();
    let server = Server::start(move |request| Answer::part(&file, request.from.map(|from| from + 1)));
    let set = text(&letter, &at(&server.url("letter"), &letter));
    std::fs::create_dir(place.path().join("letter")).unwrap();
    place.write(&format!("letter/{}", part(&letter)), &letter[..10]);
    place.fetch(&set, None).unwrap();
    assert_eq!(server.requests(), asked(&[Some(10), None]));
}

#[test]
fn a_part_that_is_too_long_is_thrown_away() {
    let (place, letter) = (Place::new(), letter());
    let server = Server::with_file(&letter);
    let set = text(&letter, &at(&server.url("letter"), &letter));
    std::fs::create_dir(place.path().join("letter")).unwrap();
    place.write(&format!("letter/{}", part(&letter)), [&*letter, b"and more"].concat());
    place.fetch(&set, None).unwrap();
    assert_eq!(server.requests(), asked(&[Some(150_008), None]));
}

#[test]
fn a_part_that_is_whole_already_needs_no_server() {
    let (place, letter) = (Place::new(), letter());
    let set = text(&letter, &at("http://127.0.0.1:1/letter", &letter));
    std::fs::create_dir(place.path().join("letter")).unwrap();
    place.write(&format!("letter/{}", part(&letter)), &letter);
    let (_, told) = place.fetch(&set, None).unwrap();
    assert!(told.is_empty(), "{told:?}");
}

#[test]
fn other_bytes_are_refused_with_both_sums_and_removed() {
    let (place, letter) = (Place::new(), letter());
    let server = Server::with_file(b"another letter");
    let set = text(&letter, &at(&server.url("letter"), &letter));
    let error = place.refused(&set, None, false);
    let (expected, found) = (sha256(&letter), sha256(b"another letter"));
    let url = server.url("letter");
    assert_eq!(error, format!("{url}: expected the sha256 {expected}, found {found}; it was removed"));
    assert!(place.files(&set).is_empty(), "{:?}", place.files(&set));
}

#[test]
fn a_source_that_gives_another_file_than_the_manifest_means_is_refused() {
    let (place, letter) = (Place::new(), letter());
    let server = Server::with_file(b"another letter");
    let set = text(&letter, &at(&server.url("letter"), b"another letter"));
    let error = place.refused(&set, None, false);
    assert!(
        error.starts_with(&format!("letter, prepared: expected the sha256 {}, found ", sha256(&letter))),
        "{error}"
    );
}

#[test]
fn more_bytes_than_the_manifest_says_are_not_waited_for() {
    let (place, letter) = (Place::new(), letter());
    let file = letter.clone();
    let server = Server::start(move |_| {
        let more = Answer::new("200 OK\r\nContent-Length: 9000000000", &[&*file, &*file].concat());
        more.then_silence(Duration::from_secs(600))
    });
    let source = at(&server.url("letter"), &letter) + "bytes = 150000\n";
    let set = text(&letter, &source);
    let error = place.refused(&set, None, false);
    assert!(error.contains("expected the sha256"), "{error}");
}

#[test]
fn a_length_that_nobody_says_is_no_hindrance() {
    let (place, letter) = (Place::new(), letter());
    let file = letter.clone();
    let server = Server::start(move |request| match request.from {
        None => Answer::new("200 OK", &file[..9]),
        Some(_) => Answer::new("200 OK", &file),
    });
    let set = text(&letter, &(at(&server.url("letter"), &letter) + "bytes = 150000\n"));
    // The manifest knows that this was not all.
    let error = place.refused(&set, None, false);
    assert!(error.contains("expected 150000 bytes, found the end of the connection after 9: "), "{error}");
    let (file, told) = place.fetch(&set, None).unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), letter);
    assert_eq!(told.last().unwrap(), "150000 of Some(150000)");
}

#[test]
fn an_answer_without_a_file_is_told() {
    let (place, letter) = (Place::new(), letter());
    let server = Server::start(|request| match &*request.path {
        "/busy" => Answer::new("503 Service Unavailable\r\nContent-Length: 0", b""),
        _ => Answer::not_found(),
    });
    for (path, answer) in [("letter", "404 (not there)"), ("busy", "503 (the server has a problem)")] {
        let set = text(&letter, &at(&server.url(path), &letter));
        let error = place.refused(&set, None, false);
        assert_eq!(error, format!("{}: expected a file, found the answer {answer}", server.url(path)));
    }
}

#[test]
fn a_part_survives_an_answer_without_a_file() {
    let (place, letter) = (Place::new(), letter());
    let server = Server::start(|_| Answer::not_found());
    let set = text(&letter, &at(&server.url("letter"), &letter));
    std::fs::create_dir(place.path().join("letter")).unwrap();
    let half = place.write(&format!("letter/{}", part(&letter)), &letter[..75_000]);
    place.refused(&set, None, false);
    assert_eq!(std::fs::read(half).unwrap(), letter[..75_000]);
}

#[test]
fn redirects_are_followed_and_keep_what_was_asked() {
    let (place, letter) = (Place::new(), letter());
    let target = Server::with_file(&letter);
    let to = target.url("moved");
    let server = Server::start(move |_| Answer::redirect(&to));
    let set = text(&letter, &at(&server.url("letter"), &letter));
    std::fs::create_dir(place.path().join("letter")).unwrap();
    place.write(&format!("letter/{}", part(&letter)), &letter[..70_000]);
    let (file, told) = place.fetch(&set, None).unwrap();
    assert_eq!(std::fs::read(file).unwrap(), letter);
    assert_eq!(told[1], "resuming after 70000");
    assert_eq!(target.requests(), [Request { path: "/moved".into(), from: Some(70_000) }]);
}

#[test]
fn redirects_in_a_circle_end() {
    let (place, letter) = (Place::new(), letter());
    let server = Server::start(|_| Answer::redirect("/letter"));
    let set = text(&letter, &at(&server.url("letter"), &letter));
    let error = place.refused(&set, None, false);
    assert!(error.starts_with(&format!("{}: expected an answer, found none: ", server.url("letter"))), "{error}");
}

#[test]
fn a_refused_connection_is_told() {
    let (place, letter) = (Place::new(), letter());
    // Bound and let go: nobody listens there.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{address}/letter");
    let set = text(&letter, &at(&url, &letter));
    let error = place.refused(&set, None, false);
    assert!(error.starts_with(&format!("{url}: expected an answer, found none: ")), "{error}");
    assert!(error.to_lowercase().contains("refused"), "{error}");
}

#[test]
fn sources_are_asked_in_order() {
    let (place, letter) = (Place::new(), letter());
    let (gone, there) = (Server::start(|_| Answer::not_found()), Server::with_file(&letter));
    let sources = at(&gone.url("letter"), &letter) + &at(&there.url("letter"), &letter);
    let (file, told) = place.fetch(&text(&letter, &sources), None).unwrap();
    assert_eq!(std::fs::read(file).unwrap(), letter);
    assert_eq!(told[1], format!("failed: {}: expected a file, found the answer 404 (not there)", gone.url("letter")));
    assert_eq!(told[2], format!("asking {}", there.url("letter")));
}

#[test]
fn when_every_source_fails_each_is_told() {
    let (place, letter) = (Place::new(), letter());
    let (gone, wrong) = (Server::start(|_| Answer::not_found()), Server::with_file(b"wrong"));
    let sources = at(&gone.url("letter"), &letter) + &at(&wrong.url("letter"), &letter);
    let error = place.refused(&text(&letter, &sources), None, false);
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(lines[0], "letter: expected one of its 2 sources, found none that works:");
    assert!(lines[1].starts_with(&format!("  {}: expected a file", gone.url("letter"))), "{error}");
    assert!(lines[2].starts_with(&format!("  {}: expected the sha256", wrong.url("letter"))), "{error}");
}

#[test]
fn a_file_at_hand_takes_the_place_of_the_source() {
    let (place, letter) = (Place::new(), letter());
    let set = text(&letter, &at("http://127.0.0.1:1/letter", &letter));
    let mine = place.write("mine", &letter);
    let (file, _) = place.fetch(&set, Some(&mine)).unwrap();
    assert_eq!(std::fs::read(file).unwrap(), letter);
    assert!(mine.exists(), "what was given stays");
    assert_eq!(place.files(&set), ["letter.txt"]);
}

#[test]
fn another_file_at_hand_is_refused() {
    let (place, letter) = (Place::new(), letter());
    let set = text(&letter, &at("http://127.0.0.1:1/letter", &letter));
    let mine = place.write("mine", "another letter");
    assert_eq!(
        place.refused(&set, Some(&mine), true),
        format!(
            "{}: expected, for letter, http://127.0.0.1:1/letter (sha256 {}); found a file with the sha256 {}",
            mine.display(),
            sha256(&letter),
            sha256(b"another letter")
        )
    );
    let error = place.refused(&set, Some(Path::new("nowhere/none")), true);
    assert!(error.starts_with("nowhere/none: expected a readable file: "), "{error}");
    let error = place.refused(&set, Some(place.path()), true);
    assert!(error.contains(": expected a readable file: is a directory"), "{error}");
}

#[test]
fn a_manifest_without_a_source_has_nothing_to_fetch() {
    let (place, letter) = (Place::new(), letter());
    let set = text(&letter, "written = \"by me\"\n");
    assert_eq!(place.refused(&set, None, true), "letter: expected a source to fetch it from, found none");
}

#[test]
fn two_do_not_fetch_into_one_folder() {
    let (place, letter) = (Place::new(), letter());
    let set = text(&letter, &at("http://127.0.0.1:1/letter", &letter));
    std::fs::create_dir(place.path().join("letter")).unwrap();
    let held = File::create(place.path().join("letter/.lock")).unwrap();
    held.lock().unwrap();
    let error = place.refused(&set, None, false);
    assert!(error.ends_with("found another process that fetches into it"), "{error}");
}

#[test]
fn a_folder_that_cannot_be_made_is_told() {
    let (place, letter) = (Place::new(), letter());
    let set = text(&letter, &at("http://127.0.0.1:1/letter", &letter));
    place.write("letter", "a file where a folder should be");
    let error = place.fetch(&set, None).unwrap_err();
    assert!(error.is_bad_input());
    assert!(error.to_string().contains("letter: cannot make the folder: "), "{error}");
}
