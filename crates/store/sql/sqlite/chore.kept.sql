-- Deletions that were done, for a restore to repeat. ?1 kind.
SELECT id, project, ask, asked_at FROM chore WHERE kind = ?1 AND done_at IS NOT NULL;
