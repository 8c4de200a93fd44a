-- Forgets acts beyond the newest ?1. Primary key.
DELETE FROM audit WHERE seq <= (SELECT max(seq) FROM audit) - ?1;
