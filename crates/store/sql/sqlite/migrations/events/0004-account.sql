-- Accounts: organisations, teams and the like that events name as their groups. Figures are those of the events that name them.
CREATE TABLE account (
  row        INTEGER PRIMARY KEY,
  type       TEXT    NOT NULL,
  key        TEXT    NOT NULL,
  name       TEXT,
  first_seen INTEGER NOT NULL,
  last_seen  INTEGER NOT NULL,
  events     INTEGER NOT NULL,
  tool_calls INTEGER NOT NULL,
  errors     INTEGER NOT NULL,
  traits     TEXT    NOT NULL,
  facts      BLOB    NOT NULL,
  UNIQUE (type, key)
) STRICT;

-- Which events named which: in the order of their arrival, so that adding one is cheap.
CREATE TABLE account_event (
  seq     INTEGER NOT NULL,
  account INTEGER NOT NULL,
  PRIMARY KEY (seq, account)
) STRICT, WITHOUT ROWID;

-- Which were named in which hour (µs ÷ 3.6e9).
CREATE TABLE account_hour (
  hour    INTEGER NOT NULL,
  account INTEGER NOT NULL,
  PRIMARY KEY (hour, account)
) STRICT, WITHOUT ROWID;

-- Whose events named it.
CREATE TABLE account_person (
  account INTEGER NOT NULL,
  person  INTEGER NOT NULL,
  PRIMARY KEY (account, person)
) STRICT, WITHOUT ROWID;
CREATE INDEX account_person_person ON account_person (person);

CREATE TABLE account_session (
  account INTEGER NOT NULL,
  session INTEGER NOT NULL,
  PRIMARY KEY (account, session)
) STRICT, WITHOUT ROWID;
CREATE INDEX account_session_session ON account_session (session);
