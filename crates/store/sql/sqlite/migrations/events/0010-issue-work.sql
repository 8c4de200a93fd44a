-- Working on error groups: whose they are, what was said of them, and what a decision took the place of.

CREATE TABLE issue_owner (
  issue INTEGER PRIMARY KEY,
  -- the member's name at that time
  name  TEXT    NOT NULL,
  at    INTEGER NOT NULL
) STRICT;

-- words: a comment; before: what stood before, as JSON, for taking it back.
ALTER TABLE issue_history ADD COLUMN words TEXT;
ALTER TABLE issue_history ADD COLUMN before TEXT;
