-- The living token with hash ?1, unless its project is being deleted. Unique index on hash.
SELECT id, project, scope, prefix, name, created_at, last_used_at, per_second FROM token
WHERE hash = ?1 AND revoked_at IS NULL
  AND (project IS NULL OR project IN (SELECT row FROM project WHERE deleted_at IS NULL));
