-- What the writer needs of a session. ?1 row. Primary key.
SELECT id, source, started_at, last_at, activity, events, tool_calls, errors, missing, tokens_in, tokens_out, demo,
       group_person, group_client, facts, client
FROM session WHERE row = ?1;
