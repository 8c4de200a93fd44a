-- Everyone seen in session ?1, each once however many ids of theirs took part. Index person_session_session.
SELECT DISTINCT p.id, p.name FROM person_session x JOIN person q ON q.row = x.person
JOIN person p ON p.row = coalesce(q.root, q.row) AND p.known = 1
WHERE x.session = ?1 ORDER BY p.id LIMIT 50;
