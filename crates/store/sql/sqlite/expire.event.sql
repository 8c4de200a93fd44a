-- Removes event ?1; answers its kind and id. Primary key.
DELETE FROM event WHERE seq = ?1 RETURNING kind, id;
