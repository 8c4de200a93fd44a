-- Forgets sessions last used before ?1, begun before ?2, or replaced by another before ?3.
DELETE FROM login WHERE used_at < ?1 OR created_at < ?2 OR ends_at < ?3;
