-- Session ?1 is put down to person ?2: its new events that name nobody start in [?3, ?4], with ?5 calls and ?6 errors.
-- Primary key.
INSERT INTO nameless (session, person, first_at, last_at, tool_calls, errors) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (session) DO UPDATE SET person = excluded.person, first_at = min(first_at, excluded.first_at),
  last_at = max(last_at, excluded.last_at), tool_calls = tool_calls + excluded.tool_calls,
  errors = errors + excluded.errors;
