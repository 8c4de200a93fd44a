//! Published servers and clients with and without Trackway between them (INV-07): every deterministic tool call gives the same
//! answer, byte for byte, though the agent behind Trackway gives a `context` with each call.
//!
//! Not deterministic, and so not compared: `get-env` (it shows the environment, where `wrap` sets one variable), and tools
//! that answer with times.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use trackway_tests::{Peer, Proxy, binary, clean, free_port, node, node_package, program, run};

const PATIENCE: Duration = Duration::from_secs(60);
const NOWHERE: &str = "http://127.0.0.1:1";

/// A call, and whether the tool takes a `context` of its own.
struct Call {
    name: &'static str,
    arguments: Value,
    own: bool,
}

fn call(name: &'static str, arguments: Value) -> Call {
    Call { name, arguments, own: false }
}

impl Call {
    fn direct(&self) -> Value {
        json!({ "name": self.name, "arguments": self.arguments })
    }

    /// As an agent makes it that was asked for its intent.
    fn through(&self) -> Value {
        let mut call = self.direct();
        if !self.own {
            call["arguments"]["context"] = "to see whether the answer is the same".into();
        }
        call
    }
}

fn everything() -> Vec<Call> {
    vec![
        call("echo", json!({ "message": "hi \u{e9} \u{1f600} \"quoted\"" })),
        call("get-sum", json!({ "a": 0.1, "b": 9007199254740993_u64 })),
        call("get-tiny-image", json!({})),
        call("get-annotated-message", json!({ "messageType": "debug", "includeImage": true })),
        call("get-structured-content", json!({ "location": "Chicago" })),
        call("get-resource-links", json!({ "count": 3 })),
        call("get-sum", json!({ "a": "not a number" })),
        call("no-such-tool", json!({})),
    ]
}

fn filesystem(folder: &Path) -> Vec<Call> {
    let path = |name: &str| folder.join(name).display().to_string();
    vec![
        call("write_file", json!({ "path": path("a.txt"), "content": "one\ntwo\r\nthree" })),
        call("read_text_file", json!({ "path": path("a.txt") })),
        call("read_text_file", json!({ "path": path("a.txt"), "head": 1 })),
        call("edit_file", json!({ "path": path("a.txt"), "edits": [{ "oldText": "one", "newText": "1" }] })),
        call("read_multiple_files", json!({ "paths": [path("a.txt"), path("none.txt")] })),
        call("list_directory", json!({ "path": path("") })),
        call("directory_tree", json!({ "path": path("") })),
        call("search_files", json!({ "path": path(""), "pattern": "*.txt" })),
        call("list_allowed_directories", json!({})),
        call("read_text_file", json!({ "path": "/etc/hostname" })),
        call("read_text_file", json!({})),
    ]
}

fn memory() -> Vec<Call> {
    let entity = json!({ "name": "Ana", "entityType": "person", "observations": ["likes tents"] });
    vec![
        call("create_entities", json!({ "entities": [entity] })),
        call(
            "add_observations",
            json!({ "observations": [{ "entityName": "Ana", "contents": ["and boots"] }] }),
        ),
        call("read_graph", json!({})),
        call("search_nodes", json!({ "query": "boots" })),
        call("open_nodes", json!({ "names": ["Ana", "nobody"] })),
        call("delete_entities", json!({ "entityNames": ["Ana"] })),
    ]
}

fn plain() -> Vec<Call> {
    vec![
        call("add", json!({ "a": 1, "b": 2 })),
        Call { name: "own", arguments: json!({ "context": "mine" }), own: true },
        call("fails", json!({ "n": 7 })),
        call("add", json!({ "a": "x" })),
        call("none", json!({})),
    ]
}

