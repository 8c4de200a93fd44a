-- Events of session ?1, at most ?2. Index event_session.
SELECT count(*) FROM (SELECT 1 FROM event WHERE session = ?1 LIMIT ?2);
