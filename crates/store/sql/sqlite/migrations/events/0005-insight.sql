-- Signals that need no model. repeat: what a call has in common with one that says the same again (core::metric::repeats);
-- catalog: the listing a tools/list answered with. Rows from before have neither.
ALTER TABLE event ADD COLUMN repeat INTEGER;
ALTER TABLE event ADD COLUMN catalog INTEGER;
-- Who saw a listing when.
CREATE INDEX event_catalog ON event (catalog, started_at, session) WHERE catalog IS NOT NULL;

-- Each distinct complete tools/list once. tools: zstd of the JSON array, NULL while it was never seen in one piece.
CREATE TABLE catalog (
  row   INTEGER PRIMARY KEY,
  hash  TEXT NOT NULL UNIQUE,
  tools BLOB
) STRICT;

-- What a person decided about an error group. verb: resolved, archived. version: "in version" or the newest one known then.
CREATE TABLE issue_decision (
  issue   INTEGER PRIMARY KEY,
  verb    TEXT    NOT NULL,
  rule    TEXT    NOT NULL,
  at      INTEGER NOT NULL,
  version TEXT,
  until   INTEGER,
  more    INTEGER
) STRICT;

-- Groups merged by hand: events of `child` are shown under `parent`. Fingerprints stay, so it can be undone.
CREATE TABLE issue_merge (
  child  INTEGER PRIMARY KEY,
  parent INTEGER NOT NULL
) STRICT;
CREATE INDEX issue_merge_parent ON issue_merge (parent);

-- What was done to an error group, by whom.
CREATE TABLE issue_history (
  seq   INTEGER PRIMARY KEY,
  issue INTEGER NOT NULL,
  at    INTEGER NOT NULL,
  who   TEXT    NOT NULL,
  what  TEXT    NOT NULL
) STRICT;
CREATE INDEX issue_history_issue ON issue_history (issue, seq);

-- What became of a wish: a missing-capability event, by its id.
CREATE TABLE wish (
  event  TEXT    NOT NULL PRIMARY KEY,
  status TEXT    NOT NULL,
  note   TEXT    NOT NULL,
  at     INTEGER NOT NULL,
  who    TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
