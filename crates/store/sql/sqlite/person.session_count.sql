-- How many visible sessions any id of person ?1 was seen in. Index person_root, then primary keys.
SELECT count(DISTINCT x.session) FROM person_session x JOIN session s ON s.row = x.session
WHERE x.person IN (SELECT ?1 UNION ALL SELECT row FROM person WHERE root = ?1) AND s.activity > 0;
