-- Notes when token ?1 was used. ?2 now.
UPDATE token SET last_used_at = ?2 WHERE id = ?1;
