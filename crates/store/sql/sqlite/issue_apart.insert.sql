-- A group is taken out. ?1 source, ?2 made, ?3 what, ?4 value; nothing is moved yet.
INSERT INTO issue_apart (source, made, what, value, at_time, at_seq) VALUES (?1, ?2, ?3, ?4, 9223372036854775807, 0);
