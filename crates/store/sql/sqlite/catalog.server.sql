-- The name of the server that showed listing ?1 last. Index event_catalog backwards.
SELECT v.name FROM event e LEFT JOIN session s ON s.row = e.session LEFT JOIN peer v ON v.id = coalesce(e.server, s.server)
WHERE e.catalog = ?1 ORDER BY e.started_at DESC LIMIT 1;
