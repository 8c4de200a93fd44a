-- What an event says itself, for the export; a WHERE follows. ORDER BY e.seq walks the primary key.
SELECT e.seq, e.id, e.started_at, e.received_at, e.source, coalesce(origin.id, s.id), s.source, e.kind, e.status, m.text, t.text, r.text,
       e.intent, e.intent_source, e.duration_us, w.id, c.name, c.version, v.name, v.version, k.name, k.version,
       n.text, d.text, x.text, e.error_message, e.input, e.capture, e.bytes_in, e.bytes_out, e.tokens_in, e.tokens_out,
       e.flags, e.tags, e.notes, e.block, e.offset, e.length
FROM event e
LEFT JOIN session s ON s.row = e.session
LEFT JOIN session_cut cut ON cut.row = e.session
LEFT JOIN session origin ON origin.row = cut.origin
LEFT JOIN name m ON m.id = e.method
LEFT JOIN name t ON t.id = e.tool
LEFT JOIN name r ON r.id = e.resource
LEFT JOIN name n ON n.id = e.protocol
LEFT JOIN name d ON d.id = e.model
LEFT JOIN name x ON x.id = e.error_type
LEFT JOIN person w ON w.row = e.person
LEFT JOIN peer c ON c.id = e.client
LEFT JOIN peer v ON v.id = e.server
LEFT JOIN peer k ON k.id = e.sdk
