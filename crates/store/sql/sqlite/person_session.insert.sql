-- Person ?1 was seen in session ?2. Primary key.
INSERT OR IGNORE INTO person_session (person, session) VALUES (?1, ?2);
