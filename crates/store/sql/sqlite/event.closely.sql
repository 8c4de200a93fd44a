-- The newest calls of tool ?1 in [?2, ?3), at most ?4. Index event_tool alone finds them, then their rows are read; conditions and
-- order follow.
SELECT e.seq, e.session, coalesce(e.call_us, e.duration_us), coalesce(e.call_status, e.status), e.flags, e.tokens_out, e.issue, e.model,
  coalesce(e.person, s.attributed), e.intent
FROM (SELECT seq FROM event INDEXED BY event_tool
      WHERE kind = 1 AND tool = ?1 AND started_at >= ?2 AND started_at < ?3 ORDER BY started_at DESC LIMIT ?4) n
JOIN event e ON e.seq = n.seq
LEFT JOIN session s ON s.row = e.session WHERE 1
