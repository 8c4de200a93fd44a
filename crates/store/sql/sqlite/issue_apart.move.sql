-- Puts failure ?1 into group ?2. Primary key.
UPDATE event SET issue = ?2 WHERE seq = ?1;
