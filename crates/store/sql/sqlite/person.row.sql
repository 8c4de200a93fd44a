-- Person ?1 with the figures of all its ids. Primary key, then index person_root.
SELECT p.id, p.name, p.traits, min(q.first_seen), max(q.last_seen), sum(q.tool_calls), sum(q.errors), p.identified, p.known
FROM person p JOIN (SELECT ?1 AS row UNION ALL SELECT row FROM person WHERE root = ?1) x
JOIN person q ON q.row = x.row
WHERE p.row = ?1 GROUP BY p.row;
