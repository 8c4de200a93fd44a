-- Whether there is an error group ?1. Primary key.
SELECT 1 FROM issue WHERE row = ?1;
