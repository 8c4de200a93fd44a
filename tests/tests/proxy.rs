//! `trackway proxy` as a process: how it starts, what it says when it cannot, how it ends; and a wrapper within a wrapper.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use trackway_tests::{Proxy, binary, clean, run};

const PATIENCE: Duration = Duration::from_secs(20);
const NOWHERE: &str = "http://127.0.0.1:1";
const CALL: &str = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"slow","arguments":{"context":"why"}}}"#;

/// A server that takes requests and never answers.
fn silent() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/mcp", listener.local_addr()?);
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming().map_while(std::result::Result::ok).take(16) {
            held.push(stream);
        }
    });
    Ok(url)
}

#[test]
fn case_33_the_proxy_ends_on_a_signal_within_seconds_and_keeps_what_it_saw() -> Result<()> {
    for signal in ["TERM", "INT"] {
        let spool = tempfile::tempdir()?;
        let flags = ["--spool", spool.path().to_str().context("a path")?];
        let proxy = Proxy::start(&silent()?, "proj_proxy", NOWHERE, &flags)?;
        let address = proxy.url.trim_start_matches("http://").trim_end_matches("/mcp").to_owned();
        let mut client = TcpStream::connect(&address)?;
        write!(
            client,
            "POST /mcp HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{CALL}",
            CALL.len()
        )?;
        // The request is on its way to the server; its answer never comes.
        std::thread::sleep(Duration::from_millis(300));
        let begun = Instant::now();
        ensure!(proxy.end_with(signal)? == Some(0), "{signal}");
        ensure!(begun.elapsed() < Duration::from_secs(8), "{signal}: {:?}", begun.elapsed());
        let mut rest = Vec::new();
        client.set_read_timeout(Some(PATIENCE))?;
        let _cut_off = client.read_to_end(&mut rest);
        ensure!(rest.is_empty(), "no answer is made up: {}", String::from_utf8_lossy(&rest));
        let kept = std::fs::read_dir(spool.path())?.count();
        ensure!(kept > 0, "{signal}: nothing waits on disk");
    }
    Ok(())
}

#[test]
fn what_keeps_the_proxy_from_starting_is_said_with_the_flag_that_mends_it() -> Result<()> {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let listen = taken.local_addr()?.to_string();
    let none = "/nowhere/ca.pem";
    for (flags, expected) in [
        (["--upstream", NOWHERE, "--listen", listen.as_str()], "--listen"),
        (["--listen", "127.0.0.1:0", "--upstream", "mcp.example"], "--upstream mcp.example"),
        (["--upstream", NOWHERE, "--oauth", "rewrite"], "--public-url"),
        (["--upstream", "https://127.0.0.1:1", "--upstream-ca", none], "--upstream-ca /nowhere/ca.pem"),
    ] {
        let mut command = clean(binary()?);
        command.args(["proxy", "--project", "proj_proxy", "--print"]).args(flags);
        if !flags.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        let output = run(command, PATIENCE)?;
        ensure!(output.code.is_some_and(|code| code != 0), "{flags:?}: {:?}", output.code);
        ensure!(output.stderr.contains(expected), "{flags:?}: {}", output.stderr);
    }
    Ok(())
}

/// A server that answers each call with its own bytes.
const SERVER: &str = r#"while read -r line; do case "$line" in
    *tools/list*) printf '{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"plain","inputSchema":{"type":"object"}}]}}\n' ;;
    *) printf '%s\n' "$line" ;;
esac; done"#;

#[test]
fn case_49_a_wrapper_in_a_wrapper_records_a_call_once_a_project() -> Result<()> {
    for (inner, calls) in [("proj_outer", 1), ("proj_inner", 2)] {
        let home = tempfile::tempdir()?;
        let trackway = binary()?;
        let mut command = clean(&trackway);
        command.args(["wrap", "--project", "proj_outer", "--print", "--"]).arg(&trackway);
        command.args(["wrap", "--project", inner, "--print", "--", "sh", "-c", SERVER]);
        command.env("HOME", home.path()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let mut to = child.stdin.take().context("stdin")?;
        let mut from = BufReader::new(child.stdout.take().context("stdout")?);
        let mut ask = |line: &str| -> Result<String> {
            writeln!(to, "{line}")?;
            let mut answer = String::new();
            from.read_line(&mut answer)?;
            Ok(answer)
        };
        let listed = ask(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#)?;
        ensure!(listed.matches(r#""context":{"#).count() == 1, "{inner}: injected once: {listed}");
        let answer = ask(&CALL.replace("slow", "plain"))?;
        ensure!(!answer.contains("context"), "{inner}: the server saw no intent: {answer}");
        drop(to);
        let mut said = String::new();
        child.stderr.take().context("stderr")?.read_to_string(&mut said)?;
        trackway_tests::wait_for("the wrappers to end", PATIENCE, || Ok(child.try_wait()?))?;
        let events: Vec<Value> = said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let seen: Vec<&Value> = events.iter().filter(|e| e["kind"] == "tool_call").collect();
        ensure!(seen.len() == calls, "{inner}: {said}");
        ensure!(seen.iter().all(|e| e["intent"] == "why"), "{inner}: {said}");
    }
    Ok(())
}
