//! Trackway's meaning: sessions, identity, issues, counters and filters as pure functions (INV-11: no clock, no
//! environment, no disk, no randomness).
//!
//! What is derived from events is a merge that does not care for order or repetition, and the naive fold over the rows
//! is its definition:
//! - [`session`]: what is known of a session; [`grouping`]: which session an event without one goes to; [`consolidate`]: which sessions are one conversation
//! - [`identity`]: which ids are one person; [`person`]: legal ids and merged facts of an actor; [`winner`]: which of several contradicting facts holds
//! - [`logical`]: requests that are one call together
//! - [`issue`]: error groups, titles and classes; [`chain`]: attempts and how a session ended
//! - [`catalog`]: listings, their differences, and arguments against what was shown
//! - [`cluster`]: sentences about one matter
//! - [`rollup`]: counters per time bucket; [`sketch`]: mergeable latency distributions; [`metric`]: figures as naive folds, the definitions
//! - [`filter`]: the conditions of URL, API and command line; [`period`]: their times

pub mod catalog;
pub mod chain;
pub mod cluster;
mod codec;
pub mod consolidate;
pub mod filter;
pub mod grouping;
pub mod identity;
pub mod issue;
pub mod logical;
pub mod metric;
pub mod period;
pub mod person;
pub mod rollup;
pub mod session;
pub mod sketch;
pub mod winner;

#[cfg(test)]
mod testing;
