-- Forgets people last seen before ?1 whom no merge names and no kept session has. Table scan.
DELETE FROM person WHERE last_seen < ?1 AND linked = 0 AND root IS NULL
  AND NOT EXISTS (SELECT 1 FROM person_session ps WHERE ps.person = person.row)
  AND NOT EXISTS (SELECT 1 FROM nameless n WHERE n.person = person.row);
