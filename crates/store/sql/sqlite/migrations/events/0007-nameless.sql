-- People's share of the events that name nobody: those of a session that is put down to one person (wire-posthog I11). One row
-- a session, so that who they belong to can change, and be taken back, without touching an event.

CREATE TABLE nameless (
  session    INTEGER PRIMARY KEY,
  -- whom the session is put down to, before any merge
  person     INTEGER NOT NULL,
  first_at   INTEGER NOT NULL,
  last_at    INTEGER NOT NULL,
  tool_calls INTEGER NOT NULL,
  errors     INTEGER NOT NULL
) STRICT;
-- A person's share, and everybody's, without looking at the table.
CREATE INDEX nameless_person ON nameless (person, first_at, last_at, tool_calls, errors);
-- Who was seen in a period.
CREATE INDEX nameless_last ON nameless (last_at, first_at, person);

-- kind 1: tool_call; flags 1, 2, 32: nested, open leg, declared error; status 2, 3, 8: tool_error, protocol_error, input_required
INSERT INTO nameless
SELECT s.row, s.attributed, min(e.started_at), max(e.started_at),
       sum(e.kind = 1 AND e.flags & 3 = 0 AND coalesce(e.status, 0) <> 8),
       sum(e.kind = 1 AND e.flags & 35 = 0 AND coalesce(e.status, 0) IN (2, 3))
FROM session s JOIN event e ON e.session = s.row
WHERE s.attributed IS NOT NULL AND s.merged_into IS NULL AND e.person IS NULL
GROUP BY s.row;

-- Whether an event that names nobody named the account there.
ALTER TABLE account_session ADD COLUMN nameless INTEGER NOT NULL DEFAULT 0;
UPDATE account_session SET nameless = 1 FROM (
  SELECT DISTINCT x.account, e.session FROM account_event x JOIN event e ON e.seq = x.seq
  WHERE e.person IS NULL AND e.session IS NOT NULL) n
WHERE account_session.account = n.account AND account_session.session = n.session;
