//! The driver: scripted agent sessions, played by a real MCP client against the shop's server.
//!
//! `scenario` says what a session is, `calendar` when the sessions of the demo took place, `scripts` what happens in
//! them, `play` plays one, `crowd` plays many. Invariant: what is played depends on the seed and the time given only.

mod calendar;
mod crowd;
mod people;
mod play;
mod scenario;
mod scripts;
mod wishes;

pub use calendar::scenarios;
pub use crowd::{LoadReport, live, load};
pub use play::{Pace, SessionReport, ToolCount, play};
pub use scenario::{Call, Client, Era, Scenario, Step};

#[cfg(test)]
mod tests;
