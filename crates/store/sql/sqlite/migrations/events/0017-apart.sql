-- What a person took out of an error group by hand, in the order it was said. source: the group's fingerprint; made: that of the
-- group its failures are. at_time, at_seq: failures before this one, newest first, are still to be moved; NULL: all are.
CREATE TABLE issue_apart (
  number  INTEGER PRIMARY KEY,
  source  BLOB    NOT NULL,
  made    BLOB    NOT NULL UNIQUE,
  what    TEXT    NOT NULL,
  value   TEXT    NOT NULL,
  at_time INTEGER,
  at_seq  INTEGER
) STRICT;
