-- Events before ?1 that have a payload. Index on started_at.
SELECT count(*) FROM event WHERE started_at < ?1 AND block IS NOT NULL;
