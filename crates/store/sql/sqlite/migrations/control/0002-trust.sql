-- Who may sign in, what admins did, settings of projects, deletions that a restore must repeat.

CREATE TABLE member (
  row        INTEGER PRIMARY KEY AUTOINCREMENT,
  name       TEXT    NOT NULL UNIQUE,
  role       TEXT    NOT NULL,
  password   TEXT,
  created_at INTEGER NOT NULL,
  seen_at    INTEGER
) STRICT;
-- Whoever starts the server: the links it prints are this member's.
INSERT INTO member (row, name, role, created_at) VALUES (1, 'owner', 'owner', 0);

ALTER TABLE login_link ADD COLUMN member INTEGER NOT NULL DEFAULT 1;
ALTER TABLE login ADD COLUMN member INTEGER NOT NULL DEFAULT 1;
-- When its secret was last exchanged, and until when the old one still counts.
ALTER TABLE login ADD COLUMN rotated_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE login ADD COLUMN ends_at INTEGER;

CREATE TABLE audit (
  seq     INTEGER PRIMARY KEY AUTOINCREMENT,
  at      INTEGER NOT NULL,
  actor   TEXT    NOT NULL,
  act     TEXT    NOT NULL,
  project TEXT,
  target  TEXT    NOT NULL,
  detail  TEXT    NOT NULL
) STRICT;

-- project 0: of the whole installation.
CREATE TABLE setting (
  project INTEGER NOT NULL,
  key     TEXT    NOT NULL,
  value   TEXT    NOT NULL,
  PRIMARY KEY (project, key)
) STRICT, WITHOUT ROWID;

-- Work a verb asks of the process that holds the ledgers; a finished person deletion stays, so that a restore can repeat it.
CREATE TABLE chore (
  id       TEXT    NOT NULL PRIMARY KEY,
  project  TEXT    NOT NULL,
  kind     TEXT    NOT NULL,
  ask      TEXT    NOT NULL,
  asked_at INTEGER NOT NULL,
  done_at  INTEGER,
  answer   TEXT
) STRICT;
