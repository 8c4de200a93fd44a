-- Sessions of error group ?1, newest event first. Index event_issue backwards.
SELECT session FROM event WHERE issue IN (SELECT ?1 UNION ALL SELECT child FROM issue_merge WHERE parent = ?1) AND session IS NOT NULL ORDER BY started_at DESC LIMIT 2000;
