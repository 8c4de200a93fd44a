-- Every row that is the same person as ?1. Index on root.
SELECT row FROM person WHERE row = (SELECT coalesce(root, row) FROM person WHERE row = ?1)
UNION SELECT row FROM person WHERE root = (SELECT coalesce(root, row) FROM person WHERE row = ?1);
