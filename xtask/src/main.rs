//! `cargo xtask`: checks and chores.
fn main() {}
