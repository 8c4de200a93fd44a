-- A new view. ?1 project, ?2 name, ?3 page, ?4 query, ?5 owner, ?6 shared, ?7 now.
INSERT INTO view (project, name, page, query, owner, shared, made_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7);
