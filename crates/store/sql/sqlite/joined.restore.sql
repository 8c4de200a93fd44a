-- Session ?1 shows its own again. Primary key.
UPDATE session SET started_at = coalesce(o.started_at, session.started_at), last_at = o.last_at, activity = o.activity, events = o.events, tool_calls = o.tool_calls,
  errors = o.errors, missing = o.missing, tokens_in = o.tokens_in, tokens_out = o.tokens_out, demo = o.demo
FROM session_own o WHERE session.row = ?1 AND o.row = ?1;
