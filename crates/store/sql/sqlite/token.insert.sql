-- A new token. ?1 id, ?2 project, ?3 scope, ?4 hash, ?5 prefix, ?6 name, ?7 now.
INSERT INTO token (id, project, scope, hash, prefix, name, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7);
