-- The newest calls of tool ?1 in [?2, ?3), at most ?4 of the newest 20,000 calls, with the places of their payloads. Index
-- event_started backwards.
SELECT e.session, e.person, e.status, e.flags, e.started_at, e.block, e.offset, e.length
FROM (SELECT seq, session, person, coalesce(call_status, status) AS status, flags, tool, started_at, block, offset, length FROM event
      WHERE kind = 1 AND started_at >= ?2 AND started_at < ?3 ORDER BY started_at DESC LIMIT 20000) e
WHERE e.tool = ?1 AND e.flags & 1 = 0 ORDER BY e.started_at DESC LIMIT ?4;
