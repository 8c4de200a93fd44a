-- A bridge: people of session ?2 were seen in session ?1. Index person_session_session.
UPDATE OR REPLACE person_session SET session = ?1 WHERE session = ?2;
