-- Removes block ?1. Primary key.
DELETE FROM block WHERE id = ?1;
