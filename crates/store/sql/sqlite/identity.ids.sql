-- Ids of person ?1, its own first, at most 200. Primary key and index person_root.
SELECT row, id, first_seen, last_seen FROM person WHERE row = ?1
UNION ALL
SELECT * FROM (SELECT row, id, first_seen, last_seen FROM person WHERE root = ?1 ORDER BY first_seen, row LIMIT 199);
