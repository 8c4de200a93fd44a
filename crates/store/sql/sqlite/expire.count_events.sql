-- Events that go with sessions that ended before ?1, or are in none and older. Table scan of the sessions.
SELECT (SELECT count(*) FROM event e JOIN session s ON s.row = e.session WHERE s.last_at < ?1 AND s.merged_into IS NULL)
     + (SELECT count(*) FROM event WHERE started_at < ?1 AND session IS NULL);
