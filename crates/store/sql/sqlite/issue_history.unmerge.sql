-- Forgets that group ?1 was merged, which was taken back. ?2 who, ?3 not before, ?4 what. Index issue_history_issue.
DELETE FROM issue_history WHERE issue = ?1 AND who = ?2 AND at >= ?3 AND what = ?4;
