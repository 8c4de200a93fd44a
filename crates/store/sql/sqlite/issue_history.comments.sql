-- Comments on group ?1. Index issue_history_issue.
SELECT count(*) FROM issue_history WHERE issue = ?1 AND words IS NOT NULL;
