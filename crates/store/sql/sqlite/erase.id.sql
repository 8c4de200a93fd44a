-- The id of person ?1. Primary key.
SELECT id FROM person WHERE row = ?1;
