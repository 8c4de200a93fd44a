-- Who person ?1 is shown under. Primary key.
SELECT coalesce(root, row) FROM person WHERE row = ?1;
