-- The newest failures of group ?1 before (?2, ?3), ?4 of them. Index event_issue backwards.
SELECT e.seq, e.started_at, e.error_message, c.name, e.id FROM event e LEFT JOIN peer c ON c.id = e.client
WHERE e.issue = ?1 AND e.started_at <= ?2 AND (e.started_at < ?2 OR e.seq < ?3)
ORDER BY e.started_at DESC, e.seq DESC LIMIT ?4;
