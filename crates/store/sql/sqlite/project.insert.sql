-- A new project. ?1 id, ?2 name, ?3 now, ?4 demo. Unique index project_id refuses a taken id.
INSERT INTO project (id, name, created_at, demo) VALUES (?1, ?2, ?3, ?4);
