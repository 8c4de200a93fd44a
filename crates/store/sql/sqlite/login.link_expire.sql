-- Forgets links that ended before ?1.
DELETE FROM login_link WHERE expires_at < ?1;
