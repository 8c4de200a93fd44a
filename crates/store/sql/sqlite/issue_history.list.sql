-- What was done to a group, newest first. ?1 group. Index issue_history_issue backwards.
SELECT seq, at, who, what, words FROM issue_history WHERE issue = ?1 ORDER BY seq DESC LIMIT 50;
