-- What the writer needs of a session. ?1 row. Primary keys; of a head what it has of its own.
SELECT s.id, s.source, coalesce(o.started_at, s.started_at), coalesce(o.last_at, s.last_at), coalesce(o.activity, abs(s.activity)),
       coalesce(o.events, s.events), coalesce(o.tool_calls, s.tool_calls), coalesce(o.errors, s.errors),
       coalesce(o.missing, s.missing), coalesce(o.tokens_in, s.tokens_in), coalesce(o.tokens_out, s.tokens_out),
       coalesce(o.demo, s.demo), s.group_person, s.group_client, s.facts, s.client, s.head, o.row IS NOT NULL, s.attributed
FROM session s LEFT JOIN session_own o ON o.row = s.row WHERE s.row = ?1;
