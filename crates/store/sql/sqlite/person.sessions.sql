-- Visible sessions of any id of person ?1, newest first, at most ?2. Index person_root, then primary keys.
SELECT DISTINCT s.row FROM person_session x JOIN session s ON s.row = x.session
WHERE x.person IN (SELECT ?1 UNION ALL SELECT row FROM person WHERE root = ?1) AND s.activity > 0
ORDER BY s.started_at DESC, s.row DESC LIMIT ?2;
