-- Events of session ?1 that start at ?3 or later are session ?2. Index event_session.
UPDATE event SET session = ?2 WHERE session = ?1 AND started_at >= ?3;
