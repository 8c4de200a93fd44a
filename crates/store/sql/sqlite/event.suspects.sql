-- Circumstances of the newest calls of tool ?1 in [?2, ?3), at most 5,000: programs, model and revision by number, who made them, and the
-- places of their payloads. Index event_tool backwards.
SELECT e.issue, coalesce(e.call_status, e.status), e.flags, coalesce(e.client, s.client), coalesce(e.server, s.server), e.model,
  coalesce(e.protocol, s.protocol), coalesce(e.person, s.attributed), e.block, e.offset, e.length
FROM event e INDEXED BY event_tool LEFT JOIN session s ON s.row = e.session
WHERE e.kind = 1 AND e.tool = ?1 AND e.started_at >= ?2 AND e.started_at < ?3 ORDER BY e.started_at DESC LIMIT 5000;
