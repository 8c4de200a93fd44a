-- Marks a project deleted. ?1 row, ?2 now.
UPDATE project SET deleted_at = ?2 WHERE row = ?1 AND deleted_at IS NULL;
