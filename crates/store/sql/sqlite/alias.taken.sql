-- Whether ?1 is the id or another name of a living project; answers its row.
SELECT row FROM project WHERE id = ?1 AND deleted_at IS NULL
UNION ALL
SELECT project FROM alias WHERE alias = ?1;