#[test]
fn inv_07_answers_of_stdio_servers_are_the_same_bytes_through_wrap() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let root = folder.path().canonicalize()?;
    let npm = |name: &str| node_package(&format!("@modelcontextprotocol/server-{name}/dist/index.js"));
    let node = node()?.get_program().to_owned();
    let file = |path: PathBuf| path.into_os_string();
    let python = python()?.into_os_string();
    let script =
        |library: &str| vec![file(sources().join("python/plain.py")), library.into(), "stdio".into()];
    let servers = [
        ("server-everything", node.clone(), vec![file(npm("everything")?), "stdio".into()], everything()),
        (
            "server-filesystem",
            node.clone(),
            vec![file(npm("filesystem")?), file(root.clone())],
            filesystem(&root),
        ),
        ("server-memory", node, vec![file(npm("memory")?)], memory()),
        ("mcp", python.clone(), script("mcp"), plain()),
        ("fastmcp", python, script("fastmcp"), plain()),
    ];
    for (name, program, args, calls) in servers {
        let start = |wrapped: bool| -> Result<Command> {
            // Each run begins with nothing.
            for entry in std::fs::read_dir(&root)? {
                std::fs::remove_file(entry?.path())?;
            }
            let mut command = if wrapped {
                let mut command = clean(binary()?);
                command
                    .args(["wrap", "--project", "proj_through", "--endpoint", NOWHERE, "--"])
                    .arg(&program);
                command
            } else {
                clean(&program)
            };
            command.args(&args).env("HOME", &root).env("TRACKWAY_DATA", folder.path().join("../no-data"));
            command.env("MEMORY_FILE_PATH", root.join("memory.json"));
            Ok(command)
        };
        let direct = lines(start(false)?, &calls.iter().map(Call::direct).collect::<Vec<_>>())
            .with_context(|| format!("{name} direct"))?;
        let through = lines(start(true)?, &calls.iter().map(Call::through).collect::<Vec<_>>())
            .with_context(|| format!("{name} through wrap"))?;
        ensure!(through[1].contains("trackway/intent"), "{name}: nothing was injected: {}", through[1]);
        ensure!(!direct[1].contains("trackway/intent"), "{name}: {}", direct[1]);
        for (call, (direct, through)) in calls.iter().zip(direct.iter().zip(&through).skip(2)) {
            ensure!(direct == through, "{name} {}:\n{direct}\n{through}", call.name);
        }
        ensure!(direct[0] == through[0], "{name}: the opening differs");
    }
    Ok(())
}

#[test]
fn inv_07_clients_of_http_servers_see_the_same_through_the_proxy() -> Result<()> {
    let all = Peer::everything()?;
    let over_http = |name: &str, url: &str, calls: &[Call]| -> Result<()> {
        let proxy = Proxy::start(url, "proj_through", NOWHERE, &[])?;
        let home = tempfile::tempdir()?;
        for client in CLIENTS {
            let (direct, through) = (json!({ "url": url }), json!({ "url": proxy.url }));
            compare(name, client, home.path(), (&direct, &through), calls)?;
        }
        Ok(())
    };
    over_http("server-everything", &all.url(), &everything())?;
    for library in ["mcp", "fastmcp"] {
        let port = free_port()?;
        let mut command = clean(python()?);
        command.arg(sources().join("python/plain.py")).args([library, "http", &port.to_string()]);
        let server = Peer::start(command, port)?;
        over_http(library, &server.url(), &plain())?;
    }
    Ok(())
}

#[test]
fn inv_07_clients_of_stdio_servers_see_the_same_through_wrap() -> Result<()> {
    let home = tempfile::tempdir()?;
    let node = node()?.get_program().to_string_lossy().into_owned();
    let npm = node_package("@modelcontextprotocol/server-everything/dist/index.js")?.display().to_string();
    let script = sources().join("python/plain.py").display().to_string();
    let python = python()?.display().to_string();
    let servers = [
        ("server-everything", vec![node, npm, "stdio".to_owned()], everything()),
        ("fastmcp", vec![python, script, "fastmcp".to_owned(), "stdio".to_owned()], plain()),
    ];
    let trackway = binary()?.display().to_string();
    for (name, server, calls) in servers {
        let wrap = ["wrap", "--project", "proj_through", "--endpoint", NOWHERE, "--"];
        let wrapped: Vec<&str> = wrap.into_iter().chain(server.iter().map(String::as_str)).collect();
        let direct = json!({ "command": server[0], "args": server[1..] });
        let through = json!({ "command": trackway, "args": wrapped });
        for client in CLIENTS {
            compare(name, client, home.path(), (&direct, &through), &calls)?;
        }
    }
    Ok(())
}

/// A published client and how it is driven.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Client {
    TypeScript1,
    TypeScript2,
    Python,
    Rust,
    Inspector,
}

const CLIENTS: &[Client] =
    &[Client::TypeScript1, Client::TypeScript2, Client::Python, Client::Rust, Client::Inspector];

/// One client, direct and through Trackway.
fn compare(
    name: &str,
    client: &Client,
    home: &Path,
    (direct, through): (&Value, &Value),
    calls: &[Call],
) -> Result<()> {
    let without = ask(*client, home, direct, &calls.iter().map(Call::direct).collect::<Vec<_>>())
        .with_context(|| format!("{name} {client:?} direct"))?;
    let with = ask(*client, home, through, &calls.iter().map(Call::through).collect::<Vec<_>>())
        .with_context(|| format!("{name} {client:?} through Trackway"))?;
    ensure!(without.len() == calls.len() + 1, "{name} {client:?}: {without:?}");
    ensure!(with[0].contains("trackway/intent"), "{name} {client:?}: {}", with[0]);
    for (call, (direct, through)) in calls.iter().zip(without.iter().zip(&with).skip(1)) {
        ensure!(direct == through, "{name} {client:?} {}:\n{direct}\n{through}", call.name);
    }
    Ok(())
}

