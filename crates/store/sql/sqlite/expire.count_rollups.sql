-- Rows of hours before ?1 and of days before ?2. Primary key ranges.
SELECT (SELECT count(*) FROM rollup WHERE grain = 0 AND bucket < ?1)
     + (SELECT count(*) FROM rollup WHERE grain = 1 AND bucket < ?2);
