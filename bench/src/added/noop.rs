//! MCP servers that do nothing as fast as they can, over stdio and over HTTP: whatever a call takes beyond them is not theirs.

use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::net::{TcpListener, TcpStream};

use anyhow::Result;
use serde_json::{Value, json};

/// One line, one answer.
pub(super) fn stdio() -> Result<()> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        if let Some(answer) = answer(line?.as_bytes()) {
            out.write_all(answer.as_bytes())?;
            out.write_all(b"\n")?;
            out.flush()?;
        }
    }
    Ok(())
}

/// JSON answers on kept-alive connections of a loopback port, until the process is ended.
pub(super) fn http(port: u16) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    for stream in listener.incoming() {
        let stream = stream?;
        std::thread::spawn(move || serve(&stream));
    }
    Ok(())
}

fn serve(stream: &TcpStream) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(stream);
    let mut writer = BufWriter::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if line == "\r\n" {
                break;
            }
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        match answer(&body) {
            Some(answer) => write!(
                writer,
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{answer}",
                answer.len()
            ),
            None => write!(writer, "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n"),
        }
        .and_then(|()| writer.flush())
        .ok()?;
    }
}

fn answer(line: &[u8]) -> Option<String> {
    let message: Value = serde_json::from_slice(line).ok()?;
    let result = match message["method"].as_str()? {
        "initialize" => json!({ "protocolVersion": "2025-11-25", "capabilities": { "tools": {} },
            "serverInfo": { "name": "noop", "version": "1.0.0" } }),
        "tools/list" => json!({ "tools": [{ "name": "noop", "description": "Does nothing.",
            "inputSchema": { "type": "object", "properties": { "n": { "type": "number" } } } }] }),
        "tools/call" => json!({ "content": [{ "type": "text", "text": "ok" }] }),
        _ => json!({}),
    };
    let id = message.get("id")?;
    Some(json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string())
}
