-- Visible sessions of person ?1, newest first, at most ?2. Primary key of person_session, then of session.
SELECT s.row FROM person_session x JOIN session s ON s.row = x.session
WHERE x.person = ?1 AND s.activity > 0 ORDER BY s.started_at DESC, s.row DESC LIMIT ?2;
