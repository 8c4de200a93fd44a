-- What joining needs of event ?1.
INSERT INTO leg (seq, at, scope, task, leg) VALUES (?1, ?2, ?3, ?4, ?5);
