-- People last seen before ?1 whom no merge names. Table scan.
SELECT count(*) FROM person WHERE last_seen < ?1 AND linked = 0 AND root IS NULL;
