-- The first word that has failures to move, and how far it has come. The whole table, a few rows.
SELECT number, source, what, value, at_time, at_seq FROM issue_apart WHERE at_time IS NOT NULL ORDER BY number LIMIT 1;
