-- Events of session ?1 that name no client, as the rollups count them. Index event_session.
SELECT kind, coalesce(call_status, status), flags, started_at, coalesce(call_us, duration_us), tokens_in, tokens_out, tool, resource
FROM event WHERE session = ?1 AND client IS NULL;
