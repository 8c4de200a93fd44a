//! Trackway's meaning: sessions, identity, issues, counters and filters as pure functions (INV-11: no clock, no
//! environment, no disk).

pub mod filter;
