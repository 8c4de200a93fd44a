//! INV-08: whatever becomes of Trackway, a wrapped server behaves as without it. Bytes, exits and processes are looked at
//! from the outside, with endpoints that refuse, hang, fail and talk nonsense (CAP §6.1, §9 cases 28 to 33 and 48).

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use trackway_tests::{binary, clean, wait_for};

const PATIENCE: Duration = Duration::from_secs(20);

/// How an endpoint misbehaves.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// Nobody listens.
    Refuses,
    /// Takes the connection and says nothing.
    Hangs,
    /// Answers this and closes.
    Says(&'static str),
}

impl Fault {
    fn endpoint(self) -> Result<String> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        match self {
            Self::Refuses => drop(listener),
            Self::Hangs => drop(std::thread::spawn(move || {
                let mut held = Vec::new();
                while let Ok((stream, _)) = listener.accept() {
                    held.push(stream);
                }
            })),
            Self::Says(answer) => drop(std::thread::spawn(move || {
                while let Ok((mut stream, _)) = listener.accept() {
                    let mut head = [0; 4096];
                    let _ = stream.read(&mut head);
                    let _ = stream.write_all(answer.as_bytes());
                }
            })),
        }
        Ok(url)
    }
}

fn wrap(endpoint: &str, home: &std::path::Path, command: &[&str]) -> Result<Command> {
    let mut wrap = clean(binary()?);
    wrap.env("HOME", home)
        .args(["wrap", "--project", "proj_host", "--endpoint", endpoint, "--"])
        .args(command);
    wrap.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    Ok(wrap)
}

fn code(child: &mut Child) -> Result<Option<i32>> {
    let status = wait_for("the wrapper's end", PATIENCE, || Ok(child.try_wait()?))?;
    Ok(status.code())
}

/// Traffic that `cat` gives back as it is: requests, answers, notifications, a batch, noise, bytes that are no text.
fn traffic() -> Vec<u8> {
    let mut bytes = Vec::new();
    for i in 0..200 {
        bytes.extend_from_slice(format!("{{\"jsonrpc\":\"2.0\",\"id\":{i},\"method\":\"resources/read\",\"params\":{{\"uri\":\"x://{i}\"}}}}\n").as_bytes());
    }
    bytes.extend_from_slice(
        b"[{\"id\":\"a\",\"method\":\"ping\"},{\"id\":\"b\",\"method\":\"ping\"}]\r\n\n  \n",
    );
    bytes.extend_from_slice(b"Listening on stdio\n{\"broken\":\n{\"bad\":\"\xff\xfe\"}\n");
    bytes.extend_from_slice(b"{\"id\":1.0,\"result\":{\"n\":123456789012345678901234567890,\"n\":1E400}}\n");
    bytes.extend_from_slice(format!("{{\"id\":7,\"result\":\"{}\"}}\n", "x".repeat(3 << 20)).as_bytes());
    bytes.extend_from_slice(b"last line without an end");
    bytes
}

#[test]
fn inv_08_case_48_no_state_of_trackway_changes_a_byte_or_the_exit() -> Result<()> {
    for fault in [
        Fault::Refuses,
        Fault::Hangs,
        Fault::Says(
            "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 4\r\nconnection: close\r\n\r\noops",
        ),
        Fault::Says("HTTP/1.1 413 Payload Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
        Fault::Says("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
        Fault::Says("SSH-2.0-not-http\r\n"),
    ] {
        let home = tempfile::tempdir()?;
        let mut child = wrap(&fault.endpoint()?, home.path(), &["cat"])?.spawn()?;
        let (mut stdin, mut stdout) =
            (child.stdin.take().context("stdin")?, child.stdout.take().context("stdout")?);
        let sent = traffic();
        let feed = sent.clone();
        let writer = std::thread::spawn(move || stdin.write_all(&feed));
        let mut got = Vec::new();
        stdout.read_to_end(&mut got)?;
        ensure!(writer.join().is_ok_and(|w| w.is_ok()), "{fault:?}: the wrapper stopped reading");
        ensure!(got == sent, "{fault:?}: {} bytes in, {} bytes out", sent.len(), got.len());
        ensure!(code(&mut child)? == Some(0), "{fault:?}");
    }
    Ok(())
}

#[test]
fn case_32_a_child_that_ignores_the_end_of_its_input_is_ended() -> Result<()> {
    let home = tempfile::tempdir()?;
    let mut child =
        wrap("http://127.0.0.1:1", home.path(), &["sh", "-c", "trap '' TERM; while :; do sleep 1; done"])?
            .spawn()?;
    drop(child.stdin.take());
    ensure!(code(&mut child)? == Some(128 + 9), "EOF, then TERM, then KILL");
    Ok(())
}

#[test]
fn case_33_signals_reach_the_child_and_its_code_comes_back() -> Result<()> {
    for (signal, script, expected) in [
        ("TERM", "trap 'exit 5' TERM; echo up; while :; do sleep 0.1; done", 5),
        ("INT", "trap 'exit 6' INT; echo up; while :; do sleep 0.1; done", 6),
        ("HUP", "trap 'exit 7' HUP; echo up; while :; do sleep 0.1; done", 7),
        ("TERM", "echo up; while :; do sleep 0.1; done", 128 + 15),
    ] {
        let home = tempfile::tempdir()?;
        let mut child = wrap("http://127.0.0.1:1", home.path(), &["sh", "-c", script])?.spawn()?;
        let mut up = [0; 3];
        child.stdout.as_mut().context("stdout")?.read_exact(&mut up)?;
        kill(signal, child.id())?;
        ensure!(code(&mut child)? == Some(expected), "{signal} {script}");
    }
    Ok(())
}

#[test]
#[cfg(target_os = "linux")]
fn case_33_a_killed_wrapper_leaves_no_orphan() -> Result<()> {
    let home = tempfile::tempdir()?;
    let mut child =
        wrap("http://127.0.0.1:1", home.path(), &["sh", "-c", "echo $$; exec sleep 300"])?.spawn()?;
    let mut number = String::new();
    let stdout = child.stdout.as_mut().context("stdout")?;
    let mut byte = [0];
    while stdout.read(&mut byte)? == 1 && byte != *b"\n" {
        number.push(char::from(byte[0]));
    }
    let proc = std::path::PathBuf::from(format!("/proc/{}", number.trim()));
    ensure!(proc.exists(), "the server runs");
    kill("KILL", child.id())?;
    child.wait()?;
    wait_for("the server's end", PATIENCE, || {
        let gone = std::fs::read_to_string(proc.join("stat")).map_or(true, |s| s.contains(") Z "));
        Ok(gone.then_some(()))
    })
}

#[test]
fn case_31_a_server_that_dies_mid_call_ends_the_pipe_with_its_code() -> Result<()> {
    let home = tempfile::tempdir()?;
    let mut child = wrap("http://127.0.0.1:1", home.path(), &["sh", "-c", "read line; exit 3"])?.spawn()?;
    let mut stdin = child.stdin.take().context("stdin")?;
    stdin.write_all(b"{\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"x\"}}\n")?;
    let mut rest = Vec::new();
    child.stdout.take().context("stdout")?.read_to_end(&mut rest)?;
    ensure!(rest.is_empty() && code(&mut child)? == Some(3));
    Ok(())
}

fn kill(signal: &str, pid: u32) -> Result<()> {
    let sent = Command::new("kill").args([&format!("-{signal}"), &pid.to_string()]).status()?;
    ensure!(sent.success(), "kill -{signal} {pid}");
    Ok(())
}
