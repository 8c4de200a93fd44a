//! A server whose every byte is known, a client that sees every byte, and the proxy between them.
#![allow(clippy::unwrap_used, reason = "a helper of tests may fail the test")]
#![allow(dead_code, reason = "each test program uses a part")]

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use trackway_capture::wire::inject::{Missing, Mode};
use trackway_event::ProjectId;
use trackway_proxy::http::{Bound, HostSeen, NamedBy, ProxyOptions};

use tokio::sync::oneshot;

/// No single step takes longer on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A message of either side: its head as text, its body as bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Message {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A server that gives every request to a function, which writes the answer as it likes. One connection, one request.
pub(crate) struct Upstream {
    pub(crate) addr: SocketAddr,
    pub(crate) seen: Arc<Mutex<Vec<Message>>>,
}

impl Upstream {
    pub(crate) fn start(answer: impl Fn(&Message, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Vec<Message>>> = Arc::default();
        let (log, answer) = (Arc::clone(&seen), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                std::thread::spawn(move || {
                    stream.set_read_timeout(Some(PATIENCE)).unwrap();
                    let mut reader = BufReader::new(stream.try_clone().unwrap());
                    while let Some(request) = read_message(&mut reader, true) {
                        log.lock().unwrap().push(request.clone());
                        answer(&request, &mut stream);
                    }
                });
            }
        });
        Self { addr, seen }
    }

    pub(crate) fn requests(&self) -> Vec<Message> {
        self.seen.lock().unwrap().clone()
    }
}

/// Reads a head and a body by its length or its chunks; an answer without either to the end of the connection.
pub(crate) fn read_message(from: &mut impl BufRead, is_request: bool) -> Option<Message> {
    let mut message = Message::default();
    loop {
        let mut line = String::new();
        if from.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        message.head.push_str(&line);
    }
    if let Some(length) = message.header("content-length") {
        message.body = vec![0; length.parse().unwrap()];
        from.read_exact(&mut message.body).ok()?;
    } else if message.header("transfer-encoding").is_some() {
        while let Some(chunk) = read_chunk(from) {
            message.body.extend(chunk);
        }
    } else if !is_request && !message.head.contains(" 202 ") && !message.head.contains(" 204 ") {
        from.read_to_end(&mut message.body).ok()?;
    }
    Some(message)
}

/// One chunk of a chunked body; `None` at its end, or where it breaks off.
pub(crate) fn read_chunk(from: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut size = String::new();
    from.read_line(&mut size).ok()?;
    let size = usize::from_str_radix(size.trim(), 16).ok()?;
    let mut chunk = vec![0; size + 2];
    from.read_exact(&mut chunk).ok()?;
    chunk.truncate(size);
    (size > 0).then_some(chunk)
}

/// The proxy under test; ends with the value.
pub(crate) struct Proxied {
    pub(crate) addr: SocketAddr,
    runtime: Option<tokio::runtime::Runtime>,
    stop: Option<oneshot::Sender<()>>,
    done: Option<tokio::task::JoinHandle<()>>,
}

/// Options of a proxy before this server, with an endpoint where nobody listens.
pub(crate) fn options(upstream: SocketAddr) -> ProxyOptions {
    ProxyOptions {
        upstream: format!("http://{upstream}/mcp"),
        listen: "127.0.0.1:0".parse().unwrap(),
        public_url: None,
        allow_hosts: Vec::new(),
        allow_origins: Vec::new(),
        oauth: trackway_proxy::http::OAuth::Pass,
        upstream_ca: None,
        host: HostSeen::Upstream,
        named_by: NamedBy::default(),
        identify: None,
        project: ProjectId::parse("proj_test").unwrap(),
        endpoint: "http://127.0.0.1:1".into(),
        token: None,
        mode: Mode::Required,
        context_description: None,
        report_missing: Missing::Off,
        print: trackway_proxy::wrap::Print::No,
        spool: None,
        leaving: trackway_proxy::leaving::Leaving::default(),
    }
}

impl Proxied {
    pub(crate) fn start(options: &ProxyOptions) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let bound = runtime.block_on(Bound::bind(options)).unwrap();
        let addr = bound.local_addr();
        let (stop, stopped) = oneshot::channel();
        let done = runtime.spawn(bound.run(async move {
            let _ = stopped.await;
        }));
        Self { addr, runtime: Some(runtime), stop: Some(stop), done: Some(done) }
    }

    /// Ends it in order: everything recorded is sent.
    pub(crate) fn finish(mut self) {
        let _ = self.stop.take().unwrap().send(());
        let (runtime, done) = (self.runtime.take().unwrap(), self.done.take().unwrap());
        runtime.block_on(async { tokio::time::timeout(PATIENCE, done).await.unwrap().unwrap() });
    }

    pub(crate) fn connect(&self) -> TcpStream {
        connect(self.addr)
    }

    /// Sends a POST with this JSON and gives the whole answer.
    pub(crate) fn post(&self, headers: &str, body: &[u8]) -> Message {
        post(self.addr, headers, body)
    }

    /// Asks for a path and gives the whole answer.
    pub(crate) fn get(&self, path: &str) -> Message {
        let mut stream = self.connect();
        let head = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.addr);
        stream.write_all(head.as_bytes()).unwrap();
        read_message(&mut BufReader::new(stream), false).unwrap()
    }
}

impl Drop for Proxied {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

pub(crate) fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

pub(crate) fn post(addr: SocketAddr, headers: &str, body: &[u8]) -> Message {
    let mut stream = connect(addr);
    send_post(&mut stream, headers, body);
    read_message(&mut BufReader::new(stream), false).unwrap()
}

pub(crate) fn send_post(stream: &mut TcpStream, headers: &str, body: &[u8]) {
    let length = body.len();
    let host = stream.peer_addr().unwrap();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nAccept: application/json, \
         text/event-stream\r\n{headers}Content-Length: {length}\r\n\r\n"
    );
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
}

/// Answers with JSON of this status.
pub(crate) fn json(to: &mut TcpStream, status: &str, headers: &str, body: &[u8]) {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}Content-Length: {length}\r\n\r\n"
    );
    let _ = to.write_all(&[head.as_bytes(), body].concat());
}

/// Begins an event stream without a length.
pub(crate) fn begin_events(to: &mut TcpStream) {
    let _ = to.write_all(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Accel-Buffering: no\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
}

/// One chunk of it.
pub(crate) fn chunk(to: &mut TcpStream, bytes: &[u8]) -> bool {
    let framed = [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
    to.write_all(&framed).and_then(|()| to.flush()).is_ok()
}

/// Its end.
pub(crate) fn end_events(to: &mut TcpStream) {
    let _ = to.write_all(b"0\r\n\r\n");
}
