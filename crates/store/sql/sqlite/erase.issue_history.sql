-- What was done to issue ?1, which is no more. Index on issue.
DELETE FROM issue_history WHERE issue = ?1;
