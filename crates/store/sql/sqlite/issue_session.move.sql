-- A bridge: issues of session ?2 happened in session ?1. Index issue_session_session.
UPDATE OR REPLACE issue_session SET session = ?1 WHERE session = ?2;
