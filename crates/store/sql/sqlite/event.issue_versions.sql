-- Server versions of the newest failures of group ?1 after ?2. Index event_issue backwards.
SELECT DISTINCT v.version
FROM (SELECT server, session FROM event WHERE issue = ?1 AND started_at > ?2 ORDER BY started_at DESC LIMIT 5000) e
LEFT JOIN session s ON s.row = e.session
LEFT JOIN peer v ON v.id = coalesce(e.server, s.server);
