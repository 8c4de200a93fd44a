//! The wrapper as a process of its own for the tests beside, and a small MCP server for it to wrap. Never installed.

use std::ffi::OsString;
use std::io::{BufRead, Write};

use clap::{Parser, Subcommand};
use trackway_proxy::{WrapArgs, guard, run};

#[derive(Parser)]
struct Harness {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Wrap(Box<WrapArgs>),
    #[command(name = guard::LAUNCH_VERB)]
    Launch {
        parent: u32,
        #[arg(last = true)]
        command: Vec<OsString>,
    },
    /// Answers listings with two tools and calls with the line they came in.
    Server,
}

fn main() {
    let code = match Harness::parse().verb {
        Verb::Wrap(args) => {
            match args.options(|name| std::env::var(name).ok(), None, std::env::current_exe().ok()) {
                Ok(options) => run(&options, &args.command),
                Err(error) => {
                    eprintln!("{error}");
                    2
                }
            }
        }
        Verb::Launch { parent, command } => guard::launch(parent, &command),
        Verb::Server => server().map_or(1, |()| 0),
    };
    std::process::exit(code);
}

fn server() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let Ok(message) = serde_json::from_str::<serde_json::Value>(&line) else { continue };
        let (Some(id), Some(method)) = (message.get("id"), message["method"].as_str()) else { continue };
        let result = match method {
            "initialize" => serde_json::json!({ "protocolVersion": "2025-11-25", "capabilities": {},
                "serverInfo": { "name": "harness", "version": "1" } }),
            "tools/list" => serde_json::json!({ "tools": [
                { "name": "plain", "inputSchema": { "type": "object", "additionalProperties": false } },
                { "name": "own", "inputSchema": { "type": "object", "properties": { "context": {} } } },
            ] }),
            _ => serde_json::json!({ "content": [{ "type": "text", "text": line }] }),
        };
        writeln!(out, "{}", serde_json::json!({ "jsonrpc": "2.0", "id": id, "result": result }))?;
        out.flush()?;
    }
    Ok(())
}
