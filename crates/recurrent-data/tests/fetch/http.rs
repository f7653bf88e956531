//! HTTP downloads with all kinds of servers.

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use recurrent_data::{Availability, sha256};

use crate::sandbox::{Sandbox, text_manifest, url_source};
use crate::server::{Answer, Request, Server};

/// A file of more than one chunk.
fn letter() -> Vec<u8> {
    (0..150_000_u32).map(|index| (index % 251) as u8).collect()
}

/// The name of the partial file.
fn partial_name(contents: &[u8]) -> String {
    format!(".part-{}", &sha256(contents)[..8])
}

fn requests(from: &[Option<usize>]) -> Vec<Request> {
    from.iter().map(|from| Request { path: "/letter".into(), from: *from }).collect()
}

#[test]
fn file_is_downloaded_once() {
    let (sandbox, letter) = (Sandbox::new(), letter());
    let server = Server::with_file(&letter);
    let set = text_manifest(&letter, &url_source(&server.url("letter"), &letter));
    let (file, events) = sandbox.fetch(&set, None).unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), letter);
    assert_eq!(file, set.path_in(sandbox.path()));
    assert_eq!(set.availability(sandbox.path()).unwrap(), Availability::Fetched);
    assert_eq!(events[0], format!("connecting to {}", server.url("letter")));
    assert_eq!(events[1], "0 of Some(150000)");
    assert_eq!(events.last().unwrap(), "150000 of Some(150000)");
    assert_eq!(sandbox.files(&set), ["letter.txt"]);

    let (again, events) = sandbox.fetch(&set, None).unwrap();
    assert_eq!((again, events.len()), (file, 0));
    assert_eq!(server.requests(), requests(&[None]));
}

#[test]
fn changed_file_is_downloaded_again() {
    let (sandbox, letter) = (Sandbox::new(), letter());
    let server = Server::with_file(&letter);
    let set = text_manifest(&letter, &url_source(&server.url("letter"), &letter));
    let (file, _) = sandbox.fetch(&set, None).unwrap();
    std::fs::write(&file, "other words").unwrap();
    sandbox.fetch(&set, None).unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), letter);
}

#[test]
fn interrupted_download_is_resumed() {
    let (sandbox, letter) = (Sandbox::new(), letter());
    let file = letter.clone();
    let server = Server::start(move |request| match request.from {
        None => Answer::whole(&file).cut(50_000),
        from => Answer::part(&file, from),
    });
    let set = text_manifest(&letter, &url_source(&server.url("letter"), &letter));
    let error = sandbox.rejected(&set, None, false);
    let url = server.url("letter");
    let expected = format!("{url}: expected 150000 bytes, found the end of the connection after 100000: ");
    assert!(error.starts_with(&expected), "{error}");
    assert!(error.ends_with("; fetch again to resume"), "{error}");
    assert_eq!(sandbox.files(&set), [partial_name(&letter)]);

    let (file, events) = sandbox.fetch(&set, None).unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), letter);
    assert_eq!(events[1..3], ["resuming after 100000", "100000 of Some(150000)"]);
    assert_eq!(sandbox.files(&set), ["letter.txt"]);
    assert_eq!(server.requests(), requests(&[None, Some(100_000)]));
}

#[test]
fn download_restarts_if_the_server_cannot_resume() {
    let (sandbox, letter) = (Sandbox::new(), letter());
    let (file, calls) = (letter.clone(), std::sync::atomic::AtomicUsize::new(0));
    let server = Server::start(move |_| match calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
        0 => Answer::whole(&file).cut(1),
        _ => Answer::whole(&file),
    });
    let set = text_manifest(&letter, &url_source(&server.url("letter"), &letter));
    sandbox.rejected(&set, None, false);
    let (file, events) = sandbox.fetch(&set, None).unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), letter);
    assert_eq!(events[1], "0 of Some(150000)");
    assert_eq!(server.requests(), requests(&[None, Some(149_999)]));
}

