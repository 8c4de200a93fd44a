-- What was done to a group, newest first. ?1 group. Index issue_history_issue backwards.
SELECT at, who, what FROM issue_history WHERE issue = ?1 ORDER BY seq DESC LIMIT 50;
