-- Forgets sessions last used before ?1.
DELETE FROM login WHERE used_at < ?1;
