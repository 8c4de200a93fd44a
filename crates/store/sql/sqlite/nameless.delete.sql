-- Session ?1 is put down to nobody. Primary key.
DELETE FROM nameless WHERE session = ?1;
