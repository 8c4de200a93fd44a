-- Every listing with known definitions, the newest first, and when it was first seen. A small table, index event_catalog.
SELECT c.row, (SELECT min(started_at) FROM event WHERE catalog = c.row) AS first FROM catalog c
WHERE c.tools IS NOT NULL ORDER BY first DESC LIMIT 200;
