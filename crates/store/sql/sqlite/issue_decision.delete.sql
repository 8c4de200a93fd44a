-- No decision on a group any more. ?1 group. Primary key.
DELETE FROM issue_decision WHERE issue = ?1;