#[test]
fn download_restarts_if_the_response_begins_elsewhere() {
    let (sandbox, letter) = (Sandbox::new(), letter());
    let file = letter.clone();
    let server = Server::start(move |request| Answer::part(&file, request.from.map(|from| from + 1)));
    let set = text_manifest(&letter, &url_source(&server.url("letter"), &letter));
    std::fs::create_dir(sandbox.path().join("letter")).unwrap();
    sandbox.write(&format!("letter/{}", partial_name(&letter)), &letter[..10]);
    sandbox.fetch(&set, None).unwrap();
    assert_eq!(server.requests(), requests(&[Some(10), None]));
}

#[test]
fn too_long_partial_file_is_discarded() {
    let (sandbox, letter) = (Sandbox::new(), letter());
    let server = Server::with_file(&letter);
    let set = text_manifest(&letter, &url_source(&server.url("letter"), &letter));
    std::fs::create_dir(sandbox.path().join("letter")).unwrap();
    sandbox.write(&format!("letter/{}", partial_name(&letter)), [&*letter, b"and more"].concat());
    sandbox.fetch(&set, None).unwrap();
    assert_eq!(server.requests(), requests(&[Some(150_008), None]));
}

#[test]
fn complete_partial_file_needs_no_server() {
    let (sandbox, letter) = (Sandbox::new(), letter());
    let set = text_manifest(&letter, &url_source("http://127.0.0.1:1/letter", &letter));
    std::fs::create_dir(sandbox.path().join("letter")).unwrap();
    sandbox.write(&format!("letter/{}", partial_name(&letter)), &letter);
    let (_, events) = sandbox.fetch(&set, None).unwrap();
    assert!(events.is_empty(), "{events:?}");
}

#[test]
fn checksum_mismatch_removes_the_file() {
    let (sandbox, letter) = (Sandbox::new(), letter());
    let server = Server::with_file(b"another letter");
    let set = text_manifest(&letter, &url_source(&server.url("letter"), &letter));
    let error = sandbox.rejected(&set, None, false);
    let (expected, found) = (sha256(&letter), sha256(b"another letter"));
    let url = server.url("letter");
    assert_eq!(error, format!("{url}: expected the sha256 {expected}, found {found}; the file was removed"));
    assert!(sandbox.files(&set).is_empty(), "{:?}", sandbox.files(&set));
}

#[test]
fn source_with_another_file_is_rejected() {
    let (sandbox, letter) = (Sandbox::new(), letter());
    let server = Server::with_file(b"another letter");
    let set = text_manifest(&letter, &url_source(&server.url("letter"), b"another letter"));
    let error = sandbox.rejected(&set, None, false);
    assert!(
        error.starts_with(&format!("letter, prepared: expected the sha256 {}, found ", sha256(&letter))),
        "{error}"
    );
}

#[test]
fn too_long_download_is_stopped() {
    let (sandbox, letter) = (Sandbox::new(), letter());
    for (has_length, num_bytes, limit) in
        [(true, "num_bytes = 150000\n", 150_000), (false, "num_bytes = 150000\n", 150_000), (true, "", 1 << 30)]
    {
        let file = letter.clone();
        let server = Server::start(move |_| {
            let status = if has_length { "200 OK\r\nContent-Length: 9000000000" } else { "200 OK" };
            Answer::new(status, &[&*file, &*file].concat()).then_silence(Duration::from_secs(600))
        });
        let set = text_manifest(&letter, &(url_source(&server.url("letter"), &letter) + num_bytes));
        let error = sandbox.rejected(&set, None, false);
        assert_eq!(error, format!("{}: expected at most {limit} bytes, found more", server.url("letter")));
        let left = std::fs::metadata(sandbox.path().join("letter").join(partial_name(&letter)));
        assert_eq!(left.unwrap().len(), 0);
    }
}

