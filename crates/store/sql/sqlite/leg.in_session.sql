-- Where the calls of the requests of session ?1 are found. Index event_session; primary key.
SELECT DISTINCT l.scope FROM event e JOIN leg l ON l.seq = e.seq WHERE e.session = ?1 AND l.scope IS NOT NULL;
