-- Removes who was seen in session ?1. Index on session.
DELETE FROM person_session WHERE session = ?1;
