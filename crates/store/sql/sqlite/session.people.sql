-- Everyone seen in session ?1. Index person_session_session.
SELECT p.id, p.name FROM person_session x JOIN person p ON p.row = x.person WHERE x.session = ?1 ORDER BY p.id LIMIT 50;
