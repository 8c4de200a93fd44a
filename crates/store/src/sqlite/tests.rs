//! The suite over SQLite, and what is special to files: locks, versions, damage.

use std::sync::Arc;

use super::*;
use crate::{Store, StoreError, conformance};

#[test]
fn conforms() {
    let dir = tempfile::tempdir().unwrap();
    let stores = std::cell::Cell::new(0);
    let make = || -> Arc<dyn Store> {
        stores.set(stores.get() + 1);
        SqliteStore::open(&dir.path().join(stores.get().to_string()), SqliteOptions::default()).unwrap()
    };
    conformance::run(&make);
}

#[test]
fn refuses_directories_it_cannot_use() {
    let dir = tempfile::tempdir().unwrap();
    let open = |path: &std::path::Path| SqliteStore::open(path, SqliteOptions::default());
    assert!(matches!(open(&dir.path().join("no/parent")), Err(StoreError::DataDir { .. })));
    let data = dir.path().join("data");
    let first = open(&data).unwrap();
    assert!(matches!(open(&data), Err(StoreError::Locked(_))));
    // Verbs work beside it.
    drop(SqliteStore::open_control(&data).unwrap());
    drop(first);
    let again = open(&data).unwrap();
    drop(again);
    let conn = rusqlite::Connection::open(data.join("trackway.db")).unwrap();
    conn.pragma_update(None, "user_version", 99).unwrap();
    drop(conn);
    assert!(matches!(open(&data), Err(StoreError::Newer { found: 99, .. })));
    std::fs::write(data.join("trackway.db"), vec![7; 8192]).unwrap();
    assert!(matches!(open(&data), Err(StoreError::Corrupt { .. })));
}
