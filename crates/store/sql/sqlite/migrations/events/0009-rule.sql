-- Settings that change what rows mean, as this ledger follows them.

CREATE TABLE rule (
  name  TEXT    NOT NULL PRIMARY KEY,
  value TEXT    NOT NULL,
  -- rows up to this follow it; NULL: all
  upto  INTEGER
) STRICT, WITHOUT ROWID;
