-- Rows and bytes kept, to start the counts in memory.
SELECT count(*), coalesce(sum(length(body)), 0) FROM quarantine;
