-- Projects whose files have to go.
SELECT row FROM project WHERE deleted_at IS NOT NULL;
