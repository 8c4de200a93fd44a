-- What the track and the ending of session ?1 are made of, in order. ?2 most rows. Index event_session alone.
SELECT kind, coalesce(call_status, status), started_at, coalesce(call_us, duration_us), tool, flags, repeat, issue, bytes_out, seq FROM event WHERE session = ?1 ORDER BY started_at, seq LIMIT ?2;
