-- Sessions that session ?1 could be said to continue: the three before it of its person, or of nobody with its client within a
-- day. Indexes session_person and session_started.
SELECT id, started_at, last_at, tool_calls FROM (
  SELECT b.row, b.id, b.started_at, b.last_at, b.tool_calls FROM session s
  JOIN session b ON b.person = s.person AND b.started_at <= s.started_at
  WHERE s.row = ?1 AND b.activity > 0 AND b.row <> ?1 AND b.head IS NULL AND b.row <> coalesce(s.head, 0)
  UNION
  SELECT b.row, b.id, b.started_at, b.last_at, b.tool_calls FROM session s
  JOIN session b ON b.started_at <= s.started_at AND b.started_at >= s.started_at - 86400000000 AND b.client IS s.client
  WHERE s.row = ?1 AND s.person IS NULL AND b.person IS NULL AND b.activity > 0 AND b.row <> ?1 AND b.head IS NULL)
ORDER BY started_at DESC, row DESC LIMIT 3;
