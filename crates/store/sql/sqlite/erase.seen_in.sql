-- Who was seen in session ?1. Index on session.
SELECT person FROM person_session WHERE session = ?1;
