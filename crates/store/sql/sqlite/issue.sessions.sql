-- Sessions of error group ?1, newest event first, fragments by the session they are shown under, with the event's time. The caller
-- stops when it has enough. Index event_issue backwards, then primary key.
SELECT coalesce(s.head, s.row), e.started_at FROM event e INDEXED BY event_issue JOIN session s ON s.row = e.session
WHERE e.issue = ?1 ORDER BY e.started_at DESC LIMIT 2000;
