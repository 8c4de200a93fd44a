-- What the fold needs of person ?1. Primary key.
SELECT id, facts, root, known, identified FROM person WHERE row = ?1;
