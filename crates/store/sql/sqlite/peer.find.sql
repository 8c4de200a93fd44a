-- Number of a program. ?1 name, ?2 version or the empty text. Unique index.
SELECT id FROM peer WHERE name = ?1 AND version = ?2;
