-- What was said of issue ?1, which is no more. Primary keys; index on parent and issue.
DELETE FROM issue_decision WHERE issue = ?1;
