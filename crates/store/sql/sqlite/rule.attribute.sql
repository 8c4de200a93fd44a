-- Session ?1 is put down to person ?2. Primary key.
UPDATE session SET attributed = ?2 WHERE row = ?1;
