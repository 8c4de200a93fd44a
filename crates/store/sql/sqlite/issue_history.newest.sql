-- The newest act of somebody on a group that can be taken back. ?1 group, ?2 who, ?3 not before. Index issue_history_issue.
SELECT seq, before FROM issue_history WHERE issue = ?1 AND who = ?2 AND at >= ?3 AND before IS NOT NULL ORDER BY seq DESC LIMIT 1;
