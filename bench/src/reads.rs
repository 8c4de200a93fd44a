//! Reads over HTTP on loaded data: every page and API route, in turn, on one connection; the answer's last byte counts.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::figures::Waits;
use crate::http::{Answer, Connection, request};
use crate::ledger::PROJECT;

/// `reads`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The server
    #[arg(long, default_value = "127.0.0.1:7431")]
    pub(crate) address: String,
    /// A bearer token that may read the project
    #[arg(long)]
    pub(crate) token: String,
    /// Times each is read
    #[arg(long, default_value_t = 40)]
    pub(crate) times: usize,
    /// The period of every question
    #[arg(long, default_value = "now-30d")]
    pub(crate) from: String,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let mut reader = Reader {
        connection: Connection::open(&args.address)?,
        token: format!("authorization: Bearer {}", args.token),
    };
    let api = format!("/api/v1/projects/{PROJECT}");
    let (from, period) = (&args.from, format!("from={}", args.from));
    let first = |reader: &mut Reader, path: &str, key: &str| -> Result<String> {
        let answer = reader.get(&format!("{api}/{path}?{period}"))?;
        let body: Value = serde_json::from_slice(&answer.body)?;
        let value =
            body.pointer(&format!("/items/0/{key}")).with_context(|| format!("{path} has no first {key}"))?;
        Ok(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    let session = first(&mut reader, "sessions", "id")?;
    let event = first(&mut reader, "events", "id")?;
    let tool = first(&mut reader, "tools", "name")?;
    let issue = first(&mut reader, "issues", "id")?;
    let person = first(&mut reader, "people", "id")?;
    let pages = format!("/p/{PROJECT}");
    let routes = [
        format!("{api}/overview?{period}"),
        format!("{api}/overview?from=now-24h"),
        format!("{api}/sessions?{period}"),
        format!("{api}/sessions?{period}&f=tool:eq:{tool}"),
        format!("{api}/sessions?{period}&f=errors:gt:0&sort=-calls"),
        format!("{api}/sessions?{period}&q=warranty"),
        format!("{api}/sessions/{session}"),
        format!("{api}/sessions/{session}/events"),
        format!("{api}/events?{period}"),
        format!("{api}/events?{period}&f=status:eq:tool_error"),
        format!("{api}/events?{period}&q=warranty"),
        format!("{api}/events/{event}"),
        format!("{api}/tools?{period}"),
        format!("{api}/tools/{tool}?{period}"),
        format!("{api}/issues?{period}"),
        format!("{api}/issues/{issue}?{period}"),
        format!("{api}/people?{period}"),
        format!("{api}/people/{person}"),
        format!("{api}/clients?{period}"),
        format!("{pages}/overview?{period}"),
        format!("{pages}/sessions?{period}"),
        format!("{pages}/sessions/{session}"),
        format!("{pages}/live"),
        format!("{pages}/tools?{period}"),
        format!("{pages}/tools/{tool}?{period}"),
        format!("{pages}/issues?{period}"),
        format!("{pages}/issues/{issue}?{period}"),
        format!("{pages}/people?{period}"),
        format!("{pages}/people/{person}"),
        format!("{pages}/clients?{period}"),
        format!("{pages}/catalog?{period}"),
        format!("{pages}/goals?{period}"),
    ];
    println!("period from {from}, {} times each", args.times);
    let mut all = Waits::default();
    for path in &routes {
        let mut waits = Waits::default();
        let mut size = 0;
        for _ in 0..args.times {
            let begun = Instant::now();
            let answer = reader.get(path)?;
            waits.add(begun.elapsed());
            size = answer.body.len();
        }
        all.copy(&waits);
        println!("{path}: {}, {size} bytes", waits.line());
    }
    println!("all: {}", all.line());
    Ok(())
}

struct Reader {
    connection: Connection,
    token: String,
}

impl Reader {
    fn get(&mut self, path: &str) -> Result<Answer> {
        let answer = self.connection.send(&request("GET", path, &[&self.token], b""))?;
        ensure!(answer.status == 200, "{path}: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
        Ok(answer)
    }
}
