-- Ends session ?1.
DELETE FROM login WHERE hash = ?1;
