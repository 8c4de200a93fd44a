-- Adds ?4 to a count. ?1 project or 0, ?2 kind, ?3 name.
INSERT INTO tally (project, kind, name, n) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (project, kind, name) DO UPDATE SET n = n + excluded.n;
