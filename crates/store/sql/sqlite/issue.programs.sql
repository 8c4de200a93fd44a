-- Client and server of the first failure of group ?1, by number and as words. Index event_issue.
SELECT c.id, c.name, c.version, v.version
FROM event e LEFT JOIN session s ON s.row = e.session
LEFT JOIN peer c ON c.id = coalesce(e.client, s.client)
LEFT JOIN peer v ON v.id = coalesce(e.server, s.server)
WHERE e.issue = ?1 ORDER BY e.started_at LIMIT 1;
