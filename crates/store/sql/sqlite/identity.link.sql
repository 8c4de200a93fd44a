-- Merge facts name person ?1. Primary key.
UPDATE person SET linked = 1 WHERE row = ?1 AND linked = 0;
