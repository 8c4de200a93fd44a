-- Where an operator split a session: what starts at this time or later, up to the next cut, is session row. origin: the session
-- whose id those events name; for grouped ones the cut holds for all of their person and client.
CREATE TABLE session_cut (
  row    INTEGER PRIMARY KEY,
  origin INTEGER NOT NULL,
  at     INTEGER NOT NULL
) STRICT;
CREATE INDEX session_cut_origin ON session_cut (origin, at);

-- By an operator's word a session may continue one that began later: the whole begins with the first of them.
ALTER TABLE session_own ADD COLUMN started_at INTEGER;
UPDATE session_own SET started_at = (SELECT started_at FROM session WHERE session.row = session_own.row);
