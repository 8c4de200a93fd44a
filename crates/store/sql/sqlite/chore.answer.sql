-- The answer of work ?1, once it is done.
SELECT answer FROM chore WHERE id = ?1 AND done_at IS NOT NULL;
