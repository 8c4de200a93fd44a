-- Sessions of error group ?1, newest event first. Index event_issue backwards.
SELECT session FROM event WHERE issue = ?1 AND session IS NOT NULL ORDER BY started_at DESC LIMIT 2000;
