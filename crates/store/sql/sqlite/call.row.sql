-- What figures counted of event ?1, and what of its call. Primary key.
SELECT kind, status, flags, started_at, duration_us, tokens_in, tokens_out, tool, resource, client, person, session,
       call_status, call_us
FROM event WHERE seq = ?1;
