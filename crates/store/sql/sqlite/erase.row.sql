-- The row of the id ?1. Unique index on id.
SELECT row FROM person WHERE id = ?1;