#[test]
fn unknown_content_length_is_accepted() {
    let (sandbox, letter) = (Sandbox::new(), letter());
    let file = letter.clone();
    let server = Server::start(move |request| match request.from {
        None => Answer::new("200 OK", &file[..9]),
        Some(_) => Answer::new("200 OK", &file),
    });
    let set = text_manifest(&letter, &(url_source(&server.url("letter"), &letter) + "num_bytes = 150000\n"));
    // The manifest has the size, so the file is known to be incomplete.
    let error = sandbox.rejected(&set, None, false);
    assert!(error.contains("expected 150000 bytes, found the end of the connection after 9: "), "{error}");
    let (file, events) = sandbox.fetch(&set, None).unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), letter);
    assert_eq!(events.last().unwrap(), "150000 of Some(150000)");
}

#[test]
fn http_status_is_reported() {
    let (sandbox, letter) = (Sandbox::new(), letter());
    let server = Server::start(|request| match &*request.path {
        "/busy" => Answer::new("503 Service Unavailable\r\nContent-Length: 0", b""),
        _ => Answer::not_found(),
    });
    for (path, status) in [("letter", "404 (not found)"), ("busy", "503 (server error)")] {
        let set = text_manifest(&letter, &url_source(&server.url(path), &letter));
        let error = sandbox.rejected(&set, None, false);
        assert_eq!(error, format!("{}: expected a file, found the HTTP status {status}", server.url(path)));
    }
}

#[test]
fn failed_request_keeps_the_partial_file() {
    let (sandbox, letter) = (Sandbox::new(), letter());
    let server = Server::start(|_| Answer::not_found());
    let set = text_manifest(&letter, &url_source(&server.url("letter"), &letter));
    std::fs::create_dir(sandbox.path().join("letter")).unwrap();
    let half = sandbox.write(&format!("letter/{}", partial_name(&letter)), &letter[..75_000]);
    sandbox.rejected(&set, None, false);
    assert_eq!(std::fs::read(half).unwrap(), letter[..75_000]);
}

#[test]
fn redirects_keep_the_range() {
    let (sandbox, letter) = (Sandbox::new(), letter());
    let target = Server::with_file(&letter);
    let to = target.url("moved");
    let server = Server::start(move |_| Answer::redirect(&to));
    let set = text_manifest(&letter, &url_source(&server.url("letter"), &letter));
    std::fs::create_dir(sandbox.path().join("letter")).unwrap();
    sandbox.write(&format!("letter/{}", partial_name(&letter)), &letter[..70_000]);
    let (file, events) = sandbox.fetch(&set, None).unwrap();
    assert_eq!(std::fs::read(file).unwrap(), letter);
    assert_eq!(events[1], "resuming after 70000");
    assert_eq!(target.requests(), [Request { path: "/moved".into(), from: Some(70_000) }]);
}

#[test]
fn circular_redirects_end() {
    let (sandbox, letter) = (Sandbox::new(), letter());
    let server = Server::start(|_| Answer::redirect("/letter"));
    let set = text_manifest(&letter, &url_source(&server.url("letter"), &letter));
    let error = sandbox.rejected(&set, None, false);
    assert!(error.starts_with(&format!("{}: expected a response, found none: ", server.url("letter"))), "{error}");
}

#[test]
fn refused_connection_is_reported() {
    let (sandbox, letter) = (Sandbox::new(), letter());
    // The port is free again, so nobody listens there.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{address}/letter");
    let set = text_manifest(&letter, &url_source(&url, &letter));
    let error = sandbox.rejected(&set, None, false);
    assert!(error.starts_with(&format!("{url}: expected a response, found none: ")), "{error}");
    assert!(error.to_lowercase().contains("refused"), "{error}");
}

