-- The columns of a session row, for every list of sessions; a WHERE follows.
SELECT s.row, s.id, s.source, s.started_at, s.last_at, s.events, s.tool_calls, s.errors, s.missing,
       s.tokens_in + s.tokens_out, s.demo, s.actors, p.id, p.name, c.name, c.version, v.name, v.version, k.name,
       k.version, n.text, p.traits, s.tokens_out
FROM session s
LEFT JOIN person q ON q.row = s.person
LEFT JOIN person p ON p.row = coalesce(q.root, q.row) AND p.known = 1
LEFT JOIN peer c ON c.id = s.client
LEFT JOIN peer v ON v.id = s.server
LEFT JOIN peer k ON k.id = s.sdk
LEFT JOIN name n ON n.id = s.protocol
