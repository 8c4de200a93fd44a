-- Saved views of a project: a page with what was asked of it. shared: 0 only for its owner, 1 for everyone who may read.
CREATE TABLE view (
  row     INTEGER PRIMARY KEY AUTOINCREMENT,
  project INTEGER NOT NULL,
  name    TEXT    NOT NULL,
  page    TEXT    NOT NULL,
  query   TEXT    NOT NULL,
  owner   TEXT    NOT NULL,
  shared  INTEGER NOT NULL,
  made_at INTEGER NOT NULL,
  UNIQUE (project, owner, name)
) STRICT;
