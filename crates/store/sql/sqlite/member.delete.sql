-- Forgets member ?1.
DELETE FROM member WHERE row = ?1;
