-- Requests of session ?1 that are session ?2 now. Indexes leg_scope and event_session.
UPDATE leg SET scope = ?2 WHERE scope = ?1 AND seq IN (SELECT seq FROM event WHERE session = ?2);
