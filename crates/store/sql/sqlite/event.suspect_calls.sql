-- The newest calls of tool ?1 in [?2, ?3) among the newest 20,000 calls, with who made them and the places of their payloads. Index
-- event_started backwards.
SELECT e.issue, e.status, e.flags, coalesce(e.person, s.attributed), e.block, e.offset, e.length
FROM (SELECT seq, issue, coalesce(call_status, status) AS status, flags, tool, session, person, started_at, block, offset, length FROM event
      WHERE kind = 1 AND started_at >= ?2 AND started_at < ?3 ORDER BY started_at DESC LIMIT 20000) e
LEFT JOIN session s ON s.row = e.session
WHERE e.tool = ?1 ORDER BY e.started_at DESC, e.seq DESC;
