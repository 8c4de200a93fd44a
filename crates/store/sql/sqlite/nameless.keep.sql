-- Session ?1 goes, what it was to its person stays counted. Primary keys.
UPDATE person SET tool_calls = person.tool_calls + n.tool_calls, errors = person.errors + n.errors,
  first_seen = min(first_seen, n.first_at), last_seen = max(last_seen, n.last_at)
FROM nameless n WHERE n.session = ?1 AND person.row = n.person;
