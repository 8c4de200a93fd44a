-- A text by its number. ?1 id. Primary key.
SELECT text FROM name WHERE id = ?1;
