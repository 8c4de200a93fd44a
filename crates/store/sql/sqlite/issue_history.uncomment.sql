-- Deletes a comment on group ?1 by its number ?2; where ?3 is a name, only that one's. Primary key.
DELETE FROM issue_history WHERE seq = ?2 AND issue = ?1 AND words IS NOT NULL AND (?3 IS NULL OR who = ?3);
