-- What figures counted of event ?1, what of its call, and the group of its failure. Primary keys.
SELECT e.kind, e.status, e.flags, e.started_at, e.duration_us, e.tokens_in, e.tokens_out, e.tool, e.resource, e.client, e.person,
       e.session, e.call_status, e.call_us, e.id, e.server, e.issue, n.text, e.intent, e.error_message
FROM event e LEFT JOIN name n ON n.id = e.tool WHERE e.seq = ?1;
