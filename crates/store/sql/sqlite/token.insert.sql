-- A new token. ?1 id, ?2 project, ?3 scope, ?4 hash, ?5 prefix, ?6 name, ?7 now, ?8 events a second.
INSERT INTO token (id, project, scope, hash, prefix, name, created_at, per_second)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8);
