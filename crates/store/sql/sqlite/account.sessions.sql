-- Sessions of account ?1, newest first, at most ?2. Primary keys.
SELECT DISTINCT h.row FROM account_session x JOIN session s ON s.row = x.session
JOIN session h ON h.row = coalesce(s.head, s.row)
WHERE x.account = ?1 AND h.activity > 0 ORDER BY h.started_at DESC, h.row DESC LIMIT ?2;
