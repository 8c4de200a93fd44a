//! A wrapper under test: started, talked to line by line, and made sure to be gone.
#![allow(clippy::unwrap_used, reason = "a helper of tests may fail the test")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// No single step takes longer on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A running wrapper.
pub(crate) struct Wrapped {
    pub(crate) child: Child,
    pub(crate) stdin: Option<ChildStdin>,
    /// Lines of its output with their newlines; the end of the channel is the end of the output.
    pub(crate) lines: Receiver<Vec<u8>>,
    pub(crate) errors: Option<std::thread::JoinHandle<String>>,
}

/// `wrap FLAGS -- COMMAND` with nothing of the caller's environment that could matter.
pub(crate) fn command(flags: &[&str], command: &[&str]) -> Command {
    let mut built = Command::new(env!("CARGO_BIN_EXE_wrap-harness"));
    for name in ["TRACKWAY_ENDPOINT", "AGENTCAT_API_URL", "MCPCAT_API_URL", "TRACKWAY_TOKEN"] {
        built.env_remove(name);
    }
    built.args(["wrap", "--project", "proj_test"]).args(flags).arg("--").args(command);
    built.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    built
}

impl Wrapped {
    pub(crate) fn start(flags: &[&str], wrapped: &[&str]) -> Self {
        let mut child = command(flags, wrapped).spawn().unwrap();
        let (send, lines) = channel();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            loop {
                let mut line = Vec::new();
                match out.read_until(b'\n', &mut line) {
                    Ok(0) | Err(_) => return,
                    Ok(_) if send.send(line).is_err() => return,
                    Ok(_) => {}
                }
            }
        });
        let mut err = child.stderr.take().unwrap();
        let errors = std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = err.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        Self { stdin: child.stdin.take(), child, lines, errors: Some(errors) }
    }

    pub(crate) fn say(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(format!("{line}\n").as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    pub(crate) fn line(&self) -> String {
        String::from_utf8(self.lines.recv_timeout(PATIENCE).expect("a line in time")).unwrap()
    }

    pub(crate) fn ask(&mut self, line: &str) -> serde_json::Value {
        self.say(line);
        serde_json::from_str(&self.line()).unwrap()
    }

    /// Waits until the output ends.
    pub(crate) fn end_of_output(&self) {
        let until = Instant::now() + PATIENCE;
        while self.lines.recv_timeout(until.saturating_duration_since(Instant::now())).is_ok() {}
        assert!(Instant::now() < until, "the output ends");
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        wait_for(|| self.child.try_wait().unwrap())
    }

    /// Closes the input and gives the exit code and what was written to stderr.
    pub(crate) fn finish(mut self) -> (Option<i32>, String) {
        drop(self.stdin.take());
        let code = self.wait().code();
        (code, self.errors.take().unwrap().join().unwrap())
    }

    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.child.id() as i32).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }
}

impl Drop for Wrapped {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks again until there is an answer.
pub(crate) fn wait_for<T>(mut ready: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(Instant::now() < until, "in time");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether a process is there and no zombie.
pub(crate) fn is_alive(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z')))
}

/// An endpoint that answers every connection with these bytes; with none it says nothing and keeps the connection.
pub(crate) fn endpoint(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for mut stream in listener.incoming().map_while(Result::ok) {
            if !answer.is_empty() {
                let _ = stream.set_read_timeout(Some(Duration::from_millis(100)));
                let _ = stream.read(&mut [0; 65_536]);
                let _ = stream.write_all(answer.as_bytes());
                continue;
            }
            open.push(stream);
        }
    });
    url
}
