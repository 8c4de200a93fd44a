-- How many sessions any id of person ?1 was seen in, fragments as one. Index person_root, then primary keys.
SELECT count(DISTINCT h.row) FROM person_session x JOIN session s ON s.row = x.session
JOIN session h ON h.row = coalesce(s.head, s.row)
WHERE x.person IN (SELECT ?1 UNION ALL SELECT row FROM person WHERE root = ?1) AND h.activity > 0;
