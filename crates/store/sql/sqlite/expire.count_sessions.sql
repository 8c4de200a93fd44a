-- Sessions that ended before ?1. Table scan.
SELECT count(*) FROM session WHERE last_at < ?1 AND merged_into IS NULL;
