-- Wishes after ?1, the newest; ?2 how many. 11: missing_capability. Index event_missing backwards.
SELECT intent, started_at FROM event WHERE kind = 11 AND started_at > ?1 AND intent IS NOT NULL ORDER BY started_at DESC LIMIT ?2;