/// The listing and the answers as the client shows them.
fn ask(client: Client, home: &Path, target: &Value, calls: &[Value]) -> Result<Vec<String>> {
    let script = |file: &str| -> Result<Command> {
        let mut command = node()?;
        command.arg(program(file)?);
        Ok(command)
    };
    let mut command = match client {
        Client::TypeScript1 => script("caller.mjs")?,
        Client::TypeScript2 => script("caller2.mjs")?,
        Client::Python => {
            let mut command = clean(python()?);
            command.arg(sources().join("python/caller.py"));
            command
        }
        Client::Rust => clean(env!("CARGO_BIN_EXE_rmcp-caller")),
        Client::Inspector => return inspect(home, target, calls),
    };
    command.env("HOME", home).env("TRACKWAY_DATA", home.join("data"));
    command.arg(target.to_string()).arg(Value::from(calls).to_string());
    let output = run(command, PATIENCE)?;
    ensure!(output.code == Some(0), "{}", output.stderr);
    Ok(output.stdout.lines().map(str::to_owned).collect())
}

/// The Inspector's command line: a process for the listing and for each call.
fn inspect(home: &Path, target: &Value, calls: &[Value]) -> Result<Vec<String>> {
    let mut server = target.clone();
    if target.get("url").is_some() {
        server["type"] = "streamable-http".into();
    } else {
        server["env"] = json!({ "HOME": home, "TRACKWAY_DATA": home.join("data") });
    }
    let config = home.join("inspector.json");
    std::fs::write(&config, json!({ "mcpServers": { "it": server } }).to_string())?;
    let start = |args: &[String]| -> Result<String> {
        let mut command = node()?;
        command
            .arg(node_package("@modelcontextprotocol/inspector/clients/launcher/build/index.js")?)
            .arg("--cli")
            .arg("--config")
            .arg(&config)
            .args(["--server", "it", "--method"])
            .args(args)
            .env("HOME", home);
        let output = run(command, PATIENCE)?;
        ensure!(!output.stdout.is_empty() || output.code != Some(0), "it said nothing: {}", output.stderr);
        // A call that fails ends in a code of its own, and says why in place of an answer.
        Ok(format!("{:?} {}", output.code, output.stdout))
    };
    let mut answers = vec![start(&["tools/list".to_owned()])?];
    for call in calls {
        let name = call["name"].as_str().context("a name")?;
        let mut args = vec!["tools/call".to_owned(), "--tool-name".to_owned(), name.to_owned()];
        for (key, value) in call["arguments"].as_object().into_iter().flatten() {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            args.extend(["--tool-arg".to_owned(), format!("{key}={text}")]);
        }
        answers.push(start(&args)?);
    }
    ensure!(answers[0].starts_with("Some(0)"), "the listing failed: {}", answers[0]);
    Ok(answers)
}

/// Opens a session, lists, makes the calls, and gives the raw line of each answer.
fn lines(mut command: Command, calls: &[Value]) -> Result<Vec<String>> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().with_context(|| format!("{command:?}"))?;
    let mut to = child.stdin.take().context("stdin")?;
    let from = BufReader::new(child.stdout.take().context("stdout")?);
    let (send, received) = channel();
    std::thread::spawn(move || {
        for line in from.lines().map_while(std::result::Result::ok) {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    let mut answers = Vec::new();
    let opening = json!({ "protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": { "name": "through", "version": "1" } });
    let requests = [("initialize", opening), ("tools/list", json!({}))]
        .into_iter()
        .chain(calls.iter().map(|call| ("tools/call", call.clone())));
    for (id, (method, params)) in requests.enumerate() {
        writeln!(to, "{}", json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))?;
        loop {
            let Ok(line) = received.recv_timeout(PATIENCE) else {
                // It ends with its input.
                let _ended = child.kill();
                let _ended = child.wait();
                bail!("no answer to {method} {id}");
            };
            let value: Value = serde_json::from_str(&line).with_context(|| line.clone())?;
            if value["id"] == id && value.get("method").is_none() {
                answers.push(line);
                break;
            }
            if value.get("id").is_some() && value.get("method").is_some() {
                // The server asks for roots or the like: this client has none.
                let error = json!({ "code": -32601, "message": "no" });
                writeln!(to, "{}", json!({ "jsonrpc": "2.0", "id": value["id"], "error": error }))?;
            }
        }
        if method == "initialize" {
            writeln!(to, "{}", json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))?;
        }
    }
    drop(to);
    trackway_tests::wait_for("the server to end", PATIENCE, || Ok(child.try_wait()?))?;
    Ok(answers)
}

fn python() -> Result<PathBuf> {
    let named = std::env::var_os("TRACKWAY_TEST_PYTHON").map(PathBuf::from);
    let python = named.unwrap_or_else(|| sources().join("python/.venv/bin/python"));
    ensure!(
        python.exists(),
        "no {}: run `cargo xtask test`, or see tests/python/README.md",
        python.display()
    );
    Ok(python)
}

fn sources() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
