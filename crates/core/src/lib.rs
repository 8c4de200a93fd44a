//! Trackway's meaning: sessions, identity, issues, counters, as pure functions.
