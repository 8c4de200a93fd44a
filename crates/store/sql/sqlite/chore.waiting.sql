-- Work that is not done, the oldest first. Few rows.
SELECT id, project, kind, ask FROM chore WHERE done_at IS NULL ORDER BY asked_at LIMIT 16;
