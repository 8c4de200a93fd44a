-- Events before ?1 that have a payload, at most ?2. Index on started_at.
SELECT seq FROM event WHERE started_at < ?1 AND block IS NOT NULL ORDER BY started_at LIMIT ?2;
