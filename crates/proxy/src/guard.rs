//! The child's life: signals passed on to its process group, a grace period, then force; and its end when the wrapper
//! itself is killed (CAP §6.1, D29).

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a child may take to go before the next stronger signal.
pub const GRACE: Duration = Duration::from_secs(5);

/// The name of the hidden verb that [`launched`] uses.
pub const LAUNCH_VERB: &str = "__launch";

/// A child's process group, and whether it is over.
#[derive(Clone, Debug)]
pub struct Child {
    pid: u32,
    over: Arc<AtomicBool>,
    signalled: Arc<AtomicBool>,
}

impl Child {
    /// A child that leads its own group.
    pub fn new(pid: u32) -> Self {
        Self { pid, over: Arc::default(), signalled: Arc::default() }
    }

    /// It has ended; its number may be somebody else's from now on.
    pub fn ended(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    /// Whether it has ended.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// Whether this process was told to end.
    pub fn was_signalled(&self) -> bool {
        self.signalled.load(Ordering::SeqCst)
    }

    /// TERM after a grace period, KILL after another, unless it ends before.
    pub fn end_after_grace(&self) {
        if self.wait(GRACE) {
            return;
        }
        self.signal(Signal::Term);
        if !self.wait(GRACE) {
            self.signal(Signal::Kill);
        }
    }

    fn wait(&self, long: Duration) -> bool {
        let until = Instant::now() + long;
        while !self.is_over() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
        self.is_over()
    }

    #[cfg(unix)]
    fn signal(&self, signal: Signal) {
        use rustix::process::{Pid, Signal as S, kill_process_group};
        let signal = match signal {
            Signal::Int => S::INT,
            Signal::Term => S::TERM,
            Signal::Hup => S::HUP,
            Signal::Kill => S::KILL,
        };
        if let Some(pid) = Pid::from_raw(self.pid as i32).filter(|_| !self.is_over()) {
            let _ = kill_process_group(pid, signal);
        }
    }

    #[cfg(not(unix))]
    fn signal(&self, _signal: Signal) {}
}

#[derive(Clone, Copy, Debug)]
enum Signal {
    #[cfg(unix)]
    Int,
    Term,
    #[cfg(unix)]
    Hup,
    Kill,
}

/// SIGINT, SIGTERM and SIGHUP, caught from now on.
#[derive(Debug)]
pub struct Signals {
    #[cfg(unix)]
    caught: signal_hook::iterator::Signals,
}

impl Signals {
    /// Catches them; they wait until [`Signals::forward_to`].
    pub fn catch() -> std::io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            caught: signal_hook::iterator::Signals::new([
                signal_hook::consts::SIGINT,
                signal_hook::consts::SIGTERM,
                signal_hook::consts::SIGHUP,
            ])?,
        })
    }

    /// Passes them on to the child from a thread of its own; what does not end then is ended.
    #[cfg(unix)]
    pub fn forward_to(mut self, child: Child) {
        use signal_hook::consts::{SIGHUP, SIGINT};
        let forward = move || {
            for number in self.caught.forever() {
                child.signalled.store(true, Ordering::SeqCst);
                child.signal(match number {
                    SIGINT => Signal::Int,
                    SIGHUP => Signal::Hup,
                    _ => Signal::Term,
                });
                let child = child.clone();
                let grace = std::thread::Builder::new().name("trackway-grace".into());
                let _ = grace.spawn(move || child.end_after_grace());
            }
        };
        if let Err(error) = std::thread::Builder::new().name("trackway-signals".into()).spawn(forward) {
            tracing::warn!(%error, "signals cannot be passed on");
        }
    }

    /// Nothing to forward on this system.
    #[cfg(not(unix))]
    pub fn forward_to(self, _child: Child) {}
}

/// The command as it is started: on Linux through our own hidden verb, which asks the system to end it when this
/// process dies, so that even SIGKILL leaves no orphan.
pub fn launched(launcher: Option<&PathBuf>, command: &[OsString]) -> Option<Command> {
    let (program, arguments) = command.split_first()?;
    let mut built = match launcher.filter(|_| cfg!(target_os = "linux")) {
        Some(launcher) => {
            let mut c = Command::new(launcher);
            c.arg(LAUNCH_VERB).arg(std::process::id().to_string()).arg("--").args(command);
            c
        }
        None => {
            let mut c = Command::new(program);
            c.args(arguments);
            c
        }
    };
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut built, 0);
    Some(built)
}

/// The hidden verb: ties this process's life to its parent's and becomes the command. Returns only when that failed,
/// with the exit code.
#[cfg(unix)]
pub fn launch(parent: u32, command: &[OsString]) -> i32 {
    use std::os::unix::process::CommandExt as _;
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, getppid, set_parent_process_death_signal};
        crate::memory::usual();
        let _ = set_parent_process_death_signal(Some(Signal::KILL));
        // The parent may have died before the line above.
        if getppid().is_none_or(|p| p.as_raw_nonzero().get() as u32 != parent) {
            return 127;
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = parent;
    let Some((program, arguments)) = command.split_first() else { return 127 };
    let error = Command::new(program).args(arguments).exec();
    eprintln!("trackway wrap: cannot start {}: {error}", program.to_string_lossy());
    127
}

/// Not used on this system.
#[cfg(not(unix))]
pub fn launch(_parent: u32, _command: &[OsString]) -> i32 {
    127
}
