-- What warnings about the data look at; conditions, order and limit follow. Index session_started.
SELECT s.started_at, s.last_at, s.tool_calls, p.id, c.name
FROM session s
LEFT JOIN person q ON q.row = s.person
LEFT JOIN person p ON p.row = coalesce(q.root, q.row) AND p.known = 1
LEFT JOIN peer c ON c.id = s.client
WHERE s.activity > 0
