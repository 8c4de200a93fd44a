-- An account as it is now; columns in the order of the table. Primary key.
INSERT INTO account (row, type, key, name, first_seen, last_seen, events, tool_calls, errors, traits, facts)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
ON CONFLICT (row) DO UPDATE SET
  name = excluded.name, first_seen = excluded.first_seen, last_seen = excluded.last_seen, events = excluded.events,
  tool_calls = excluded.tool_calls, errors = excluded.errors, traits = excluded.traits, facts = excluded.facts;
