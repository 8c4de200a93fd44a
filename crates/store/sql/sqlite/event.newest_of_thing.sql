-- The newest requests of kind ?1 (4: resource_read, 7: prompt_get) for what has name ?2 in [?3, ?4), at most ?5, with the places of
-- their payloads. Index event_resource backwards.
SELECT seq, status, block, offset, length FROM event INDEXED BY event_resource
WHERE kind IN (4, 7) AND kind = ?1 AND resource = ?2 AND started_at >= ?3 AND started_at < ?4 ORDER BY started_at DESC LIMIT ?5;
