-- Whose a group is. ?1 group. Primary key.
SELECT name FROM issue_owner WHERE issue = ?1;
