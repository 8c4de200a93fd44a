-- Sessions of error group ?1 and those merged into it, newest event first, fragments by the session they are shown under.
-- Index event_issue backwards, then primary key.
SELECT coalesce(s.head, s.row) FROM event e JOIN session s ON s.row = e.session
WHERE e.issue IN (SELECT ?1 UNION ALL SELECT child FROM issue_merge WHERE parent = ?1)
ORDER BY e.started_at DESC LIMIT 2000;
