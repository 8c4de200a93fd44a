-- What figures need of events; a WHERE follows. An event without a client counts under its session's.
SELECT e.kind, coalesce(e.call_status, e.status), e.flags, e.started_at, coalesce(e.call_us, e.duration_us), e.tokens_in, e.tokens_out, e.tool, e.resource,
       coalesce(e.client, s.client), e.person, e.session
FROM event e LEFT JOIN session s ON s.row = e.session
