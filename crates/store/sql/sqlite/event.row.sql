-- The columns of an event row, for every list of events; a WHERE follows. What an event does not say itself it takes from
-- its session (AC R20, R32); its person is the one that its id, or its session's, is shown under now.
SELECT e.seq, e.id, s.id, coalesce(e.source, s.source), e.kind, m.text, e.status, t.text, r.text, e.intent,
       e.intent_source, e.started_at, e.duration_us, p.id, p.name, c.name, c.version, v.name, v.version, x.text,
       e.error_message, e.class, e.issue, e.input, e.capture, e.bytes_in, e.bytes_out, e.tokens_in, e.tokens_out,
       e.flags, e.notes, e.person, q.root
FROM event e
LEFT JOIN session s ON s.row = e.session
LEFT JOIN name m ON m.id = e.method
LEFT JOIN name t ON t.id = e.tool
LEFT JOIN name r ON r.id = e.resource
LEFT JOIN name x ON x.id = e.error_type
LEFT JOIN person q ON q.row = coalesce(e.person, s.attributed)
LEFT JOIN person p ON p.row = coalesce(q.root, q.row) AND p.known = 1
LEFT JOIN peer c ON c.id = coalesce(e.client, s.client)
LEFT JOIN peer v ON v.id = coalesce(e.server, s.server)
