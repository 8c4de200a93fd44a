-- A person as it is now; columns in the order of the table. Primary key. What a linked one is shown as is that of all ids
-- of the person: identity.show writes it.
INSERT INTO person (row, id, name, first_seen, last_seen, tool_calls, errors, traits, facts, known)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
ON CONFLICT (row) DO UPDATE SET
  name = iif(linked, name, excluded.name), first_seen = excluded.first_seen, last_seen = excluded.last_seen,
  tool_calls = excluded.tool_calls, errors = excluded.errors, traits = iif(linked, traits, excluded.traits),
  facts = excluded.facts, known = max(known, excluded.known);
