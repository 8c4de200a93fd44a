//! Black-box tests of the trackway binary: a running instance, and how a test talks to it.
//!
//! Used by every test in `tests/tests`. Invariant: an instance listens on loopback only, keeps its data in a directory of
//! its own, and its process ends with the value that stands for it, by its own id.

mod instance;

pub use instance::Instance;
