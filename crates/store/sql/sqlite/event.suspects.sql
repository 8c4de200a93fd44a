-- Circumstances of the newest calls of tool ?1 in [?2, ?3), at most 5,000. Index event_tool backwards.
SELECT e.issue, e.status, e.flags, c.name, c.version, v.version, m.text, p.text
FROM (SELECT issue, coalesce(call_status, status) AS status, flags, session, client, server, model, protocol FROM event INDEXED BY event_tool
      WHERE kind = 1 AND tool = ?1 AND started_at >= ?2 AND started_at < ?3 ORDER BY started_at DESC LIMIT 5000) e
LEFT JOIN session s ON s.row = e.session
LEFT JOIN peer c ON c.id = coalesce(e.client, s.client)
LEFT JOIN peer v ON v.id = coalesce(e.server, s.server)
LEFT JOIN name m ON m.id = e.model
LEFT JOIN name p ON p.id = coalesce(e.protocol, s.protocol);
