//! Memory of a process that stands beside every MCP server: on Linux the allocator's first arena would take whole huge pages,
//! eight megabytes for one that is used (CAP §7). `wrap` and `proxy` do without; a wrapped server gets back what it would have
//! had.

/// Keeps this process to pages of the usual size; the sooner the better. [`crate::guard::launch`] undoes it.
#[cfg(target_os = "linux")]
pub fn frugal() {
    // Where the system does not know the call, nothing is gained and nothing lost.
    let _unknown = rustix::thread::disable_transparent_huge_pages(true);
}

/// Undoes [`frugal`] for the program that this process is about to become.
#[cfg(target_os = "linux")]
pub(crate) fn usual() {
    let _unknown = rustix::thread::disable_transparent_huge_pages(false);
}

/// Nothing to do on this system.
#[cfg(not(target_os = "linux"))]
pub fn frugal() {}