#[test]
fn sources_are_tried_in_order() {
    let (sandbox, letter) = (Sandbox::new(), letter());
    let (gone, there) = (Server::start(|_| Answer::not_found()), Server::with_file(&letter));
    let sources = url_source(&gone.url("letter"), &letter) + &url_source(&there.url("letter"), &letter);
    let (file, events) = sandbox.fetch(&text_manifest(&letter, &sources), None).unwrap();
    assert_eq!(std::fs::read(file).unwrap(), letter);
    assert_eq!(
        events[1],
        format!("failed: {}: expected a file, found the HTTP status 404 (not found)", gone.url("letter"))
    );
    assert_eq!(events[2], format!("connecting to {}", there.url("letter")));
}

#[test]
fn all_failed_sources_are_reported() {
    let (sandbox, letter) = (Sandbox::new(), letter());
    let (gone, wrong) = (Server::start(|_| Answer::not_found()), Server::with_file(b"wrong"));
    let sources = url_source(&gone.url("letter"), &letter) + &url_source(&wrong.url("letter"), &letter);
    let error = sandbox.rejected(&text_manifest(&letter, &sources), None, false);
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(lines[0], "letter: expected one of its 2 sources to work, found that all failed:");
    assert!(lines[1].starts_with(&format!("  {}: expected a file", gone.url("letter"))), "{error}");
    assert!(lines[2].starts_with(&format!("  {}: expected the sha256", wrong.url("letter"))), "{error}");
}

#[test]
fn local_file_replaces_the_download() {
    let (sandbox, letter) = (Sandbox::new(), letter());
    let set = text_manifest(&letter, &url_source("http://127.0.0.1:1/letter", &letter));
    let mine = sandbox.write("mine", &letter);
    let (file, _) = sandbox.fetch(&set, Some(&mine)).unwrap();
    assert_eq!(std::fs::read(file).unwrap(), letter);
    assert!(mine.exists(), "the local file is kept");
    assert_eq!(sandbox.files(&set), ["letter.txt"]);
}

#[test]
fn wrong_local_file_is_rejected() {
    let (sandbox, letter) = (Sandbox::new(), letter());
    let set = text_manifest(&letter, &url_source("http://127.0.0.1:1/letter", &letter));
    let mine = sandbox.write("mine", "another letter");
    assert_eq!(
        sandbox.rejected(&set, Some(&mine), true),
        format!(
            "{}: expected, for letter, http://127.0.0.1:1/letter (sha256 {}); found a file with the sha256 {}",
            mine.display(),
            sha256(&letter),
            sha256(b"another letter")
        )
    );
    let error = sandbox.rejected(&set, Some(Path::new("nowhere/none")), true);
    assert!(error.starts_with("nowhere/none: expected a readable file: "), "{error}");
    let error = sandbox.rejected(&set, Some(sandbox.path()), true);
    assert!(error.contains(": expected a readable file: is a directory"), "{error}");
}

#[test]
fn manifest_without_sources_is_rejected() {
    let (sandbox, letter) = (Sandbox::new(), letter());
    let set = text_manifest(&letter, "author = \"me\"\n");
    assert_eq!(sandbox.rejected(&set, None, true), "letter: expected a source to fetch it from, found none");
}

#[test]
fn locked_folder_is_rejected() {
    let (sandbox, letter) = (Sandbox::new(), letter());
    let set = text_manifest(&letter, &url_source("http://127.0.0.1:1/letter", &letter));
    std::fs::create_dir(sandbox.path().join("letter")).unwrap();
    let held = File::create(sandbox.path().join("letter/.lock")).unwrap();
    held.lock().unwrap();
    let error = sandbox.rejected(&set, None, false);
    assert!(error.ends_with("found one that does"), "{error}");
}

#[test]
fn unwritable_folder_is_reported() {
    let (sandbox, letter) = (Sandbox::new(), letter());
    let set = text_manifest(&letter, &url_source("http://127.0.0.1:1/letter", &letter));
    sandbox.write("letter", "a file where a folder should be");
    let error = sandbox.fetch(&set, None).unwrap_err();
    assert!(error.is_bad_input());
    assert!(error.to_string().contains("letter: cannot create the folder: "), "{error}");
}
