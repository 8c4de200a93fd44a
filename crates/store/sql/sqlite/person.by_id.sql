-- Row of the person that actor id ?1 is shown under. Unique index.
SELECT coalesce(root, row) FROM person WHERE id = ?1;
