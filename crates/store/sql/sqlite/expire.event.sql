-- Removes event ?1; answers its kind. Primary key.
DELETE FROM event WHERE seq = ?1 RETURNING kind;
