-- Who was seen in session ?1. Index event_session.
INSERT OR IGNORE INTO person_session (person, session) SELECT person, session FROM event WHERE session = ?1 AND person IS NOT NULL;
