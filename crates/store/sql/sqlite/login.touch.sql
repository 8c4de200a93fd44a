-- Moves the idle time of session ?1 on to ?2.
UPDATE login SET used_at = ?2 WHERE hash = ?1;
