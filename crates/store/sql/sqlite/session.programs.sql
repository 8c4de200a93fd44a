-- Programs of the sessions that started in [?1, ?2), the newest, with the first start of each. Index session_started.
SELECT min(s.started_at), c.name, c.version, v.version
FROM (SELECT started_at, client, server FROM session WHERE activity > 0 AND started_at >= ?1 AND started_at < ?2
      ORDER BY started_at DESC LIMIT 20000) s
LEFT JOIN peer c ON c.id = s.client
LEFT JOIN peer v ON v.id = s.server
GROUP BY c.id, v.id;
