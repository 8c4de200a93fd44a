-- Living tokens, of project ?1 or, when NULL, all; newest first. Table scan: there are few.
SELECT id, project, scope, prefix, name, created_at, last_used_at, per_second FROM token
WHERE revoked_at IS NULL AND (?1 IS NULL OR project = ?1)
  AND (project IS NULL OR project IN (SELECT row FROM project WHERE deleted_at IS NULL))
ORDER BY created_at DESC, id;
