-- Session ?1 is put down to person ?2. Primary key.
UPDATE nameless SET person = ?2 WHERE session = ?1;
