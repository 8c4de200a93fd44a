-- Forgets a project whose files are gone. ?1 row. AUTOINCREMENT keeps its number from being used again.
DELETE FROM project WHERE row = ?1 AND deleted_at IS NOT NULL;
