//! A file at an address.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::time::Duration;

use ureq::http::{Response, header};
use ureq::{Agent, Body};

use super::{FetchError, Progress, Result, check_part};

/// How much is read at once.
const CHUNK: usize = 1 << 16;

/// A file at an address.
pub(super) struct WebFile<'a> {
    pub url: &'a str,
    /// How large it is, if the manifest says so.
    pub bytes: Option<u64>,
    pub sha256: &'a str,
    /// How long the server may be silent.
    pub patience: Duration,
}

impl WebFile<'_> {
    /// Downloads it into `part`, or what is missing there, and checks its sum.
    pub fn download(&self, part: &Path, progress: &mut dyn FnMut(Progress<'_>)) -> Result<()> {
        let cannot_write = |cause| FetchError::io("cannot write", part)(cause);
        let mut file = OpenOptions::new().create(true).append(true).open(part).map_err(cannot_write)?;
        let there = file.metadata().map_err(cannot_write)?.len();
        let (answer, start) = self.ask(there)?;
        if start == 0 {
            file.set_len(0).map_err(cannot_write)?;
        } else {
            progress(Progress::Resuming { bytes: start });
        }
        self.receive(answer, start, &mut file, part, progress)?;
        check_part(part, self.url, self.sha256)
    }

    /// The server's answer, and from which byte on it is. From the first, if it cannot go on where we ended.
    fn ask(&self, there: u64) -> Result<(Response<Body>, u64)> {
        let agent = self.agent();
        let request = |from: u64| {
            let request = agent.get(self.url);
            let request = if from > 0 { request.header(header::RANGE, format!("bytes={from}-")) } else { request };
            request.call().map_err(|cause| FetchError::NoAnswer { url: self.url.to_string(), cause: Box::new(cause) })
        };
        let answer = request(there)?;
        let (answer, start) = match answer.status().as_u16() {
            206 if goes_on(&answer, there) => (answer, there),
            // What is there is longer than the file, or the server goes on elsewhere.
            206 | 416 if there > 0 => (request(0)?, 0),
            _ => (answer, 0),
        };
        match answer.status().as_u16() {
            200 | 206 => Ok((answer, start)),
            status => Err(FetchError::Status { url: self.url.to_string(), status }),
        }
    }

    fn agent(&self) -> Agent {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(self.patience))
            .timeout_recv_response(Some(self.patience))
            .timeout_per_read(Some(self.patience))
            .user_agent(concat!("recurrent/", env!("CARGO_PKG_VERSION")));
        // A proxy that the system names is for other machines than this one.
        let config = if is_this_machine(self.url) { config.proxy(None) } else { config };
        config.build().new_agent()
    }

    fn receive(
        &self,
        answer: Response<Body>,
        start: u64,
        file: &mut File,
        part: &Path,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<()> {
        let of = answer.body().content_length().map(|rest| start + rest).or(self.bytes);
        let mut body = answer.into_body().into_reader();
        let mut chunk = vec![0; CHUNK];
        let mut got = start;
        let cut = |got, cause| FetchError::Cut { url: self.url.to_string(), got, of, cause };
        progress(Progress::Came { bytes: got, of });
        loop {
            let length = match body.read(&mut chunk) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(cause) => return Err(cut(got, cause)),
            };
            file.write_all(&chunk[..length]).map_err(FetchError::io("cannot write", part))?;
            got += length as u64;
            progress(Progress::Came { bytes: got, of });
            if self.bytes.is_some_and(|bytes| got > bytes) {
                // Longer than it should be, who knows by how much: the sum says that it is wrong.
                break;
            }
        }
        match of {
            Some(of) if got < of && self.bytes.is_none_or(|bytes| got < bytes) => {
                Err(cut(got, ErrorKind::UnexpectedEof.into()))
            }
            _ => Ok(()),
        }
    }
}

/// Whether an answer begins with the byte that was asked for: `Content-Range: bytes 100-199/200`.
fn goes_on(answer: &Response<Body>, from: u64) -> bool {
    let range = answer.headers().get(header::CONTENT_RANGE).and_then(|range| range.to_str().ok());
    let first = range.and_then(|range| range.trim().strip_prefix("bytes ")?.split('-').next()?.parse().ok());
    first == Some(from)
}

fn is_this_machine(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|this| {
        let rest = host.strip_prefix(this);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    #[test]
    fn a_silent_server_is_not_waited_for_and_its_part_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let part = folder.path().join("part");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
            thread::sleep(Duration::from_secs(60));
        });
        let patience = Duration::from_millis(300);
        let file = WebFile { url: &url, bytes: None, sha256: "", patience };
        let error = file.download(&part, &mut |_| ()).expect_err("it never ends").to_string();
        assert!(error.contains("expected 10 bytes, found the end of the connection after 4: timeout"), "{error}");
        assert_eq!(std::fs::read(&part).expect("the part"), b"half");
    }

    #[test]
    fn this_machine_is_told_from_others() {
        for url in ["http://localhost/x", "http://127.0.0.1:80/x", "http://[::1]:8080", "http://localhost"] {
            assert!(is_this_machine(url), "{url}");
        }
        for url in ["http://localhost.example.org/x", "http://127.0.0.10/x", "https://example.org/localhost"] {
            assert!(!is_this_machine(url), "{url}");
        }
    }

    #[test]
    fn an_answer_goes_on_only_where_it_says_so() {
        let answer = |range: &str| {
            Response::builder().header(header::CONTENT_RANGE, range).body(Body::builder().data("")).expect("an answer")
        };
        assert!(goes_on(&answer("bytes 100-199/200"), 100));
        assert!(goes_on(&answer("bytes 100-199/*"), 100));
        assert!(!goes_on(&answer("bytes 0-199/200"), 100));
        assert!(!goes_on(&answer("pages 100-199/200"), 100));
        assert!(!goes_on(&Response::new(Body::builder().data("")), 100));
    }
}
