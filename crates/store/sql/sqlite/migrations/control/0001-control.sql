-- What is kept beside the events: projects, tokens, sign-ins, refused bodies, counts.

-- AUTOINCREMENT: a deleted project's number, and so its folder, is never used again.
CREATE TABLE project (
  row        INTEGER PRIMARY KEY AUTOINCREMENT,
  id         TEXT    NOT NULL,
  name       TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  demo       INTEGER NOT NULL,
  deleted_at INTEGER
) STRICT;
-- A marked project gives its id free at once.
CREATE UNIQUE INDEX project_id ON project (id) WHERE deleted_at IS NULL;

CREATE TABLE alias (
  alias   TEXT    NOT NULL PRIMARY KEY,
  project INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE token (
  id           TEXT    NOT NULL PRIMARY KEY,
  project      INTEGER,
  scope        TEXT    NOT NULL,
  hash         BLOB    NOT NULL UNIQUE,
  prefix       TEXT    NOT NULL,
  name         TEXT    NOT NULL,
  created_at   INTEGER NOT NULL,
  last_used_at INTEGER,
  revoked_at   INTEGER
) STRICT;

CREATE TABLE login_link (
  hash       BLOB    NOT NULL PRIMARY KEY,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE login (
  hash       BLOB    NOT NULL PRIMARY KEY,
  created_at INTEGER NOT NULL,
  used_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE quarantine (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  at           INTEGER NOT NULL,
  reason       INTEGER NOT NULL,
  project_text TEXT,
  route        TEXT    NOT NULL,
  user_agent   TEXT,
  bytes        INTEGER NOT NULL,
  events       INTEGER NOT NULL,
  replayable   INTEGER NOT NULL,
  body         BLOB    NOT NULL
) STRICT;
CREATE INDEX quarantine_project ON quarantine (project_text, id) WHERE replayable = 1;

-- kind: 1 dropped events by reason, 2 refused bodies, 3 losses told by recorders. project 0: none.
CREATE TABLE tally (
  project INTEGER NOT NULL,
  kind    INTEGER NOT NULL,
  name    TEXT    NOT NULL,
  n       INTEGER NOT NULL,
  PRIMARY KEY (project, kind, name)
) STRICT, WITHOUT ROWID;
