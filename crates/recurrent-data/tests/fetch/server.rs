//! A local HTTP server with scripted responses.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub path: String,
    /// The first byte of the requested range, if there is one.
    pub from: Option<usize>,
}

/// The bytes of a response, after which the connection is closed.
#[derive(Debug, Clone)]
pub struct Answer {
    bytes: Vec<u8>,
    /// How long the server waits before it closes the connection.
    silence: Duration,
}

/// A server that runs until the test program ends.
pub struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub fn start(answer: impl Fn(&Request) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let received = requests.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let request = read_request(&stream);
                received.lock().expect("no panic").push(request.clone());
                let answer = answer(&request);
                // The client may close the connection early.
                let _ = stream.write_all(&answer.bytes).and_then(|()| stream.flush());
                thread::sleep(answer.silence);
            }
        });
        Self { address, requests }
    }

    /// A server with one file, which supports ranges.
    pub fn with_file(file: &[u8]) -> Self {
        let file = file.to_vec();
        Self::start(move |request| Answer::part(&file, request.from))
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no panic").clone()
    }
}

fn read_request(stream: &TcpStream) -> Request {
    let lines = BufReader::new(stream).lines().map(|line| line.expect("text"));
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let path = head[0].split(' ').nth(1).expect("a path").to_string();
    let range = head.iter().find_map(|line| line.to_lowercase().strip_prefix("range: bytes=").map(String::from));
    let from = range.map(|range| range.trim_end_matches('-').parse().expect("a number"));
    Request { path, from }
}

impl Answer {
    pub fn new(head: &str, body: &[u8]) -> Self {
        let bytes = [format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n").as_bytes(), body].concat();
        Self { bytes, silence: Duration::ZERO }
    }

    /// A whole file.
    pub fn whole(file: &[u8]) -> Self {
        Self::new(&format!("200 OK\r\nContent-Length: {}", file.len()), file)
    }

    /// A file from a byte on.
    pub fn part(file: &[u8], from: Option<usize>) -> Self {
        let length = file.len();
        match from {
            None => Self::whole(file),
            Some(from) if from < length => {
                let rest = &file[from..];
                let range = format!("bytes {from}-{}/{length}", length - 1);
                let head = format!("206 Partial Content\r\nContent-Length: {}\r\nContent-Range: {range}", rest.len());
                Self::new(&head, rest)
            }
            Some(_) => Self::new(&format!("416 Range Not Satisfiable\r\nContent-Range: bytes */{length}"), b""),
        }
    }

    /// The same without the last `missing` bytes.
    pub fn cut(mut self, missing: usize) -> Self {
        self.bytes.truncate(self.bytes.len() - missing);
        self
    }

    /// The same, followed by a silence before the connection is closed.
    pub fn then_silence(mut self, silence: Duration) -> Self {
        self.silence = silence;
        self
    }

    pub fn redirect(to: &str) -> Self {
        Self::new(&format!("302 Found\r\nLocation: {to}\r\nContent-Length: 0"), b"")
    }

    pub fn not_found() -> Self {
        Self::new("404 Not Found\r\nContent-Length: 5", b"never")
    }
}
