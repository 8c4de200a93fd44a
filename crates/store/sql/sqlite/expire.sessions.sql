-- Sessions that ended before ?1, at most ?2. Table scan.
SELECT row FROM session WHERE last_at < ?1 AND merged_into IS NULL ORDER BY row LIMIT ?2;
