//! A small blocking HTTP/1.1 client on one kept-alive connection: cheap enough to share two cores with the server it
//! measures. Plain HTTP to loopback only.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// Longer than any server's own limit.
const PATIENCE: Duration = Duration::from_secs(30);

/// A kept-alive connection to `host:port`.
pub(crate) struct Connection {
    address: String,
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("no server at {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { address: address.into(), stream, buffer: Vec::with_capacity(16 * 1_024) })
    }

    /// Sends a whole request ([`request`]) and reads its answer; connects anew when the server had closed.
    pub(crate) fn send(&mut self, request: &[u8]) -> Result<Answer> {
        match self.exchange(request) {
            Ok(answer) => Ok(answer),
            Err(_) => {
                *self = Self::open(&self.address.clone())?;
                self.exchange(request)
            }
        }
    }

    fn exchange(&mut self, request: &[u8]) -> Result<Answer> {
        self.buffer.clear();
        self.stream.write_all(request)?;
        let head = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end + 4;
            }
            self.more()?;
        };
        let text = std::str::from_utf8(&self.buffer[..head])?.to_ascii_lowercase();
        let status = text.split(' ').nth(1).context("no status")?.parse()?;
        let header = |name: &str| text.lines().find_map(|l| l.strip_prefix(name)).map(str::trim);
        let body = if header("transfer-encoding:").is_some_and(|v| v.contains("chunked")) {
            self.chunked(head)?
        } else {
            let length: usize = header("content-length:").map_or(Ok(0), str::parse)?;
            while self.buffer.len() < head + length {
                self.more()?;
            }
            self.buffer[head..head + length].to_vec()
        };
        if header("connection:") == Some("close") {
            *self = Self::open(&self.address.clone())?;
        }
        Ok(Answer { status, body })
    }

    fn chunked(&mut self, mut at: usize) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = loop {
                if let Some(end) = find(&self.buffer[at..], b"\r\n") {
                    break at + end;
                }
                self.more()?;
            };
            let size = usize::from_str_radix(std::str::from_utf8(&self.buffer[at..line])?.trim(), 16)?;
            while self.buffer.len() < line + 2 + size + 2 {
                self.more()?;
            }
            body.extend_from_slice(&self.buffer[line + 2..line + 2 + size]);
            at = line + 2 + size + 2;
            if size == 0 {
                return Ok(body);
            }
        }
    }

    fn more(&mut self) -> Result<()> {
        let mut chunk = [0; 16 * 1_024];
        match self.stream.read(&mut chunk)? {
            0 => bail!("the server closed the connection"),
            n => self.buffer.extend_from_slice(&chunk[..n]),
        }
        Ok(())
    }
}

/// A whole request. `headers` are complete lines.
pub(crate) fn request(method: &str, path: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut out = format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n");
    for header in headers {
        out.push_str(header);
        out.push_str("\r\n");
    }
    if !body.is_empty() {
        out.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    out.push_str("\r\n");
    let mut out = out.into_bytes();
    out.extend_from_slice(body);
    out
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|w| w == what)
}
