//! HTTP downloads that can be resumed.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::time::Duration;

use ureq::http::{Response, header};
use ureq::{Agent, Body};

use super::error::{FetchError, Result};
use super::partial::verify;
use super::progress::Progress;

/// The size of a chunk that is read at once, in bytes.
const CHUNK: usize = 1 << 16;

/// The maximum size of a file whose size the manifest does not have, in bytes.
pub(super) const MAX_BYTES: u64 = 1 << 30;

/// The download of one file.
pub(super) struct HttpDownload<'a> {
    pub url: &'a str,
    /// The size of the file, if the manifest has it.
    pub num_bytes: Option<u64>,
    /// Its checksum, if it is known beforehand.
    pub sha256: Option<&'a str>,
    /// How long the server may be silent.
    pub timeout: Duration,
}

impl HttpDownload<'_> {
    /// Downloads the file, or what is missing of it, to `partial`, and verifies its checksum if it is known. If it is not, the
    /// download begins anew, since what is there may be of another file.
    pub fn run(&self, partial: &Path, progress: &mut dyn FnMut(Progress<'_>)) -> Result<()> {
        let cannot_write = |cause| FetchError::io("cannot write", partial)(cause);
        let mut file = OpenOptions::new().create(true).append(true).open(partial).map_err(cannot_write)?;
        let present = file.metadata().map_err(cannot_write)?.len();
        let (response, start) = self.request(if self.sha256.is_some() { present } else { 0 })?;
        if start == 0 {
            file.set_len(0).map_err(cannot_write)?;
        } else {
            progress(Progress::Resuming { bytes: start });
        }
        self.receive(response, start, &mut file, partial, progress)?;
        self.sha256.map_or(Ok(()), |sha256| verify(partial, self.url, sha256))
    }

    /// The server's response and its first byte in the file: 0 if the server cannot resume after `present` bytes.
    fn request(&self, present: u64) -> Result<(Response<Body>, u64)> {
        let agent = self.agent();
        let request = |from: u64| {
            let request = agent.get(self.url);
            let request = if from > 0 { request.header(header::RANGE, format!("bytes={from}-")) } else { request };
            request.call().map_err(|cause| FetchError::NoResponse { url: self.url.to_string(), cause: Box::new(cause) })
        };
        let response = request(present)?;
        let (response, start) = match response.status().as_u16() {
            206 if begins_at(&response, present) => (response, present),
            // The partial file is longer than the file, or the response begins elsewhere.
            206 | 416 if present > 0 => (request(0)?, 0),
            _ => (response, 0),
        };
        match response.status().as_u16() {
            200 | 206 => Ok((response, start)),
            status => Err(FetchError::Status { url: self.url.to_string(), status }),
        }
    }

    fn agent(&self) -> Agent {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(self.timeout))
            .timeout_recv_response(Some(self.timeout))
            .timeout_per_read(Some(self.timeout))
            .user_agent(concat!("recurrent/", env!("CARGO_PKG_VERSION")));
        // The system's proxy cannot reach a server on this machine.
        let config = if is_local(self.url) { config.proxy(None) } else { config };
        config.build().new_agent()
    }

    fn receive(
        &self,
        response: Response<Body>,
        start: u64,
        file: &mut File,
        partial: &Path,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<()> {
        let total = response.body().content_length().map(|rest| start.saturating_add(rest)).or(self.num_bytes);
        let limit = self.num_bytes.unwrap_or(MAX_BYTES);
        let too_large = || FetchError::TooLarge { url: self.url.to_string(), limit };
        if total.is_some_and(|total| total > limit) {
            return Err(too_large());
        }
        let mut body = response.into_body().into_reader();
        let mut chunk = vec![0; CHUNK];
        let mut received = start;
        let interrupted =
            |received, cause| FetchError::Interrupted { url: self.url.to_string(), received, total, cause };
        progress(Progress::Received { bytes: received, total });
        loop {
            let length = match body.read(&mut chunk) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(cause) => return Err(interrupted(received, cause)),
            };
            file.write_all(&chunk[..length]).map_err(FetchError::io("cannot write", partial))?;
            received += length as u64;
            progress(Progress::Received { bytes: received, total });
            if received > limit {
                // The rest is not read, and nothing remains to be resumed.
                file.set_len(0).map_err(FetchError::io("cannot write", partial))?;
                return Err(too_large());
            }
        }
        match total {
            Some(total) if received < total => Err(interrupted(received, ErrorKind::UnexpectedEof.into())),
            _ => Ok(()),
        }
    }
}

/// Whether a partial response begins at this byte: `Content-Range: bytes 100-199/200`.
fn begins_at(response: &Response<Body>, from: u64) -> bool {
    let range = response.headers().get(header::CONTENT_RANGE).and_then(|range| range.to_str().ok());
    let first = range.and_then(|range| range.trim().strip_prefix("bytes ")?.split('-').next()?.parse().ok());
    first == Some(from)
}

fn is_local(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|local| {
        let rest = host.strip_prefix(local);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    #[test]
    fn silent_server_times_out_and_the_partial_file_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let partial = folder.path().join("partial");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
            thread::sleep(Duration::from_secs(60));
        });
        let timeout = Duration::from_millis(300);
        let download = HttpDownload { url: &url, num_bytes: None, sha256: Some(""), timeout };
        let error = download.run(&partial, &mut |_| ()).expect_err("it never ends").to_string();
        assert!(error.contains("expected 10 bytes, found the end of the connection after 4: timeout"), "{error}");
        assert_eq!(std::fs::read(&partial).expect("the partial file"), b"half");
    }

    #[test]
    fn local_urls_are_recognized() {
        for url in ["http://localhost/x", "http://127.0.0.1:80/x", "http://[::1]:8080", "http://localhost"] {
            assert!(is_local(url), "{url}");
        }
        for url in ["http://localhost.example.org/x", "http://127.0.0.10/x", "https://example.org/localhost"] {
            assert!(!is_local(url), "{url}");
        }
    }

    #[test]
    fn content_range_determines_where_a_response_begins() {
        let response = |range: &str| {
            Response::builder().header(header::CONTENT_RANGE, range).body(Body::builder().data("")).expect("a response")
        };
        assert!(begins_at(&response("bytes 100-199/200"), 100));
        assert!(begins_at(&response("bytes 100-199/*"), 100));
        assert!(!begins_at(&response("bytes 0-199/200"), 100));
        assert!(!begins_at(&response("pages 100-199/200"), 100));
        assert!(!begins_at(&Response::new(Body::builder().data("")), 100));
    }
}
