-- What became of the calls of session ?1 that took several requests. Index event_session.
SELECT seq, call_status FROM event WHERE session = ?1 AND call_status IS NOT NULL;
