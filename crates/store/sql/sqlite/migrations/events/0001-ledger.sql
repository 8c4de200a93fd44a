-- One project's ledger. Texts that repeat are numbers into `name`, `peer` and `person`; payloads lie in `block`.

CREATE TABLE name (
  id   INTEGER PRIMARY KEY,
  text TEXT NOT NULL UNIQUE
) STRICT;

-- A version that was not given is the empty text.
CREATE TABLE peer (
  id      INTEGER PRIMARY KEY,
  name    TEXT NOT NULL,
  version TEXT NOT NULL,
  UNIQUE (name, version)
) STRICT;

-- Dedupe (D4): 8 bytes raw time in µs big-endian, 8 bytes hash of (project, id).
CREATE TABLE seen (
  key BLOB    NOT NULL PRIMARY KEY,
  seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- zstd of the payloads of up to one commit; rows point into the inflated bytes.
CREATE TABLE block (
  id   INTEGER PRIMARY KEY,
  data BLOB NOT NULL
) STRICT;

CREATE TABLE event (
  seq           INTEGER PRIMARY KEY,
  id            TEXT    NOT NULL,
  started_at    INTEGER NOT NULL,
  received_at   INTEGER NOT NULL,
  session       INTEGER,
  source        INTEGER,
  kind          INTEGER NOT NULL,
  status        INTEGER,
  method        INTEGER,
  tool          INTEGER,
  resource      INTEGER,
  intent        TEXT,
  intent_source INTEGER,
  duration_us   INTEGER,
  person        INTEGER,
  client        INTEGER,
  server        INTEGER,
  sdk           INTEGER,
  protocol      INTEGER,
  model         INTEGER,
  error_type    INTEGER,
  error_message TEXT,
  issue         INTEGER,
  class         INTEGER,
  input         INTEGER NOT NULL,
  capture       INTEGER,
  bytes_in      INTEGER,
  bytes_out     INTEGER,
  tokens_in     INTEGER,
  tokens_out    INTEGER,
  flags         INTEGER NOT NULL,
  tags          TEXT,
  notes         TEXT,
  block         INTEGER,
  offset        INTEGER,
  length        INTEGER
) STRICT;
CREATE INDEX event_session ON event (session, started_at);
CREATE INDEX event_started ON event (started_at);
CREATE INDEX event_issue ON event (issue, started_at, session, person) WHERE issue IS NOT NULL;
-- 11: missing_capability
CREATE INDEX event_missing ON event (started_at) WHERE kind = 11;

-- A session that went into another has merged_into and no activity; its events were moved.
CREATE TABLE session (
  row          INTEGER PRIMARY KEY,
  id           TEXT    NOT NULL UNIQUE,
  merged_into  INTEGER,
  source       INTEGER NOT NULL,
  started_at   INTEGER NOT NULL,
  last_at      INTEGER NOT NULL,
  activity     INTEGER NOT NULL,
  events       INTEGER NOT NULL,
  tool_calls   INTEGER NOT NULL,
  errors       INTEGER NOT NULL,
  missing      INTEGER NOT NULL,
  tokens_in    INTEGER NOT NULL,
  tokens_out   INTEGER NOT NULL,
  demo         INTEGER NOT NULL,
  person       INTEGER,
  client       INTEGER,
  server       INTEGER,
  sdk          INTEGER,
  protocol     INTEGER,
  actors       INTEGER NOT NULL,
  attributed   INTEGER,
  group_person INTEGER,
  group_client INTEGER,
  facts        BLOB    NOT NULL
) STRICT;
CREATE INDEX session_started ON session (started_at, client, last_at) WHERE activity > 0;
CREATE INDEX session_last ON session (last_at) WHERE activity > 0;
CREATE INDEX session_failed ON session (started_at) WHERE activity > 0 AND (errors > 0 OR missing > 0);
CREATE INDEX session_group ON session (group_person, group_client, started_at) WHERE group_person IS NOT NULL;
CREATE INDEX session_merged ON session (merged_into) WHERE merged_into IS NOT NULL;

CREATE TABLE person (
  row        INTEGER PRIMARY KEY,
  id         TEXT    NOT NULL UNIQUE,
  name       TEXT,
  first_seen INTEGER NOT NULL,
  last_seen  INTEGER NOT NULL,
  tool_calls INTEGER NOT NULL,
  errors     INTEGER NOT NULL,
  traits     TEXT    NOT NULL,
  facts      BLOB    NOT NULL
) STRICT;
CREATE INDEX person_last ON person (last_seen);

-- Who was seen in which session.
CREATE TABLE person_session (
  person  INTEGER NOT NULL,
  session INTEGER NOT NULL,
  PRIMARY KEY (person, session)
) STRICT, WITHOUT ROWID;
CREATE INDEX person_session_session ON person_session (session);

-- Who was seen in which hour (µs ÷ 3.6e9), for distinct people of any period.
CREATE TABLE person_hour (
  hour   INTEGER NOT NULL,
  person INTEGER NOT NULL,
  PRIMARY KEY (hour, person)
) STRICT, WITHOUT ROWID;

CREATE TABLE issue (
  row          INTEGER PRIMARY KEY,
  fingerprint  BLOB    NOT NULL UNIQUE,
  title        TEXT    NOT NULL,
  tool         INTEGER,
  error_type   INTEGER,
  class        INTEGER NOT NULL,
  first_seen   INTEGER NOT NULL,
  first_key    TEXT    NOT NULL,
  last_seen    INTEGER NOT NULL,
  last_key     TEXT    NOT NULL,
  events       INTEGER NOT NULL,
  since_server INTEGER,
  message      TEXT    NOT NULL
) STRICT;

-- grain 0: hours, 1: days (UTC). tool 0: all tools of the kind together. cells: one counter per client.
CREATE TABLE rollup (
  grain  INTEGER NOT NULL,
  bucket INTEGER NOT NULL,
  kind   INTEGER NOT NULL,
  tool   INTEGER NOT NULL,
  cells  BLOB    NOT NULL,
  PRIMARY KEY (grain, bucket, kind, tool)
) STRICT, WITHOUT ROWID;

-- stored, duplicates, calls
CREATE TABLE counter (
  name TEXT    NOT NULL PRIMARY KEY,
  n    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE VIRTUAL TABLE search USING fts5 (intent, error, tool, content = '', columnsize = 0, detail = 'none');
