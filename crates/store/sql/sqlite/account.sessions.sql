-- Visible sessions of account ?1, newest first, at most ?2. Primary key of account_session.
SELECT s.row FROM account_session x JOIN session s ON s.row = x.session
WHERE x.account = ?1 AND s.activity > 0 ORDER BY s.started_at DESC, s.row DESC LIMIT ?2;
