-- When person ?1 was seen, by the day. Table scan.
DELETE FROM person_day WHERE person = ?1;
