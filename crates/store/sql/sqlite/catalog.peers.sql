-- Servers and clients of the newest sightings of listing ?1 in [?2, ?3). Index event_catalog backwards.
SELECT DISTINCT v.name, v.version, c.name
FROM (SELECT server, client, session FROM event WHERE catalog = ?1 AND started_at >= ?2 AND started_at < ?3
      ORDER BY started_at DESC LIMIT 500) e
LEFT JOIN session s ON s.row = e.session
LEFT JOIN peer v ON v.id = coalesce(e.server, s.server)
LEFT JOIN peer c ON c.id = coalesce(e.client, s.client);
