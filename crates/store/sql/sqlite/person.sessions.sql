-- Sessions of any id of person ?1, newest first, at most ?2. Index person_root, then primary keys.
SELECT DISTINCT h.row FROM person_session x JOIN session s ON s.row = x.session
JOIN session h ON h.row = coalesce(s.head, s.row)
WHERE x.person IN (SELECT ?1 UNION ALL SELECT row FROM person WHERE root = ?1) AND h.activity > 0
ORDER BY h.started_at DESC, h.row DESC LIMIT ?2;
