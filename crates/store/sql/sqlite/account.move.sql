-- A bridge: accounts of session ?2 were named in session ?1. Index account_session_session.
UPDATE OR REPLACE account_session SET session = ?1 WHERE session = ?2;
