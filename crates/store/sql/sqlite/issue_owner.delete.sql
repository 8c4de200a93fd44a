-- Takes group ?1 from whoever has it. Primary key.
DELETE FROM issue_owner WHERE issue = ?1;
