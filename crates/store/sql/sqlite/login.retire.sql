-- The replaced session ?1 counts until ?2.
UPDATE login SET ends_at = ?2 WHERE hash = ?1 AND ends_at IS NULL;
