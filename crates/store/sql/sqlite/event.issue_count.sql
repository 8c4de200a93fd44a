-- Failures of one group in [?2, ?3), at most 100,000. ?1 group. Index event_issue.
SELECT count(*) FROM (SELECT 1 FROM event WHERE issue = ?1 AND started_at >= ?2 AND started_at < ?3 LIMIT 100000);
