-- A session as it is now; columns in the order of the table but merged_into. Primary key.
INSERT INTO session (row, id, source, started_at, last_at, activity, events, tool_calls, errors, missing, tokens_in,
                     tokens_out, demo, person, client, server, sdk, protocol, actors,
                     attributed, group_person, group_client, facts, process, address)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25)
ON CONFLICT (row) DO UPDATE SET
  source = excluded.source, started_at = excluded.started_at, last_at = excluded.last_at,
  activity = excluded.activity, events = excluded.events, tool_calls = excluded.tool_calls,
  errors = excluded.errors, missing = excluded.missing, tokens_in = excluded.tokens_in,
  tokens_out = excluded.tokens_out, demo = excluded.demo, person = excluded.person, client = excluded.client,
  server = excluded.server, sdk = excluded.sdk, protocol = excluded.protocol, actors = excluded.actors,
  attributed = excluded.attributed, facts = excluded.facts, process = excluded.process, address = excluded.address;
