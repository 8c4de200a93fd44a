-- Forgets row ?1.
DELETE FROM quarantine WHERE id = ?1;
