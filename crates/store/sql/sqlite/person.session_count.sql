-- How many sessions any id of person ?1 was seen in or that are put down to one, fragments as one. Indexes person_root and
-- nameless_person, then primary keys.
WITH ids (row) AS (SELECT ?1 UNION ALL SELECT row FROM person WHERE root = ?1)
SELECT count(DISTINCT h.row)
FROM (SELECT session FROM person_session WHERE person IN (SELECT row FROM ids)
      UNION SELECT session FROM nameless WHERE person IN (SELECT row FROM ids)) x
JOIN session s ON s.row = x.session JOIN session h ON h.row = coalesce(s.head, s.row)
WHERE h.activity > 0;
