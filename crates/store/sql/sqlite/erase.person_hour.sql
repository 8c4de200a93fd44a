-- When person ?1 was seen, by the hour. Table scan.
DELETE FROM person_hour WHERE person = ?1;
