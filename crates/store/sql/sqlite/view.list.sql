-- Views of project ?1 that ?2 may see, by name; ?3 most. Unique index of view.
SELECT row, name, page, query, owner, shared, made_at FROM view WHERE project = ?1 AND (shared = 1 OR owner = ?2) ORDER BY name, row LIMIT ?3;
