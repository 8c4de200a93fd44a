-- Block ?1 holds ?2. Primary key.
UPDATE block SET data = ?2 WHERE id = ?1;
