-- Projects that are not being deleted, in order of name. Table scan: there are few.
SELECT row, id, name, created_at, demo FROM project WHERE deleted_at IS NULL ORDER BY name, row;
