-- Listings that were first seen in [?1, ?2). Index event_catalog.
SELECT c.hash, (SELECT min(started_at) FROM event WHERE catalog = c.row) AS first FROM catalog c
WHERE first >= ?1 AND first < ?2 ORDER BY first DESC LIMIT 5;
