-- The newest events of the session of event ?1 up to it, newest first, at most ?2. Primary key; index event_session.
SELECT e.kind, coalesce(e.call_status, e.status), e.started_at, coalesce(e.call_us, e.duration_us)
FROM event c JOIN event e ON e.session = c.session AND (e.started_at, e.seq) <= (c.started_at, c.seq)
WHERE c.seq = ?1 ORDER BY e.started_at DESC, e.seq DESC LIMIT ?2;
