-- Forgets person ?1. Primary key.
DELETE FROM person WHERE row = ?1;
