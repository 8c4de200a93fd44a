-- The first and the last event of error group ?1, by (start, id). Index event_issue, both ways.
SELECT * FROM (SELECT e.started_at, e.id, e.error_message, x.text, e.class, e.server, coalesce(e.call_status, e.status)
  FROM event e LEFT JOIN name x ON x.id = e.error_type WHERE e.issue = ?1 ORDER BY e.started_at, e.id LIMIT 1)
UNION ALL
SELECT * FROM (SELECT e.started_at, e.id, e.error_message, x.text, e.class, e.server, coalesce(e.call_status, e.status)
  FROM event e LEFT JOIN name x ON x.id = e.error_type WHERE e.issue = ?1 ORDER BY e.started_at DESC, e.id DESC LIMIT 1);
