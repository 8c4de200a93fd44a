-- Circumstances of the newest calls of a tool. ?1 tool, ?2 from, ?3 until. Index event_started backwards.
SELECT e.issue, e.status, e.flags, c.name, c.version, v.version, m.text, p.text
FROM (SELECT issue, coalesce(call_status, status) AS status, flags, tool, session, client, server, model, protocol FROM event
      WHERE kind = 1 AND started_at >= ?2 AND started_at < ?3 ORDER BY started_at DESC LIMIT 20000) e
LEFT JOIN session s ON s.row = e.session
LEFT JOIN peer c ON c.id = coalesce(e.client, s.client)
LEFT JOIN peer v ON v.id = coalesce(e.server, s.server)
LEFT JOIN name m ON m.id = e.model
LEFT JOIN name p ON p.id = coalesce(e.protocol, s.protocol)
WHERE e.tool = ?1;
