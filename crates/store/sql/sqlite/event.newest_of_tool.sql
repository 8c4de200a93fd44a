-- The newest calls of tool ?1 in [?2, ?3), at most ?4, with the places of their payloads. Index event_tool backwards.
SELECT session, person, coalesce(call_status, status), flags, started_at, block, offset, length FROM event INDEXED BY event_tool
WHERE kind = 1 AND tool = ?1 AND started_at >= ?2 AND started_at < ?3 AND flags & 1 = 0 ORDER BY started_at DESC LIMIT ?4;
