-- Events of session ?1 that name no client, as the rollups count them. Index event_session.
SELECT kind, status, flags, started_at, duration_us, tokens_in, tokens_out, tool, resource
FROM event WHERE session = ?1 AND client IS NULL;
