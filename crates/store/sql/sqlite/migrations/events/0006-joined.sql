-- Fragments of one conversation, shown as one session (D14). Events keep their session. The first fragment is the head: its row
-- shows the sums of all, its own figures lie in session_own; the others have a negative activity, which no list shows.
ALTER TABLE session ADD COLUMN head INTEGER;
ALTER TABLE session ADD COLUMN process INTEGER;
ALTER TABLE session ADD COLUMN address INTEGER;
CREATE INDEX session_head ON session (head) WHERE head IS NOT NULL;
CREATE INDEX session_person ON session (person, started_at) WHERE person IS NOT NULL;
CREATE INDEX session_process ON session (process, started_at) WHERE process IS NOT NULL;
CREATE INDEX session_address ON session (address, started_at) WHERE address IS NOT NULL;

-- later continues earlier. apart: an operator parted them; then it counts no more, and stays.
CREATE TABLE session_link (
  later      INTEGER PRIMARY KEY,
  earlier    INTEGER NOT NULL,
  evidence   INTEGER NOT NULL,
  confidence INTEGER NOT NULL,
  gap_us     INTEGER NOT NULL,
  apart      INTEGER NOT NULL
) STRICT;
CREATE INDEX session_link_earlier ON session_link (earlier);

CREATE TABLE session_own (
  row        INTEGER PRIMARY KEY,
  last_at    INTEGER NOT NULL,
  activity   INTEGER NOT NULL,
  events     INTEGER NOT NULL,
  tool_calls INTEGER NOT NULL,
  errors     INTEGER NOT NULL,
  missing    INTEGER NOT NULL,
  tokens_in  INTEGER NOT NULL,
  tokens_out INTEGER NOT NULL,
  demo       INTEGER NOT NULL
) STRICT;
