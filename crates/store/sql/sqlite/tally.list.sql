-- Counts of project ?1, or, when NULL, of all together. Primary key.
SELECT kind, name, sum(n) FROM tally WHERE ?1 IS NULL OR project = ?1 GROUP BY kind, name;
