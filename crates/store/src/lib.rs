//! Trackway's storage: the Store trait and its embedded SQLite backend.
