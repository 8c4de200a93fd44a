-- The name of a program. ?1 number. Primary key.
SELECT name FROM peer WHERE id = ?1;
