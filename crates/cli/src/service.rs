//! What a service manager is told (systemd's `sd_notify`): ready, stopping, still alive. A datagram to the socket in `NOTIFY_SOCKET`; without
//! one nobody asks, and nothing happens.
//!
//! Called by `serve`. Invariant: whatever goes wrong here, the server goes on.

use std::time::Duration;

/// Tells the manager a state, such as `READY=1`.
pub(crate) fn tell(state: &str) {
    if let Err(error) = send(std::env::var_os("NOTIFY_SOCKET"), state) {
        tracing::warn!(%error, "the service manager could not be told; it may think that the server hangs");
    }
}

/// How often the manager wants to hear that the server lives: half of what it waits.
pub(crate) fn heartbeat() -> Option<Duration> {
    let text = |name: &str| std::env::var(name).ok();
    period(text("WATCHDOG_USEC"), text("WATCHDOG_PID"), std::process::id())
}

fn period(usec: Option<String>, pid: Option<String>, own: u32) -> Option<Duration> {
    let usec: u64 = usec?.parse().ok().filter(|usec| *usec > 0)?;
    let ours = pid.is_none_or(|pid| pid.parse() == Ok(own));
    ours.then(|| Duration::from_micros(usec / 2).max(Duration::from_millis(100)))
}

#[cfg(target_os = "linux")]
fn send(socket: Option<std::ffi::OsString>, state: &str) -> std::io::Result<()> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    let Some(path) = socket.filter(|path| !path.is_empty()) else { return Ok(()) };
    let address = match path.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(&path)?,
    };
    let datagram = UnixDatagram::unbound()?;
    datagram.set_write_timeout(Some(Duration::from_secs(1)))?;
    datagram.send_to_addr(state.as_bytes(), &address)?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn send(_socket: Option<std::ffi::OsString>, _state: &str) -> std::io::Result<()> {
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    use super::*;

    #[test]
    fn the_manager_hears_it_by_path_and_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        send(Some(path.into()), "READY=1").unwrap();
        let mut heard = [0; 64];
        let n = socket.recv(&mut heard).unwrap();
        assert_eq!(&heard[..n], b"READY=1");

        let name = format!("trackway-test-{}", std::process::id());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        send(Some(format!("@{name}").into()), "STOPPING=1").unwrap();
        let n = socket.recv(&mut heard).unwrap();
        assert_eq!(&heard[..n], b"STOPPING=1");
        assert!(send(None, "READY=1").is_ok() && send(Some("/nowhere/at/all".into()), "READY=1").is_err());
    }

    #[test]
    fn heartbeats_are_for_the_process_they_are_asked_of() {
        let of = |usec: &str, pid: Option<&str>| period(Some(usec.into()), pid.map(str::to_owned), 7);
        assert_eq!(of("60000000", None), Some(Duration::from_secs(30)));
        assert_eq!(of("60000000", Some("7")), Some(Duration::from_secs(30)));
        assert_eq!(of("60000000", Some("8")), None);
        assert_eq!((of("0", None), of("x", None), period(None, None, 7)), (None, None, None));
    }
}
