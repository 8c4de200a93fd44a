-- An act that was taken back. ?1 its number. Primary key.
DELETE FROM issue_history WHERE seq = ?1;
