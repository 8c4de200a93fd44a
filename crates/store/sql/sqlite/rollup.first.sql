-- The first day of every tool of a kind. ?1 grain of days, ?2 kind. Scans the rows of that grain.
SELECT tool, min(bucket) FROM rollup WHERE grain = ?1 AND kind = ?2 GROUP BY tool;
