-- Sessions person ?1 has to do with. The second part is a table scan.
SELECT session FROM person_session WHERE person = ?1
UNION SELECT row FROM session
WHERE merged_into IS NULL AND (person = ?1 OR attributed = ?1 OR group_person = ?1);
