-- Events before ?1 that are in no session, at most ?2. Index on started_at.
SELECT seq FROM event WHERE started_at < ?1 AND session IS NULL ORDER BY started_at LIMIT ?2;
